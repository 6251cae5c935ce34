"""Finds the bar that ends each level, for many levels and many bars at once.

Prices are ticks. Every rule is one condition, "the bar's low is at most `low_at_most` and its high is at least `high_at_least`". To end
a level by a touch needs both parts; to end it by trading through needs one, and the other is `ALWAYS` or `NEVER`.
"""

from __future__ import annotations

import numpy as np

from app.market.arrays import Int64Array

NEVER, ALWAYS = -(1 << 62), 1 << 62
"""As `low_at_most`: a price that no bar's low meets, and one that every low meets; as `high_at_least` it is the other way round."""
_BLOCK = 256  # bars checked together: a block that cannot end any level is skipped


def first_ending_bars(
    low: Int64Array, high: Int64Array, low_at_most: Int64Array, high_at_least: Int64Array, start: Int64Array
) -> Int64Array:
    """For each level, the index of the first bar from its `start` on that ends it; -1 if none does.

    Parameters
    ----------
    low, high : int64 [shape=(n_bars,)]
    low_at_most, high_at_least, start : int64 [shape=(n_levels,)]

    Returns
    -------
    int64 [shape=(n_levels,)]
    """
    found = np.full(len(start), -1, np.int64)
    if not len(start):
        return found
    pending = np.arange(len(start))
    for first in range(int(start.min()) // _BLOCK * _BLOCK, len(low), _BLOCK):
        bars = slice(first, first + _BLOCK)
        lows, highs = low[bars], high[bars]
        may = (lows.min() <= low_at_most[pending]) & (highs.max() >= high_at_least[pending]) & (start[pending] < first + len(lows))
        asked = pending[may]
        if not len(asked):
            continue
        meets = (lows <= low_at_most[asked, None]) & (highs >= high_at_least[asked, None])
        meets &= np.arange(first, first + len(lows)) >= start[asked, None]
        hit = meets.any(axis=1)
        found[asked[hit]] = first + meets[hit].argmax(axis=1)
        pending = pending[found[pending] < 0]
        if not len(pending):
            break
    return found


def bars_inside(low: Int64Array, high: Int64Array, bottom: Int64Array, top: Int64Array, start: Int64Array, end: Int64Array) -> Int64Array:
    """For each level, the number of its bars `[start, end)` whose range includes a price from `bottom` to `top`, int64."""
    counts = np.zeros(len(start), np.int64)
    if not len(start):
        return counts
    for first in range(int(start.min()) // _BLOCK * _BLOCK, min(len(low), int(end.max())), _BLOCK):
        lows, highs = low[first : first + _BLOCK], high[first : first + _BLOCK]
        asked = np.flatnonzero((lows.min() <= top) & (highs.max() >= bottom) & (start < first + len(lows)) & (end > first))
        bar = np.arange(first, first + len(lows))
        inside = (lows <= top[asked, None]) & (highs >= bottom[asked, None]) & (bar >= start[asked, None]) & (bar < end[asked, None])
        counts[asked] += inside.sum(axis=1)
    return counts
