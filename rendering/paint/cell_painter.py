"""The protocol of both painters of bars and cells."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from rendering.view.frame import Frame


class CellPainter(Protocol):
    """Draws candles, cells and digits of a chart."""

    def prepare(self, frame: Frame) -> QRectF | None:
        """Update to a frame within its time; the scene region to repaint, or None."""
        ...

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        """Draw the part of the chart in `exposed`, scene pixels."""
        ...

    def idle(self, budget_s: float) -> bool:
        """Work ahead in spare time; True if more is left."""
        ...

    def settle(self) -> None:
        """Finish all deferred drawing."""
        ...
