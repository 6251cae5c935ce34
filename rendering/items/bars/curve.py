"""Lines through one value per bar, drawn from numpy arrays at any zoom."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import shiboken6
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPainterPath, QPen, QPolygonF

from rendering.view.frame import Frame

_VoidPtr: Any = shiboken6.VoidPtr  # whose types lack its buffer


class Curve(NamedTuple):
    """Points of a line, in logical pixels [shape=(n,)], oldest first.

    `joined` is False where the line is broken before a point.
    """

    x: np.ndarray
    y: np.ndarray
    joined: np.ndarray

    def draw(self, painter: QPainter, pen: QPen, exposed: QRectF) -> None:
        """Draw the part of the line inside `exposed`, and up to two points beyond it on each side."""
        if len(self.x) < 2:
            return
        first = max(0, int(np.searchsorted(self.x, exposed.left())) - 2)
        end = int(np.searchsorted(self.x, exposed.right(), side="right")) + 2
        x, y, joined = self.x[first:end], self.y[first:end], self.joined[first:end]
        if len(x) < 2:
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.strokePath(_path(x, y, joined), pen)
        painter.restore()


def curve(frame: Frame, first: int, end: int, y: np.ndarray, stretch: np.ndarray) -> Curve:
    """A line with one height per bar, through the middles of the bars `[first, end)` (indices).

    Of bars that share a device pixel the lowest and the highest are drawn, in their order, so that no extreme is lost.

    Parameters
    ----------
    y : float64 [shape=(n,)]
        Heights in logical pixels.
    stretch : int64 [shape=(n,)]
        A number per bar; the line is broken where it changes.
    """
    pixels, number = frame.pixels, frame.chart.series.number[first:end]
    left, right = pixels.bar_x(number), pixels.bar_x(number + 1)
    x = ((left + right) / 2 - pixels.left) / frame.dpr
    joined = np.diff(stretch, prepend=stretch[:1] - 1) == 0
    if frame.viewport.bar_px * frame.dpr < 1 and len(y):
        drawn = _extremes(left, y)
        broken = np.cumsum(~joined)[drawn]
        return Curve(x[drawn], y[drawn], np.diff(broken, prepend=broken[:1] - 1) == 0)
    return Curve(x, y, joined)


def _extremes(pixel: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Indices of the lowest and the highest value in each column of pixels, ascending."""
    order = np.lexsort((y, pixel))
    starts = np.flatnonzero(np.diff(pixel[order], prepend=pixel[order[0]] - 1))
    ends = np.append(starts[1:], len(order)) - 1
    return np.unique(np.concatenate((order[starts], order[ends])))


def _path(x: np.ndarray, y: np.ndarray, joined: np.ndarray) -> QPainterPath:
    """A path through the points, broken before each that is not joined."""
    path = QPainterPath()
    starts = np.flatnonzero(~joined[1:]) + 1
    for first, end in pairwise((0, *starts.tolist(), len(x))):
        points = QPolygonF([QPointF()] * (end - first))
        memory = _VoidPtr(points.data(), 16 * (end - first), True)  # two doubles a point
        np.frombuffer(memory, np.float64).reshape(-1, 2)[:] = np.column_stack((x[first:end], y[first:end]))
        path.addPolygon(points)
    return path
