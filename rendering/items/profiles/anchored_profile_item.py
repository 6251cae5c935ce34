"""Anchored, range, composite and period profiles: their rows, and lines of POC, VAH and VAL.

While the cells show digits everything is drawn under them, like the lines of the visible range profile; without digits, over
them. `anchor_flag_item` draws flags and labels, always on top.
"""

from __future__ import annotations

from typing import NamedTuple

from PySide6.QtCore import QLineF, QRectF
from PySide6.QtGui import QPainter

from app.profiles.placed_profile import PlacedProfile
from app.profiles.profile_settings import Placement
from app.profiles.profile_values import ProfileValues
from rendering.hit_tests.hit_target import HitTarget
from rendering.hit_tests.profile_hits import profile_questions
from rendering.items.chart_item import READING_REST_S, ChartItem
from rendering.items.profiles.placed_profile_views import ProfileView, period_text, period_views, profile_views, rule_text
from rendering.items.profiles.profile_line import ProfileLine, profile_lines
from rendering.items.profiles.profile_rows import draw_rows, profile_bars
from rendering.paint.rect_batch import RectBatch
from rendering.style.text import qrect
from rendering.view.frame import Frame, once_a_frame
from rendering.view.frame_coords import line_y

_OPACITY = 0.62
"""The bars are visible through the rows, and the rows do not outshine the cells."""
_LEGEND_REST_NS = 250_000_000
"""Maximum age of the legend's text: every frame needs it, and computing the coverage costs as much as all profiles."""
_MAX_LISTED = 3
"""Maximum number of profiles that are listed in the legend."""


class AnchoredProfileItem(ChartItem):
    """The rows and lines of anchored, range, composite and period profiles."""

    name = "anchored"
    title = "Anchored profiles"
    help = "Anchored (A) and range (Shift+A) profiles"
    help_page = "profiles.md#anchored-profile"
    z, z_without_digits = 4.0, 39.0  # under the lines
    rest_s = READING_REST_S

    def __init__(self) -> None:
        super().__init__()
        self._rectangles = RectBatch()
        self._shown: tuple[_Shown, ...] = ()
        self._revision = -1
        self._asked: tuple[object, ...] = ()
        self._legend, self._legend_ns, self._legend_of = "", 0, 0

    def pane(self, frame: Frame) -> QRectF:
        return qrect(frame.layout.price)

    def refresh(self, frame: Frame) -> bool:
        if frame.chart.anchors.revision != self._revision:  # dragging a flag must not wait
            self._revision, self.followed_ns = frame.chart.anchors.revision, -(1 << 62)
        dirty = super().refresh(frame)
        if self.due_ns is None and self._legend and self._legend_of != frame.chart.state_revision:
            self.due_ns = self._legend_ns + _LEGEND_REST_NS
        return dirty

    def legend(self, frame: Frame) -> str:
        chart, asked = frame.chart, self._asked
        self._asked = (chart.anchors.revision, chart.generation, chart.series.n_bars, frame.viewport, frame.rules, frame.as_of, frame.mode)
        if asked != self._asked or not 0 <= frame.now_ns - self._legend_ns < _LEGEND_REST_NS:
            self._legend, self._legend_ns = self._rules_of(frame), frame.now_ns
            self._legend_of = frame.chart.state_revision
        return self._legend

    def _rules_of(self, frame: Frame) -> str:
        views = profile_views(frame)
        texts = [rule_text(frame, view) for view in views[-_MAX_LISTED:][::-1]]
        texts += [f"and {len(views) - _MAX_LISTED} more"] if len(views) > _MAX_LISTED else []
        return " · ".join(filter(None, (*texts, period_text(frame))))

    def idle(self, budget_s: float) -> bool:
        """Sum closed bars in advance, for profiles that may be needed later, for about `budget_s` seconds; return True if more remain."""
        return self._frame is not None and self._frame.chart.profiles.index.build(budget_s)

    def changed(self, old: Frame, new: Frame) -> list[QRectF] | None:
        before, self._shown = self._shown, tuple(_Shown.of(new, drawn) for drawn in drawn_profiles(new))
        if old.viewport != new.viewport or old.detail != new.detail:
            return [self.pane(new)] if before or self._shown else None
        if before == self._shown:
            return None
        return [QRectF(*sides) for sides in {shown.region for shown in set(before) ^ set(self._shown)}] or None

    def hits(self, frame: Frame, x: float, y: float) -> list[HitTarget]:
        """Hit targets of the profile lines under the mouse, those of the topmost profile first."""
        if not frame.layout.price.holds(x, y):
            return []
        found: list[HitTarget] = []
        for view, lines, left, _ in reversed(drawn_profiles(frame)):
            if view.figures is not None and lines and left <= x <= max(end for _, end in lines):
                periods = frame.chart.anchors.periods
                name = view.placed.name or (f"{periods.text} profile" if periods is not None else "")
                found += profile_questions(frame, name, view.figures, view.placed.inputs, y)
        return found

    def draws_nothing(self, frame: Frame) -> bool:
        return not drawn_profiles(frame)

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        begin, above, end, below = exposed.left() - 1, exposed.top() - 1, exposed.right() + 1, exposed.bottom() + 1
        for view, lines, left, right in drawn_profiles(frame):
            if view.figures is None or left > end:
                continue
            inputs, width = view.placed.inputs, view.width_px(frame)
            at_right = inputs.placement is Placement.RIGHT
            if right > left and (right - width <= end and right >= begin if at_right else left + width >= begin):
                bars = profile_bars(frame, view.figures, inputs.volume, width, (above, below))
                draw_rows(painter, frame, self._rectangles, bars, inputs, (left, right), _OPACITY)
            for line, x in lines:
                y = line_y(frame, line.ticks) + 0.5
                if x >= begin and above <= y <= below:
                    painter.setPen(line.pen)
                    painter.drawLine(QLineF(left, y, x, y))


