"""Draw rectangles from numpy arrays; many rectangles of one colour need one call and no Python loop."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pyqtgraph.Qt.internals import PrimitiveArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter

from rendering.style.colour import Colour
from rendering.style.text import qcolor

_ONE_BY_ONE = 12
"""Up to this many rectangles of one colour, single calls are faster than filling the buffer."""
_FEW = 160
"""Up to this many rectangles of several colours, single calls are faster than grouping by colour."""


class RectBatch:
    """Draws many rectangles from arrays at a time, with a reusable buffer."""

    def __init__(self) -> None:
        self._primitives = PrimitiveArray(QRectF, 4)

    def draw_coloured(
        self,
        painter: QPainter,
        colours: Sequence[Colour],
        colour: np.ndarray,
        rects: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    ) -> None:
        """Fill rectangles (left, top, width, height), each with its own colour; skip empty ones.

        `colour` is each rectangle's index into `colours` [shape=(n,)].
        """
        which: int
        if len(colour) <= _FEW:
            for which, left, top, width, height in zip(colour.tolist(), *(column.tolist() for column in rects), strict=True):
                if width > 0 and height > 0:
                    painter.fillRect(QRectF(left, top, width, height), qcolor(colours[which]))
            return
        for which in np.unique(colour).tolist():
            of_colour = colour == which
            left, top, width, height = (column[of_colour] for column in rects)
            self.draw(painter, colours[which], left, top, width, height)

    def draw(self, painter: QPainter, colour: Colour, left: np.ndarray, top: np.ndarray, width: np.ndarray, height: np.ndarray) -> None:
        """Fill rectangles with one colour, in the painter's coordinates; skip empty ones."""
        seen = (width > 0) & (height > 0)
        count = int(np.count_nonzero(seen))
        if count <= _ONE_BY_ONE:
            brush = qcolor(colour)
            for rect in zip(*(column[seen].tolist() for column in (left, top, width, height)), strict=True):
                painter.fillRect(QRectF(*rect), brush)
            return
        self._primitives.resize(count)
        rects = self._primitives.ndarray()
        for column, values in enumerate((left, top, width, height)):
            rects[:, column] = values[seen]
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(qcolor(colour))
        painter.drawRects(*self._primitives.drawargs())
