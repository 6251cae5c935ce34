"""The last price: a dotted line across the bars and the profile, and a tag on the axis.

While the cells show digits the line runs under them, like the lines of the profile.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from rendering.items.chart_item import OVER_CELLS_Z, UNDER_CELLS_Z, ChartItem
from rendering.items.guides.axis_tags import TAG_HEIGHT_PX, draw_price_tag
from rendering.style.colour import Colour
from rendering.style.text import Labels, qcolor, qrect
from rendering.view.frame import Frame, once_a_frame
from rendering.view.frame_coords import line_y
from rendering.view.layout import AXIS_TEXT_PX, CHAR_ASPECT

_NAME = "close"
"""Name of the line in the as-of view; to the right of the names of the profile's lines, which may be at the same height."""
_NAME_AT_PX, _NAME_PX = 40.0, len(_NAME) * CHAR_ASPECT * AXIS_TEXT_PX + 6


class LastPrice(NamedTuple):
    """The last price: its height on the screen, its colour, and the x position where its line ends.

    While live, the colour shows the direction of the last bar, else the source of the trades; in the as-of view it is the text colour.
    """

    ticks: int
    y: float
    colour: Colour
    end: float


class LastPriceLineItem(ChartItem):
    """The line of the last price across the bars."""

    z, z_without_digits = UNDER_CELLS_Z, OVER_CELLS_Z

    def __init__(self) -> None:
        super().__init__()
        self._shown: LastPrice | None = None

    def pane(self, frame: Frame) -> QRectF:
        return qrect(frame.layout.price)

    def changed(self, old: Frame, new: Frame) -> list[QRectF] | None:
        before, self._shown = self._shown, last_price(new)
        return None if before == self._shown else _strips(self.pane(new), (before, self._shown), 2.0)

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        _draw_line(painter, frame, 0, frame.known_x, exposed)


class LastPriceItem(ChartItem):
    """The line of the last price across the profile, right of the bars, and the tag on the price axis."""

    z = 72.0

    def __init__(self) -> None:
        super().__init__()
        self._labels = Labels(bold=True)
        self._shown: LastPrice | None = None

    def pane(self, frame: Frame) -> QRectF:
        left = frame.layout.price.right
        return QRectF(left, 0, frame.layout.width - left, frame.layout.price.height)

    def changed(self, old: Frame, new: Frame) -> list[QRectF] | None:
        before, self._shown = self._shown, last_price(new)
        return None if before == self._shown else _strips(self.pane(new), (before, self._shown), TAG_HEIGHT_PX)

    def price_tags(self, frame: Frame) -> tuple[float, ...]:
        shown = last_price(frame)
        return () if shown is None else (shown.y,)

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        shown = _draw_line(painter, frame, frame.layout.price.right, frame.layout.plot_right, exposed)
        if shown is not None:
            if frame.as_of is not None and frame.layout.profile.width > _NAME_PX + _NAME_AT_PX:
                x = frame.layout.profile.left + _NAME_AT_PX
                painter.fillRect(QRectF(x, shown.y - 7, _NAME_PX, 14), qcolor(frame.theme.panel))
                self._labels.draw(painter, x + 3, shown.y, _NAME, shown.colour)
            if exposed.right() >= frame.layout.price_axis.left - 1:
                draw_price_tag(painter, self._labels, frame, shown.y, frame.chart.series.grid.text(shown.ticks), shown.colour)


@once_a_frame
def last_price(frame: Frame) -> LastPrice | None:
    """The last price and how to draw it: the close of the last bar, or of the last bar of an as-of view; None without bars."""
    series, theme = frame.chart.series, frame.theme
    if not series.n_bars:
        return None
    bar = frame.known_end - 1
    close = int(series.close[bar])
    if frame.as_of is not None:
        colour = theme.text
    elif frame.mode == "live":
        colour = theme.candle_up if close >= int(series.open[bar]) else theme.candle_down
    else:
        colour = {"simulated": theme.simulated, "replay": theme.replay}.get(frame.mode, theme.stale)
    return LastPrice(close, line_y(frame, close), colour, frame.known_x)


def _draw_line(painter: QPainter, frame: Frame, left: float, right: float, exposed: QRectF) -> LastPrice | None:
    """Draw the last price's line from `left` to `right`, and return the price.

    Return None without bars, or if the line's height is not in view or not exposed.
    """
    shown = last_price(frame)
    if shown is None or not 0 <= shown.y < frame.layout.price.height:
        return None
    if not exposed.top() - TAG_HEIGHT_PX <= shown.y <= exposed.bottom() + TAG_HEIGHT_PX:
        return None
    if left > exposed.right() or right < exposed.left():
        return shown
    pen = QPen(qcolor(shown.colour), 1, Qt.PenStyle.CustomDashLine)
    pen.setDashPattern([2, 3])
    painter.setPen(pen)
    painter.drawLine(QLineF(left, shown.y + 0.5, right, shown.y + 0.5))
    return shown


def _strips(pane: QRectF, prices: Iterable[LastPrice | None], margin_px: float) -> list[QRectF]:
    """Horizontal strips of a pane, `margin_px` above and below each of the given prices, to be painted again."""
    return [QRectF(pane.left(), price.y - margin_px, pane.width(), 2 * margin_px) & pane for price in prices if price is not None]
