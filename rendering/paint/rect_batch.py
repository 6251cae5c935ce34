"""Draw rectangles given as numpy arrays; many rectangles of one colour need one call and no Python loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import shiboken6
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter

from app.market.distinct import distinct
from rendering.style.colour import Colour
from rendering.style.text import qcolor

_ONE_BY_ONE = 12
"""Up to this many rectangles of one colour, single calls are faster than filling the buffer."""
_FEW = 160
"""Up to this many rectangles of several colours, single calls are faster than grouping by colour."""


class _Rects:
    """A buffer with rows of four doubles, which Qt reads as rectangles."""

    def __init__(self) -> None:
        self._resize(64)

    def rows(self, count: int) -> np.ndarray:
        """Left, top, width and height of `count` rectangles, to be filled in; float64 [shape=(count, 4)]."""
        if count > len(self._rows):
            self._resize(2 * count)
        return self._rows[:count]

    def first(self) -> QRectF:
        """The first rectangle of the buffer; the others follow it in memory."""
        return self._first

    def _resize(self, capacity: int) -> None:
        self._rows = np.empty((capacity, 4))
        self._first = cast(QRectF, shiboken6.wrapInstance(self._rows.ctypes.data, QRectF))


class RectBatch:
    """Draws many rectangles, given as numpy arrays, with few calls of Qt; its buffer is used again for each call."""

    def __init__(self) -> None:
        self._rects = _Rects()

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
        for which in distinct(colour).tolist():
            of_colour = colour == which
            left, top, width, height = (column[of_colour] for column in rects)
            self.draw(painter, colours[which], left, top, width, height)

    def draw(self, painter: QPainter, colour: Colour, left: np.ndarray, top: np.ndarray, width: np.ndarray, height: np.ndarray) -> None:
        """Fill rectangles, given in the painter's coordinates, with one colour; skip empty ones."""
        seen = (width > 0) & (height > 0)
        count = int(np.count_nonzero(seen))
        if count <= _ONE_BY_ONE:
            brush = qcolor(colour)
            for rect in zip(*(column[seen].tolist() for column in (left, top, width, height)), strict=True):
                painter.fillRect(QRectF(*rect), brush)
            return
        rects = self._rects.rows(count)
        for column, values in enumerate((left, top, width, height)):
            rects[:, column] = values[seen]
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(qcolor(colour))
        painter.drawRects(self._rects.first(), count)
