"""The crosshair: lines, tags on both axes, and a readout of the bar and the row under the mouse."""

from __future__ import annotations

import math
from typing import NamedTuple

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from app.analytics.bar_coverage import BarCoverage
from app.market.times import date_and_clock_text
from rendering.items.bars.visible_coverage import VisibleCoverage, lack_text
from rendering.items.chart_item import ChartItem
from rendering.items.guides.axes import visible_time_ticks
from rendering.items.guides.axis_tags import TAG_HEIGHT_PX, draw_price_tag, draw_time_tag, price_tag_rect, time_tag_rect
from rendering.items.guides.legend_item import legend_rect
from rendering.style.colour import Colour
from rendering.style.short_numbers import signed_quantity
from rendering.style.text import Labels, qcolor
from rendering.style.theme import Theme
from rendering.view.frame import Frame
from rendering.view.frame_coords import hairline
from rendering.view.layout import CHAR_ASPECT, LEGEND_LEFT, LEGEND_TEXT_PX, LINE_PX

_PADDING_PX = 6.0
_LABEL_PX = 60.0  # maximum width of a label of the time axis
_NS_PER_MINUTE = 60_000_000_000

Part = tuple[str, str]
"""A part of the readout: its text, and the theme's token for its colour."""


class CrosshairReadout(NamedTuple):
    """The content of the crosshair: line positions in logical pixels, tag texts, and lines of the readout.

    `x` or `y` is None where the crosshair has no such line.
    """

    x: float | None
    y: float | None
    time: str
    price: str
    readout: tuple[tuple[Part, ...], ...]


class CrosshairItem(ChartItem):
    """The crosshair: thin lines across the panes, tags on both axes, and a readout under the legend."""

    z = 90.0
    follows_cursor = True

    def __init__(self) -> None:
        super().__init__()
        self._tags = Labels(bold=True)
        self._labels = Labels(LEGEND_TEXT_PX)
        self._shown: CrosshairReadout | None = None
        self._coverage = VisibleCoverage()
        self._asked_frame: Frame | None = None
        self._asked_revision = -1
        self._answer: CrosshairReadout | None = None

    def pane(self, frame: Frame) -> QRectF:
        return QRectF(0, 0, frame.layout.width, frame.layout.height)

    def changed(self, old: Frame, new: Frame) -> tuple[QRectF, ...] | None:
        before, self._shown = self._shown, self._pointed(new)
        if before == self._shown:
            return None
        old_regions, new_regions = self._regions(old, before), self._regions(new, self._shown)
        moved = [part for part in ("time", "price", "readout") if _part(before, part) != _part(self._shown, part)]
        # several thin ones: a rectangle around both lines would be the whole chart
        return tuple(rect for part in moved for rect in (*old_regions.get(part, ()), *new_regions.get(part, ())))

    def price_tags(self, frame: Frame) -> tuple[float, ...]:
        pointed = self._pointed(frame)
        return () if pointed is None or pointed.y is None else (pointed.y,)

    def draws_nothing(self, frame: Frame) -> bool:
        return self._pointed(frame) is None

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        pointed = self._pointed(frame)
        if pointed is None:
            return
        theme, layout, line = frame.theme, frame.layout, hairline(frame)
        colour = qcolor(theme.crosshair.faded(0.75))
        left, above, right, below = exposed.left() - 1, exposed.top() - 1, exposed.right() + 1, exposed.bottom() + 1
        if pointed.x is not None:
            if left <= pointed.x <= right:
                painter.fillRect(QRectF(_sharp(pointed.x, frame), 0, line, layout.time_axis.top), colour)
            if below >= layout.time_axis.top and left - _LABEL_PX * 2 <= pointed.x <= right + _LABEL_PX * 2:
                self._hide_time_labels(painter, frame, time_tag_rect(frame, self._tags, pointed.x, pointed.time))
                draw_time_tag(painter, self._tags, frame, pointed.x, pointed.time, theme.tag)
        if pointed.y is not None and above - TAG_HEIGHT_PX <= pointed.y <= below + TAG_HEIGHT_PX:
            painter.fillRect(QRectF(0, _sharp(pointed.y, frame), layout.plot_right, line), colour)
            if right >= layout.price_axis.left:
                draw_price_tag(painter, self._tags, frame, pointed.y, pointed.price, theme.tag)
        if pointed.readout and left <= layout.plot_right:
            self._draw_readout(painter, frame, pointed, exposed)

    def _hide_time_labels(self, painter: QPainter, frame: Frame, tag: QRectF) -> None:
        """Hide the labels of the time axis that the crosshair's tag would overlap."""
        for place in visible_time_ticks(frame):
            half = self._tags.width(place.tick.text) / 2 + 1
            if place.text_x + half > tag.left() and place.text_x - half < tag.right():
                painter.fillRect(QRectF(place.text_x - half, tag.top(), 2 * half, tag.height()), qcolor(frame.theme.background))

    def _draw_readout(self, painter: QPainter, frame: Frame, pointed: CrosshairReadout, exposed: QRectF) -> None:
        rect = readout_rect(frame, pointed)
        if not rect.intersects(exposed):
            return
        painter.save()
        painter.setClipRect(rect & exposed)
        painter.fillRect(rect, qcolor(frame.theme.panel))
        y = rect.top() + LINE_PX / 2
        for parts in pointed.readout:
            x = rect.left() + _PADDING_PX
            for text, token in parts:
                self._labels.draw(painter, x, y, text, _colour(frame.theme, token))
                x += self._labels.width(text + " ")
            y += LINE_PX
        painter.restore()

    def _regions(self, frame: Frame, pointed: CrosshairReadout | None) -> dict[str, tuple[QRectF, ...]]:
        """The rectangles to paint again when a part of the crosshair changes, by the name of the part: time, price or readout."""
        regions: dict[str, tuple[QRectF, ...]] = {}
        if pointed is None:
            return regions
        layout = frame.layout
        if pointed.x is not None:
            tag = time_tag_rect(frame, self._tags, pointed.x, pointed.time).adjusted(-_LABEL_PX, 0, _LABEL_PX, 0)
            regions["time"] = QRectF(pointed.x - 2, 0, 4, layout.time_axis.top), tag
        if pointed.y is not None:
            regions["price"] = QRectF(0, pointed.y - 2, layout.plot_right, 4), price_tag_rect(frame, pointed.y)
        if pointed.readout:
            regions["readout"] = (readout_rect(frame, pointed),)
        return regions

    def _pointed(self, frame: Frame) -> CrosshairReadout | None:
        """The result of `pointed_at`, computed once per frame and revision of the bars."""
        revision = frame.chart.series.revision
        if self._asked_frame is not frame or self._asked_revision != revision:
            coverage = self._coverage.of(frame) if frame.cursor is not None else None
            self._asked_frame, self._asked_revision, self._answer = frame, revision, pointed_at(frame, coverage)
        return self._answer


