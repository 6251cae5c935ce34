"""Where the profiles that the user put on the chart lie on the screen, and what they say of themselves."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from app.analytics.held_share import HeldShare, held_share, united_share
from app.market.span import Span
from app.period_profiles import Runs
from app.placed_profile import PlacedProfile, Stretch
from app.profile_figures import GrowingRuns, ProfileFigures
from app.profile_inputs import ProfileInputs, VolumeShown
from rendering.column import Column
from rendering.detail import Detail
from rendering.frame import Frame
from rendering.ticks import clock_text, date_text
from rendering.visible_coverage import FROM_THE_FIRST

MIN_WIDTH_PX = 90.0
"""The longest row of an anchored profile is at least so long, however few bars it has."""
LEAST_PERIOD_PX = 24.0
"""Periods narrower than that are not drawn: nobody could read them, and there would be hundreds."""
NO_KEY = 0
"""Of the profile of a period: nobody can take hold of it."""


class ProfileView(NamedTuple):
    """One profile as it is on the screen.

    Attributes
    ----------
    placed : PlacedProfile
    figures : ProfileFigures or None
        None while nothing has traded there.
    runs : Runs
        Its bars.
    start_x, end_x : float
        Left edge of its first bar and right edge of its last, logical pixels; either may be out of sight.
    selected : bool
    chosen : bool
        Whether the next composite will hold it.
    least_px : float
        The longest row is at least so long, however few bars the profile has.
    """

    placed: PlacedProfile
    figures: ProfileFigures | None
    runs: Runs
    start_x: float
    end_x: float
    selected: bool
    chosen: bool
    least_px: float

    def in_sight(self, frame: Frame) -> tuple[float, float]:
        """The part of it between the edges of the pane; nothing of it is in sight unless the second is larger."""
        return max(0.0, self.start_x), min(self.end_x, float(frame.layout.price.right))

    def lines_end(self, frame: Frame, *, extended: bool) -> float:
        """Where its lines end."""
        right = float(frame.layout.price.right)
        return min(right if extended else min(self.end_x, right), frame.known_x)

    def width_px(self, frame: Frame) -> float:
        """The length of its longest row, logical pixels."""
        left, right = self.in_sight(frame)
        return max(self.least_px, (right - left) * self.placed.inputs.width_percent / 100)


class ProfileBars(NamedTuple):
    """The rows of a profile as device pixels of the price pane, int64 [shape=(n,)], lowest price first.

    `top` and `height` place the row; `sell`, `buy` and `other` are lengths that lie end to end; `in_value_area` says which
    tone it has.
    """

    top: np.ndarray
    height: np.ndarray
    sell: np.ndarray
    buy: np.ndarray
    other: np.ndarray
    in_value_area: np.ndarray


def period_views(frame: Frame) -> tuple[ProfileView, ...]:
    """The profiles of the periods in sight, oldest first; none while they are too narrow to be read."""
    chart, periods = frame.chart, frame.chart.anchors.periods
    if periods is None or not chart.series.n_bars:
        return ()
    first, last = frame.viewport.visible_bars()
    first, last = max(first, int(chart.series.number[0])), min(last, _newest(frame))
    if first > last or (periods.calendar is None and periods.bars * frame.viewport.bar_px < LEAST_PERIOD_PX):
        return ()
    times, inputs = chart.series.times, periods.inputs
    pieces = periods.pieces(times, first, last)
    if frame.layout.price.width / max(len(pieces), 1) < LEAST_PERIOD_PX:
        return ()
    views = []
    for runs in pieces:
        stretches = tuple(Stretch(times.start_ns(begin), times.start_ns(end)) for begin, end in runs)
        placed = PlacedProfile(NO_KEY, "", stretches, inputs)
        views.append(_view(frame, placed, _figures(frame, runs, inputs), runs, 0.0))
    return tuple(views)


def profile_views(frame: Frame) -> tuple[ProfileView, ...]:
    """All profiles on the chart, the selected one last: it lies over the others."""
    chart = frame.chart
    anchors = chart.anchors
    newest = _newest(frame)
    views = []
    for placed in anchors.profiles:
        runs = chart.profiles.bars_of(placed.stretches)
        figures = _figures(frame, runs, placed.inputs)
        ended = tuple((first, max(first, newest) + 1 if end is None else end) for first, end in runs)
        views.append(_view(frame, placed, figures, ended, MIN_WIDTH_PX))
    return tuple(sorted(views, key=lambda view: view.selected))


def profile_bars(frame: Frame, figures: ProfileFigures, shown: VolumeShown, full_px: float) -> ProfileBars:
    """The visible rows of a profile; the heaviest of all its rows is `full_px` logical pixels long.

    Ends of parts are rounded, not their lengths: a row is never longer than its volume says because it was split. Where rows
    are finer than pixels, a pixel shows the largest of its rows.
    """
    rows = figures.rows
    profile, step = rows.profile, rows.ticks_per_row
    low, high = frame.viewport.visible_ticks()
    first = min(max((low - rows.low_ticks) // step, 0), profile.n_rows)
    end = min(max((high - rows.low_ticks) // step + 1, first), profile.n_rows)
    edges = frame.pixels.price_y(rows.low_ticks + np.arange(first, end + 1) * float(step)) - frame.pixels.top
    bottom, top = edges[:-1], edges[1:]
    number = np.arange(first, end)
    length = np.abs(profile.delta) if shown is VolumeShown.DELTA else profile.total
    if number.size and (top == bottom).any():
        number, top = _largest_of_each_pixel(number, bottom - 1, length)
        bottom = top + 1
    scale = full_px * frame.dpr / max(int(length.max()), 1)
    sell, buy, other = _parts(figures, number, shown)
    ends = [np.floor(part * scale + 0.5).astype(np.int64) for part in (sell, sell + buy, sell + buy + other)]
    gap = Column.of(frame.pixels.bar_pitch, step * frame.pixels.tick_pitch, frame.dpr, Detail.CELLS).row_gap
    inside = (number >= figures.area.low_row) & (number <= figures.area.high_row)
    return ProfileBars(top + gap, bottom - top - gap, ends[0], ends[1] - ends[0], ends[2] - ends[1], inside)


def period_text(frame: Frame) -> str:
    """What the legend says of the profiles of periods; empty without them."""
    periods = frame.chart.anchors.periods
    if periods is None:
        return ""
    views = [view for view in period_views(frame) if view.figures is not None]
    rule = f"profile of {periods.text} · {periods.inputs.volume.value} · VA {periods.inputs.percent} % {periods.inputs.method.value}"
    if not views:
        return f"{rule} · too narrow to be drawn, zoom in"
    texts = [source_text(frame, view.figures) for view in views if view.figures is not None]
    worst = next((text for text in texts if text.startswith("⚠")), texts[-1])
    return f"{rule} · {'⚠ trades are missing' if worst.startswith('⚠') else worst}"


def source_text(frame: Frame, figures: ProfileFigures) -> str:
    """What a profile was made of, and what of that is missing."""
    found = _held(frame, figures)
    if found is None:
        return "trades"
    if found.whole:
        return "trades, whole" if found.proven else "trades, unverified"
    percent = math.floor(100 * found.share)
    return f"⚠ trades of {'> 99' if percent == 100 else percent} % of its time"


def rule_text(frame: Frame, view: ProfileView) -> str:
    """Name, time and every rule of a profile in a line: what the legend says of it."""
    placed, inputs, figures = view.placed, view.placed.inputs, view.figures
    when = time_text(frame, placed.start_ns)
    if placed.end_ns is not None:
        when += f" to {time_text(frame, placed.end_ns)}"
    name = placed.name + (f" of {', '.join(placed.parts)}" if placed.is_composite else "")
    if figures is None:
        return f"{name} from {when} · no trades"
    grid = frame.chart.series.grid
    rows = f"rows {figures.rows.ticks_per_row} ({grid.text(figures.rows.ticks_per_row)})"
    words = (f"{name} from {when}", inputs.volume.value, rows, f"VA {inputs.percent} % {inputs.method.value}")
    return " · ".join((*words, source_text(frame, figures)))


def time_text(frame: Frame, time_ns: int) -> str:
    """A bar's time, with its day if it is not that of the newest bar that is known."""
    series = frame.chart.series
    day = date_text(time_ns)
    today = series.n_bars and date_text(series.start_ns(frame.known_end - 1)) == day
    clock = clock_text(time_ns, seconds=series.times.fine)
    return clock if today else f"{day} {clock}"


