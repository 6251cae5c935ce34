"""The lines of the visible range profile across the bars: POC, VAH and VAL.

While the cells show digits the lines run under them, visible between the bars: a line through a number would make the number
unreadable. Zoomed out there are no digits and hardly any space between bars, and the lines run over the cells.
"""

from __future__ import annotations

from PySide6.QtCore import QLineF, QRectF
from PySide6.QtGui import QPainter

from rendering.items.chart_item import OVER_CELLS_Z, READING_REST_S, UNDER_CELLS_Z, ChartItem
from rendering.items.profiles.profile_line import ProfileLine
from rendering.items.profiles.visible_profile_item import VisibleProfileItem
from rendering.style.text import qrect
from rendering.view.frame import Frame
from rendering.view.frame_coords import line_y


class VisibleProfileLinesItem(ChartItem):
    """The lines of the visible range profile across the price pane, those that its settings extend.

    Their values come from the profile's own layer in the same scene.
    """

    name = "level-lines"
    title = "Visible range profile lines"
    help = "POC, VAH and VAL of the visible range, drawn across the chart"
    help_page = "profiles.md#visible-range-profile"
    keys = ("Alt+3",)
    z, z_without_digits = UNDER_CELLS_Z, OVER_CELLS_Z
    rest_s = READING_REST_S

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[tuple[float, str, float], ...] = ()
        self._profile_item: VisibleProfileItem | None = None

    def pane(self, frame: Frame) -> QRectF:
        return qrect(frame.layout.price)

    def changed(self, old: Frame, new: Frame) -> list[QRectF] | None:
        before, self._shown = self._shown, tuple((line_y(new, line.ticks), line.name, new.known_x) for line in self._lines(new))
        if before == self._shown:
            return None
        pane = self.pane(new)
        return [QRectF(pane.left(), y - 1, pane.width(), 3) & pane for y, *_ in set(before) ^ set(self._shown)]

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        for line in reversed(self._lines(frame)):  # the POC last, over the others
            y = line_y(frame, line.ticks) + 0.5
            if exposed.top() - 1 <= y <= exposed.bottom() + 1:
                painter.setPen(line.pen)
                painter.drawLine(QLineF(0, y, frame.known_x, y))

    def _lines(self, frame: Frame) -> tuple[ProfileLine, ...]:
        profile = self._profile()
        if profile is None:
            return ()
        side = frame.chart.anchors.side
        drawn = {"POC": side.extend_poc, "VAH": side.extend_vah, "VAL": side.extend_val}
        return tuple(line for line in profile.lines(frame) if drawn[line.name])

    def _profile(self) -> VisibleProfileItem | None:
        """The layer of the visible range profile in the same scene, cached once found; None if the scene has none."""
        if self._profile_item is None and (scene := self.scene()) is not None:
            self._profile_item = next((layer for layer in scene.items() if isinstance(layer, VisibleProfileItem)), None)
        return self._profile_item
