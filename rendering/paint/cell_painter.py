"""The protocol that both painters of bars and cells, OpenGL and raster, implement."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from rendering.view.frame import Frame


class CellPainter(Protocol):
    """A painter that draws the candles, cells and digits of a chart.

    Attributes
    ----------
    due_ns : int or None
        Time from which `prepare` may find more to draw although nothing has changed since; None if everything is drawn.
    """

    due_ns: int | None

    def prepare(self, frame: Frame) -> QRectF | None:
        """Prepare the drawing of a frame; return the region of the scene to repaint, or None if nothing changed."""
        ...

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        """Draw the bars at least inside `exposed`, a rectangle in scene coordinates."""
        ...

    def idle(self, budget_s: float) -> bool:
        """Do work for later frames in spare time, for about `budget_s` seconds; return True if more is left."""
        ...

    def settle(self) -> None:
        """Finish all deferred drawing, so that the next `draw` is complete."""
        ...