def _newest(frame: Frame) -> int:
    """Number of the last bar that is known; far before all others without bars."""
    numbers = frame.chart.series.number
    return frame.as_of if frame.as_of is not None else int(numbers[-1]) if len(numbers) else -(1 << 62)


def _figures(frame: Frame, runs: GrowingRuns, inputs: ProfileInputs) -> ProfileFigures | None:
    """The profile of those bars of the runs that figures may know of; None while nothing has traded there."""
    if frame.as_of is not None:
        until = frame.as_of + 1
        runs = tuple((first, until if end is None else min(end, until)) for first, end in runs if first < until)
    return frame.chart.profiles.of_bars(runs, inputs.rows, inputs.percent, inputs.method) if runs else None


def _view(frame: Frame, placed: PlacedProfile, figures: ProfileFigures | None, runs: Runs, least_px: float) -> ProfileView:
    anchors = frame.chart.anchors
    start_x, end_x = run_x(frame, (runs[0][0], runs[-1][1]))
    selected = placed.key != NO_KEY and placed.key == anchors.selected
    return ProfileView(placed, figures, runs, start_x, end_x, selected, anchors.is_chosen(placed), least_px)


def run_x(frame: Frame, run: tuple[int, int]) -> tuple[float, float]:
    """The left edge of a run of bars and its right edge, logical pixels."""
    return frame.pixels.screen_x(run[0]) / frame.dpr, frame.pixels.screen_x(run[1]) / frame.dpr


def _parts(figures: ProfileFigures, number: np.ndarray, shown: VolumeShown) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lots of selling, of buying, and of neither, in the order in which they are drawn."""
    profile = figures.rows.profile
    nothing = np.zeros(len(number), np.int64)
    if shown is VolumeShown.TOTAL:
        return nothing, nothing, profile.total[number]
    if shown is VolumeShown.DELTA:
        delta = profile.delta[number]
        return np.maximum(-delta, 0), np.maximum(delta, 0), nothing
    return profile.sell[number], profile.buy[number], profile.unknown[number]


def _largest_of_each_pixel(number: np.ndarray, pixel: np.ndarray, length: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of the rows that share a pixel line the longest, and the line."""
    order = np.lexsort((length[number], pixel))
    last = np.flatnonzero(np.append(np.diff(pixel[order]) != 0, True))
    return number[order][last], pixel[order][last]


def _held(frame: Frame, figures: ProfileFigures) -> HeldShare | None:
    chart = frame.chart
    times = chart.series.times
    begin_ns = min(stretch.span.start_ns for stretch in chart.covered) if chart.covered and frame.mode in FROM_THE_FIRST else None
    holes = [Span(hole.start_ns, hole.end_ns) for hole in chart.holes]
    asked = [Span(times.start_ns(first), times.start_ns(end)) for first, end in figures.runs]
    return united_share(asked, [held_share(span, chart.covered, holes, begin_ns=begin_ns) for span in asked])