def _part(pointed: CrosshairReadout | None, part: str) -> object:
    """The content and position of one part of the crosshair, to detect a change; None without a crosshair."""
    if pointed is None:
        return None
    return {"time": (pointed.x, pointed.time), "price": (pointed.y, pointed.price), "readout": pointed.readout}[part]


def pointed_at(frame: Frame, coverage: BarCoverage | None = None) -> CrosshairReadout | None:
    """The crosshair's content at the mouse; None outside the price, profile, delta and volume panes.

    `coverage` is the coverage of the bars in view, for the note on missing trades.
    """
    if frame.cursor is None:
        return None
    x, y = frame.cursor
    layout, viewport = frame.layout, frame.viewport
    pane = layout.pane_at(x, y)
    over_bars, over_prices = pane in ("price", "delta", "volume"), pane in ("price", "profile")
    if not over_bars and not over_prices:
        return None
    times = frame.chart.series.times
    number = math.floor(viewport.bar_at(x))
    middle = viewport.x(number + 0.5) if viewport.bar_px >= 6 else x
    ticks = math.floor(viewport.ticks_at(y))
    start_ns = times.start_ns(number) if times.knows(number) else -1
    time = date_and_clock_text(start_ns, seconds=times.fine) if start_ns >= 0 else ""
    return CrosshairReadout(
        x=min(max(middle, 0.0), layout.price.right - 1) if over_bars else None,
        y=y if over_prices else None,
        time=time,
        price=frame.chart.series.grid.text(max(0, ticks)),
        readout=_wrapped(_readout(frame, number, ticks if over_prices else None, coverage), _room_chars(frame)) if over_bars else (),
    )


def readout_rect(frame: Frame, pointed: CrosshairReadout) -> QRectF:
    """The rectangle of the crosshair's readout, under the legend; the readout must not be empty."""
    longest = max(sum(len(text) + 1 for text, _ in parts) - 1 for parts in pointed.readout)
    width = min(longest * CHAR_ASPECT * LEGEND_TEXT_PX + 2 * _PADDING_PX, frame.layout.plot_right - LEGEND_LEFT)
    return QRectF(LEGEND_LEFT, legend_rect(frame).bottom() + 2, width, LINE_PX * len(pointed.readout))


