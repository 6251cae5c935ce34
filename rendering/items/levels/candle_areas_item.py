"""Candle value areas of the previous and the current day, week and month.

They are computed from the chart's bars. Periods follow the calendar in the chart's time zone, not its session, as is usual for
this method. The lines of a finished period run through the next period; those of the current period show its values so far, from
the start of the period on.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from app.analytics.bar_groups import first_bar_at
from app.analytics.candle_areas import CandleAreas
from app.market.session import Period, PeriodRule, span_at, span_before
from app.market.span import Span
from rendering.items.chart_item import OVER_CELLS_Z, READING_REST_S, UNDER_CELLS_Z, ChartItem
from rendering.style.text import Labels, qcolor, qrect
from rendering.view.frame import Frame
from rendering.view.frame_coords import price_y

_LABEL_PX = 10
_NAME_SPACING_PX = 11.0
_NAMES_AT_PX = 380.0
"""Distance of the names from the right edge: left of the names of levels."""


_NAME_MARGIN_PX = 3 * _NAME_SPACING_PX
"""When a line moves, names within this distance of it may appear or disappear."""


class AreaLine(NamedTuple):
    """A line of a candle value area, in logical pixels of the price pane; `past` is True if its period is finished."""

    name: str
    left: float
    y: float
    past: bool

    @property
    def is_poc(self) -> bool:
        """True if this is the line of a POC, not of a VAH or VAL."""
        return self.name.startswith("cPOC")


class CandleAreasItem(ChartItem):
    """The layer that draws candle value areas: lines at POC, VAH and VAL, with their names."""

    name, title = "candle-areas", "Candle value areas"
    help = "POC, VAH and VAL of the previous and current day, week and month, computed from bars"
    help_page = "values.md#candle-value-areas"
    shown_at_first = False
    z, z_without_digits = UNDER_CELLS_Z, OVER_CELLS_Z
    rest_s = READING_REST_S
    kept = True

    def __init__(self) -> None:
        super().__init__()
        self._labels = Labels(_LABEL_PX)
        self._areas: CandleAreas | None = None
        self._made_for: tuple[object, ...] = ()
        self._shown: tuple[object, ...] = ()

    def pane(self, frame: Frame) -> QRectF:
        return qrect(frame.layout.price)

    def legend(self, frame: Frame) -> str:
        """The legend text: settings, and drawn periods that are not loaded from their start; empty without periods or bars."""
        rules, series = frame.rules.candle_areas, frame.chart.series
        if not rules.periods or not frame.known_end:
            return ""
        text = f"candle value area: {rules.rows} rows, {series.rule.text} bars, {rules.price.value}"
        zone = frame.rules.hours.timezone
        in_part = [name for name, period, _ in _periods(frame) if period.start_ns < series.start_ns(0) < period.end_ns]
        return text + ("" if zone == "UTC" else f" ({zone})") + (f", ⚠ {' and '.join(in_part)} incomplete" if in_part else "")

    def changed(self, old: Frame, new: Frame) -> QRectF | list[QRectF] | None:
        before, self._shown = self._shown, (new.known_x, *new.once(self.lines))
        if before == self._shown:
            return None
        if before[:1] != self._shown[:1] or old.viewport != new.viewport:
            return self.pane(new)
        moved = [line for line in {*before} ^ {*self._shown} if isinstance(line, AreaLine)]
        return [QRectF(0, line.y - _NAME_MARGIN_PX, new.layout.price.right, 2 * _NAME_MARGIN_PX) & self.pane(new) for line in moved]

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        theme, right = frame.theme, frame.known_x
        begin, above, end, below = exposed.left() - 2, exposed.top() - 2, exposed.right() + 2, exposed.bottom() + 2
        lines = [line for line in frame.once(self.lines) if line.left < frame.layout.price.right]
        for line in lines:
            if above <= line.y <= below and min(line.left, right) <= end and right >= begin:
                colour = theme.poc if line.is_poc else theme.value_area
                style = Qt.PenStyle.SolidLine if line.past else Qt.PenStyle.DotLine
                painter.setPen(QPen(qcolor(colour.faded(0.85)), 1, style))
                painter.drawLine(QLineF(min(line.left, right), line.y + 0.5, right, line.y + 0.5))
        ground = qcolor(theme.background.faded(0.75))
        for name, (x, y, width) in frame.once(self._names):
            if above - _LABEL_PX <= y <= below + _LABEL_PX and x <= end + 2 and x + width >= begin - 2:
                painter.fillRect(QRectF(x - 2, y - _LABEL_PX / 2, width + 4, _LABEL_PX), ground)
                self._labels.draw(painter, x + width, y, name.name, theme.poc if name.is_poc else theme.value_area, 1.0)

    def _names(self, frame: Frame) -> list[tuple[AreaLine, tuple[float, float, float]]]:
        """The lines whose names are drawn, each with left end, vertical middle and width of the name, logical pixels.

        Of names that would overlap, only the first is drawn.
        """
        taken: list[float] = []
        names: list[tuple[AreaLine, tuple[float, float, float]]] = []
        right, edge = frame.known_x, frame.layout.price.right
        for line in frame.once(self.lines):
            y = line.y - _LABEL_PX / 2 - 1
            if line.left >= edge or any(abs(y - other) < _NAME_SPACING_PX for other in taken):
                continue
            taken.append(y)
            width = self._labels.width(line.name)
            end = edge - (_NAMES_AT_PX if edge - line.left > _NAMES_AT_PX + width else 4)
            if frame.as_of is not None and right + _NAMES_AT_PX + width + 2 < edge:
                end = right + _NAMES_AT_PX + width  # after the as-of moment, like the names of levels
            names.append((line, (end - width, y, width)))
        return names

    def lines(self, frame: Frame) -> tuple[AreaLine, ...]:
        """The lines whose heights are in view, shorter periods first, because their names take precedence."""
        viewport, series = frame.viewport, frame.chart.series
        found: list[AreaLine] = []
        for name, period, from_ns in _periods(frame):
            area = self._of(frame).of(period, frame.known_end)
            if area is None:
                continue
            left = max(0.0, viewport.x(int(series.number[first_bar_at(series, from_ns)])))
            for kind, ticks in (("cPOC", area.poc_ticks), ("cVAH", area.vah_ticks), ("cVAL", area.val_ticks)):
                y = price_y(frame, float(ticks) + 0.5)  # at mid-tick, like a traded price
                if 0 <= y <= viewport.height_px:
                    found.append(AreaLine(f"{kind} {name}", left, y, from_ns != period.start_ns))
        return tuple(found)

    def _of(self, frame: Frame) -> CandleAreas:
        series, rules, area = frame.chart.series, frame.rules.candle_areas, frame.rules.value_area
        made_for = series, rules.rows, rules.price, area
        if self._areas is None or self._made_for != made_for:
            self._areas, self._made_for = CandleAreas(series, rules.rows, rules.price, area.percent, area.method), made_for
        return self._areas


def _periods(frame: Frame) -> list[tuple[str, Span, int]]:
    """The name and span of each period to draw, and the time at which its lines start, ns.

    The lines of the previous period start with the current one.
    """
    if not frame.known_end:
        return []
    newest_ns = frame.chart.series.start_ns(frame.known_end - 1)
    return _periods_at(newest_ns, tuple(frame.rules.candle_areas.periods), frame.rules.hours.timezone)


@lru_cache(maxsize=16)  # called several times per frame, with other arguments only when a bar opens
def _periods_at(newest_ns: int, periods: tuple[Period, ...], timezone: str) -> list[tuple[str, Span, int]]:
    found: list[tuple[str, Span, int]] = []
    for period in sorted(periods, key=list(Period).index):
        rule = PeriodRule(period, timezone)
        current = span_at(rule, newest_ns)
        found.append((f"previous {period.value}", span_before(rule, newest_ns), current.start_ns))
        found.append((period.value, current, current.start_ns))
    return found
