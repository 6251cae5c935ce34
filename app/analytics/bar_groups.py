"""Groups of consecutive bars: the bars of one session, and bars without a gap between them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.analytics.footprint import FootprintSeries
from app.market.arrays import Int64Array
from app.market.session import TimeDivision
from app.market.span import Span


def session_starts(series: FootprintSeries, first: int, end: int, division: TimeDivision) -> Int64Array:
    """For each of the bars `[first, end)`, the index of the first bar of the same session (or other period of `division`).

    Int64 [shape=(n,)].

    A bar belongs to the session in which it begins. The session may have begun before `first`; the work depends on the number of
    requested bars, not on earlier ones.
    """
    if end <= first:
        return np.zeros(0, np.int64)
    bars_ns = series.times.of_bars(first, end)
    starts_ns = division.starts_ns(Span(int(bars_ns[0]), int(bars_ns[-1]) + 1))
    session = np.searchsorted(starts_ns, bars_ns, side="right") - 1
    begins = first + np.searchsorted(session, np.arange(session[-1] + 1, dtype=np.int64))
    begins[session[0]] = first_bar_at(series, int(starts_ns[session[0]]))
    return begins[session]


def gap_free_runs(series: FootprintSeries, first: int, end: int, hole_ends_ns: Sequence[int]) -> Int64Array:
    """For each of the bars `[first, end)`, a group number that grows after each gap in the data.

    Int64 [shape=(n,)]. The bar in which a gap ends begins a new group.

    Parameters
    ----------
    hole_ends_ns : sequence of int
        Times of the first trade after each gap, ascending. A gap inside a bar separates that bar from the previous one: the bar's
        values count as after the gap.
    """
    ends = np.asarray(hole_ends_ns, np.int64)
    numbers = np.array([series.times.number(int(time_ns)) for time_ns in _near(series, first, end, ends)], np.int64)
    return np.searchsorted(numbers, series.number[first:end], side="right")


def _near(series: FootprintSeries, first: int, end: int, ends_ns: Int64Array) -> Int64Array:
    """Select those of the times `ends_ns` that lie in the bars `[first, end)`, or after them if the series has no later bar.

    Group numbers only have to differ, so earlier gaps do not matter.
    """
    if end <= first or not len(ends_ns):
        return ends_ns[:0]
    after = series.start_ns(end) if end < series.n_bars else np.iinfo(np.int64).max
    return ends_ns[(ends_ns >= series.start_ns(first)) & (ends_ns < after)]


def first_bar_at(series: FootprintSeries, time_ns: int) -> int:
    """Index of the first bar that starts at or after a time; the number of bars if there is no such bar."""
    if not series.rule.is_time:
        return int(np.searchsorted(series.first_ns, time_ns))
    return series.index_of(-(-time_ns // series.rule.length_ns))
