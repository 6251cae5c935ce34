"""The last bar as it was drawn, from which follows how little must be drawn again after a trade."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rendering.paint.geometry import BarGeometry, CellGeometry
from rendering.paint.raster_block import BarStyle, area_marks, draw_bars
from rendering.paint.shapes import Quads
from rendering.view.detail import Detail
from rendering.view.pixel_grid import PixelGrid

if TYPE_CHECKING:
    from app.chart.chart import Chart

Rows = tuple[int, int]
"""The lowest and the highest of some rows, both included."""


@dataclass(frozen=True, slots=True, eq=False)
class LastBar:
    """The prices, cells and marks of the last bar; marks are its POC, value area and imbalances.

    Attributes
    ----------
    index : int
        Index of the bar in the series.
    revision, marked_at : int
        Revisions of the series whose prices and cells, and whose marks, these are.
    bars : BarGeometry
        The bar, as the only one.
    cells : CellGeometry
        All of its cells, lowest row first.
    areas : Quads or None
        Bracket of the value area and border of the POC; None if it is drawn without cells.
    """

    index: int
    revision: int
    marked_at: int
    bars: BarGeometry
    cells: CellGeometry
    areas: Quads | None

    @property
    def has_old_marks(self) -> bool:
        """True if the marks are those of an older revision than the prices and cells."""
        return self.marked_at != self.revision

    @classmethod
    def of(cls, chart: Chart, look: BarStyle, grid: PixelGrid, marks: LastBar | None = None) -> LastBar:
        """The last bar of a chart, with those of its values that a style draws.

        With `marks`, the marks are copied from this older drawing of the bar, which must have the same rows.
        """
        series = chart.series
        index, revision = series.n_bars - 1, series.revision
        cells = slice(int(series.cell_start[index]), None)  # its cells are the last ones
        buy, sell = series.cell_buy[cells].copy(), series.cell_sell[cells].copy()
        volume = buy + sell + series.cell_unknown[cells]
        if marks is None:
            bars, flags = look.bars(chart, index, index + 1), look.imbalances(chart, index, index + 1, grid)
            number, opened, high, low, close = (column.copy() for column in (bars.number, bars.open, bars.high, bars.low, bars.close))
            areas = (bars.poc_row.copy(), bars.value_low_row.copy(), bars.value_high_row.copy())
            buy_flags, sell_flags = (found.copy() for found in flags) if flags is not None else (np.zeros(len(buy), bool),) * 2
            rows, marked_at = np.arange(len(buy)) + int(series.first_row[index]), revision
        else:
            run = slice(index, index + 1)
            found = (series.number, series.open, series.high, series.low, series.close)
            number, opened, high, low, close = (column[run].copy() for column in found)
            old, cut = marks.bars, marks.cells
            areas, rows, marked_at = (old.poc_row, old.value_low_row, old.value_high_row), cut.row, marks.marked_at
            buy_flags, sell_flags = cut.buy_imbalance, cut.sell_imbalance
        heaviest = np.array([volume.max()]) if look.widths_by_volume else areas[0]
        bar = np.zeros(len(buy), np.int64)
        geometry = BarGeometry(number, opened, high, low, close, *areas, heaviest)
        if marks is not None:
            drawn = marks.areas
        else:
            drawn = area_marks(geometry, grid, series.grid.ticks_per_row, look) if look.detail >= Detail.CELLS else None
        return cls(index, revision, marked_at, geometry, CellGeometry(bar, rows, buy, sell, volume, buy_flags, sell_flags), drawn)

    def has_rows_of(self, chart: Chart) -> bool:
        """True if this is still the last bar of a chart, and has not got more rows since."""
        series, index = chart.series, self.index
        row = self.cells.row
        return (
            index == series.n_bars - 1
            and series.number[index] == self.bars.number[0]
            and series.first_row[index] == row[0]
            and series.n_rows[index] == len(row)
        )

    def rows_that_differ(self, old: LastBar, look: BarStyle, rows: int) -> Rows | None:
        """The rows between which this drawing of a bar differs from an older one with the same rows.

        None if they look the same; `rows` is the number of ticks per row.
        """
        ends: list[int] = []
        if look.detail >= Detail.CELLS:
            new, was = self.cells, old.cells
            differs = (new.volume != was.volume) | (new.buy != was.buy) | (new.sell != was.sell)
            if self.marked_at != old.marked_at:
                differs |= (new.buy_imbalance != was.buy_imbalance) | (new.sell_imbalance != was.sell_imbalance)
            places = np.flatnonzero(differs)
            if len(places):
                ends += new.row[places[[0, -1]]].tolist()
        if self.marked_at != old.marked_at:
            for name in ("poc_row", "value_low_row", "value_high_row"):
                before, after = int(getattr(old.bars, name)[0]), int(getattr(self.bars, name)[0])
                if before != after:
                    ends += (before, after)
        ends += [ticks // rows for ticks in _ticks_that_differ(self.bars, old.bars)]
        return (min(ends), max(ends)) if ends else None


def _ticks_that_differ(new: BarGeometry, old: BarGeometry) -> list[int]:
    """Prices between which the candle of a bar differs from an older one; all of its prices if its colour does."""
    opened = int(new.open[0])
    low, high, close = int(new.low[0]), int(new.high[0]), int(new.close[0])
    old_low, old_high, old_close = int(old.low[0]), int(old.high[0]), int(old.close[0])
    if (close >= opened) != (old_close >= opened):
        return [min(low, old_low), max(high, old_high)]
    pairs = ((low, old_low), (high, old_high), (close, old_close))
    return [ticks for pair in pairs if pair[0] != pair[1] for ticks in pair]


def draw_last_bar(block: np.ndarray, origin: tuple[int, int], last: LastBar, grid: PixelGrid, rows: int, look: BarStyle) -> None:
    """Draw the part of the last bar that touches an empty block; see `raster_block.draw_block`."""
    low_tick, high_tick = grid.ticks_in(origin[1], origin[1] + len(block))
    cells = _between(last.cells, low_tick // rows, high_tick // rows) if look.detail >= Detail.CELLS else None
    draw_bars(block, origin, last.bars, cells, grid, rows, look, last.areas)


def _between(cells: CellGeometry, low_row: int, high_row: int) -> CellGeometry:
    """The cells of one bar between two rows, both included."""
    first = int(cells.row[0])
    part = slice(max(0, low_row - first), max(0, high_row + 1 - first))
    return CellGeometry(
        cells.bar[part],
        cells.row[part],
        cells.buy[part],
        cells.sell[part],
        cells.volume[part],
        cells.buy_imbalance[part],
        cells.sell_imbalance[part],
    )
