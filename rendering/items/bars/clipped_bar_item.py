"""A veil over the bar that is cut off by the left edge of the price pane, because a number cut off there would be misread."""

from __future__ import annotations

import math

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from rendering.items.chart_item import ChartItem
from rendering.paint.bar_zones import BarZones
from rendering.style.text import qcolor, qrect
from rendering.view.detail import Detail
from rendering.view.frame import Frame

_VEIL = 0.82


class ClippedBarItem(ChartItem):
    """A veil over the cells that are cut off by the left edge of the price pane, drawn only while cells show digits."""

    z = 10.5
    depends_on = frozenset[str]()

    def __init__(self) -> None:
        super().__init__()
        self._veiled = 0.0

    def pane(self, frame: Frame) -> QRectF:
        return qrect(frame.layout.price)

    def changed(self, old: Frame, new: Frame) -> QRectF | None:
        before, self._veiled = self._veiled, cut_cells_end(new)
        if before == self._veiled and old.theme is new.theme:
            return None
        return QRectF(0, 0, max(before, self._veiled), new.layout.price.height)

    def extent(self, frame: Frame) -> QRectF:
        return QRectF(0, 0, cut_cells_end(frame), frame.layout.price.height)

    def draws_nothing(self, frame: Frame) -> bool:
        return not cut_cells_end(frame)

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        veiled = QRectF(0, 0, cut_cells_end(frame), frame.layout.price.height)
        painter.fillRect(veiled & exposed, qcolor(frame.theme.background.faded(_VEIL)))


def cut_cells_end(frame: Frame) -> float:
    """X of the right edge of the cells cut off by the price pane's left edge, logical pixels; 0 if no cells with digits are cut off."""
    if frame.detail is not Detail.DIGITS or not frame.style.show_numbers:
        return 0.0
    pixels, style = frame.pixels, frame.style
    bar = math.floor(pixels.left / pixels.bar_pitch)
    row_pitch = frame.chart.series.grid.ticks_per_row * pixels.tick_pitch
    column = BarZones.of(pixels.bar_pitch, row_pitch, frame.dpr, frame.detail, candle=style.show_candles, bracket=style.show_value_area)
    cut = pixels.screen_x(bar) + column.cell_left < 0
    return max(0, pixels.screen_x(bar + 1) - column.gap) / frame.dpr if cut else 0.0
