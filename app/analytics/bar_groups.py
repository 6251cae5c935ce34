"""Which bars belong together: those of one session, and those with no hole in the data between them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.analytics.footprint import FootprintSeries
from app.market.session import TimeDivision
from app.market.span import Span


def session_starts(series: FootprintSeries, first: int, end: int, division: TimeDivision) -> np.ndarray:
    """Of each bar of `[first, end)` the index of the first bar of its session, int64 [shape=(n,)].

    A bar belongs to the session in which it begins. The session may have begun before `first`; the work grows with the bars
    asked for, not with those before.
    """
    if end <= first:
        return np.zeros(0, np.int64)
    bars_ns = series.times.of_bars(first, end)
    starts_ns = division.starts_ns(Span(int(bars_ns[0]), int(bars_ns[-1]) + 1))
    session = np.searchsorted(starts_ns, bars_ns, side="right") - 1
    begins = first + np.searchsorted(session, np.arange(session[-1] + 1))
    begins[session[0]] = first_bar_at(series, int(starts_ns[session[0]]))
    return begins[session]


def gap_free_runs(series: FootprintSeries, first: int, end: int, hole_ends_ns: Sequence[int]) -> np.ndarray:
    """Of each bar of `[first, end)` the number of its stretch, int64 [shape=(n,)]: the bar in which a hole ends opens another one.

    Parameters
    ----------
    hole_ends_ns : sequence of int
        Times of the first trades after each hole, ascending. A hole inside a bar parts that bar from the one before: its
        figures stand behind the hole.
    """
    ends = np.asarray(hole_ends_ns, np.int64)
    numbers = np.array([series.times.number(int(time_ns)) for time_ns in _near(series, first, end, ends)], np.int64)
    return np.searchsorted(numbers, series.number[first:end], side="right")


def _near(series: FootprintSeries, first: int, end: int, ends_ns: np.ndarray) -> np.ndarray:
    """Of the times those that can lie in the bars `[first, end)`; a stretch is only told from another, so earlier ones do not count."""
    if end <= first or not len(ends_ns):
        return ends_ns[:0]
    after = series.start_ns(end) if end < series.n_bars else np.iinfo(np.int64).max
    return ends_ns[(ends_ns >= series.start_ns(first)) & (ends_ns < after)]


def first_bar_at(series: FootprintSeries, time_ns: int) -> int:
    """Index of the first bar that begins at a time or later."""
    if not series.rule.is_time:
        return int(np.searchsorted(series.first_ns, time_ns))
    return series.index_of(-(-time_ns // series.rule.length_ns))
