"""A legend text with the time from which a session, day, week or month is loaded, and the number of gaps in it."""

from __future__ import annotations

from app.analytics.bar_groups import session_starts
from app.market.session import TimeDivision, span_at
from app.market.times import date_and_clock_text
from rendering.items.as_of import known_gaps
from rendering.view.frame import Frame


class CoverageText:
    """The coverage text of one layer, cached until bars, gaps, settings, the as-of moment or the division of time change."""

    def __init__(self) -> None:
        self._cached: tuple[tuple[object, ...], str] = (), ""

    def of(self, frame: Frame, division: TimeDivision) -> str:
        """Text to append to a value's name, e.g. `, data from …` or `, ⚠ 1 gap`; empty without bars, or if the newest period is complete.

        The newest period is the one of the last bar, or of the last bar before the as-of moment.
        """
        series = frame.chart.series
        if not series.n_bars:
            return ""
        key = series, frame.rules, frame.generation, frame.known_end, frame.chart.holes, division
        if key != self._cached[0]:
            self._cached = key, _text(frame, division)
        return self._cached[1]


def _text(frame: Frame, division: TimeDivision) -> str:
    series, bar = frame.chart.series, frame.known_end - 1
    start = int(session_starts(series, bar, bar + 1, division)[0])
    begin_ns = span_at(division, series.start_ns(bar)).start_ns
    text = ""
    if series.start_ns(start) > begin_ns and start == 0:
        text += f", data from {date_and_clock_text(series.start_ns(0), seconds=False)}"
    gaps = sum(begin_ns <= gap.end_ns for gap in known_gaps(frame))  # one may reach into the period
    return text + (f", ⚠ {gaps:,} gap{'' if gaps == 1 else 's'}" if gaps else "")
