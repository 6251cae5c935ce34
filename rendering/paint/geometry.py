"""Bars and cells in view as plain arrays of prices, rows and volumes.

Without pixels, colours and Qt; both painters start from these arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from app.analytics.footprint import FootprintSeries
    from app.chart.chart import Chart


@dataclass(frozen=True, slots=True, eq=False)
class BarGeometry:
    """Consecutive bars of a series as arrays: bar numbers, prices, POC, value areas and largest row volumes.

    Attributes
    ----------
    number : int64 [shape=(n,)]
        Bar numbers, the positions on the x axis; ascending, numbers without a bar are left out.
    open, high, low, close : int64 [shape=(n,)]
        Ticks.
    poc_row, value_low_row, value_high_row : int64 [shape=(n,)]
        POC row, and lowest and highest row of the value area.
    heaviest : int64 [shape=(n,)]
        Volume of the bar's heaviest row, lots.
    """

    number: np.ndarray
    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    poc_row: np.ndarray
    value_low_row: np.ndarray
    value_high_row: np.ndarray
    heaviest: np.ndarray

    def __len__(self) -> int:
        return len(self.number)


@dataclass(frozen=True, slots=True, eq=False)
class CellGeometry:
    """The cells of some bars between two rows, bar by bar, lowest row first.

    Attributes
    ----------
    bar : int64 [shape=(n,)]
        Index of the cell's bar among the requested bars.
    row : int64 [shape=(n,)]
        Row number.
    buy, sell, volume : int64 [shape=(n,)]
        Lots; volume also counts trades without an aggressor.
    buy_imbalance, sell_imbalance : bool [shape=(n,)]
        Diagonal imbalances.
    """

    bar: np.ndarray
    row: np.ndarray
    buy: np.ndarray
    sell: np.ndarray
    volume: np.ndarray
    buy_imbalance: np.ndarray
    sell_imbalance: np.ndarray

    def __len__(self) -> int:
        return len(self.row)


def bars_between(series: FootprintSeries, first_number: int, last_number: int) -> tuple[int, int]:
    """Indices `[first, end)` of the bars with numbers from `first_number` to `last_number`, inclusive."""
    return series.index_of(first_number), series.index_of(last_number + 1)


def bar_geometry(chart: Chart, first: int, end: int, *, poc: bool = True, value_areas: bool = True, heaviest: bool = False) -> BarGeometry:
    """The bars `[first, end)` (indices); POCs, value areas and row volumes that are not requested are 0 and cost nothing."""
    series, run = chart.series, slice(first, end)
    nothing = np.zeros(end - first, np.int64)
    poc_row, low_row, high_row = chart.figures.areas(first, end) if poc or value_areas else (nothing, nothing, nothing)
    return BarGeometry(
        number=series.number[run],
        open=series.open[run],
        high=series.high[run],
        low=series.low[run],
        close=series.close[run],
        poc_row=poc_row if poc else nothing,
        value_low_row=low_row if value_areas else nothing,
        value_high_row=high_row if value_areas else nothing,
        heaviest=_heaviest(series, first, end) if heaviest else nothing,
    )


def _heaviest(series: FootprintSeries, first: int, end: int) -> np.ndarray:
    if end <= first:
        return np.zeros(0, np.int64)
    cells = series.cells_of(first, end)
    volume = series.cell_buy[cells] + series.cell_sell[cells] + series.cell_unknown[cells]
    return np.maximum.reduceat(volume, series.cell_start[first:end] - cells.start)


def cell_geometry(chart: Chart, first: int, end: int, low_row: int, high_row: int, *, imbalances: bool = True) -> CellGeometry:
    """The cells of the bars `[first, end)` (indices) in rows `low_row` to `high_row`, inclusive.

    If `imbalances` is False, the flags of all cells are False and cost nothing.
    """
    series, run = chart.series, slice(first, end)
    first_row, n_rows, start = series.first_row[run], series.n_rows[run], series.cell_start[run]
    from_row = np.maximum(first_row, low_row)
    count = np.maximum(np.minimum(first_row + n_rows - 1, high_row) - from_row + 1, 0)
    bar = np.repeat(np.arange(end - first), count)
    within = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
    at = np.repeat(start + from_row - first_row, count) + within
    buy, sell = series.cell_buy[at], series.cell_sell[at]
    if imbalances and len(at):
        found = chart.figures.imbalances(first, end)
        offset = int(series.cell_start[first])
        buy_imbalance, sell_imbalance = found.buy[at - offset], found.sell[at - offset]
    else:
        buy_imbalance = sell_imbalance = np.zeros(len(at), bool)
    return CellGeometry(
        bar=bar,
        row=np.repeat(from_row, count) + within,
        buy=buy,
        sell=sell,
        volume=buy + sell + series.cell_unknown[at],
        buy_imbalance=buy_imbalance,
        sell_imbalance=sell_imbalance,
    )
