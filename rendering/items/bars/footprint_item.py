"""The layer that draws the bars of the chart: candles, cells and digits."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from rendering.hit_tests.cell_hits import cell_questions
from rendering.hit_tests.hit_target import HitTarget
from rendering.items.chart_item import ChartItem
from rendering.paint.cell_painter import CellPainter
from rendering.paint.raster_painter import RasterPainter
from rendering.view.frame import Frame, PainterName


class FootprintItem(ChartItem):
    """The bars of the chart, drawn by the painter that the frame names: `gl` or `raster`.

    If that painter is not installed, e.g. without a GPU, the raster painter draws them; it always works.
    """

    z = 10.0

    def __init__(self) -> None:
        super().__init__()
        self.raster = RasterPainter()
        self._painters: dict[PainterName, CellPainter] = {"raster": self.raster}
        self._drawn_by: CellPainter = self.raster
        self._region: QRectF | None = None

    def install(self, name: PainterName, painter: CellPainter) -> None:
        """Add a painter under a name, or replace the painter with that name."""
        self._painters[name] = painter
        self.due_ns = 0

    def remove(self, name: PainterName) -> None:
        """Remove a painter that has failed; the raster painter is never removed."""
        if name != "raster":
            self._painters.pop(name, None)
            self.due_ns = 0

    def pane(self, frame: Frame) -> QRectF:
        """The rectangle of the price pane, logical pixels."""
        return QRectF(*frame.layout.price)

    def refresh(self, frame: Frame) -> bool:
        """Let the painter prepare the frame, then mark the changed region to be painted again; return False if nothing changed."""
        painter = self._painters.get(frame.painter, self.raster)
        self._region = painter.prepare(frame)
        if painter is not self._drawn_by:
            self.leave_view()
            self._drawn_by, self._region = painter, QRectF(*frame.layout.price)
        dirty = super().refresh(frame)
        if painter.due_ns is not None:
            self.due_ns = painter.due_ns
        return dirty

    def changed(self, old: Frame, new: Frame) -> QRectF | None:
        """The region that the painter reported as changed, or the price pane if another painter draws from now on."""
        return self._region

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        """Draw the exposed part of the bars with the current painter."""
        self._drawn_by.draw(painter, frame, exposed)

    def hits(self, frame: Frame, x: float, y: float) -> Sequence[HitTarget]:
        """Hit targets of the cell under the mouse and of its bar's POC and value area."""
        return cell_questions(frame, x, y)

    def idle(self, budget_s: float) -> bool:
        """Let the painter do work for later frames for about `budget_s` seconds; return True if more is left."""
        ranks = self.raster.keeper.ranks
        has_more = self._drawn_by.idle(budget_s)
        if self.raster.keeper.ranks is not ranks:
            self.due_ns = 0  # in other colours
        return has_more

    def settle(self) -> None:
        """Let the painter finish its deferred work."""
        self._drawn_by.settle()

    def leave_view(self) -> None:
        """Let other charts use the memory of the drawn bars, as they are out of view; the next frame draws again what is missing."""
        if self._drawn_by is self.raster:
            self.raster.leave_view()

    def take_after(self, other: ChartItem) -> None:
        """Use the volume ranks of another footprint item, so that both draw cells in the same colours."""
        if isinstance(other, FootprintItem):
            self.raster.keeper.ranks = other.raster.keeper.ranks
