"""The delta and volume panes under the bars: delta columns with min and max delta, volumes, and totals of the bars in view."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from app.analytics.delta import bar_delta
from rendering.hit_tests.flow_hits import bar_delta_hits
from rendering.hit_tests.hit_target import HitTarget
from rendering.items.chart_item import READING_REST_S, ChartItem
from rendering.paint.cell_colouring import VolumeRanks
from rendering.paint.rect_batch import RectBatch
from rendering.style.short_numbers import MINUS, short_quantities, signed_quantity
from rendering.style.text import Labels, fits_wholly, qcolor, qrect
from rendering.view.frame import Frame
from rendering.view.frame_coords import bars_in_view, bars_on_screen, hairline
from rendering.view.layout import AXIS_TEXT_PX, CHAR_ASPECT

DELTA_TEXT_FROM_PX = 50.0
"""From this bar width on, each delta is written: an arrow and five characters."""
VOLUME_TEXT_FROM_PX = 38.0
_GAP_FROM_PX = 4.0  # narrower columns have no gap between them
_EXTREMES_FROM_PX = 5.0  # narrower columns have no space for a line inside
_MARGIN_PX = 4
_RANKED_BEFORE = 300
"""Number of bars before the view that count for the ranks: a view of a dozen bars is too few to rank volumes."""


class DeltaColumns(NamedTuple):
    """The bars in view as columns, int64 [shape=(n,)], oldest first.

    `left` and `width` are device pixels; bars that share a pixel are one column. `up` and `down` are the column's largest delta
    above and below 0, `volume` its largest volume, `highest` and `lowest` the extremes of the running delta inside its bars; all
    are sizes in lots, 0 or more.
    """

    left: np.ndarray
    width: np.ndarray
    up: np.ndarray
    down: np.ndarray
    volume: np.ndarray
    highest: np.ndarray
    lowest: np.ndarray


class DeltaItem(ChartItem):
    """Delta columns on one scale, volumes under them, and totals of the bars in view under the profile."""

    name = "delta"
    title = "Delta and volume"
    help = "Delta columns and volume per bar"
    help_page = "footprint.md#delta-and-volume"
    keys = ("Alt+1",)
    z = 50.0
    rest_s = READING_REST_S

    def __init__(self) -> None:
        super().__init__()
        self._labels = Labels()
        self._rectangles = RectBatch()
        self._ranks: VolumeRanks | None = None
        self._ranked: tuple[object, ...] = ()
        self._scale: int | None = None

    def pane(self, frame: Frame) -> QRectF:
        return qrect(frame.layout.delta) | qrect(frame.layout.volume) | qrect(frame.layout.totals) | qrect(frame.layout.delta_axis)

    def changed(self, old: Frame, new: Frame) -> QRectF | None:
        if not new.layout.delta.height:
            return None
        first, end = bars_on_screen(new)
        scale, ranks = largest_delta(new), self._ranks
        self._rank(new)
        before, self._scale = self._scale, scale
        if before != scale or ranks is not self._ranks or _look(old) != _look(new):
            return self.pane(new)
        changed = new.chart.series.changed_since(old.revision)
        if changed >= end:
            return None if old.as_of == new.as_of else qrect(new.layout.totals)
        x = max(0.0, new.pixels.screen_x(int(new.chart.series.number[max(changed, first)])) / new.dpr)
        pane = self.pane(new)
        return QRectF(x, pane.top(), new.layout.plot_right - x, pane.height())

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        layout = frame.layout
        if not layout.delta.height:
            return
        first, end = bars_on_screen(frame)
        if exposed.right() > layout.plot_right:
            self._draw_axis(painter, frame)
        if exposed.right() > layout.totals.left and layout.totals.width:
            self._draw_totals(painter, frame, *bars_in_view(frame))
        if end > first and exposed.left() < layout.delta.right:
            painter.save()
            painter.setClipRect(exposed & (qrect(layout.delta) | qrect(layout.volume)))
            self._draw_columns(painter, frame, first, end, exposed)
            painter.restore()

    def hits(self, frame: Frame, x: float, y: float) -> list[HitTarget]:
        """The hit target of the bar under the mouse; empty outside the delta and volume panes, or if there is no bar."""
        return bar_delta_hits(frame, x) if frame.layout.delta.holds(x, y) or frame.layout.volume.holds(x, y) else []

    def _rank(self, frame: Frame) -> None:
        """Rank the volumes the first time, after the bars were built again, and when the ranks no longer fit the view."""
        first, end = bars_on_screen(frame)
        ranked = (frame.generation, first, end, frame.revision)
        if ranked == self._ranked:
            return
        volume = frame.chart.series.volume[max(0, first - _RANKED_BEFORE) : end]
        if self._ranks is None or ranked[0] != (self._ranked or (None,))[0] or self._ranks.misjudges(volume):
            self._ranks = VolumeRanks(volume)
        self._ranked = ranked

    def _draw_columns(self, painter: QPainter, frame: Frame, first: int, end: int, exposed: QRectF) -> None:
        self._rank(frame)
        assert self._ranks is not None
        theme, dpr, pane, row = frame.theme, frame.dpr, frame.layout.delta, frame.layout.volume
        columns = visible_columns(frame, first, end)
        seen = (columns.left + columns.width > exposed.left() * dpr) & (columns.left < exposed.right() * dpr)
        columns = DeltaColumns(*(values[seen] for values in columns))
        middle = round((pane.top + pane.height / 2) * dpr)
        half = (pane.height / 2 - _MARGIN_PX) * dpr
        scale = half / max(largest_delta(frame), 1)
        painter.save()
        painter.scale(1 / dpr, 1 / dpr)  # device pixels from here: edges are whole numbers
        up, down = (_lengths(values, scale, half) for values in (columns.up, columns.down))
        nought = np.full(len(up), middle, np.int64)
        self._rectangles.draw(painter, theme.buy, columns.left, nought - up, columns.width, up)
        self._rectangles.draw(painter, theme.sell, columns.left, nought, columns.width, down)
        if frame.viewport.bar_px >= _EXTREMES_FROM_PX:
            self._draw_extremes(painter, frame, columns, middle, scale, half)
        top, height = round(row.top * dpr), round(row.bottom * dpr) - round(row.top * dpr)
        grounds = columns.left, np.full_like(nought, top), columns.width, np.full_like(nought, height)
        self._rectangles.draw_coloured(painter, theme.volume_ramp, self._ranks.steps(columns.volume), grounds)
        painter.restore()
        painter.fillRect(QRectF(pane.left, pane.top + pane.height / 2, pane.width, hairline(frame)), qcolor(theme.grid_day))
        painter.fillRect(QRectF(row.left, row.top, row.width, hairline(frame)), qcolor(theme.edge))
        self._draw_numbers(painter, frame, columns)

    def _draw_extremes(self, painter: QPainter, frame: Frame, columns: DeltaColumns, middle: int, scale: float, most: float) -> None:
        """Draw min and max delta of each bar as thin lines beyond its delta, like the wicks of a candle."""
        line = max(1, round(frame.dpr))
        # at the side where there are numbers, which are centred
        left = columns.left + (2 * line if frame.viewport.bar_px >= DELTA_TEXT_FROM_PX else (columns.width - line) // 2)
        width = np.full_like(left, line)
        for reached, closed, colour, up in (
            (columns.highest, columns.up, frame.theme.buy, True),
            (columns.lowest, columns.down, frame.theme.sell, False),
        ):
            far, near = (_lengths(values, scale, most) for values in (reached, closed))
            self._rectangles.draw(painter, colour, left, middle - far if up else middle + near, width, far - near)

    def _draw_numbers(self, painter: QPainter, frame: Frame, columns: DeltaColumns) -> None:
        """Write each bar's volume and delta if bars are wide enough; numbers that an edge of the pane would cut off are left out."""
        bar_px, pane, row = frame.viewport.bar_px, frame.layout.delta, frame.layout.volume
        theme, lot = frame.theme, frame.chart.spec.instrument.lot_size
        if bar_px < VOLUME_TEXT_FROM_PX:
            return
        middles = ((columns.left + columns.width / 2) / frame.dpr).tolist()
        delta = columns.up - columns.down
        texts = short_quantities(np.concatenate((columns.volume, delta)), lot)
        for x, text in zip(middles, texts, strict=False):
            if fits_wholly(x, self._labels.width(text), row):
                self._labels.draw(painter, x, row.top + row.height / 2, text, theme.digits, 0.5)
        if bar_px >= DELTA_TEXT_FROM_PX and pane.height / 2 >= AXIS_TEXT_PX + 4:
            middle, off = pane.top + pane.height / 2, AXIS_TEXT_PX / 2 + 4
            for x, value, text in zip(middles, delta.tolist(), texts[len(middles) :], strict=True):
                up, written = value > 0, ("▲" if value > 0 else "▼") + text
                if value and fits_wholly(x, self._labels.width(written), pane):  # on the free side of the middle line
                    self._labels.draw(painter, x, middle + (off if up else -off), written, theme.buy if up else theme.sell, 0.5)

    def _draw_axis(self, painter: QPainter, frame: Frame) -> None:
        axis, delta, row, theme = frame.layout.delta_axis, frame.layout.delta, frame.layout.volume, frame.theme
        painter.fillRect(qrect(axis), qcolor(theme.background))
        painter.fillRect(QRectF(axis.left, axis.top, hairline(frame), axis.height), qcolor(theme.edge))
        for top in (delta.top, row.top):
            painter.fillRect(QRectF(axis.left, top, axis.width, hairline(frame)), qcolor(theme.edge))
        lot, largest, x = frame.chart.spec.instrument.lot_size, largest_delta(frame), axis.left + 7
        self._labels.draw(painter, x, delta.top + delta.height / 2, "delta", theme.text_muted)
        self._labels.draw(painter, x, row.top + row.height / 2, "volume", theme.text_muted)
        if largest and delta.height >= 3.4 * AXIS_TEXT_PX:
            self._labels.draw(painter, x, delta.top + 9, signed_quantity(largest, lot), theme.text_muted)
            self._labels.draw(painter, x, delta.bottom - 9, signed_quantity(-largest, lot), theme.text_muted)

    def _draw_totals(self, painter: QPainter, frame: Frame, first: int, end: int) -> None:
        """Write the totals of the bars in view, the same bars as in the profile above; in a low pane only volume and delta."""
        pane, theme, series = frame.layout.totals, frame.theme, frame.chart.series
        lot = frame.chart.spec.instrument.lot_size
        buy, sell, whole = (int(column[first:end].sum()) for column in (series.buy, series.sell, series.volume))
        delta = buy - sell
        texts = short_quantities(np.array([whole, buy, sell, delta]), lot)
        volume, bars = f"volume {texts[0]}", f" · {end - first:,} bar{'' if end - first == 1 else 's'}"
        room = (pane.width - 8) / (CHAR_ASPECT * AXIS_TEXT_PX)
        lines = (
            (volume + bars if len(volume + bars) <= room else volume, theme.text),
            (f"buy {texts[1]}", theme.buy),
            (f"sell {texts[2]}", theme.sell),
            (f"Δ {'+' if delta > 0 else MINUS if delta < 0 else ''}{texts[3]}", theme.buy if delta >= 0 else theme.sell),
        )
        height = frame.layout.delta.height  # at the height of the deltas: the edge of the volume row would cut through a line
        step = height / len(lines)
        if step < AXIS_TEXT_PX:
            lines, step = (lines[0], lines[3]), height / 2
        for index, (text, colour) in enumerate(lines):
            self._labels.draw(painter, pane.left + 8, pane.top + (index + 0.5) * step, text, colour)


