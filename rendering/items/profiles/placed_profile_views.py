"""Placed and period profiles on the screen, and their legend texts."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from app.analytics.row_layout import RowMode
from app.market.times import clock_on_day_text, clock_text, date_and_clock_text, date_text
from app.profiles.period_profiles import BarRanges, PeriodKind, PeriodSegment
from app.profiles.placed_profile import PlacedProfile, TimeRange
from app.profiles.profile_settings import ProfileSettings
from app.profiles.profile_values import OpenBarRanges, ProfileValues
from rendering.items.profiles.profile_source_text import is_incomplete, source_text, volume_text
from rendering.view.frame import Frame, once_a_frame

MIN_WIDTH_PX = 90.0
"""Minimum length of the longest row of a placed profile, however few bars it has."""
LEAST_PERIOD_PX = 24.0
"""Narrower period profiles are not drawn: they would be unreadable, and there would be hundreds."""
_MAX_LISTED_RANGES = 4
"""Maximum number of ranges of a composite that are listed in the legend."""
NO_KEY = 0
"""Key of a period profile, which the mouse cannot drag."""


class ProfileView(NamedTuple):
    """A placed or period profile as it is drawn on the screen.

    Attributes
    ----------
    placed : PlacedProfile
    figures : ProfileValues or None
        The profile's values; None while nothing has traded in its bars.
    runs : BarRanges
        The profile's bars, by number.
    start_x, end_x : float
        Left edge of its first bar and right edge of its last, logical pixels; either may be out of view.
    selected : bool
    chosen : bool
        Whether the profile is selected for the next composite.
    least_px : float
        Minimum length of its longest row, however few bars it has.
    """

    placed: PlacedProfile
    figures: ProfileValues | None
    runs: BarRanges
    start_x: float
    end_x: float
    selected: bool
    chosen: bool
    least_px: float

    def visible_range(self, frame: Frame) -> tuple[float, float]:
        """Left and right edge of the part of the profile inside the price pane, logical pixels; left >= right if it is out of view."""
        return max(0.0, self.start_x), min(self.end_x, float(frame.layout.price.right))

    def lines_end(self, frame: Frame, *, extended: bool) -> float:
        """The x position where the profile's lines end, logical pixels: its last bar, or if `extended` the price pane's right edge.

        In the as-of view the lines end at the as-of moment at the latest.
        """
        right = float(frame.layout.price.right)
        return min(right if extended else min(self.end_x, right), frame.known_x)

    def width_px(self, frame: Frame) -> float:
        """The length at which the profile's longest row is drawn, logical pixels."""
        left, right = self.visible_range(frame)
        return max(self.least_px, (right - left) * self.placed.inputs.width_percent / 100)


@once_a_frame
def period_views(frame: Frame) -> tuple[ProfileView, ...]:
    """The period profiles in view, oldest first; empty if the chart has none, or while they would be too narrow."""
    chart, periods = frame.chart, frame.chart.anchors.periods
    if periods is None or not chart.series.n_bars:
        return ()
    first, last = frame.viewport.visible_bars()
    first, last = max(first, int(chart.series.number[0])), min(last, _newest(frame))
    if first > last or (periods.each is PeriodKind.BARS and periods.bars * frame.viewport.bar_px < LEAST_PERIOD_PX):
        return ()
    segments = periods.segments(chart.series.times, first, last, frame.rules.hours)
    if frame.layout.price.width / max(len(segments), 1) < LEAST_PERIOD_PX:
        return ()
    return tuple(_period_view(frame, periods.inputs, segment) for segment in segments)


def _period_view(frame: Frame, inputs: ProfileSettings, segment: PeriodSegment) -> ProfileView:
    return _view(frame, _unnamed(frame, inputs, segment), _figures(frame, segment.runs, inputs), segment.runs, 0.0)


def _unnamed(frame: Frame, inputs: ProfileSettings, segment: PeriodSegment) -> PlacedProfile:
    start_ns = frame.chart.series.times.start_ns
    return PlacedProfile(NO_KEY, "", tuple(TimeRange(start_ns(begin), start_ns(end)) for begin, end in segment.runs), inputs)


