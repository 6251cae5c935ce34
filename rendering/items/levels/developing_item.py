"""The lines of the developing POC, VAH and VAL: at each bar, their values for the session so far."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen, QPolygonF

from app.analytics.developing import DevelopingProfile
from app.market.price_grid import TICK_MIDDLE, row_price, row_top
from rendering.hit_tests.hit_target import HitTarget
from rendering.hit_tests.profile_hits import developing_questions
from rendering.items.chart_item import OVER_CELLS_Z, READING_REST_S, UNDER_CELLS_Z, ChartItem
from rendering.style.colour import Colour
from rendering.style.text import qcolor, qrect
from rendering.view.bar_at import bar_at
from rendering.view.frame import Frame
from rendering.view.frame_coords import bars_in_view

_A_FRAME_S = 0.002


class DevelopingItem(ChartItem):
    """The developing POC, VAH and VAL as stepped lines, which start again with each session and are not drawn between sessions."""

    name, title = "developing", "Developing POC, VAH and VAL"
    help = "POC, VAH and VAL of the day or session as of each bar"
    help_page = "values.md#value-area-vah-val"
    shown_at_first = False
    z, z_without_digits = UNDER_CELLS_Z, OVER_CELLS_Z
    rest_s = READING_REST_S
    kept = True

    def __init__(self) -> None:
        super().__init__()
        self._developing: DevelopingProfile | None = None
        self._made_for: tuple[object, ...] = ()
        self._key: tuple[object, ...] = ()

    def pane(self, frame: Frame) -> QRectF:
        return qrect(frame.layout.price)

    def legend(self, frame: Frame) -> str:
        return f"developing {frame.rules.hours.unit}"

    def changed(self, old: Frame, new: Frame) -> QRectF | None:
        developing = self._of(new)
        first, end = bars_in_view(new)
        developing.work(first, end, _A_FRAME_S)
        columns = developing.columns(first, end)
        key = new.viewport, new.generation, developing, first, *(column.tobytes() for column in columns)
        before, self._key = self._key, key
        return None if before == key else self.pane(new)

    def idle(self, budget_s: float) -> bool:
        return self._frame is not None and self._of(self._frame).work(*bars_in_view(self._frame), budget_s)

    def settle(self) -> None:
        while self.idle(1.0):
            pass

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        for colour, style, steps in frame.once(self._lines):
            painter.setPen(QPen(qcolor(colour), 1.5 if style is Qt.PenStyle.SolidLine else 1, style))
            for left, right, line in steps:
                if left <= exposed.right() + 2 and right >= exposed.left() - 2:
                    painter.drawPolyline(line)

    def _lines(self, frame: Frame) -> list[tuple[Colour, Qt.PenStyle, list[tuple[float, float, QPolygonF]]]]:
        """The stepped lines in drawing order, each with its colour, its style and its unbroken parts.

        A part is the x positions of its left and right end, and its points.
        """
        first, end = bars_in_view(frame)
        developing = self._of(frame)
        poc, low, high, known = developing.columns(first, end)
        if not len(poc):
            return []
        known = known & frame.rules.hours.open_at(frame.chart.series.times.of_bars(first, end))
        series, height, theme = frame.chart.series, frame.chart.series.grid.ticks_per_row, frame.theme
        period = developing.starts(first, end)
        breaks = np.flatnonzero((np.diff(period) != 0) | (known[1:] != known[:-1])) + 1
        runs = [run for run in np.split(np.arange(end - first), breaks) if known[run[0]]]
        number = series.number[first:end]
        left, right = (frame.viewport.x(0) + at * frame.viewport.bar_px for at in (number, number + 1))
        found: list[tuple[Colour, Qt.PenStyle, list[tuple[float, float, QPolygonF]]]] = []
        for ticks, colour, style in (
            (row_top(high * height, height), theme.value_area, Qt.PenStyle.DashLine),
            (low * height, theme.value_area, Qt.PenStyle.DashLine),
            (row_price(poc * height, height), theme.poc, Qt.PenStyle.SolidLine),
        ):
            y = frame.pixels.price_y(ticks + TICK_MIDDLE) / frame.dpr - frame.pixels.top / frame.dpr + 0.5
            steps = [(float(left[run[0]]), float(right[run[-1]]), _steps(left[run], right[run], y[run])) for run in runs]
            found.append((colour, style, steps))
        return found

    def hits(self, frame: Frame, x: float, y: float) -> list[HitTarget]:
        """Hit targets of the developing lines under the mouse; empty between sessions."""
        bar = bar_at(frame, x) if frame.layout.price.holds(x, y) else None
        open_there = bar is not None and frame.rules.hours.open_at(frame.chart.series.times.of_bars(bar, bar + 1))[0]
        if bar is None or not open_there:
            return []
        return developing_questions(frame, int(self._of(frame).starts(bar, bar + 1)[0]), bar, y)

    def _of(self, frame: Frame) -> DevelopingProfile:
        series, rule = frame.chart.series, frame.rules.value_area
        made_for = series, frame.rules.hours, rule
        if self._developing is None or made_for != self._made_for:
            self._developing, self._made_for = DevelopingProfile(series, frame.rules.hours.divisions, rule.percent, rule.method), made_for
        return self._developing


def _steps(left: np.ndarray, right: np.ndarray, y: np.ndarray) -> QPolygonF:
    """A stepped line with one height per bar; consecutive bars of equal height share one horizontal part."""
    turns = np.flatnonzero(np.diff(y)) + 1
    starts, ends = np.append(0, turns), np.append(turns - 1, len(y) - 1)
    points = np.empty((2 * len(starts), 2))
    points[0::2, 0], points[1::2, 0] = left[starts], right[ends]
    points[0::2, 1] = points[1::2, 1] = y[starts]
    return QPolygonF([QPointF(x, at) for x, at in points.tolist()])
