"""The coverage of the bars in view, cached until view, bars, gaps, candles or covered time change. Does not use Qt."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.analytics.bar_coverage import BarCoverage, BarState, bar_coverage
from app.market.coverage import CoveredSpan, Source
from app.market.span import Span
from rendering.view.frame import Frame

if TYPE_CHECKING:
    from app.storage.trade_store import Gap


FROM_THE_FIRST = ("replay", "simulated")
"""Modes in which no trade is missing before the first one: a recording and a simulation start with it."""


class VisibleCoverage:
    """The cached coverage of the bars in view.

    Attributes
    ----------
    counted : int
        Number of times the coverage was computed, for tests.
    """

    def __init__(self) -> None:
        self.counted = 0
        self._asked: tuple[object, ...] = ()
        self._covered: Sequence[CoveredSpan] = ()
        self._gaps: Sequence[Gap] = ()
        self._candles: list[Span] = []
        self._gap_spans: list[Span] = []
        self._found: BarCoverage | None = None

    def of(self, frame: Frame, *, as_of: bool = False) -> BarCoverage | None:
        """The coverage of the bars in view; None if it is unknown.

        With `as_of`, bars after the as-of moment are left out. If the covered time is unknown but there are gaps, the bars
        that exist count as covered except for the gaps, and `share` and `whole` are about these bars only.
        """
        chart = frame.chart
        times, bars = chart.series.times, _bars(frame, as_of=as_of)
        if not chart.covered:
            bars = _existing_bars(frame, bars)
            if not chart.holes or bars is None:
                return None
        begin_ns = begins_ns(frame)
        asked = (chart.series.rule if chart.series.rule.is_time else (times, chart.series.revision), bars, begin_ns)
        candles = chart.candles.candle_store.times
        same = candles is self._candles and chart.covered is self._covered and chart.holes is self._gaps
        if asked != self._asked or not same:
            if chart.holes is not self._gaps:
                self._gap_spans = [Span(gap.start_ns, gap.end_ns) for gap in chart.holes]
            self._asked, self._covered, self._gaps, self._candles = asked, chart.covered, chart.holes, candles
            edges = times.edges(*bars)
            covered = chart.covered or [CoveredSpan(Span(int(edges[0]), int(edges[-1])), Source.LIVE, 0, 0)]
            self._found = bar_coverage(edges, bars[0], covered, self._gap_spans, candles, begin_ns=begin_ns)
            self.counted += 1
        return self._found


def _bars(frame: Frame, *, as_of: bool) -> tuple[int, int]:
    """The first and last bar number in view, both included; with `as_of`, neither is after the last bar of the as-of view."""
    first, last = frame.viewport.visible_bars()
    return (first, last) if frame.as_of is None or not as_of else (min(first, frame.as_of), min(last, frame.as_of))


def begins_ns(frame: Frame) -> int | None:
    """Start time of the tape in a replay or simulation, ns; None in other modes, or if no covered time is known.

    The tape starts with the first covered time, or with the first candle if that is earlier. In other modes the market may have
    earlier trades.
    """
    chart = frame.chart
    if not chart.covered or frame.mode not in FROM_THE_FIRST:
        return None
    return min([*(covered.span.start_ns for covered in chart.covered), *(span.start_ns for span in chart.candles.candle_store.times[:1])])


def _existing_bars(frame: Frame, bars: tuple[int, int]) -> tuple[int, int] | None:
    """Cut a range of bar numbers to the bars that exist; None if there are none."""
    numbers, (first, last) = frame.chart.series.number, bars
    if not len(numbers) or int(numbers[-1]) < first or last < int(numbers[0]):
        return None
    return max(first, int(numbers[0])), min(last, int(numbers[-1]))


_STATE_TEXTS = {
    BarState.MISSING: "⚠ trades {missing} in this bar",
    BarState.CANDLES: "⚠ trades {missing} in this bar, candle only",
    BarState.UNVERIFIED: "unverified",
}


def lack_text(coverage: BarCoverage | None, number: int, *, numbered: bool) -> str:
    """A warning if trades of one bar are missing or unverified; empty for a complete bar, one outside the covered time, or if unknown.

    `number` is the bar's number. `numbered` is whether the market numbers its trades: without ids, nothing proves that any are missing.
    """
    if coverage is None or not 0 <= number - coverage.first < len(coverage.state):
        return ""
    text = _STATE_TEXTS.get(BarState(coverage.state[number - coverage.first]), "")
    return text.format(missing="missing" if numbered else "may be missing")


def share_text(coverage: BarCoverage | None) -> str:
    """A text with the covered share of the visible time; empty if no trades are known to be missing, or the coverage is unknown.

    The share is rounded down, so that incomplete time is never shown as 100 %: a very short gap gives "> 99 %".
    """
    if coverage is None or coverage.whole:
        return ""
    return f"{share_figure(coverage)} of visible time covered"


def share_figure(coverage: BarCoverage) -> str:
    """A short text with the covered share of a visible time that is not completely covered, e.g. `⚠ 97 %` or `⚠ > 99 %`."""
    percent = math.floor(100 * coverage.share)
    return f"⚠ {'> 99' if percent == 100 else percent} %"