def segment_profile(frame: Frame, segment: PeriodSegment) -> PlacedProfile:
    """A placed profile with the time ranges and settings of a period profile, named after its period."""
    periods = frame.chart.anchors.periods
    placed = _unnamed(frame, periods.inputs if periods is not None else ProfileSettings(), segment)
    return replace(placed, name=segment_name(frame, segment))


def visible_segments(frame: Frame) -> list[PeriodSegment]:
    """The segments (periods) of the period profiles in view, oldest first; empty while none are drawn."""
    periods, times = frame.chart.anchors.periods, frame.chart.series.times
    views = period_views(frame)
    if periods is None or not views:
        return []
    return periods.segments(times, views[0].runs[0][0], views[-1].runs[-1][1] - 1, frame.rules.hours)


def segment_name(frame: Frame, segment: PeriodSegment) -> str:
    """The name of a period profile's segment: its date if it starts and ends at midnight UTC, else its start and end time."""
    begin, end = (clock_text(time_ns, seconds=frame.chart.series.times.fine) for time_ns in (segment.start_ns, segment.end_ns))
    return f"{time_text(frame, segment.start_ns)}-{end}" if (begin + end).strip("0:") else date_text(segment.start_ns)


def segment_at(frame: Frame, bar: int) -> PeriodSegment | None:
    """The segment of the period profile that contains bar number `bar`; None if no period profile is drawn, or the bar is not loaded."""
    series, periods = frame.chart.series, frame.chart.anchors.periods
    if periods is None or not series.n_bars or not int(series.number[0]) <= bar <= int(series.number[-1]) or not period_views(frame):
        return None
    return next(iter(periods.segments(series.times, bar, bar, frame.rules.hours)), None)


@once_a_frame
def profile_views(frame: Frame) -> tuple[ProfileView, ...]:
    """All placed profiles of the chart, in view or not; the selected one last, on top."""
    chart = frame.chart
    anchors = chart.anchors
    newest = _newest(frame)
    views: list[ProfileView] = []
    for placed in anchors.profiles:
        runs = chart.profiles.bars_of(placed.stretches)
        figures = _figures(frame, runs, placed.inputs)
        ended = tuple((first, max(first, newest) + 1 if end is None else end) for first, end in runs)
        views.append(_view(frame, placed, figures, ended, MIN_WIDTH_PX))
    return tuple(sorted(views, key=lambda view: view.selected))


def period_text(frame: Frame) -> str:
    """The legend text of the period profiles: period, settings that differ from the chart's, and sources; empty if there are none."""
    periods = frame.chart.anchors.periods
    if periods is None:
        return ""
    inputs = periods.inputs
    rule = f"{periods.text} profiles" + (", edited" if periods.is_edited else "")
    shown = [view.figures for view in period_views(frame) if view.figures is not None]
    if not shown:
        return f"{rule} · zoom in to see them"
    without = next((figures for figures in shown if not figures.candles.aggressors), shown[-1])
    if any(is_incomplete(frame, figures) for figures in shown):
        source = "⚠ missing trades"
    else:
        source = source_text(frame, next((figures for figures in shown if figures.candles.shares), shown[-1]))
    return " · ".join((rule, *_own_rules(frame, inputs, without), source))


def rule_text(frame: Frame, view: ProfileView) -> str:
    """The legend text of a placed profile: name, time, settings that differ from the chart's, and sources."""
    placed, inputs, figures = view.placed, view.placed.inputs, view.figures
    when = _composite_time(frame, placed) if placed.is_composite else f"from {when_text(frame, placed)}"
    if figures is None:
        begun = frame.as_of is None or frame.chart.series.times.number(placed.start_ns) <= frame.as_of
        return f"{placed.name} {when} · {'no trades' if begun else 'not started'}"
    return " · ".join((f"{placed.name} {when}", *_own_rules(frame, inputs, figures), source_text(frame, figures)))


