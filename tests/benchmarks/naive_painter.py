"""The simplest way to draw cells: a QPainter call for each cell and each number, in each frame."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter

from rendering.items.chart_item import ChartItem
from rendering.paint.cell_colouring import VolumeRanks
from rendering.style.short_numbers import short_quantity
from rendering.style.text import chart_font, qcolor
from rendering.view.detail import Detail
from rendering.view.frame import Frame


class NaiveItem(ChartItem):
    """Cells, with numbers at the level of digits; without candles and marks, so less work than our painters do."""

    z = 10.0

    def __init__(self) -> None:
        super().__init__()
        self._ranks: VolumeRanks | None = None
        self._texts: dict[tuple[int, int], str] = {}

    def pane(self, frame: Frame) -> QRectF:
        """The price pane."""
        return QRectF(*frame.layout.price)

    def changed(self, old: Frame, new: Frame) -> QRectF | None:
        """The complete pane after a movement, the last bar after a trade."""
        if old.viewport != new.viewport:
            return self.pane(new)
        if old.revision == new.revision:
            return None
        left = new.viewport.x(int(new.chart.series.number[-1]))
        return QRectF(left, 0, new.viewport.bar_px, new.layout.price.height)

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        """Draw the exposed bars cell by cell."""
        series, view, theme = frame.chart.series, frame.viewport, frame.theme
        if self._ranks is None:
            self._ranks = VolumeRanks(series.cell_buy + series.cell_sell)
        lot = frame.chart.spec.instrument.lot_size
        digits = frame.detail == Detail.DIGITS
        height, width = view.tick_px * series.grid.ticks_per_row, view.bar_px
        painter.setFont(chart_font(10))
        painter.setPen(qcolor(theme.digits))
        first, end = series.index_of(int(view.bar_at(exposed.left()))), series.index_of(int(view.bar_at(exposed.right())) + 1)
        for bar in range(first, end):
            first_row, buy, sell, _ = series.bar_cells(bar)
            x = view.x(int(series.number[bar]))
            steps = self._ranks.steps(buy + sell).tolist()
            for place, (bought, sold) in enumerate(zip(buy.tolist(), sell.tolist(), strict=True)):
                rect = QRectF(x, view.y((first_row + place + 1) * series.grid.ticks_per_row), width - 1, height)
                painter.fillRect(rect, qcolor(theme.volume_ramp[steps[place]]))
                if digits:
                    text = self._texts.get((sold, bought))
                    if text is None:  # cached, so that only the drawing is measured
                        text = self._texts[sold, bought] = f"{short_quantity(sold, lot)} x {short_quantity(bought, lot)}"
                    painter.drawText(QPointF(x + 4, rect.bottom() - 4), text)
