"""The side profile of what is in view: sold and bought volume per row, value area, POC, VAH and VAL.

The lines across the bars are drawn by `level_lines_item`, from the levels that are found here.

Where trades of the time in sight are missing, a line at the head of the strip says how much of it the profile holds.

Rows take their edges from the same rounded pixels as the cells, so a row of the profile lies exactly
beside the cells whose volume it sums. Where rows are finer than pixels, a pixel shows its largest row.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from app.analytics.profile import VolumeProfile
from rendering.axes import price_y
from rendering.chart_item import READING_REST_S, ChartItem
from rendering.colour import Colour
from rendering.column import Column
from rendering.curve import bars_in_sight
from rendering.detail import Detail
from rendering.frame import Frame
from rendering.layout import LEGEND_TOP, LINE_PX
from rendering.rectangles import Rectangles
from rendering.tags import TAG_HEIGHT_PX, draw_price_tag
from rendering.text import Labels, qcolor, qrect
from rendering.visible_coverage import VisibleCoverage, share_text
from rendering.visible_profile import Levels, VisibleProfile

_FULL_SHARE = 0.94
"""Share of the strip's width that the heaviest row takes."""
_SHARE_PADDING_PX = 6.0


class ProfileRows(NamedTuple):
    """Rows of the profile as device pixels of the strip, int64 [shape=(n,)], highest price last.

    `top` and `height` place the row; `buy`, `sell`, `unknown` are lengths from the strip's right
    edge, one after the other; `in_value_area` says which tone it has.
    """

    top: np.ndarray
    height: np.ndarray
    buy: np.ndarray
    sell: np.ndarray
    unknown: np.ndarray
    in_value_area: np.ndarray


class LevelLine(NamedTuple):
    """A line across the prices: its name, its price in ticks, the price as text, its colour."""

    name: str
    ticks: float
    text: str
    colour: Colour

    @property
    def pen(self) -> QPen:
        """Solid for the POC, dashed for the edges of the value area."""
        return QPen(qcolor(self.colour), 1, Qt.PenStyle.SolidLine if self.name == "POC" else Qt.PenStyle.DashLine)


class ProfileItem(ChartItem):
    """The strip beside the bars with its three lines, and their prices on the axis."""

    name = "profile"
    title = "Side profile"
    help = "Volume by price of the bars in sight, beside them"
    keys = ("Alt+2",)
    z = 66.0
    rest_s = READING_REST_S

    def __init__(self) -> None:
        super().__init__()
        self.visible = VisibleProfile()
        self._rectangles = Rectangles()
        self._bold = Labels(bold=True)
        self._coverage = VisibleCoverage()
        self._levels: Levels | None = None
        self._share = ""
        self._counted = False

    def pane(self, frame: Frame) -> QRectF:
        strip = frame.layout.profile
        return QRectF(strip.left, strip.top, frame.layout.width - strip.left, strip.height)

    def changed(self, old: Frame, new: Frame) -> QRectF | None:
        if not new.layout.profile.width:
            return None
        levels, self._levels = self._levels, self.levels(new)
        counted, self._counted = self._counted, False
        share, self._share = self._share, share_text(self._coverage.of(new, as_of=True))
        if _look(old) != _look(new) or levels != self._levels or share != self._share:
            return self.pane(new)
        return qrect(new.layout.profile) if counted else None

    def price_tags(self, frame: Frame) -> tuple[float, ...]:
        levels = self.levels(frame)
        return () if levels is None else tuple(price_y(frame, line.ticks) for line in _tagged(frame, levels))

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        levels, profile = self.levels(frame), self.visible.profile
        if profile is None or levels is None:
            return
        if exposed.intersects(qrect(frame.layout.profile)):
            self._draw_rows(painter, frame, profile_rows(frame, profile, levels))
        self._draw_lines(painter, frame, levels)
        self._draw_share(painter, frame)

    def _count(self, frame: Frame) -> None:
        self._counted |= self.visible.update(frame.chart.series, *bars_in_sight(frame))

    def levels(self, frame: Frame) -> Levels | None:
        """POC and value area of the bars in sight; None without volume, or without the strip."""
        if not frame.layout.profile.width:
            return None
        self._count(frame)
        spec = frame.chart.spec
        area = self.visible.value_area(spec.value_area_percent, spec.value_area_method)
        return None if area is None else Levels(area.poc_row, area.low_row, area.high_row)

    def _draw_rows(self, painter: QPainter, frame: Frame, rows: ProfileRows) -> None:
        theme, strip = frame.theme, frame.layout.profile
        right = round(strip.right * frame.dpr)
        tones = (
            (~rows.in_value_area, theme.profile_buy, theme.profile_sell, theme.grid_day),
            (rows.in_value_area, theme.profile_buy_value_area, theme.profile_sell_value_area, theme.stale),
        )
        painter.save()
        painter.scale(1 / frame.dpr, 1 / frame.dpr)  # device pixels from here: edges are whole numbers
        for which, buy, sell, unknown in tones:
            top, height = rows.top[which], rows.height[which]
            end = np.full(len(top), right, np.int64)
            for length, colour in ((rows.buy[which], buy), (rows.sell[which], sell), (rows.unknown[which], unknown)):
                self._rectangles.draw(painter, colour, end - length, top, length, height)
                end = end - length
        painter.restore()

    def _draw_lines(self, painter: QPainter, frame: Frame, levels: Levels) -> None:
        for line in reversed(level_lines(frame, levels)):  # the POC last, over the others
            self._draw_line(painter, frame, line)
        for line in _tagged(frame, levels):
            self._draw_name(painter, frame, line)
            draw_price_tag(painter, self._bold, frame, price_y(frame, line.ticks), line.text, line.colour)

    def _draw_line(self, painter: QPainter, frame: Frame, line: LevelLine) -> None:
        y, strip = price_y(frame, line.ticks), frame.layout.profile
        if not 0 <= y <= strip.height:
            return
        painter.setPen(line.pen)
        painter.drawLine(QLineF(strip.left, y + 0.5, strip.right, y + 0.5))

    def _draw_name(self, painter: QPainter, frame: Frame, line: LevelLine) -> None:
        y, strip = price_y(frame, line.ticks), frame.layout.profile
        rect = QRectF(strip.left + 3, y - 7, self._bold.width(line.name) + 6, 14)
        painter.fillRect(rect, qcolor(frame.theme.panel))
        self._bold.draw(painter, rect.left() + 3, y, line.name, line.colour)

    def _draw_share(self, painter: QPainter, frame: Frame) -> None:
        text, strip = share_text(self._coverage.of(frame, as_of=True)), frame.layout.profile
        if not text:
            return
        if self._bold.width(text) + 2 * _SHARE_PADDING_PX > strip.width:
            text = text.partition(" %")[0] + " %"  # the strip is narrow: without the words
        width = self._bold.width(text) + 2 * _SHARE_PADDING_PX
        rect = QRectF(strip.right - width, LEGEND_TOP, width, LINE_PX)
        painter.fillRect(rect, qcolor(frame.theme.panel._replace(alpha=255)))
        self._bold.draw(painter, rect.left() + _SHARE_PADDING_PX, rect.center().y(), text, frame.theme.hole_text)


