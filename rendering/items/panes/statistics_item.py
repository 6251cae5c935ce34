"""The table of bar statistics: a column per bar, a row per statistic, with values coloured by their rank."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from app.analytics.bar_statistics import BarStatistics, Statistic
from app.market.arrays import Int64Array
from app.market.times import narrow_duration_text
from app.settings.calculation import CalculationSettings
from rendering.hit_tests.flow_hits import statistic_questions
from rendering.hit_tests.hit_target import HitTarget
from rendering.items.chart_item import READING_REST_S, ChartItem
from rendering.items.panes.cvd_series import cvd_reset
from rendering.paint.cell_colouring import VolumeRanks
from rendering.paint.rect_batch import RectBatch
from rendering.style.short_numbers import MINUS, short_quantities
from rendering.style.text import Labels, qcolor, qrect
from rendering.style.theme import DELTA_STEPS, Theme
from rendering.view.frame import Frame
from rendering.view.frame_coords import bars_on_screen, hairline
from rendering.view.layout import Strip

ROW_PX = 16
_TEXT_FROM_PX = 44.0
"""From this bar width on, values are written."""
_CHAR_PX = 6.6
_RANKED_BEFORE = 300
"""Number of bars before the view that count for the colours, as in the volume row."""
_TITLES = {Statistic.DELTA_PERCENT: "delta %", Statistic.DELTA_MIN: "min delta", Statistic.DELTA_MAX: "max delta", Statistic.POC: "POC"}
_UNCOLOURED = (Statistic.POC, Statistic.DURATION)
"""Statistics without a colour: a price has no rank, nor has the duration of bars that are all equally long."""
_NO_QUANTITY = (Statistic.DELTA_PERCENT, Statistic.POC, Statistic.RANGE, Statistic.TRADES, Statistic.DURATION)
Table = Mapping[Statistic, np.ndarray]
"""Rows of values of the same bars, from top to bottom."""


class StatisticsItem(ChartItem):
    """The pane with the table of bar statistics, e.g. volume, delta and CVD of each bar."""

    name = "statistics"
    title = "Bar statistics"
    help = "Table of volume, delta, CVD, trades and more per bar"
    help_page = "footprint.md#delta-and-volume"
    keys = ("Alt+4",)
    shown_at_first = False
    z = 50.0
    rest_s = READING_REST_S

    def __init__(self) -> None:
        super().__init__()
        self._labels = Labels()
        self._rectangles = RectBatch()
        self._table: BarStatistics | None = None
        self._ranks: dict[Statistic, VolumeRanks] = {}
        self._ranked: tuple[object, ...] = ()

    @classmethod
    def strip(cls, rules: CalculationSettings) -> Strip | None:
        height = ROW_PX * len(rules.statistics.rows)
        return Strip("statistics", 0.0, height, height)

    def pane(self, frame: Frame) -> QRectF:
        pane = frame.layout.strip_of("statistics")
        return qrect(pane) | qrect(frame.layout.beside(pane))

    def changed(self, old: Frame, new: Frame) -> QRectF | None:
        pane, series, ranks = self.pane(new), new.chart.series, self._ranks
        if pane.isEmpty():
            return None
        self._rank(new)
        if _look(old) != _look(new) or ranks is not self._ranks:
            return pane
        first, end = bars_on_screen(new)
        changed = series.changed_since(old.revision)
        if changed >= end:
            return None
        x = max(0.0, new.pixels.screen_x(int(series.number[max(changed, first)])) / new.dpr)
        return QRectF(x, pane.top(), frame_right(new) - x, pane.height())

    def hits(self, frame: Frame, x: float, y: float) -> list[HitTarget]:
        """The hit target of the value under the mouse; empty outside the table, or if there is no bar."""
        pane, rows = frame.layout.strip_of("statistics"), frame.rules.statistics.rows
        row = int(y - pane.top) // ROW_PX
        return statistic_questions(frame, x, rows[row], cvd_reset(frame)) if pane.holds(x, y) and row < len(rows) else []

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        pane = frame.layout.strip_of("statistics")
        if not pane.height:
            return
        self._rank(frame)
        first, end = self._exposed(frame, exposed)
        if end > first and exposed.left() < pane.right:
            painter.save()
            painter.setClipRect(exposed & qrect(pane))
            table = {statistic: self._values(frame, statistic, first, end) for statistic in frame.rules.statistics.rows}
            self._draw_fills(painter, frame, table, frame.chart.series.number[first:end])
            if frame.viewport.bar_px >= _TEXT_FROM_PX:
                self._draw_texts(painter, frame, table, frame.chart.series.number[first:end])
            painter.restore()
        line = hairline(frame)
        for index in range(len(frame.rules.statistics.rows)):
            painter.fillRect(QRectF(0, pane.top + index * ROW_PX, frame.layout.width, line), qcolor(frame.theme.edge))
        if exposed.right() > pane.right:
            self._draw_titles(painter, frame)

    def _draw_fills(self, painter: QPainter, frame: Frame, table: Table, number: np.ndarray) -> None:
        """Draw the background of each value in the table, coloured by the value's rank; `number` has the bars' numbers."""
        pixels, dpr, top = frame.pixels, frame.dpr, frame.layout.strip_of("statistics").top
        left, right = pixels.bar_x(number) - pixels.left, pixels.bar_x(number + 1) - pixels.left
        narrow, gap = bool((right == left).any()), round(dpr) if frame.viewport.bar_px >= 4 else 0
        ramps, height = (*frame.theme.volume_ramp, *frame.theme.delta_ramp), round(ROW_PX * dpr)
        found: list[tuple[Int64Array, ...]] = []
        for index, (statistic, values) in enumerate(table.items()):
            if statistic in _UNCOLOURED:
                continue
            steps, x, width = self._steps(frame.theme, statistic, values), left, right - left - gap
            if narrow:  # bars that share a pixel: the one that stands out most
                order = np.lexsort((np.abs(values), left))
                last = order[np.flatnonzero(np.diff(left[order], append=left[order[-1]] + 1))]
                steps, x, width = steps[last], left[last], np.ones_like(last)
            found.append((steps, x, np.full_like(x, round((top + index * ROW_PX) * dpr)), width, np.full_like(x, height)))
        if found:
            steps, *rects = (np.concatenate(column) for column in zip(*found, strict=True))
            painter.save()
            painter.scale(1 / dpr, 1 / dpr)  # device pixels from here: edges are whole numbers
            self._rectangles.draw_coloured(painter, ramps, steps, (rects[0], rects[1], rects[2], rects[3]))
            painter.restore()

    def _draw_texts(self, painter: QPainter, frame: Frame, table: Table, number: np.ndarray) -> None:
        """Write the table's values; a value that does not fit, or that an edge of the pane would cut off, is left out.

        A number cut off by an edge would be read as another number.
        """
        pixels, pane = frame.pixels, frame.layout.strip_of("statistics")
        middles = (((pixels.bar_x(number) + pixels.bar_x(number + 1)) / 2 - pixels.left) / frame.dpr).tolist()
        room, char_px, (left, right) = int(frame.viewport.bar_px / _CHAR_PX), self._labels.char_px, (pane.left, pane.right)
        for index, texts in enumerate(texts_of_table(frame, table).values()):
            for x, text in zip(middles, texts, strict=True):
                half = len(text) * char_px / 2
                if len(text) <= room and left <= x - half and x + half <= right:
                    self._labels.draw(painter, x, pane.top + (index + 0.5) * ROW_PX, text, frame.theme.digits, 0.5)

    def _steps(self, theme: Theme, statistic: Statistic, values: np.ndarray) -> np.ndarray:
        """The colour of each value, as an index into the colours of the volume ramp followed by those of the delta ramp."""
        steps = self._ranks[statistic].steps(np.abs(values)).astype(np.intp)
        if not statistic.signed:
            return steps
        middle = DELTA_STEPS // 2
        return len(theme.volume_ramp) + middle + np.sign(values).astype(np.intp) * (steps * middle // 15)

    def _values(self, frame: Frame, statistic: Statistic, first: int, end: int) -> np.ndarray:
        figures = frame.chart.figures
        if self._table is None or self._table.figures is not figures:
            self._table = BarStatistics(figures)
        return self._table.row(statistic, first, end, cvd_reset(frame))

    def _rank(self, frame: Frame) -> None:
        """Rank the values again when other bars are in view, a new bar has opened, or settings have changed.

        A live trade alone does not cause this: it changes the colour of no other bar.
        """
        first, end = bars_on_screen(frame)
        series = frame.chart.series
        ranked = (frame.generation, first, end, series.n_bars, frame.rules.statistics.rows, cvd_reset(frame))
        if ranked != self._ranked:
            begin = max(0, first - _RANKED_BEFORE)
            rows = (row for row in frame.rules.statistics.rows if row not in _UNCOLOURED)
            self._ranks = {row: VolumeRanks(np.abs(self._values(frame, row, begin, end))) for row in rows}
            self._ranked = ranked

    def _exposed(self, frame: Frame, exposed: QRectF) -> tuple[int, int]:
        """Indices `[first, end)` of the bars in view that touch the exposed region."""
        first, end = bars_on_screen(frame)
        series, pixels = frame.chart.series, frame.pixels
        left, right = pixels.bars_in(*(pixels.left + math.floor(x * frame.dpr) for x in (exposed.left(), exposed.right() + 1)))
        first, end = max(first, series.index_of(left)), min(end, series.index_of(right + 1))
        if end - first > 1 and pixels.screen_x(int(series.number[first]) + 1) <= exposed.left() * frame.dpr:
            first += 1  # it ends where the region begins
        return first, end

    def _draw_titles(self, painter: QPainter, frame: Frame) -> None:
        pane, theme = frame.layout.strip_of("statistics"), frame.theme
        side = frame.layout.beside(pane)
        painter.fillRect(QRectF(side.left, side.top, hairline(frame), side.height), qcolor(theme.edge))
        for index, statistic in enumerate(frame.rules.statistics.rows):
            text = _TITLES.get(statistic, statistic.value if statistic is not Statistic.CVD else "CVD")
            self._labels.draw(painter, side.left + 8, pane.top + (index + 0.5) * ROW_PX, text, theme.text_muted)


def texts_of_table(frame: Frame, table: Table) -> dict[Statistic, list[str]]:
    """The values of each row of the table as short texts, one per bar."""
    quantities = {statistic: values for statistic, values in table.items() if statistic not in _NO_QUANTITY}
    texts: dict[Statistic, list[str]] = {}
    if quantities:
        written = short_quantities(np.concatenate(list(quantities.values())), frame.chart.spec.instrument.lot_size)
        ends = itertools.accumulate(len(values) for values in quantities.values())
        texts = {statistic: written[end - len(values) : end] for (statistic, values), end in zip(quantities.items(), ends, strict=True)}
    return {statistic: _text_row(frame, statistic, values, texts.get(statistic, [])) for statistic, values in table.items()}


def _text_row(frame: Frame, statistic: Statistic, values: np.ndarray, quantities: list[str]) -> list[str]:
    match statistic:
        case Statistic.DELTA_PERCENT:
            return [f"{value:+.0f}%".replace("-", MINUS) for value in values.tolist()]
        case Statistic.POC | Statistic.RANGE:
            return [frame.chart.series.grid.text(value) for value in values.tolist()]
        case Statistic.TRADES:
            return [f"{value:,}" for value in values.tolist()]
        case Statistic.DURATION:
            return [narrow_duration_text(value) for value in values.tolist()]
        case _:
            plus = "+" if statistic.signed else ""
            signs = [MINUS if value < 0 else plus if value > 0 else "" for value in values.tolist()]
            return [sign + text.strip() for sign, text in zip(signs, quantities, strict=True)]


def frame_right(frame: Frame) -> float:
    """The x position of the right edge of the panes with bars, logical pixels."""
    return float(frame.layout.price.right)


def _look(frame: Frame) -> tuple[object, ...]:
    return frame.viewport.first_bar, frame.viewport.bar_px, frame.generation, frame.rules.statistics.rows, cvd_reset(frame)
