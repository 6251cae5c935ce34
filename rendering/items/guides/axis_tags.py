"""Tags: filled labels that mark one price or one time on the axes."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPolygonF

from rendering.style.colour import Colour
from rendering.style.text import Labels, qcolor
from rendering.view.frame import Frame

TAG_HEIGHT_PX = 17.0
_POINT_PX = 5.0


def price_tag_rect(frame: Frame, y: float) -> QRectF:
    """The rectangle of a tag at height `y` of the price axis, moved if needed so that it lies inside the axis."""
    axis = frame.layout.price_axis
    top = min(max(y - TAG_HEIGHT_PX / 2, axis.top), max(axis.top, axis.bottom - TAG_HEIGHT_PX))
    return QRectF(axis.left, top, axis.width, TAG_HEIGHT_PX)


def draw_price_tag(painter: QPainter, labels: Labels, frame: Frame, y: float, text: str, ground: Colour) -> None:
    """Draw a tag with a text on the price axis, with a tip that points at height `y`."""
    rect = price_tag_rect(frame, y)
    left = rect.left() + _POINT_PX
    painter.fillRect(QRectF(left, rect.top(), rect.width() - _POINT_PX, rect.height()), qcolor(ground))
    tip = QPolygonF([QPointF(rect.left(), rect.center().y()), QPointF(left, rect.top()), QPointF(left, rect.bottom())])
    painter.setPen(qcolor(ground))
    painter.setBrush(qcolor(ground))
    painter.drawPolygon(tip)
    labels.draw(painter, left + 2, rect.center().y(), text, frame.theme.ink_on(ground))


def time_tag_rect(frame: Frame, labels: Labels, x: float, text: str) -> QRectF:
    """The rectangle of a tag at `x` of the time axis, moved if needed so that it lies inside the axis."""
    axis = frame.layout.time_axis
    width = labels.width(text) + 12
    left = min(max(x - width / 2, axis.left), max(axis.left, axis.right - width))
    return QRectF(left, axis.top + 1, width, axis.height - 2)


def draw_time_tag(painter: QPainter, labels: Labels, frame: Frame, x: float, text: str, ground: Colour) -> None:
    """Draw a tag with a text at `x` of the time axis."""
    rect = time_tag_rect(frame, labels, x, text)
    painter.fillRect(rect, qcolor(ground))
    labels.draw(painter, rect.center().x(), rect.center().y(), text, frame.theme.ink_on(ground), 0.5)
