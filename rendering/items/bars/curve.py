"""Lines through one value per bar, drawn from numpy arrays at any zoom."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import shiboken6
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPen, QPolygonF

from app.market.distinct import distinct
from rendering.view.frame import Frame

_VoidPtr: Any = shiboken6.VoidPtr  # whose types lack its buffer
_RUN_PX = 60
"""Dashes start again at the first point after each multiple of this many global device pixels, so that a part of a line has the same
dashes as the whole line, wherever the view is."""
_MARGIN_PX = 3
_NO_POINTS = np.zeros(0, np.int64), np.zeros(0, np.int32)
_SOLID = Qt.PenStyle.SolidLine


class Curve(NamedTuple):
    """Points of a line, in logical pixels [shape=(n,)], oldest first.

    `joined` is False where the line is broken before a point. `run` numbers the runs of dashes: where it changes from one point to
    the next, the dashes start again.
    """

    x: np.ndarray
    y: np.ndarray
    joined: np.ndarray
    run: np.ndarray

    def draw(self, painter: QPainter, pen: QPen, exposed: QRectF) -> None:
        """Draw the part of the line inside `exposed`; see `draw_curves`."""
        draw_curves(painter, pen, exposed, (self,))

    def part(self, exposed: QRectF, *, dashed: bool) -> tuple[np.ndarray, np.ndarray]:
        """Indices of the points to draw inside `exposed`, and for each 1 if it is joined to the next, else 0: int64, int32 [shape=(n,)].

        With `dashed`, the first point of each run of dashes appears twice: as the end of the previous run, and as the start of its own.
        """
        first = max(0, int(np.searchsorted(self.x, exposed.left())) - 2)
        end = min(len(self.x), int(np.searchsorted(self.x, exposed.right(), side="right")) + 2)
        if dashed and first < len(self.run):
            first = int(np.searchsorted(self.run, int(self.run[first])))
        places = np.arange(first, end)
        connect = np.zeros(len(places), np.int32)
        connect[:-1] = self.joined[first + 1 : end]
        if not dashed:
            return places, connect
        run = self.run[first:end]
        twice = np.ones(len(places), np.int64)
        twice[1:] += run[1:] != run[:-1]
        repeated = places.repeat(twice)
        joined = connect.repeat(twice)
        joined[:-1][repeated[:-1] == repeated[1:]] = 0
        return repeated, joined


def draw_curves(painter: QPainter, pen: QPen, exposed: QRectF, lines: Sequence[Curve]) -> None:
    """Draw the parts of several lines inside `exposed` in one stroke.

    Each part includes up to two points outside `exposed` on either side; a dashed part begins at the start of a run of dashes.
    """
    dashed, before = pen.style() is not _SOLID, None
    found: list[Sequence[np.ndarray]] = []
    places, connect = _NO_POINTS
    for line in lines:
        if line.x is not before:  # the bands of a line have the same points in time
            (places, connect), before = line.part(exposed, dashed=dashed), line.x
        if len(places) > 1:
            found.append((line.x[places], line.y[places], connect))
    if not found:
        return
    x, y, connect = found[0] if len(found) == 1 else [np.concatenate(column) for column in zip(*found, strict=True)]
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.strokePath(_path(x, y, connect), pen)
    painter.restore()


def bars_of_part(frame: Frame, exposed: QRectF, *, dashed: bool = False) -> tuple[int, int]:
    """Indices `[first, end)` of the bars whose points are needed to draw a line inside `exposed`; some may be out of view."""
    series, viewport, pixels = frame.chart.series, frame.viewport, frame.pixels
    first = series.index_of(math.floor(viewport.bar_at(exposed.left() - _MARGIN_PX))) - 2
    if dashed and 0 < first < series.n_bars:
        run_x = int(pixels.bar_x(int(series.number[first]))) // _RUN_PX * _RUN_PX - _MARGIN_PX
        first = series.index_of(math.floor(run_x / pixels.bar_pitch))
    end = series.index_of(math.floor(viewport.bar_at(exposed.right() + _MARGIN_PX)) + 1) + 2
    return max(0, first), min(frame.known_end, max(first, end))


def curve(frame: Frame, first: int, end: int, y: np.ndarray, stretch: np.ndarray) -> Curve:
    """A line with one height per bar, through the middles of the bars `[first, end)` (indices); see `curves`."""
    return curves(frame, first, end, (y,), stretch)[0]


def curves(frame: Frame, first: int, end: int, heights: Sequence[np.ndarray], stretch: np.ndarray) -> list[Curve]:
    """Lines with one height per bar each, through the middles of the bars `[first, end)` (indices).

    Of bars that share a column of device pixels only those with the lowest and the highest value are drawn, so that no extreme is lost.

    Parameters
    ----------
    heights : sequence of float64 [shape=(n,)]
        Heights in logical pixels.
    stretch : int64 [shape=(n,)]
        A number per bar; the lines are broken where this number changes.
    """
    pixels, number = frame.pixels, frame.chart.series.number[first:end]
    left, right = pixels.bar_x(number), pixels.bar_x(number + 1)
    x = ((left + right) / 2 - pixels.left) / frame.dpr
    run = left // _RUN_PX
    joined = np.diff(stretch, prepend=stretch[:1] - 1) == 0
    if frame.viewport.bar_px * frame.dpr >= 1 or not len(x):
        return [Curve(x, y, joined, run) for y in heights]
    found: list[Curve] = []
    for y in heights:
        drawn = _extremes(left, y)
        broken = np.cumsum(~joined)[drawn]
        found.append(Curve(x[drawn], y[drawn], np.diff(broken, prepend=broken[:1] - 1) == 0, run[drawn]))
    return found


def _extremes(pixel: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Indices of the lowest and the highest value in each column of pixels, ascending."""
    order = np.lexsort((y, pixel))
    starts = np.flatnonzero(np.diff(pixel[order], prepend=pixel[order[0]] - 1))
    ends = np.append(starts[1:], len(order)) - 1
    return distinct(np.concatenate((order[starts], order[ends])))


def _path(x: np.ndarray, y: np.ndarray, connect: np.ndarray) -> QPainterPath:
    """A path through the points, broken after each point that is not joined to the next."""
    path = QPainterPath()
    starts = np.flatnonzero(connect[:-1] == 0) + 1
    for first, end in pairwise((0, *starts.tolist(), len(x))):
        points = QPolygonF([QPointF()] * (end - first))
        memory = _VoidPtr(points.data(), 16 * (end - first), True)  # two doubles a point
        np.frombuffer(memory, np.float64).reshape(-1, 2)[:] = np.column_stack((x[first:end], y[first:end]))
        path.addPolygon(points)
    return path