def visible_columns(frame: Frame, first: int, end: int) -> DeltaColumns:
    """The bars `[first, end)` (indices) as columns in device pixels from the left edge of the price pane."""
    series, pixels = frame.chart.series, frame.pixels
    number = series.number[first:end]
    left, right = pixels.bar_x(number) - pixels.left, pixels.bar_x(number + 1) - pixels.left
    gap = round(frame.dpr) if frame.viewport.bar_px >= _GAP_FROM_PX else 0
    delta, volume = bar_delta(series, first, end), series.volume[first:end]
    up, down = np.maximum(delta, 0), np.maximum(-delta, 0)
    highest, lowest = series.delta_max[first:end], -series.delta_min[first:end]
    if (right == left).any():  # bars narrower than a pixel: the largest of those that share one
        starts = np.flatnonzero(np.diff(left, prepend=left[0] - 1))
        up, down, volume, highest, lowest = (np.maximum.reduceat(values, starts) for values in (up, down, volume, highest, lowest))
        left = left[starts]
        return DeltaColumns(left, np.ones_like(left), up, down, volume, highest, lowest)
    return DeltaColumns(left, right - left - gap, up, down, volume, highest, lowest)


def largest_delta(frame: Frame) -> int:
    """The largest size of the running delta inside the bars in view, lots; it sets the scale of the columns."""
    first, end = bars_in_view(frame)
    highest, lowest = frame.chart.series.delta_max[first:end], frame.chart.series.delta_min[first:end]
    return max(int(highest.max()), -int(lowest.min())) if highest.size else 0


def _lengths(values: np.ndarray, scale: float, most: float) -> np.ndarray:
    """The lengths of columns for some values: value times `scale`, at most `most`, then rounded up to whole device pixels.

    A bar after the as-of moment may have a delta larger than the scale, which does not depend on such bars.
    """
    return np.ceil(np.minimum(values * scale, most)).astype(np.int64)


def _look(frame: Frame) -> tuple[object, ...]:
    return frame.viewport.first_bar, frame.viewport.bar_px, frame.generation
