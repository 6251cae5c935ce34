"""What both painters of bars and cells promise."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from rendering.view.frame import Frame


class CellPainter(Protocol):
    """Draws candles, cells and digits of a chart."""

    def prepare(self, frame: Frame) -> QRectF | None:
        """Bring what is kept up to a frame, within its time; the region to draw again in scene pixels, None for none."""
        ...

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        """Draw what lies in `exposed`."""
        ...

    def idle(self, budget_s: float) -> bool:
        """Use spare time; whether there is more to do."""
        ...

    def settle(self) -> None:
        """Finish what was put off."""
        ...
