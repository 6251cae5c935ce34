"""The price axis, the time axis, and grid lines at the labels of both."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from app.market.times import date_text
from rendering.items.chart_item import READING_REST_S, ChartItem
from rendering.items.guides.axis_tags import TAG_HEIGHT_PX
from rendering.style.axis_labels import TimeLabel, bar_step, bar_ticks, price_labels, price_step, time_step, time_ticks
from rendering.style.text import Labels, qcolor, qrect
from rendering.view.frame import Frame, once_a_frame
from rendering.view.frame_coords import hairline, price_y
from rendering.view.layout import AXIS_TEXT_PX, PaneLayout

_TICK_MARK_PX = 4
_LABEL_GAP_PX = 8
_LABEL_REACH_PX = 100.0
"""At least half the width of a time label."""
_CENTRED_FROM_PX = 24.0
"""From this bar width on, a time label is centred on its bar, not at its left edge."""


class PlacedTime(NamedTuple):
    """A time label on the screen, logical pixels: its grid line is at `x`, its text is centred on `text_x`."""

    x: float
    text_x: float
    tick: TimeLabel


class PriceAxisItem(ChartItem):
    """The price axis: round prices at the right edge of the chart, with the market's decimal places."""

    z = 60.0
    follows_cursor = True
    rest_s = READING_REST_S

    def __init__(self) -> None:
        super().__init__()
        self._labels = Labels()
        self._tags: tuple[float, ...] = ()
        self._tagging: list[ChartItem] | None = None  # the layers that put tags there, found once

    def pane(self, frame: Frame) -> QRectF:
        return qrect(frame.layout.price_axis)

    def changed(self, old: Frame, new: Frame) -> list[QRectF] | None:
        before, self._tags = self._tags, self._all_tags(new)
        pane = self.pane(new)
        if _price_scale(old) != _price_scale(new):
            return [pane]
        if before == self._tags:
            return None
        margin = TAG_HEIGHT_PX + AXIS_TEXT_PX  # a tag, and the labels that it hides or uncovers
        return [QRectF(pane.left(), y - margin, pane.width(), 2 * margin) & pane for y in set(before) ^ set(self._tags)]

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        pane, theme = frame.layout.price_axis, frame.theme
        painter.fillRect(exposed, qcolor(theme.background))
        painter.fillRect(QRectF(pane.left, pane.top, hairline(frame), pane.height), qcolor(theme.edge))
        text, tags = frame.chart.series.grid.text, sorted(self._all_tags(frame))
        above, below = exposed.top() - AXIS_TEXT_PX, exposed.bottom() + AXIS_TEXT_PX
        for ticks in visible_price_ticks(frame):
            y = price_y(frame, ticks)
            if above <= y <= below and _is_free(y, pane.bottom, tags):
                painter.fillRect(QRectF(pane.left, y, _TICK_MARK_PX, hairline(frame)), qcolor(theme.edge))
                self._labels.draw(painter, pane.left + _TICK_MARK_PX + 3, y, text(ticks), theme.text_muted)

    def _all_tags(self, frame: Frame) -> tuple[float, ...]:
        """Y positions of the price tags of all visible layers, logical pixels; the axis omits price labels that touch a tag."""
        if self._tagging is None:
            scene = self.scene()
            layers = [layer for layer in (scene.items() if scene is not None else []) if isinstance(layer, ChartItem)]
            self._tagging = [layer for layer in layers if type(layer).price_tags is not ChartItem.price_tags]
        return tuple(y for layer in self._tagging if layer.isVisible() for y in layer.price_tags(frame))


class TimeAxisItem(ChartItem):
    """The time axis: UTC times under the bars, the starts of days, months or years in bold, and the view's first date on the left."""

    z = 60.0

    def __init__(self) -> None:
        super().__init__()
        self._labels = Labels()
        self._bold = Labels(bold=True)

    def pane(self, frame: Frame) -> QRectF:
        axis = frame.layout.time_axis
        return QRectF(axis.left, axis.top, frame.layout.width, axis.height)  # with the corner

    def changed(self, old: Frame, new: Frame) -> QRectF | None:
        return self.pane(new) if _time_scale(old) != _time_scale(new) else None

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        axis, theme = frame.layout.time_axis, frame.theme
        middle = axis.top + axis.height / 2
        painter.fillRect(exposed, qcolor(theme.background))
        painter.fillRect(QRectF(0, axis.top, frame.layout.width, hairline(frame)), qcolor(theme.edge))
        if axis.height < AXIS_TEXT_PX:
            return
        if exposed.right() >= frame.layout.plot_right:
            self._labels.draw(painter, frame.layout.plot_right + 7, middle, "UTC", theme.text_muted)
        start = date_text(frame.chart.series.times.start_ns(frame.viewport.visible_bars()[0]))
        free_from = 6 + self._bold.width(start) + _LABEL_GAP_PX
        if exposed.left() <= free_from:
            self._bold.draw(painter, 6, middle, start, theme.text)
        begin, end = exposed.left() - 1, exposed.right() + 1
        for place in visible_time_ticks(frame):
            if place.text_x > end + _LABEL_REACH_PX:
                break
            labels = self._bold if place.tick.strong else self._labels
            half = labels.width(place.tick.text) / 2
            if place.text_x - half < free_from or place.text_x + half > frame.layout.plot_right or place.text_x > frame.layout.price.right:
                continue
            free_from = place.text_x + half + _LABEL_GAP_PX
            if place.text_x - half <= end and place.text_x + half >= begin:
                labels.draw(painter, place.text_x, middle, place.tick.text, theme.text if place.tick.strong else theme.text_muted, 0.5)


