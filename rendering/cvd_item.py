"""CVD in a pane of its own under the bars, and where price and CVD part, drawn in both panes.

The line is broken at holes in the data, and where the sum starts again.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from app.analytics.cumulative_delta import CumulativeDelta
from app.analytics.divergence import REACH, Divergences, Swings, divergences
from app.analytics.stretches import session_starts, unbroken
from app.chart_rules import ChartRules
from app.market.session import Division
from rendering.as_of import behind_the_moment
from rendering.axes import hairline, price_y
from rendering.chart_item import READING_REST_S, ChartItem
from rendering.curve import Curve, bars_around, bars_in_sight, curve
from rendering.figures import signed_quantity
from rendering.flow_questions import cvd_questions, divergence_question
from rendering.frame import Frame
from rendering.layout import AXIS_TEXT_PX, Rect, Strip
from rendering.question import Question
from rendering.text import Labels, qcolor, qrect

_MARGIN_PX = 8.0
_LOOK_BACK = 400
"""So many bars before those in sight may hold the first swing of a divergence that reaches into sight."""


class Mark(NamedTuple):
    """A divergence on the screen: from one swing to the other, at heights in the price pane and in the CVD pane, logical pixels.

    `bars` are the numbers of the bars of its swings.
    """

    left: float
    right: float
    price: tuple[float, float]
    cvd: tuple[float, float]
    side: int
    bars: tuple[int, int]


class CvdFigures:
    """What the layers of CVD draw, found once for each state of chart and view."""

    def __init__(self) -> None:
        self._sums: CumulativeDelta | None = None
        self._swings: Swings | None = None
        self._key: tuple[object, ...] = ()
        self._revision = -1
        self._found: tuple[np.ndarray, np.ndarray] = (np.zeros(0, np.int64), np.zeros(0, np.int64))
        self._pairs: tuple[tuple[object, ...], Divergences] | None = None
        self.bars_figured = 0
        """How many bars were asked for so far: a count of work for the tests."""

    def values(self, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
        """CVD and stretch of the bars around those in sight, and of `_LOOK_BACK` before; int64."""
        series, reset = frame.chart.series, cvd_reset(frame)
        if self._sums is None or self._sums.series is not series:
            self._sums, self._swings, self._key, self._pairs = CumulativeDelta(series), Swings(series), (), None
        first, end = bars_with_past(frame)
        key = first, end, reset, frame.chart.holes
        changed, self._revision = series.changed_since(self._revision), series.revision
        if key == self._key and first < end - 1 <= changed:
            if changed < end:  # the bar in progress alone
                self._found[0][-1] = self._sums.values(end - 1, end, reset)[0]
                self.bars_figured += 1
        elif key != self._key or changed < end:
            stretch = unbroken(series, first, end, [hole.end_ns for hole in frame.chart.holes])
            if reset is not None:
                stretch = np.cumsum(
                    np.diff(stretch, prepend=stretch[:1]) + (session_starts(series, first, end, reset) == np.arange(first, end))
                )
            self._found, self._key = (self._sums.values(first, end, reset).copy(), stretch), key
            self.bars_figured += end - first
        return self._found

    def scale(self, frame: Frame) -> tuple[int, int]:
        """The lowest and the highest CVD in sight; both 0 without bars."""
        first, end = bars_in_sight(frame)
        start = bars_with_past(frame)[0]
        cvd = self.values(frame)[0][first - start : end - start]
        return (int(cvd.min()), int(cvd.max())) if len(cvd) else (0, 0)

    def line(self, frame: Frame, pane: Rect) -> Curve:
        """The line through the pane."""
        first, end = bars_around(frame)
        start = bars_with_past(frame)[0]
        cvd, stretch = (values[first - start : end - start] for values in self.values(frame))
        return curve(frame, first, end, heights(cvd, self.scale(frame), pane), stretch)

    def marks(self, frame: Frame, pane: Rect) -> tuple[Mark, ...]:
        """The divergences in sight."""
        series, (first, end) = frame.chart.series, bars_with_past(frame)
        cvd = self.values(frame)[0]
        if end - first < 2:
            return ()
        found = self._divergences(frame, first, end)
        seen = found.second >= bars_in_sight(frame)[0]
        scale, marks = self.scale(frame), []
        for one, other, side in zip(*(column[seen].tolist() for column in found), strict=True):
            prices = series.high if side < 0 else series.low
            price = tuple(price_y(frame, int(prices[bar]) + (1 if side < 0 else 0)) for bar in (one, other))
            levels = heights(cvd[[one - first, other - first]], scale, pane).tolist()
            left, right = (frame.viewport.x(int(series.number[bar]) + 0.5) for bar in (one, other))
            bars = int(series.number[one]), int(series.number[other])
            marks.append(Mark(left, right, (price[0], price[1]), (levels[0], levels[1]), side, bars))
        return tuple(marks)

    def _divergences(self, frame: Frame, first: int, end: int) -> Divergences:
        """The divergences of the bars `[first, end)`; a trade in the last bar, which is neither a swing nor beside one, makes no other."""
        series = frame.chart.series
        closed_at = int(series.changed_at[-2]) if series.n_bars > 1 else -1
        key = self._key, frame.known_end, series.n_bars, closed_at
        if self._pairs is None or self._pairs[0] != key:
            assert self._swings is not None
            swings = self._swings.highs(frame.known_end), self._swings.lows(frame.known_end)
            highs, lows = (_between(found, first, end) for found in swings)
            self._pairs = key, divergences(series, highs, lows, *self.values(frame), first)
        return self._pairs[1]


class CvdItem(ChartItem):
    """The pane."""

    name = "cvd"
    title = "CVD with divergences"
    help = "Cumulative delta under the bars, and where price and it part"
    keys = ("Alt+5",)
    shown_at_first = False
    z = 50.0
    rest_s = READING_REST_S

    def __init__(self) -> None:
        super().__init__()
        self._labels = Labels()
        self._figures = CvdFigures()
        self._shown: tuple[object, ...] = ()

    @classmethod
    def strip(cls, rules: ChartRules) -> Strip | None:
        return Strip("cvd", 0.13, 48, 130)

    def legend(self, frame: Frame) -> str:
        return f"CVD by {frame.rules.hours.unit}" if frame.rules.cvd.reset == "session" else "CVD"

    def pane(self, frame: Frame) -> QRectF:
        pane = frame.layout.strip_of("cvd")
        return qrect(pane) | qrect(frame.layout.beside(pane))

    def changed(self, old: Frame, new: Frame) -> QRectF | None:
        before, self._shown = self._shown, self._state(new)
        if before != self._shown:
            return self.pane(new)
        if old.as_of != new.as_of:
            return behind_the_moment(old, new, self.pane(new))
        series = new.chart.series
        changed = series.changed_since(old.revision)
        if changed >= series.n_bars:
            return None
        x = max(0.0, new.viewport.x(int(series.number[max(changed - 1, 0)])))
        pane = new.layout.strip_of("cvd")
        return QRectF(x, pane.top, pane.right - x, pane.height)  # the scale beside it is the same

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
        self._figures.line(frame, pane).draw(painter, QPen(qcolor(theme.cvd), 1.5), exposed)
        for mark in self._figures.marks(frame, pane):
            _draw_mark(painter, self._labels, frame, mark, mark.cvd, text=False)
        painter.restore()
        if exposed.right() > frame.layout.plot_right:
            self._draw_axis(painter, frame, pane, (low, high))

    def hits(self, frame: Frame, x: float, y: float) -> list[Question]:
        """A divergence under the mouse, and the sum there."""
        pane, reset = frame.layout.strip_of("cvd"), cvd_reset(frame)
        if not pane.holds(x, y):
            return []
        found = _marks_at(frame, [(mark, mark.cvd) for mark in self._figures.marks(frame, pane)], x, y)
        return [*found, *cvd_questions(frame, x, reset)]

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
        """All but the last bars: what makes the whole pane be drawn again when it changes."""
        marks = self._figures.marks(frame, frame.layout.strip_of("cvd"))
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
    """The marks over the bars."""

    name = "cvd"
    shown_at_first = False
    z = 45.0
    rest_s = READING_REST_S
    kept = True

    def __init__(self) -> None:
        super().__init__()
        self._labels = Labels(bold=True)
        self._figures = CvdFigures()
        self._shown: tuple[Mark, ...] = ()

    def pane(self, frame: Frame) -> QRectF:
        return qrect(frame.layout.price)

    def changed(self, old: Frame, new: Frame) -> QRectF | None:
        before, self._shown = self._shown, self._marks(new)
        return None if before == self._shown else self.pane(new)

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        for mark in self._marks(frame):
            _draw_mark(painter, self._labels, frame, mark, mark.price, text=True)

    def hits(self, frame: Frame, x: float, y: float) -> list[Question]:
        """A divergence under the mouse."""
        return _marks_at(frame, [(mark, mark.price) for mark in self._marks(frame)], x, y) if frame.layout.price.holds(x, y) else []

    def _marks(self, frame: Frame) -> tuple[Mark, ...]:
        return tuple(mark._replace(cvd=(0.0, 0.0)) for mark in self._figures.marks(frame, frame.layout.strip_of("cvd")))


def cvd_reset(frame: Frame) -> Division | None:
    """Where CVD starts again: with each session, after whose close it runs on to the next; None for never."""
    return frame.rules.hours.from_start() if frame.rules.cvd.reset == "session" else None


def heights(cvd: np.ndarray, scale: tuple[int, int], pane: Rect) -> np.ndarray:
    """Where sums lie in a pane whose edges hold the lowest and the highest, float64, logical pixels."""
    low, high = scale
    room = max(pane.height - 2 * _MARGIN_PX, 1.0)
    if high == low:
        return np.full(len(cvd), pane.top + pane.height / 2)
    return pane.top + _MARGIN_PX + (high - np.asarray(cvd)) * (room / (high - low))


def bars_with_past(frame: Frame) -> tuple[int, int]:
    """The bars around those in sight, and `_LOOK_BACK` before."""
    first, end = bars_around(frame)
    return max(0, first - _LOOK_BACK), end


def _between(found: np.ndarray, first: int, end: int) -> np.ndarray:
    return found[np.searchsorted(found, first) : np.searchsorted(found, end)]


def _marks_at(frame: Frame, marks: list[tuple[Mark, tuple[float, float]]], x: float, y: float) -> list[Question]:
    found = []
    for mark, (one, other) in marks:
        line = mark.left, one, mark.right, other
        found += divergence_question(frame, mark.bars, mark.side, cvd_reset(frame), line, (x, y))
    return found


def _draw_mark(painter: QPainter, labels: Labels, frame: Frame, mark: Mark, levels: tuple[float, float], *, text: bool) -> None:
    """A line from swing to swing, in the colour and with the sign of the side that is warned for."""
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