def level_lines(frame: Frame, levels: Levels) -> tuple[LevelLine, ...]:
    """POC at the middle of its row, VAH at the upper edge of the highest row, VAL at the lower edge of the lowest."""
    grid, theme = frame.chart.series.grid, frame.theme
    poc = grid.row_low_ticks(levels.poc_row)
    vah, val = grid.row_low_ticks(levels.high_row + 1), grid.row_low_ticks(levels.low_row)
    middle = grid.text(poc + grid.ticks_per_row // 2)  # of a middle between two ticks the lower one
    return (
        LevelLine("POC", poc + grid.ticks_per_row / 2, middle, theme.poc),
        LevelLine("VAH", vah, grid.text(vah), theme.value_area),
        LevelLine("VAL", val, grid.text(val), theme.value_area),
    )


def profile_rows(frame: Frame, profile: VolumeProfile, levels: Levels) -> ProfileRows:
    """The visible rows as device pixels.

    Lengths are rounded so that their sum is the rounded total: a row is never longer than its
    volume says because it was split.
    """
    ticks_per_row = frame.chart.series.grid.ticks_per_row
    low, high = frame.viewport.visible_ticks()
    first = min(max(low // ticks_per_row - profile.first_row, 0), profile.n_rows)
    end = min(max(high // ticks_per_row + 1 - profile.first_row, first), profile.n_rows)
    rows = np.arange(first, end, dtype=np.int64)
    edges = frame.pixels.price_y(np.arange(first, end + 1) * float(ticks_per_row) + profile.first_row * ticks_per_row) - frame.pixels.top
    top, bottom = edges[1:], edges[:-1]
    total = profile.total
    largest = int(total.max())
    if rows.size and (top == bottom).any():  # finer than pixels: each pixel shows its largest row
        rows, top = _largest_per_pixel(rows, bottom - 1, total)
        bottom = top + 1
    full = _FULL_SHARE * frame.layout.profile.width * frame.dpr
    numbers = profile.first_row + rows
    to_buy = _length(profile.buy[rows], largest, full)
    to_sell = _length(profile.buy[rows] + profile.sell[rows], largest, full)
    to_end = _length(total[rows], largest, full)
    top = top + Column.of(frame.pixels.bar_pitch, ticks_per_row * frame.pixels.tick_pitch, frame.dpr, Detail.CELLS).row_gap
    inside = (numbers >= levels.low_row) & (numbers <= levels.high_row)
    return ProfileRows(top, bottom - top, to_buy, to_sell - to_buy, to_end - to_sell, inside)


def _length(volume: np.ndarray, largest: int, full_px: float) -> np.ndarray:
    return np.floor(volume * (full_px / max(largest, 1)) + 0.5).astype(np.int64)


def _largest_per_pixel(rows: np.ndarray, pixel: np.ndarray, total: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of the rows that share a pixel line the one with most volume, and the line."""
    order = np.lexsort((total[rows], pixel))
    last = np.flatnonzero(np.append(np.diff(pixel[order]) != 0, True))
    return rows[order][last], pixel[order][last]


def _tagged(frame: Frame, levels: Levels) -> list[LevelLine]:
    """The levels in sight whose tags find room: the POC first, a tag that would cover another is left out."""
    shown: list[LevelLine] = []
    for line in level_lines(frame, levels):
        y = price_y(frame, line.ticks)
        if 0 <= y <= frame.layout.price.height and all(abs(y - price_y(frame, other.ticks)) >= TAG_HEIGHT_PX for other in shown):
            shown.append(line)
    return shown


def _look(frame: Frame) -> tuple[object, ...]:
    spec = frame.chart.spec
    return frame.viewport.low_ticks, frame.viewport.tick_px, frame.generation, spec.value_area_percent, spec.value_area_method
