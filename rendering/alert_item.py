"""Prices that an alert waits for: a dashed line over the bars with the word, and a tag on the price axis."""

from __future__ import annotations

from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from rendering.axes import price_y
from rendering.chart_item import ChartItem
from rendering.frame import Frame
from rendering.tags import TAG_HEIGHT_PX, draw_price_tag
from rendering.text import Labels, qcolor

_WORD = "alert"


class AlertItem(ChartItem):
    """One line and one tag for each armed alert on a price."""

    name = "alerts"
    title = "Alerts"
    help = "The prices that an alert waits for"
    z = 70.0

    def __init__(self) -> None:
        super().__init__()
        self._labels = Labels(bold=True)
        self._shown: tuple[tuple[int, float], ...] = ()

    def pane(self, frame: Frame) -> QRectF:
        return QRectF(0, 0, frame.layout.width, frame.layout.price.height)

    def changed(self, old: Frame, new: Frame) -> list[QRectF] | None:
        before, self._shown = self._shown, _heights(new)
        if before == self._shown:
            return None
        pane = self.pane(new)
        return [QRectF(0, y - TAG_HEIGHT_PX, pane.width(), 2 * TAG_HEIGHT_PX) & pane for _, y in {*before} ^ {*self._shown}]

    def price_tags(self, frame: Frame) -> tuple[float, ...]:
        return tuple(y for _, y in _heights(frame))

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        grid, colour = frame.chart.series.grid, frame.theme.text_muted
        pen = QPen(qcolor(colour), 1, Qt.PenStyle.CustomDashLine)
        pen.setDashPattern([6, 4])
        for ticks, y in _heights(frame):
            painter.setPen(pen)
            painter.drawLine(QLineF(0, round(y) + 0.5, frame.layout.plot_right, round(y) + 0.5))
            label = QRectF(3, y - 8, self._labels.width(_WORD) + 6, 16)
            painter.fillRect(label, qcolor(frame.theme.panel))
            self._labels.draw(painter, label.left() + 3, y, _WORD, colour)
            draw_price_tag(painter, self._labels, frame, y, grid.text(ticks), colour)


def _heights(frame: Frame) -> tuple[tuple[int, float], ...]:
    """The prices in sight, and where they are: a tick is drawn over [t, t + 1), its middle is meant."""
    places = ((ticks, price_y(frame, ticks + 0.5)) for ticks in frame.chart.alert_ticks)
    return tuple(place for place in places if 0 <= place[1] < frame.layout.price.height)
