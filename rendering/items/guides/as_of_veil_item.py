"""A veil over the bars after the as-of moment, because values do not use these bars.

Two layers: one over the cells and under the lines of the price pane, one over the panes below.
"""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from rendering.items.chart_item import ChartItem
from rendering.style.text import qcolor, qrect
from rendering.view.frame import Frame
from rendering.view.frame_coords import hairline

_OPACITY = 0.78
"""The veiled bars stay visible, but cannot be mistaken for bars that count."""


class AsOfVeilItem(ChartItem):
    """The veil over the price pane right of the as-of moment, with a line at that moment."""

    z = 20.0
    depends_on = frozenset[str]()

    def pane(self, frame: Frame) -> QRectF:
        return qrect(frame.layout.price)

    def changed(self, old: Frame, new: Frame) -> QRectF | None:
        if old.as_of == new.as_of and (new.as_of is None or old.viewport == new.viewport):
            return None
        edges = sorted((old.known_x, new.known_x))
        left = 0.0 if old.viewport != new.viewport else edges[0] - 1
        right = edges[1] + 2 if old.viewport == new.viewport and None not in (old.as_of, new.as_of) else self.pane(new).right()
        return QRectF(left, self.pane(new).top(), right - left, self.pane(new).height()) & self.pane(new)

    def draws_nothing(self, frame: Frame) -> bool:
        return frame.as_of is None

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        if frame.as_of is None:
            return
        pane, left = self.pane(frame), frame.known_x
        painter.fillRect(QRectF(left, pane.top(), pane.right() - left, pane.height()), qcolor(frame.theme.background.faded(_OPACITY)))
        self._draw_names(painter, QRectF(left, pane.top(), pane.right() - left, pane.height()) & exposed)
        painter.fillRect(QRectF(left, pane.top(), hairline(frame), pane.height()), qcolor(frame.theme.crosshair))

    def _draw_names(self, painter: QPainter, veiled: QRectF) -> None:
        """Draw the overlays that lie under the veil a second time, on top of the veil, because it would hide their names."""
        scene = self.scene()
        layers = [layer for layer in scene.items() if isinstance(layer, ChartItem)] if scene is not None else []
        for layer in sorted(layers, key=lambda layer: layer.zValue()):
            if layer.name and layer.isVisible() and layer.zValue() < self.zValue() and not isinstance(layer, AsOfVeilItem):
                layer.draw_part(painter, veiled)


class AsOfStripVeilItem(AsOfVeilItem):
    """The veil over the panes under the bars, right of the as-of moment, with a line at that moment."""

    z = 51.0

    def pane(self, frame: Frame) -> QRectF:
        top = frame.layout.price.bottom
        return QRectF(0, top, frame.layout.price.right, frame.layout.time_axis.top - top)

    def _draw_names(self, painter: QPainter, veiled: QRectF) -> None:
        """Do nothing: in the panes under the bars, overlays are not drawn again on top of the veil."""