def _room_chars(frame: Frame) -> int:
    return int((frame.layout.plot_right - LEGEND_LEFT - 2 * _PADDING_PX) / (CHAR_ASPECT * LEGEND_TEXT_PX))


def _wrapped(lines: tuple[tuple[Part, ...], ...], chars: int) -> tuple[tuple[Part, ...], ...]:
    """Break lines longer than `chars` characters, but never between a name and its value."""
    wrapped: list[tuple[Part, ...]] = []
    for parts in lines:
        line: tuple[Part, ...] = ()
        for at in range(0, len(parts), 2):
            longer = line + parts[at : at + 2]
            if line and sum(len(text) + 1 for text, _ in longer) - 1 > chars:
                wrapped.append(line)
                longer = parts[at : at + 2]
            line = longer
        wrapped.append(line)
    return tuple(wrapped)


def _readout(frame: Frame, number: int, ticks: int | None, coverage: BarCoverage | None) -> tuple[tuple[Part, ...], ...]:
    """The lines of the readout: a bar's values and a note on missing trades, then the values of the row under the mouse.

    Without a bar at `number` there is one line, that note or `no trades`; without `ticks` the row is left out.
    """
    series, lot = frame.chart.series, frame.chart.spec.instrument.lot_size
    bar = series.index_of(number)
    lack = lack_text(coverage, number, numbered=frame.chart.spec.instrument.numbered)
    if bar >= series.n_bars or int(series.number[bar]) != number:
        return (((lack, "hole_text") if lack else ("no trades", "text_muted"),),)
    price, quantity = series.grid.text, frame.chart.spec.instrument.quantity_text
    direction = "candle_up" if series.close[bar] >= series.open[bar] else "candle_down"
    first: list[Part] = []
    for name, column in (("O", series.open), ("H", series.high), ("L", series.low), ("C", series.close)):
        first += [(name, "text_muted"), (price(int(column[bar])), direction)]
    delta = int(series.buy[bar]) - int(series.sell[bar])
    first += [("Vol", "text_muted"), (quantity(int(series.volume[bar])), "text")]
    first += [("Δ", "text_muted"), (_signed(frame, delta), _side(delta))]
    first += [("min/max", "text_muted")]
    first += [(f"{signed_quantity(int(series.delta_min[bar]), lot)}/{signed_quantity(int(series.delta_max[bar]), lot)}", "text")]
    first += [("trades", "text_muted"), (f"{int(series.trades[bar]):,}", "text")]
    if lack:
        first += [(lack, "hole_text")]
    if ticks is None:
        return (tuple(first),)
    return tuple(first), _row_readout(frame, bar, ticks)


def _row_readout(frame: Frame, bar: int, ticks: int) -> tuple[Part, ...]:
    series, quantity = frame.chart.series, frame.chart.spec.instrument.quantity_text
    grid = series.grid
    row = grid.row(ticks)
    first_row, buys, sells, unknowns = series.bar_cells(bar)
    at = row - first_row
    inside = 0 <= at < len(buys)
    buy, sell, unknown = (int(column[at]) if inside else 0 for column in (buys, sells, unknowns))
    where = grid.text(grid.row_low_ticks(row))
    if grid.ticks_per_row > 1:
        where += f"–{grid.text(grid.row_low_ticks(row + 1) - 1)}"
    parts: list[Part] = [("row", "text_muted"), (where, "text"), ("sell", "text_muted"), (quantity(sell), "sell")]
    parts += [("buy", "text_muted"), (quantity(buy), "buy"), ("Δ", "text_muted"), (_signed(frame, buy - sell), _side(buy - sell))]
    if unknown:
        parts += [("unknown", "text_muted"), (quantity(unknown), "text")]
    return tuple(parts)


def _signed(frame: Frame, lots: int) -> str:
    text = frame.chart.spec.instrument.quantity_text(abs(lots))
    return ("+" if lots > 0 else "−" if lots < 0 else "") + text


def _side(delta: int) -> str:
    return "buy" if delta > 0 else "sell" if delta < 0 else "text"


def _colour(theme: Theme, token: str) -> Colour:
    return getattr(theme, token)


def _sharp(at: float, frame: Frame) -> float:
    """Round a position in logical pixels down to the edge of a device pixel."""
    return math.floor(at * frame.dpr) / frame.dpr
