"""Large trades as bubbles at their time and price.

A bubble's area shows the quantity; its colour and the sign before its number show the aggressor. Over cells with digits bubbles are
rings without a number, because two numbers at one place could not be read. A click explains the trade.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPen

from app.analytics.large_trades import LargeTrades
from app.market.trade import TradeBatch
from rendering.hit_tests.flow_hits import large_question
from rendering.hit_tests.hit_target import NEAR_PX, HitTarget
from rendering.items.chart_item import READING_REST_S, ChartItem
from rendering.style.short_numbers import short_quantities
from rendering.style.text import Labels, qcolor, qrect
from rendering.view.detail import Detail
from rendering.view.frame import Frame
from rendering.view.frame_coords import bars_in_view

_LARGEST_PX, _LEAST_PX = 24.0, 3.0
"""Radius of the largest trade in view, and minimum radius, in logical pixels."""
_TEXT_FROM_PX = 15.0
_MAX_BUBBLES = 400
"""Maximum number of trades that are drawn, the largest ones: more would cover the chart."""


class Bubble(NamedTuple):
    """A large trade as a bubble on the screen, in logical pixels.

    `place` is the trade's index among the large trades in view, in the order of the tape; `side` is its aggressor.
    """

    x: float
    y: float
    radius: float
    side: int
    text: str
    place: int


class LargeTradesItem(ChartItem):
    """The layer that draws large trades as bubbles, at most the 400 largest in view."""

    name = "large-trades"
    title = "Large trades"
    help = "Large trades as bubbles"
    help_page = "values.md#large-trades"
    keys = ("Shift+Alt+1",)
    shown_at_first = False
    z = 43.0
    rest_s = READING_REST_S
    kept = True

    def __init__(self) -> None:
        super().__init__()
        self._labels = Labels(bold=True)
        self._large: LargeTrades | None = None
        self._shown: tuple[Bubble, ...] | None = ()
        self._made_at = -1
        self._made: tuple[tuple[object, ...], tuple[Bubble, ...]] = (), ()

    def pane(self, frame: Frame) -> QRectF:
        return qrect(frame.layout.price)

    def legend(self, frame: Frame) -> str:
        rule = frame.rules.large_trades.rule
        text = f"large trades: top {rule.top} in view" if rule.top else f"large trades ≥ {rule.text}"
        return text if self._shown is not None else f"{text} (too many trades in view)"

    def changed(self, old: Frame, new: Frame) -> QRectF | None:
        before, self._shown = self._shown, self.bubbles(new)
        return None if before == self._shown else self.pane(new)

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme, digits = frame.theme, frame.detail is Detail.DIGITS
        for bubble in self.bubbles(frame) or ():
            around = QRectF(bubble.x - bubble.radius, bubble.y - bubble.radius, 2 * bubble.radius, 2 * bubble.radius)
            if not around.adjusted(-1, -1, 1, 1).intersects(exposed):
                continue
            colour = theme.buy if bubble.side > 0 else theme.sell if bubble.side < 0 else theme.text_muted
            painter.setPen(QPen(qcolor(colour), 2.0 if digits else 1.4))
            painter.setBrush(qcolor(colour.faded(0.1 if digits else 0.38)))
            painter.drawEllipse(QPointF(bubble.x, bubble.y), bubble.radius, bubble.radius)
            if bubble.radius >= _TEXT_FROM_PX and not digits:
                self._labels.draw(painter, bubble.x, bubble.y, bubble.text, theme.text, 0.5)

    def hits(self, frame: Frame, x: float, y: float) -> list[HitTarget]:
        """The hit target of the bubble under the mouse: the smallest one, drawn on top, if there are several; empty if there is none."""
        under = [bubble for bubble in self.bubbles(frame) or () if math.hypot(bubble.x - x, bubble.y - y) <= max(bubble.radius, NEAR_PX)]
        if not under or self._large is None or not frame.layout.price.holds(x, y):
            return []
        found = self._large.of(*bars_in_view(frame))
        rule, place = frame.rules.large_trades.rule, min(under, key=lambda bubble: bubble.radius).place
        return [] if found is None else [large_question(frame, found, place, rule)]

    def bubbles(self, frame: Frame) -> tuple[Bubble, ...] | None:
        """The bubbles of the large trades in view, at most 400, largest first; None if there are too many trades to scan."""
        chart, rule = frame.chart, frame.rules.large_trades.rule
        if chart.trades is None:
            return ()
        if self._large is None or self._large.series is not chart.series or self._large.rule != rule or self._made_at != frame.generation:
            self._large = LargeTrades(chart.series, chart.trades, rule, chart.spec.instrument.lot_size)
            self._made_at = frame.generation
        found = self._large.of(*bars_in_view(frame))
        if found is None or not len(found):
            return None if found is None else ()
        key = found, frame.viewport, frame.chart.series.times, None if chart.series.rule.is_time else chart.series.revision
        if key != self._made[0]:
            self._made = key, self._bubbles(frame, found)
        return self._made[1]

    def _bubbles(self, frame: Frame, found: TradeBatch) -> tuple[Bubble, ...]:
        chart = frame.chart
        places = (-found.quantity_lots).argsort(kind="stable")[:_MAX_BUBBLES]
        found = found[places]
        scale = _LARGEST_PX / math.sqrt(int(found.quantity_lots[0]))
        texts = short_quantities(found.quantity_lots, chart.spec.instrument.lot_size)
        times, viewport = chart.series.times, frame.viewport
        bubbles: list[Bubble] = []
        rows = zip(*(column.tolist() for column in found.columns[:4]), texts, places.tolist(), strict=True)
        for time_ns, price, lots, side, text, place in rows:
            x, y, radius = viewport.x(times.position(time_ns)), viewport.y(price + 0.5), max(_LEAST_PX, scale * math.sqrt(lots))
            bubbles.append(Bubble(x, y, radius, side, _signed(side, text), place))
        return tuple(bubbles)


def _signed(side: int, text: str) -> str:
    """Put ▲ for a buy or ▼ for a sell before a text, so that not only the colour shows the side; nothing if the side is unknown."""
    return ("▲" if side > 0 else "▼" if side < 0 else "") + text.strip()
