"""The visible range profile: volume per row, value area, POC, VAH and VAL.

It has the same settings as any profile. `visible_profile_lines_item` draws the lines across the bars, from the values computed
here. If trades of the visible time are missing, a text at the top of the strip shows the share of that time that is covered.
"""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QLineF, QRectF
from PySide6.QtGui import QPainter

from app.profiles.profile_settings import SIDE_INPUTS, Placement
from app.profiles.profile_values import ProfileValues
from rendering.hit_tests.hit_target import HitTarget
from rendering.hit_tests.profile_hits import profile_questions
from rendering.items.bars.visible_coverage import VisibleCoverage, share_figure, share_text
from rendering.items.chart_item import READING_REST_S, ChartItem
from rendering.items.guides.axis_tags import TAG_HEIGHT_PX, draw_price_tag
from rendering.items.profiles.profile_line import ProfileLine, profile_lines
from rendering.items.profiles.profile_rows import draw_rows, profile_bars
from rendering.items.profiles.visible_profile import VisibleProfile
from rendering.paint.rect_batch import RectBatch
from rendering.style.text import Labels, qcolor, qrect
from rendering.view.frame import Frame
from rendering.view.frame_coords import bars_in_view, line_y
from rendering.view.layout import LEGEND_TOP, LINE_PX

_SHARE_PADDING_PX = 6.0


