"""Prices of armed alerts: for each a dashed line with a label, and a tag on the price axis."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from typing import NamedTuple

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPen

from app.chart.chart import AlertLine
from rendering.items.chart_item import ChartItem
from rendering.items.guides.axis_tags import TAG_HEIGHT_PX, draw_price_tag
from rendering.style.text import Labels, qcolor
from rendering.view.frame import Frame, once_a_frame
from rendering.view.frame_coords import line_y

_WORD = "alert"
_WORD_LEFT_PX = 3.0
_TIP_PX = 2.0
"""The outline of a tag's tip reaches this far out of the axis."""
_MANY = 100
"""More alerts than this in view have their words and tags copied from an image."""


class DrawnAlert(NamedTuple):
    """An alert on the screen: height in logical pixels, label, price on the tag, and whether that price is a computed value that moves."""

    y: float
    word: str
    price: str
    moves: bool


class AlertItem(ChartItem):
    """A line and a tag for each armed alert in view, at its fixed price or computed level (e.g. POC); only one at each height."""

    name = "alerts"
    title = "Alerts"
    help = "Alert prices"
    help_page = "alerts.md#set-an-alert"
    z = 70.0

    def __init__(self) -> None:
        super().__init__()
        self._labels = Labels(bold=True)
        self._shown: tuple[DrawnAlert, ...] = ()
        self._picture_key: tuple[object, ...] = ()
        self._pictures: list[_Picture] = []

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
        drawn, colour, right = _drawn(frame), frame.theme.text_muted, frame.layout.plot_right
        above, below = exposed.top() - TAG_HEIGHT_PX, exposed.bottom() + TAG_HEIGHT_PX
        seen = [alert for alert in drawn if above <= alert.y <= below]
        if exposed.left() <= right:
            for moves, dashes in ((False, [6, 4]), (True, [2, 4])):
                lines = [QLineF(0, round(alert.y) + 0.5, right, round(alert.y) + 0.5) for alert in seen if alert.moves is moves]
                if lines:
                    pen = QPen(qcolor(colour), 1, Qt.PenStyle.CustomDashLine)
                    pen.setDashPattern(dashes)
                    painter.setPen(pen)
                    painter.drawLines(lines)
        words_end, tags = self._words_end(drawn), exposed.right() >= frame.layout.price_axis.left - _TIP_PX
        if exposed.left() <= words_end or tags:
            if len(seen) > _MANY:
                self._draw_picture(painter, frame, drawn, exposed)
            else:
                self._draw_texts(painter, frame, seen, words=exposed.left() <= words_end, tags=tags)

    def _words_end(self, drawn: tuple[DrawnAlert, ...]) -> float:
        return _WORD_LEFT_PX + self._labels.width(max((alert.word for alert in drawn), key=len, default="")) + 6

    def _draw_texts(self, painter: QPainter, frame: Frame, alerts: Iterable[DrawnAlert], *, words: bool = True, tags: bool = True) -> None:
        """Draw the labels of alerts at the left edge of the price pane if `words`, and their tags on the price axis if `tags`."""
        colour, panel = frame.theme.text_muted, qcolor(frame.theme.panel)
        for y, word, price, _ in alerts:
            if words:
                painter.fillRect(QRectF(_WORD_LEFT_PX, y - 8, self._labels.width(word) + 6, 16), panel)
                self._labels.draw(painter, _WORD_LEFT_PX + 3, y, word, colour)
            if tags:
                draw_price_tag(painter, self._labels, frame, y, price, colour)

    def _draw_picture(self, painter: QPainter, frame: Frame, drawn: tuple[DrawnAlert, ...], exposed: QRectF) -> None:
        """Copy the labels and tags from two images, which are drawn again only when an alert changes: faster for many alerts."""
        key = drawn, frame.theme, frame.layout, frame.dpr
        if key != self._picture_key:
            self._picture_key = key
            words, tags = (
                self._part(frame, 0.0, self._words_end(drawn)),
                self._part(frame, frame.layout.price_axis.left - _TIP_PX, frame.layout.width),
            )
            self._pictures = [
                _Picture.of(words, frame.dpr, lambda painter: self._draw_texts(painter, frame, drawn, tags=False)),
                _Picture.of(tags, frame.dpr, lambda painter: self._draw_texts(painter, frame, drawn, words=False)),
            ]
        for picture in self._pictures:
            if picture.place.intersects(exposed):
                painter.drawImage(picture.corner, picture.image)

    def _part(self, frame: Frame, left: float, right: float) -> QRectF:
        return QRectF(left, 0, right - left, frame.layout.price.height)


class _Picture(NamedTuple):
    """An image of a part of the layer, the part's rectangle, and the corner at which to draw the image, on a device pixel.

    Rectangle and corner are in logical pixels.
    """

    place: QRectF
    corner: QPointF
    image: QImage

    @classmethod
    def of(cls, place: QRectF, dpr: float, draw: Callable[[QPainter], None]) -> _Picture:
        left, right = math.floor(place.left() * dpr), math.ceil(place.right() * dpr)
        image = QImage(right - left, math.ceil(place.height() * dpr), QImage.Format.Format_ARGB32_Premultiplied)
        image.setDevicePixelRatio(dpr)
        image.fill(Qt.GlobalColor.transparent)
        corner = QPointF(left / dpr, 0)
        with QPainter(image) as painter:  # a painter that outlives its image crashes the process
            painter.translate(-corner)
            draw(painter)
        return cls(place, corner, image)


@once_a_frame
def _drawn(frame: Frame) -> tuple[DrawnAlert, ...]:
    """The alerts in view as they are drawn: at the middle of their tick, and only one at each height.

    The tag of a price between two ticks shows the nearest tick, or the lower one at half a tick.
    """
    lines = frame.chart.alert_lines
    if not lines:
        return ()
    grid, viewport = frame.chart.series.grid, frame.viewport
    low, high = viewport.ticks_at(viewport.height_px) - 1, viewport.ticks_at(0) + 1
    first, end = bisect_left(lines, low, key=_ticks), bisect_right(lines, high, key=_ticks)
    found: dict[float, DrawnAlert] = {}
    for ticks, text, _, moves in lines[first:end]:
        y = line_y(frame, ticks)
        if 0 <= y < frame.layout.price.height and y not in found:
            found[y] = DrawnAlert(y, f"{_WORD}: {text}" if moves else _WORD, grid.text(math.ceil(ticks - 0.5)), moves)
    return tuple(found.values())


def _ticks(line: AlertLine) -> float:
    return line.ticks
