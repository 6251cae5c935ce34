"""A cached image of overlays: a trade that changes none of them does not make them draw again.

A chart has two caches, one under the cells and one over them; an overlay's `z` decides into which one it is drawn. Only
widgets on the screen use the caches: when a scene is drawn into an image, each overlay draws itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QRegion
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from rendering.items.chart_item import ChartItem
from rendering.style.text import qrect

if TYPE_CHECKING:
    from rendering.view.frame import Frame

_CELLS_Z = 10.0
_UNDER_Z, _OVER_Z = 5.5, 45.5
"""`z` of the caches: above the line of the last price, and below the panes and marks that lie over all overlays."""
_MAX_PARTS = 6
"""More outdated rectangles than this are drawn as their bounding rectangle."""


class LayerCache(QGraphicsItem):
    """A cached image of the price pane, with the `kept` layers under the cells or with those over the cells.

    Parameters
    ----------
    items : sequence of ChartItem
        The layers of both caches, under and over the cells.
    over : bool
        Whether the cache lies over the cells.
    """

    def __init__(self, items: Sequence[ChartItem], *, over: bool) -> None:
        super().__init__()
        self.setZValue(_OVER_Z if over else _UNDER_Z)
        self._items, self._over = items, over
        self._drawn: list[ChartItem] = []
        self._pane, self._dpr = QRect(), 1.0
        self._image: QImage | None = None
        self._spoilt = QRegion()

    def follow(self, frame: Frame) -> None:
        """Set the cache's area to a frame's price pane; if the pane or the pixel ratio changed, discard the image to draw it again."""
        pane = qrect(frame.layout.price).toAlignedRect()
        if (pane, frame.dpr) != (self._pane, self._dpr):
            self.prepareGeometryChange()
            self._pane, self._dpr, self._image = pane, frame.dpr, None

    def mark_dirty(self, item: ChartItem, rect: QRect) -> None:
        """Mark a rectangle of the scene as outdated if the item is drawn into this cache."""
        if self._contains(item):
            self._spoilt += rect

    def boundingRect(self) -> QRectF:
        """The price pane, in scene coordinates."""
        return QRectF(self._pane)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Draw the outdated parts of the image again, then copy it to the screen.

        Do nothing while the scene is drawn without a widget.
        """
        if widget is None or self._pane.isEmpty():
            return
        self._catch_up()
        if self._image is not None:
            painter.save()
            painter.scale(1 / self._dpr, 1 / self._dpr)  # device pixels: a copy, no scaling
            painter.drawImage(QRect(self._corner(), self._image.size()), self._image)
            painter.restore()

    def _catch_up(self) -> None:
        items = sorted((item for item in self._items if item.isVisible() and self._contains(item)), key=lambda item: item.zValue())
        if not items:
            self._image, self._drawn = None, []
            return
        if self._image is None or items != self._drawn:
            self._image, self._drawn = self._blank(), items
            self._spoilt = QRegion(self._pane)
        spoilt, self._spoilt = self._spoilt & self._pane, QRegion()
        if spoilt.rectCount() > _MAX_PARTS:
            self._draw([spoilt.boundingRect()])
        elif not spoilt.isEmpty():
            self._draw(list(spoilt))  # type: ignore[arg-type]  # a QRegion iterates over its rectangles

    def _draw(self, parts: list[QRect]) -> None:
        assert self._image is not None
        with QPainter(self._image) as painter:  # a painter that outlives its image crashes the process
            painter.translate(-self._corner())
            painter.scale(self._dpr, self._dpr)
            for part in parts:
                painter.setClipRect(part)
                painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Source)
                painter.fillRect(part, Qt.GlobalColor.transparent)
                painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceOver)
                for item in self._drawn:
                    item.draw_part(painter, QRectF(part))

    def _contains(self, item: ChartItem) -> bool:
        return (item.zValue() > _CELLS_Z) == self._over

    def _corner(self) -> QPoint:
        """The price pane's upper left corner, device pixels."""
        return QPoint(round(self._pane.left() * self._dpr), round(self._pane.top() * self._dpr))

    def _blank(self) -> QImage:
        width, height = round(self._pane.width() * self._dpr), round(self._pane.height() * self._dpr)
        image = QImage(width, height, QImage.Format.Format_ARGB32_Premultiplied)
        image.fill(Qt.GlobalColor.transparent)
        return image