class VisibleProfileItem(ChartItem):
    """The visible range profile in a strip right of the bars, with its POC, VAH and VAL lines and their prices on the axis."""

    name = "profile"
    title = "Visible range profile"
    help = "Volume profile of the visible bars"
    help_page = "profiles.md#visible-range-profile"
    keys = ("Alt+2",)
    z = 66.0
    rest_s = READING_REST_S

    def __init__(self) -> None:
        super().__init__()
        self.visible = VisibleProfile()
        self._rectangles = RectBatch()
        self._bold = Labels(bold=True)
        self._coverage = VisibleCoverage()
        self._lines: tuple[ProfileLine, ...] = ()
        self._inputs = SIDE_INPUTS
        self._share = ""
        self._counted = False

    def pane(self, frame: Frame) -> QRectF:
        strip = frame.layout.profile
        return QRectF(strip.left, strip.top, frame.layout.width - strip.left, strip.height)

    def changed(self, old: Frame, new: Frame) -> QRectF | None:
        if not new.layout.profile.width:
            return None
        lines, self._lines = self._lines, self.lines(new)
        counted, self._counted = self._counted, False
        share, self._share = self._share, share_text(self._coverage.of(new, as_of=True))
        inputs, self._inputs = self._inputs, new.chart.anchors.side
        if _look(old) != _look(new) or lines != self._lines or share != self._share or inputs != self._inputs:
            return self.pane(new)
        return qrect(new.layout.profile) if counted else None

    def refresh(self, frame: Frame) -> bool:
        if frame.chart.anchors.side != self._inputs:  # a change by the user must not wait
            self.followed_ns = -(1 << 62)
        return super().refresh(frame)

    def legend(self, frame: Frame) -> str:
        side, rule = frame.chart.anchors.side, frame.rules.value_area
        usual = replace(SIDE_INPUTS, percent=rule.percent, method=rule.method, colours=side.colours)
        if replace(side, placement=usual.placement, width_percent=usual.width_percent) == usual:
            return ""
        figures = self.values(frame)
        if figures is None:
            return ""
        ticks = figures.rows.ticks_per_row
        rows = f"rows {ticks} ({frame.chart.series.grid.text(ticks)})"
        return f"visible range: {side.volume.value} · {rows} · VA {side.percent} % {side.method.value}"

    def price_tags(self, frame: Frame) -> tuple[float, ...]:
        return tuple(line_y(frame, line.ticks) for line in frame.once(self._tagged))

    def hits(self, frame: Frame, x: float, y: float) -> list[HitTarget]:
        """Hit targets of the profile's lines in the strip, and across the bars while the lines are shown there."""
        across = "level-lines" in frame.shown and frame.layout.price.holds(x, y)
        figures = self.values(frame) if across or frame.layout.profile.holds(x, y) else None
        return [] if figures is None else profile_questions(frame, "visible range", figures, frame.chart.anchors.side, y)

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        figures, strip, inputs = self.values(frame), frame.layout.profile, frame.chart.anchors.side
        if figures is None:
            return
        left, above, right, below = exposed.left(), exposed.top() - TAG_HEIGHT_PX, exposed.right(), exposed.bottom() + TAG_HEIGHT_PX
        if left <= strip.right:
            bars = profile_bars(frame, figures, inputs.volume, strip.width * inputs.width_percent / 100, (exposed.top(), exposed.bottom()))
            draw_rows(painter, frame, self._rectangles, bars, inputs, (strip.left, strip.right))
            for line in reversed(self.lines(frame)):  # the POC last, over the others
                y = line_y(frame, line.ticks)
                if 0 <= y <= strip.height and above <= y <= below:
                    painter.setPen(line.pen)
                    painter.drawLine(QLineF(strip.left, y + 0.5, strip.right, y + 0.5))
        for line in frame.once(self._tagged) if right >= strip.left else ():
            y = line_y(frame, line.ticks)
            if above <= y <= below:
                if left <= strip.right:
                    self._draw_name(painter, frame, line, y)
                if right >= strip.right:
                    draw_price_tag(painter, self._bold, frame, y, line.text, line.colour)
        if exposed.top() <= LEGEND_TOP + LINE_PX and left <= strip.right:
            self._draw_share(painter, frame)

    def _count(self, frame: Frame) -> None:
        self._counted |= self.visible.update(frame.chart.series, *bars_in_view(frame))

    def values(self, frame: Frame) -> ProfileValues | None:
        """The values of the profile of the bars in view; None if they have no volume, or the strip is not shown."""
        return frame.once(self._values_of) if frame.layout.profile.width else None

    def _values_of(self, frame: Frame) -> ProfileValues | None:
        self._count(frame)
        return self.visible.values(frame.chart.anchors.side)

    def lines(self, frame: Frame) -> tuple[ProfileLine, ...]:
        """The POC, VAH and VAL lines of the bars in view; empty if the profile has no values."""
        return frame.once(self._lines_of)

    def _lines_of(self, frame: Frame) -> tuple[ProfileLine, ...]:
        figures = self.values(frame)
        return () if figures is None else profile_lines(frame, figures, frame.chart.anchors.side.colours)

    def _tagged(self, frame: Frame) -> list[ProfileLine]:
        """The lines in view that get a tag, POC first; a line gets none if its tag would cover the tag of an earlier line."""
        shown: list[ProfileLine] = []
        for line in self.lines(frame):
            y = line_y(frame, line.ticks)
            if 0 <= y <= frame.layout.price.height and all(abs(y - line_y(frame, other.ticks)) >= TAG_HEIGHT_PX for other in shown):
                shown.append(line)
        return shown

    def _draw_name(self, painter: QPainter, frame: Frame, line: ProfileLine, y: float) -> None:
        strip = frame.layout.profile
        width = self._bold.width(line.name) + 6
        at_the_end = frame.chart.anchors.side.placement is Placement.LEFT  # away from the start of the rows
        rect = QRectF(strip.right - width - 3 if at_the_end else strip.left + 3, y - 7, width, 14)
        painter.fillRect(rect, qcolor(frame.theme.panel))
        self._bold.draw(painter, rect.left() + 3, y, line.name, line.colour)

    def _draw_share(self, painter: QPainter, frame: Frame) -> None:
        coverage, strip = self._coverage.of(frame, as_of=True), frame.layout.profile
        text = share_text(coverage)
        if coverage is None or not text:
            return
        if self._bold.width(text) + 2 * _SHARE_PADDING_PX > strip.width:
            text = share_figure(coverage)  # the strip is narrow: without the words
        width = self._bold.width(text) + 2 * _SHARE_PADDING_PX
        rect = QRectF(strip.right - width, LEGEND_TOP, width, LINE_PX)
        painter.fillRect(rect, qcolor(frame.theme.panel._replace(alpha=255)))
        self._bold.draw(painter, rect.left() + _SHARE_PADDING_PX, rect.center().y(), text, frame.theme.hole_text)


def _look(frame: Frame) -> tuple[object, ...]:
    return frame.viewport.low_ticks, frame.viewport.tick_px, frame.generation