def _own_rules(frame: Frame, inputs: ProfileSettings, figures: ProfileValues) -> list[str]:
    """Texts for those settings of a profile (volume, rows, value area) that differ from the chart's."""
    grid, usual, step = frame.chart.series.grid, frame.rules.value_area, figures.rows.ticks_per_row
    volume = volume_text(inputs.volume, figures)
    words: list[str] = []
    if volume != ProfileSettings().volume.value:
        words.append(volume)
    if inputs.rows.by is not RowMode.CHART or step != grid.ticks_per_row:
        words.append(f"rows {step} ({grid.text(step)})")
    if (inputs.percent, inputs.method) != (usual.percent, usual.method):
        words.append(f"VA {inputs.percent} % {inputs.method.value}")
    return words


def when_text(frame: Frame, placed: PlacedProfile) -> str:
    """The start of a profile as text, and its end if it has one, e.g. `12:23` or `12:23 to 12:40`."""
    when = time_text(frame, placed.start_ns)
    return when if placed.end_ns is None else f"{when} to {time_text(frame, placed.end_ns)}"


def _composite_time(frame: Frame, placed: PlacedProfile) -> str:
    """The time ranges of a composite as text, e.g. `17:15-17:25 + 17:35-17:45`; of more than four, the first four and a count."""
    listed, more = placed.stretches[:_MAX_LISTED_RANGES], len(placed.stretches) - _MAX_LISTED_RANGES
    return " + ".join(_range_text(frame, time_range) for time_range in listed) + (f" + {more} more" if more > 0 else "")


def _range_text(frame: Frame, time_range: TimeRange) -> str:
    """Start and end of a time range as text, the end with its date if it is on another day; without an end, `from` and the start."""
    begin = time_text(frame, time_range.start_ns)
    if time_range.end_ns is None:
        return f"from {begin}"
    return f"{begin}-{clock_on_day_text(time_range.end_ns, time_range.start_ns, seconds=frame.chart.series.times.fine)}"


def time_text(frame: Frame, time_ns: int) -> str:
    """A time as text, with its date if the last bar that values may use starts on another day, or there are no bars."""
    series = frame.chart.series
    if not series.n_bars:
        return date_and_clock_text(time_ns, seconds=series.times.fine)
    return clock_on_day_text(time_ns, series.start_ns(frame.known_end - 1), seconds=series.times.fine)


def _newest(frame: Frame) -> int:
    """Number of the last bar that values may use; if there are no bars, a number before all others."""
    numbers = frame.chart.series.number
    return frame.as_of if frame.as_of is not None else int(numbers[-1]) if len(numbers) else -(1 << 62)


def _figures(frame: Frame, runs: OpenBarRanges, inputs: ProfileSettings) -> ProfileValues | None:
    """The values of a profile over the given bars, without bars after the as-of moment; None if these bars have no trades."""
    if frame.as_of is not None:
        until = frame.as_of + 1
        runs = tuple((first, until if end is None else min(end, until)) for first, end in runs if first < until)
    return frame.chart.profiles.of_bars(runs, inputs.rows, inputs.percent, inputs.method) if runs else None


def _view(frame: Frame, placed: PlacedProfile, figures: ProfileValues | None, runs: BarRanges, least_px: float) -> ProfileView:
    anchors = frame.chart.anchors
    start_x, end_x = run_x(frame, (runs[0][0], runs[-1][1]))
    selected = placed.key != NO_KEY and placed.key == anchors.selected
    return ProfileView(placed, figures, runs, start_x, end_x, selected, anchors.is_chosen(placed), least_px)


def run_x(frame: Frame, run: tuple[int, int]) -> tuple[float, float]:
    """X of the left edge of the first bar and of the right edge of the last bar of a run of bars `[first, end)`, logical pixels."""
    return frame.pixels.screen_x(run[0]) / frame.dpr, frame.pixels.screen_x(run[1]) / frame.dpr