class DrawnProfile(NamedTuple):
    """A profile on the screen: its lines, each with the x position of the line's right end, and the edges of its visible part."""

    view: ProfileView
    lines: list[tuple[ProfileLine, float]]
    left: float
    right: float


@once_a_frame
def drawn_profiles(frame: Frame) -> tuple[DrawnProfile, ...]:
    """All profiles to draw: first the period profiles, under the others; then the placed profiles, the selected one last."""
    views = (*period_views(frame), *profile_views(frame))
    return tuple(DrawnProfile(view, anchored_profile_lines(frame, view), *view.visible_range(frame)) for view in views)


def anchored_profile_lines(frame: Frame, view: ProfileView) -> list[tuple[ProfileLine, float]]:
    """A profile's lines in view, each with the x position of the line's right end; the POC is last, on top.

    The lines start at the left edge of the profile's visible part.
    """
    figures, inputs = view.figures, view.placed.inputs
    if figures is None:
        return []
    extended = {"VAL": inputs.extend_val, "VAH": inputs.extend_vah, "POC": inputs.extend_poc}
    lines = [(line, extended[line.name]) for line in reversed(profile_lines(frame, figures, inputs.colours))]
    left = view.visible_range(frame)[0]
    ends = [(line, view.lines_end(frame, extended=on)) for line, on in lines]
    return [(line, end) for line, end in ends if end > left and 0 <= line_y(frame, line.ticks) <= frame.layout.price.height]


class _Shown(NamedTuple):
    """The values on which the drawing of a profile depends, except for theme and view, and its region; to detect a change."""

    placed: PlacedProfile
    figures: ProfileValues | None
    span: tuple[float, float]
    region: tuple[float, float, float, float]

    @classmethod
    def of(cls, frame: Frame, drawn: DrawnProfile) -> _Shown:
        view, lines, left, right = drawn
        width = view.width_px(frame)
        end = max([right, left + width, *(end for _, end in lines)])
        begin = min(left, right - width)
        return cls(view.placed, view.figures, (view.start_x, view.end_x), (begin - 1, 0.0, end - begin + 2, frame.layout.price.height))