class GridItem(ChartItem):
    """The background of all panes, with grid lines at labels and edges between panes.

    Lines at the start of a day are stronger; zoomed out, those at the start of a month or year.
    """

    z = -100.0

    def pane(self, frame: Frame) -> QRectF:
        return QRectF(0, 0, frame.layout.plot_right, frame.layout.time_axis.top)

    def changed(self, old: Frame, new: Frame) -> QRectF | None:
        same = _price_scale(old) == _price_scale(new) and _time_scale(old) == _time_scale(new)
        return None if same else self.pane(new)

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        layout, theme, line = frame.layout, frame.theme, hairline(frame)
        painter.fillRect(exposed, qcolor(theme.background))
        grid = qcolor(theme.grid)
        left, above, right, below = exposed.left() - 1, exposed.top() - 1, exposed.right() + 1, exposed.bottom() + 1
        begin, width = exposed.left(), exposed.width()
        for ticks in visible_price_ticks(frame):
            y = price_y(frame, ticks)
            if above <= y <= below:
                painter.fillRect(QRectF(begin, y, width, line), grid)
        bottom = layout.time_axis.top
        for place in visible_time_ticks(frame):
            if left <= place.x <= right:
                painter.fillRect(QRectF(place.x, 0, line, bottom), qcolor(theme.grid_day) if place.tick.strong else grid)
        edge = qcolor(theme.edge)
        for y in _pane_edges(layout):
            if above <= y <= below:
                painter.fillRect(QRectF(begin, y, width, line), edge)
        if layout.profile.width and left <= layout.profile.left <= right:
            painter.fillRect(QRectF(layout.profile.left, 0, line, bottom), edge)


@once_a_frame
def visible_price_ticks(frame: Frame) -> range:
    """The prices in view at which the axis has a label and the grid a line, in ticks, ascending."""
    viewport = frame.viewport
    return price_labels(viewport.low_ticks, viewport.ticks_at(0), price_step(frame.chart.series.grid, viewport.tick_px))


@once_a_frame
def visible_time_ticks(frame: Frame) -> list[PlacedTime]:
    """The time labels in view with their positions, from left to right."""
    rule, viewport = frame.chart.series.rule, frame.viewport
    first, last = viewport.visible_bars()
    if rule.is_time:
        ticks = time_ticks(rule.start_ns(first), rule.start_ns(last + 1), time_step(rule.length_ns, viewport.bar_px))
        numbers = [rule.number(tick.time_ns) for tick in ticks]
    else:
        ticks, numbers = _times_of_bars(frame, first, last)
    places: list[PlacedTime] = []
    for bar, tick in zip(numbers, ticks, strict=True):
        left = frame.pixels.screen_x(bar) / frame.dpr
        if 0 <= left < viewport.width_px:
            middle = viewport.bar_px / 2 if viewport.bar_px >= _CENTRED_FROM_PX else 0.0
            places.append(PlacedTime(left, left + middle, tick))
    return places


def _times_of_bars(frame: Frame, first: int, last: int) -> tuple[list[TimeLabel], list[int]]:
    """Time labels at every n-th bar, and the numbers of these bars, for bars that are not built by time.

    There are no labels after the newest bar.
    """
    series = frame.chart.series
    step = bar_step(frame.viewport.bar_px)
    numbers = list(range(max(0, -(-first // step)) * step, min(last, series.n_bars - 1) + 1, step))
    return bar_ticks([series.times.start_ns(number) for number in numbers]), numbers


def _is_free(y: float, bottom: float, tags: Sequence[float]) -> bool:
    """True if a price label at `y` lies completely on the axis and touches none of the tags; `tags` are y positions, ascending."""
    half = AXIS_TEXT_PX / 2
    reach = half + TAG_HEIGHT_PX / 2
    after = bisect_right(tags, y - reach)  # the first tag that is not far enough above it
    return half <= y <= bottom - half and (after == len(tags) or tags[after] >= y + reach)


def _price_scale(frame: Frame) -> tuple[object, ...]:
    viewport = frame.viewport
    return viewport.low_ticks, viewport.tick_px, frame.chart.series.grid


def _time_scale(frame: Frame) -> tuple[object, ...]:
    viewport, series = frame.viewport, frame.chart.series
    return viewport.first_bar, viewport.bar_px, series.rule, 0 if series.rule.is_time else (frame.generation, frame.revision)


def _pane_edges(layout: PaneLayout) -> list[int]:
    return [pane.top for pane in (layout.delta, layout.volume, *(strip for _, strip in layout.strips)) if pane.height]
