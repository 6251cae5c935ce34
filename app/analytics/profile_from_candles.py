"""Volume profiles from candles: selects the candle length, and spreads each candle's volume over its rows.

The shorter the candles, the better the approximation; but a profile should not wait for a million candles. So the length grows
with the time that the profile spans: it is the first of `LADDER_NS` that needs fewer than `MOST_CANDLES` candles.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from app.analytics.profile import VolumeProfile
from app.market.arrays import Int64Array
from app.market.candle import CandleBatch
from app.market.price_grid import PriceGrid

_MINUTE_NS = 60_000_000_000
LADDER_NS = tuple(minutes * _MINUTE_NS for minutes in (1, 3, 5, 15, 30, 60, 240, 1440))
"""Candle lengths that are tried, shortest first."""
MOST_CANDLES = 5_000
"""A profile uses fewer candles than this, unless even the longest candles are too many."""

_CELLS_AT_ONCE = 1 << 20  # 8 MB a column: years of candles in rows of a tick would not fit into memory at once


class CandleVolumeProfile(NamedTuple):
    """A volume profile made of candles, split by aggressor if every candle has that volume, else into up and down candles.

    Attributes
    ----------
    profile : VolumeProfile
        `buy` and `sell` are aggressively bought and sold volume if `aggressors` is True; else the volume of up and down candles,
        which is a different thing and has to be labelled as such.
    aggressors : bool
    """

    profile: VolumeProfile
    aggressors: bool


def candle_length_ns(span_ns: int, lengths_ns: tuple[int, ...] = LADDER_NS) -> int:
    """Select the candle length for a profile that spans a given time: the shortest that needs fewer than `MOST_CANDLES` candles.

    If every length needs more, the longest. A candle that has begun counts: 4,999 minutes use 1-minute candles, slightly more time
    uses 3-minute candles.

    Parameters
    ----------
    lengths_ns : tuple of int
        Lengths that the venue has, shortest first.
    """
    return next((length_ns for length_ns in lengths_ns if -(-span_ns // length_ns) < MOST_CANDLES), lengths_ns[-1])


def spread_over_rows(candles: CandleBatch, grid: PriceGrid, *, single_bar: bool = False) -> CandleVolumeProfile:
    """Make a volume profile from candles; each candle's volume is spread evenly over its rows from low to high.

    Lots are not divided: of `V` lots over `n` rows, row `k` counted from the lowest gets `floor((k + 1) V / n) - floor(k V / n)`,
    so no row is off by a lot and no lot is lost. Each side is spread separately.

    If every candle has its aggressively bought volume, the rest is sold. Else all volume of a candle is up or down: up if it
    closed at or above its open; for the profile of a single bar, only if it closed above.

    Parameters
    ----------
    candles : CandleBatch
        In the ticks of `grid`.
    single_bar : bool
        True if the profile spans a single bar of the chart.
    """
    if not len(candles):
        return CandleVolumeProfile(VolumeProfile.empty(), False)
    aggressors = bool((candles.buy >= 0).all())
    up = candles.close > candles.open if single_bar else candles.close >= candles.open
    buy = candles.buy if aggressors else np.where(up, candles.volume, 0)
    sell = candles.volume - buy
    first_row, last_row = grid.rows(candles.low), grid.rows(candles.high)
    base = int(first_row.min())
    sums = np.zeros((2, int(last_row.max()) - base + 1), np.int64)
    n_rows = last_row - first_row + 1
    for run in _runs(n_rows):
        count = n_rows[run]
        place = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
        row = np.repeat(first_row[run] - base, count) + place
        for side, lots in zip(sums, (buy[run], sell[run]), strict=True):
            np.add.at(side, row, _even_parts(lots, count, place))
    return CandleVolumeProfile(VolumeProfile(base, sums[0], sums[1], np.zeros_like(sums[0])), aggressors)


def _even_parts(lots: Int64Array, n_rows: Int64Array, place: Int64Array) -> Int64Array:
    """Divide the lots of each candle evenly among its rows; return the lots of each row.

    Quotient and remainder are computed separately, since lots times rows may not fit into 64 bits.
    """
    whole, rest = np.repeat(lots // n_rows, n_rows), np.repeat(lots % n_rows, n_rows)
    rows = np.repeat(n_rows, n_rows)
    return whole + (place + 1) * rest // rows - place * rest // rows


def _runs(n_rows: Int64Array) -> list[slice]:
    """Slices of consecutive candles that have about `_CELLS_AT_ONCE` rows together, or of a single candle with more rows."""
    group = (np.cumsum(n_rows) - n_rows) // _CELLS_AT_ONCE
    edges = [0, *(np.flatnonzero(np.diff(group)) + 1).tolist(), len(n_rows)]
    return [slice(start, end) for start, end in pairwise(edges)]
