"""The coverage ribbon on the time axis, which shows whether all trades of a bar are loaded.

Marks differ in shape as well as colour: filled (complete), outlined (unverified), dotted (candles only), hatched (trades
missing). Where bars share a pixel, the mark shows the worst state among them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QPainter

from app.analytics.bar_coverage import BarCoverage, BarState
from rendering.items.bars.visible_coverage import VisibleCoverage
from rendering.items.chart_item import READING_REST_S, ChartItem
from rendering.paint.rect_batch import RectBatch
from rendering.style.text import qcolor
from rendering.view.frame import Frame
from rendering.view.frame_coords import hairline

RIBBON_PX = 5.0
_TOP_PX = 1.0  # under the axis's line
_GAP_FROM_PX = 4.0
"""From this bar width on, marks have gaps between them; narrower ones are drawn as one band."""


class CoverageMarks(NamedTuple):
    """Marks of the coverage ribbon, from left to right.

    `left` and `right` are the edges `[left, right)` of each mark, in device pixels from the left edge of the price pane; `state` is
    its `BarState`. All have [shape=(n,)].
    """

    left: np.ndarray
    right: np.ndarray
    state: np.ndarray


class CoverageItem(ChartItem):
    """The coverage ribbon: a mark per bar, shared by neighbouring narrow bars of the same state; empty while the coverage is unknown."""

    z = 61.0
    rest_s = READING_REST_S

    def __init__(self) -> None:
        super().__init__()
        self.visible = VisibleCoverage()
        self._rectangles = RectBatch()
        self._shown: tuple[object, ...] = ()

    def pane(self, frame: Frame) -> QRectF:
        axis = frame.layout.time_axis
        return QRectF(0, axis.top + _TOP_PX, frame.layout.price.width, min(RIBBON_PX, axis.height - _TOP_PX))

    def changed(self, old: Frame, new: Frame) -> QRectF | None:
        before, self._shown = self._shown, self._look(new)
        return None if before == self._shown else self.pane(new)

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        marks = frame.once(self._marks)
        if marks is None:
            return
        theme, pane = frame.theme, self.pane(frame)
        begin, end = exposed.left() * frame.dpr - 1, exposed.right() * frame.dpr + 1
        marks = CoverageMarks(*(column[(marks.left <= end) & (marks.right >= begin)] for column in marks))
        painter.save()
        painter.scale(1 / frame.dpr, 1 / frame.dpr)  # device pixels from here: edges are whole numbers
        line = hairline(frame) * frame.dpr
        top, height = np.floor(pane.top() * frame.dpr), np.floor(pane.height() * frame.dpr)
        for state, colour in (
            (BarState.ALL, theme.text_muted.faded(0.55)),
            (BarState.UNVERIFIED, theme.text_muted),
            (BarState.CANDLES, theme.text_muted),
            (BarState.MISSING, theme.hole),
        ):
            which = marks.state == state
            if not which.any():
                continue
            left, width = marks.left[which], (marks.right - marks.left)[which]
            if state is BarState.ALL:
                self._rectangles.draw(painter, colour, left, _same(top + line, left), width, _same(height - 2 * line, left))
            elif state is BarState.UNVERIFIED:
                for at, wide, tall, down in ((left, width, line, 0), (left, width, line, height - line), (left, line, height, 0)):
                    self._rectangles.draw(painter, colour, at, _same(top + down, left), _same(wide, left), _same(tall, left))
                self._rectangles.draw(painter, colour, left + width - line, _same(top, left), _same(line, left), _same(height, left))
            else:
                pattern = Qt.BrushStyle.BDiagPattern if state is BarState.MISSING else Qt.BrushStyle.Dense5Pattern
                painter.setBrushOrigin(QPointF(0, top))
                faint, hatch = qcolor(colour.faded(0.35)), QBrush(qcolor(colour), pattern)
                for x, wide in zip(left.tolist(), width.tolist(), strict=True):
                    rect = QRectF(x, top, wide, height)
                    painter.fillRect(rect, faint)
                    painter.fillRect(rect, hatch)
        painter.restore()

    def _marks(self, frame: Frame) -> CoverageMarks | None:
        coverage = self._coverage(frame)
        return None if coverage is None else marks_of(frame, coverage)

    def _coverage(self, frame: Frame) -> BarCoverage | None:
        return self.visible.of(frame) if frame.chart.covered else None

    def _look(self, frame: Frame) -> tuple[object, ...]:
        coverage = self._coverage(frame)
        known = None if coverage is None else coverage.state.tobytes()
        return known, frame.viewport.first_bar, frame.viewport.bar_px


def marks_of(frame: Frame, coverage: BarCoverage) -> CoverageMarks:
    """The marks of the coverage ribbon: one per bar, or one for neighbouring narrow bars with the same state; none for state `OUTSIDE`."""
    grid = frame.pixels
    numbers = coverage.first + np.arange(len(coverage.state))
    left, right = grid.bar_x(numbers) - grid.left, grid.bar_x(numbers + 1) - grid.left
    state = coverage.state
    if frame.viewport.bar_px >= _GAP_FROM_PX:
        seen = state != BarState.OUTSIDE
        return CoverageMarks(left[seen], right[seen] - max(1, round(frame.dpr)), state[seen])
    place, begin = np.unique(left, return_index=True)
    worst = np.maximum.reduceat(state, begin)
    turn = np.flatnonzero(np.append(True, np.diff(worst) != 0))
    end = np.append(place[turn[1:]], right[-1])
    seen = worst[turn] != BarState.OUTSIDE
    return CoverageMarks(place[turn][seen], end[seen], worst[turn][seen])


def _same(value: float | np.ndarray, like: np.ndarray) -> np.ndarray:
    return np.broadcast_to(value, like.shape)
