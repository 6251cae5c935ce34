"""The coverage state of each bar, e.g. complete or missing, for the ribbon on the time axis.

For the covered share of a profile's time see `app.analytics.coverage_share`.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.market.arrays import BoolArray, Int8Array, Int64Array
from app.market.coverage import CoveredSpan
from app.market.distinct import distinct
from app.market.span import Span


class BarState(enum.IntEnum):
    """The coverage state of a bar; a larger value is worse, and for several bars in one pixel the worst is shown."""

    OUTSIDE = 0
    """The bar begins after the covered time, or ends before the earliest time for which any source has trades."""
    ALL = 1
    """Every trade is loaded, and the trade ids prove it."""
    UNVERIFIED = 2
    """No trade is known to be missing, but the market's trade ids cannot prove it."""
    CANDLES = 3
    """Trades are missing, but candles cover their time."""
    MISSING = 4
    """Some or all of the bar's trades are missing or were never requested, and candles do not cover all of their time."""


@dataclass(frozen=True, slots=True, eq=False)
class BarCoverage:
    """The coverage state of each of several consecutive bars, and the covered share of their time.

    Attributes
    ----------
    first : int
        Number of the first bar.
    state : int8 [shape=(n,)]
        One `BarState` per bar.
    share : float
        Covered share of the bars' time up to the last trade, 0 to 1; 1 if that time is empty.
    whole : bool
        True if no trade is known to be missing.
    """

    first: int
    state: Int8Array
    share: float
    whole: bool


def bar_coverage(
    edges: Int64Array,
    first: int,
    covered: Sequence[CoveredSpan],
    holes: Sequence[Span] = (),
    candles: Sequence[Span] = (),
    *,
    begin_ns: int | None = None,
) -> BarCoverage:
    """Compute the coverage of consecutive bars from covered spans, gaps and candles.

    The bar in progress is judged up to the end of the last covered span. A gap lies between the times of two trades, and
    trades may be missing in the bars of both: even a gap of length 0 marks its bar.

    Parameters
    ----------
    edges : int64 [shape=(n + 1,)]
        Start of each of the n bars, and end of the last one; never falling.
    first : int
        Number of the first bar.
    covered : sequence of CoveredSpan
        In any order. They may overlap: where a proven and an unproven span overlap, the time counts as proven.
    holes : sequence of Span
        Gaps, from the trade before to the trade after; they are subtracted from the covered time.
    candles : sequence of Span
        Times for which candles are loaded.
    begin_ns : int, optional
        Earliest time for which any source has trades: nothing is missing before. If it is None, all time before the first
        covered span is missing.
    """
    touched = _touched(holes, edges)
    end_ns = max((one.span.end_ns for one in covered), default=int(edges[0]))
    asked = edges[:-1] < end_ns
    if begin_ns is not None:
        asked &= edges[1:] > begin_ns
        edges = np.maximum(edges, begin_ns)
    edges = np.minimum(edges, max(end_ns, int(edges[0])))
    sides = [_merged([one.span for one in covered if one.proven is proven]) for proven in (True, False)]
    proven, unproven, gaps, known = *sides, _merged(holes), _merged(candles)
    cuts = distinct(np.clip(np.concatenate((edges, *proven, *unproven, *gaps, *known)), edges[0], edges[-1]))
    piece, length = cuts[:-1], np.diff(cuts)  # each part lies in one bar, and is either covered or not
    bar = np.searchsorted(edges, piece, side="right") - 1
    sure = _inside(proven, piece)
    loaded = (sure | _inside(unproven, piece)) & ~_inside(gaps, piece)
    time_of = np.diff(edges)
    missing = _sums(bar, np.where(loaded, 0, length), len(asked)) > 0
    state = np.full(len(asked), BarState.ALL, np.int8)
    state[_sums(bar, np.where(loaded & ~sure, length, 0), len(asked)) > 0] = BarState.UNVERIFIED
    has_candle = _sums(bar, np.where(loaded | _inside(known, piece), 0, length), len(asked)) == 0
    state[missing | touched] = BarState.MISSING
    state[(missing | touched) & has_candle & bool(len(candles))] = BarState.CANDLES
    state[~asked] = BarState.OUTSIDE
    total = int(time_of.sum())
    share = int(length[loaded].sum()) / total if total else 1.0
    return BarCoverage(first, state, share, not bool((missing | touched)[asked].any()))


def _merged(spans: Sequence[Span]) -> tuple[Int64Array, Int64Array]:
    """Join spans that overlap or touch; return the joined spans' starts and ends, ascending, int64. Empty spans are dropped."""
    columns = np.array([(span.start_ns, span.end_ns) for span in spans if span], np.int64).reshape(-1, 2)
    columns = columns[np.argsort(columns[:, 0], kind="stable")]
    start, end = columns[:, 0], np.maximum.accumulate(columns[:, 1])
    apart = np.ones(len(start), bool)
    apart[1:] = start[1:] > end[:-1]
    return start[apart], end[np.roll(apart, -1)] if len(end) else end


def _inside(spans: tuple[Int64Array, Int64Array], at_ns: Int64Array) -> BoolArray:
    """True for each time that lies in one of the given spans: starts and ends, ascending, without overlaps."""
    start, end = spans
    if not len(start):
        return np.zeros(len(at_ns), bool)
    index = np.searchsorted(start, at_ns, side="right") - 1
    return (index >= 0) & (at_ns < end[index])


def _sums(bar: Int64Array, values: Int64Array, n_bars: int) -> Int64Array:
    sums = np.zeros(n_bars, np.int64)
    np.add.at(sums, bar, values)
    return sums


def _touched(holes: Sequence[Span], edges: Int64Array) -> BoolArray:
    """True for each bar that contains the trade before or after a gap, or that lies inside a gap."""
    n_bars = len(edges) - 1
    steps = np.zeros(n_bars + 1, np.int64)
    times = np.array([(hole.start_ns, hole.end_ns) for hole in holes], np.int64).reshape(-1, 2)
    begin, end = np.searchsorted(edges, times[:, 0], side="right") - 1, np.searchsorted(edges, times[:, 1], side="right")
    np.add.at(steps, np.clip(begin, 0, n_bars), 1)
    np.add.at(steps, np.clip(end, 0, n_bars), -1)
    return np.cumsum(steps)[:-1] > 0
