"""CVD in its own pane under the bars, and its divergences, drawn there and over the bars.

The CVD line is broken at gaps, and where CVD is reset.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from app.analytics.divergence import REACH
from app.settings.calculation import CalculationSettings
from rendering.hit_tests.flow_hits import cvd_questions, divergence_question
from rendering.hit_tests.hit_target import HitTarget
from rendering.items.as_of import pane_after_moment
from rendering.items.bars.coverage_text import CoverageText
from rendering.items.chart_item import READING_REST_S, ChartItem
from rendering.items.panes.cvd_series import CvdInView, DivergenceMark, cvd_reset, heights
from rendering.style.short_numbers import signed_quantity
from rendering.style.text import Labels, qcolor, qrect
from rendering.view.frame import Frame
from rendering.view.frame_coords import hairline
from rendering.view.layout import AXIS_TEXT_PX, Rect, Strip

_TEXT_ROOM_PX = 110.0
"""Space right of a divergence for its text."""


class CvdItem(ChartItem):
    """The pane with CVD and its divergences from price."""

    name = "cvd"
    title = "CVD with divergences"
    help = "Cumulative delta pane with divergences from price"
    help_page = "values.md#delta-cvd-and-divergences"
    keys = ("Alt+5",)
    shown_at_first = False
    z = 50.0
    rest_s = READING_REST_S

    def __init__(self) -> None:
        super().__init__()
        self._labels = Labels()
        self._figures = CvdInView()
        self._coverage_text = CoverageText()
        self._shown: tuple[object, ...] = ()

    @classmethod
    def strip(cls, rules: CalculationSettings) -> Strip | None:
        return Strip("cvd", 0.13, 48, 130)

    def legend(self, frame: Frame) -> str:
        """The legend text: `CVD`; if CVD is reset, also `by day` or `by session`, and what is missing of the newest period."""
        reset = cvd_reset(frame)
        return "CVD" if reset is None else f"CVD by {frame.rules.hours.unit}{self._coverage_text.of(frame, reset)}"

    def pane(self, frame: Frame) -> QRectF:
        pane = frame.layout.strip_of("cvd")
        return qrect(pane) | qrect(frame.layout.beside(pane))

    def changed(self, old: Frame, new: Frame) -> QRectF | None:
        before, self._shown = self._shown, self._state(new)
        if before != self._shown:
            return self.pane(new)
        if old.as_of != new.as_of:
            return pane_after_moment(old, new, self.pane(new))
        series = new.chart.series
        changed = series.changed_since(old.revision)
        if changed >= series.n_bars:
            return None
        x = max(0.0, new.viewport.x(int(series.number[max(changed - 1, 0)])))
        pane = new.layout.strip_of("cvd")
        return QRectF(x, pane.top, pane.right - x, pane.height)  # the axis on the right has not changed

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        pane, theme = frame.layout.strip_of("cvd"), frame.theme
        if not pane.height:
            return
        low, high = self._figures.scale(frame)
        if low <= 0 <= high and high > low:
            y = float(heights(np.zeros(1), (low, high), pane)[0])
            painter.fillRect(QRectF(pane.left, y, pane.width, hairline(frame)), qcolor(theme.grid_day))
        painter.save()
        painter.setClipRect(exposed & qrect(pane))
        self._figures.line(frame, pane, exposed).draw(painter, QPen(qcolor(theme.cvd), 1.5), exposed)
        for mark in frame.once(self._marks):
            if mark.touches(exposed, mark.cvd, 0.0):
                _draw_mark(painter, self._labels, frame, mark, mark.cvd, text=False)
        painter.restore()
        if exposed.right() > frame.layout.plot_right:
            self._draw_axis(painter, frame, pane, (low, high))

    def hits(self, frame: Frame, x: float, y: float) -> list[HitTarget]:
        """Hit targets of divergences near the mouse, then of CVD at the bar under the mouse; empty outside the CVD pane."""
        pane, reset = frame.layout.strip_of("cvd"), cvd_reset(frame)
        if not pane.holds(x, y):
            return []
        found = _marks_at(frame, [(mark, mark.cvd) for mark in frame.once(self._marks)], x, y)
        return [*found, *cvd_questions(frame, x, reset)]

    def _marks(self, frame: Frame) -> tuple[DivergenceMark, ...]:
        return self._figures.marks(frame, frame.layout.strip_of("cvd"))

    def _draw_axis(self, painter: QPainter, frame: Frame, pane: Rect, scale: tuple[int, int]) -> None:
        theme, x, right = frame.theme, frame.layout.plot_right, frame.layout.width
        painter.fillRect(QRectF(x, pane.top, right - x, pane.height), qcolor(theme.background))
        painter.fillRect(QRectF(x, pane.top, hairline(frame), pane.height), qcolor(theme.edge))
        painter.fillRect(QRectF(x, pane.top, right - x, hairline(frame)), qcolor(theme.edge))
        lot, (low, high) = frame.chart.spec.instrument.lot_size, scale
        self._labels.draw(painter, x + 7, pane.top + pane.height / 2, "CVD", theme.text_muted)
        if high > low and pane.height >= 3.4 * AXIS_TEXT_PX:
            self._labels.draw(painter, x + 7, pane.top + 9, signed_quantity(high, lot), theme.text_muted)
            self._labels.draw(painter, x + 7, pane.bottom - 9, signed_quantity(low, lot), theme.text_muted)

    def _state(self, frame: Frame) -> tuple[object, ...]:
        """Values that differ when the complete pane must be drawn again, not only the last bars: view, scale, gaps and settings."""
        marks = frame.once(self._marks)
        viewport = frame.viewport
        return (
            viewport.first_bar,
            viewport.bar_px,
            self._figures.scale(frame),
            len(marks),
            frame.generation,
            cvd_reset(frame),
            frame.chart.holes,
        )


class DivergenceItem(ChartItem):
    """The marks of divergences over the bars: lines from swing to swing, with a text."""

    name = "cvd"
    shown_at_first = False
    z = 45.0
    rest_s = READING_REST_S
    kept = True

    def __init__(self) -> None:
        super().__init__()
        self._labels = Labels(bold=True)
        self._figures = CvdInView()
        self._shown: tuple[DivergenceMark, ...] = ()

    def pane(self, frame: Frame) -> QRectF:
        return qrect(frame.layout.price)

    def changed(self, old: Frame, new: Frame) -> QRectF | None:
        before, self._shown = self._shown, new.once(self._marks)
        return None if before == self._shown else self.pane(new)

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        for mark in frame.once(self._marks):
            if mark.touches(exposed, mark.price, _TEXT_ROOM_PX):
                _draw_mark(painter, self._labels, frame, mark, mark.price, text=True)

    def hits(self, frame: Frame, x: float, y: float) -> list[HitTarget]:
        """Hit targets of divergences near the mouse; empty outside the price pane."""
        return _marks_at(frame, [(mark, mark.price) for mark in frame.once(self._marks)], x, y) if frame.layout.price.holds(x, y) else []

    def _marks(self, frame: Frame) -> tuple[DivergenceMark, ...]:
        return tuple(mark._replace(cvd=(0.0, 0.0)) for mark in self._figures.marks(frame, frame.layout.strip_of("cvd")))


def _marks_at(frame: Frame, marks: list[tuple[DivergenceMark, tuple[float, float]]], x: float, y: float) -> list[HitTarget]:
    found: list[HitTarget] = []
    for mark, (one, other) in marks:
        line = mark.left, one, mark.right, other
        found += divergence_question(frame, mark.bars, mark.side, cvd_reset(frame), line, (x, y))
    return found


def _draw_mark(painter: QPainter, labels: Labels, frame: Frame, mark: DivergenceMark, levels: tuple[float, float], *, text: bool) -> None:
    """Draw a divergence as a line from swing to swing: bearish in the sell colour, bullish in the buy colour.

    With `text`, the line is moved away from the bars, and a text follows it.
    """
    colour = frame.theme.sell if mark.side < 0 else frame.theme.buy
    off = -5.0 if mark.side < 0 else 5.0
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(qcolor(colour), 1.8, Qt.PenStyle.DashLine if not text else Qt.PenStyle.SolidLine))
    shift = off if text else 0.0
    painter.drawLine(QLineF(mark.left, levels[0] + shift, mark.right, levels[1] + shift))
    painter.restore()
    if text:
        sign = f"▼ CVD, {REACH} bars" if mark.side < 0 else f"▲ CVD, {REACH} bars"
        labels.draw(painter, mark.right + 4, levels[1] + 2.5 * off, sign if frame.viewport.bar_px >= 40 else sign[0], colour)
