"""Prices of armed alerts: a dashed line with a label, and a tag on the axis."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from typing import NamedTuple

from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from app.chart.chart import AlertLine
from rendering.items.chart_item import ChartItem
from rendering.items.guides.axis_tags import TAG_HEIGHT_PX, draw_price_tag
from rendering.style.text import Labels, qcolor
from rendering.view.frame import Frame
from rendering.view.frame_coords import price_y

_WORD = "alert"


class DrawnAlert(NamedTuple):
    """An alert on the screen: height in logical pixels, label, price on the tag, and whether that price moves."""

    y: float
    word: str
    price: str
    moves: bool


class AlertItem(ChartItem):
    """A line and a tag for each armed alert on a price."""

    name = "alerts"
    title = "Alerts"
    help = "Alert prices"
    help_page = "alerts.md#set-an-alert"
    z = 70.0

    def __init__(self) -> None:
        super().__init__()
        self._labels = Labels(bold=True)
        self._shown: tuple[DrawnAlert, ...] = ()

    def pane(self, frame: Frame) -> QRectF:
        return QRectF(0, 0, frame.layout.width, frame.layout.price.height)

    def changed(self, old: Frame, new: Frame) -> list[QRectF] | None:
        before, self._shown = self._shown, _drawn(new)
        if before == self._shown:
            return None
        pane = self.pane(new)
        return [
            QRectF(0, y - TAG_HEIGHT_PX, pane.width(), 2 * TAG_HEIGHT_PX) & pane for y in {drawn.y for drawn in {*before} ^ {*self._shown}}
        ]

    def price_tags(self, frame: Frame) -> tuple[float, ...]:
        return tuple(drawn.y for drawn in _drawn(frame))

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        colour = frame.theme.text_muted
        pen = QPen(qcolor(colour), 1, Qt.PenStyle.CustomDashLine)
        for y, word, price, moves in _drawn(frame):
            pen.setDashPattern([2, 4] if moves else [6, 4])
            painter.setPen(pen)
            painter.drawLine(QLineF(0, round(y) + 0.5, frame.layout.plot_right, round(y) + 0.5))
            label = QRectF(3, y - 8, self._labels.width(word) + 6, 16)
            painter.fillRect(label, qcolor(frame.theme.panel))
            self._labels.draw(painter, label.left() + 3, y, word, colour)
            draw_price_tag(painter, self._labels, frame, y, price, colour)


def _drawn(frame: Frame) -> tuple[DrawnAlert, ...]:
    """The alerts in view as they are drawn: at the middle of their tick, and only one at each height.

    The tag of a price between two ticks shows the nearest tick, or the lower one at half a tick, as for profile lines.
    """
    lines = frame.chart.alert_lines
    if not lines:
        return ()
    grid, viewport = frame.chart.series.grid, frame.viewport
    low, high = viewport.ticks_at(viewport.height_px) - 1, viewport.ticks_at(0) + 1
    first, end = bisect_left(lines, low, key=_ticks), bisect_right(lines, high, key=_ticks)
    found: dict[float, DrawnAlert] = {}
    for ticks, text, _, moves in lines[first:end]:
        y = price_y(frame, ticks + 0.5)
        if 0 <= y < frame.layout.price.height and y not in found:
            found[y] = DrawnAlert(y, f"{_WORD}: {text}" if moves else _WORD, grid.text(math.ceil(ticks - 0.5)), moves)
    return tuple(found.values())


def _ticks(line: AlertLine) -> float:
    return line.ticks
