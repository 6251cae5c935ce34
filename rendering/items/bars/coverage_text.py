"""A legend text on how much of a value's session, day, week or month is loaded."""

from __future__ import annotations

from app.analytics.bar_groups import session_starts
from app.market.session import TimeDivision, span_at
from app.market.times import date_and_clock_text
from rendering.items.as_of import known_gaps
from rendering.view.frame import Frame


class CoverageText:
    """The coverage text of one layer, computed once for each state of the chart."""

    def __init__(self) -> None:
        self._told: tuple[tuple[object, ...], str] = (), ""

    def of(self, frame: Frame, division: TimeDivision) -> str:
        """Text after a value's name: `, data from …`, `, ⚠ 1 gap`; empty if complete."""
        series = frame.chart.series
        if not series.n_bars:
            return ""
        key = series, frame.rules, frame.generation, frame.known_end, frame.chart.holes, division
        if key != self._told[0]:
            self._told = key, _held_text(frame, division)
        return self._told[1]


def _held_text(frame: Frame, division: TimeDivision) -> str:
    series, bar = frame.chart.series, frame.known_end - 1
    start = int(session_starts(series, bar, bar + 1, division)[0])
    whole_ns = span_at(division, series.start_ns(bar)).start_ns
    text = ""
    if series.start_ns(start) > whole_ns and start == 0:
        text += f", data from {date_and_clock_text(series.start_ns(0), seconds=False)}"
    holes = sum(whole_ns <= hole.start_ns for hole in known_gaps(frame))
    return text + (f", ⚠ {holes:,} gap{'' if holes == 1 else 's'}" if holes else "")
