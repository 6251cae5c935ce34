"""Bars and cells as arrays, without Qt."""

from __future__ import annotations

import numpy as np

from rendering.paint.geometry import bar_geometry, bars_between, cell_geometry
from tests.rendering.charts import FIRST_MINUTE, StillChart, random_trades, trade


def two_bars() -> StillChart:
    chart = StillChart(trade(0, 100, 5, 1), ticks_per_row=10)
    for ticks, lots, side in ((112, 2, -1), (125, 9, 1), (125, 1, 0)):
        chart.apply(trade(0, ticks, lots, side))
    chart.apply(trade(3, 90, 4, -1))
    return chart


def test_cells_come_bar_by_bar_from_the_lowest_row():
    cells = cell_geometry(two_bars(), 0, 2, 0, 100)
    assert cells.bar.tolist() == [0, 0, 0, 1]
    assert cells.row.tolist() == [10, 11, 12, 9]
    assert cells.buy.tolist() == [5, 0, 9, 0]
    assert cells.sell.tolist() == [0, 2, 0, 4]
    assert cells.volume.tolist() == [5, 2, 10, 4]


def test_rows_out_of_view_are_omitted_and_flags_stay_with_cells():
    chart = two_bars()
    whole, part = cell_geometry(chart, 0, 2, 0, 100), cell_geometry(chart, 0, 2, 11, 12)
    assert part.row.tolist() == [11, 12]
    assert part.bar.tolist() == [0, 0]
    inside = (whole.row >= 11) & (whole.row <= 12)
    assert part.buy_imbalance.tolist() == whole.buy_imbalance[inside].tolist() == [False, True]
    assert part.sell_imbalance.tolist() == whole.sell_imbalance[inside].tolist()


def test_an_empty_view_has_no_cells():
    assert len(cell_geometry(two_bars(), 0, 2, 500, 900)) == 0


def test_a_bar_brings_its_prices_and_marked_rows():
    bars = bar_geometry(two_bars(), 0, 2)
    assert bars.number.tolist() == [FIRST_MINUTE, FIRST_MINUTE + 3]
    assert (bars.open.tolist(), bars.high.tolist()) == ([100, 90], [125, 90])
    assert (bars.low.tolist(), bars.close.tolist()) == ([100, 90], [125, 90])
    assert bars.poc_row.tolist() == [12, 9]
    assert bars.value_low_row.tolist() <= bars.poc_row.tolist() <= bars.value_high_row.tolist()


def test_bars_are_found_by_their_numbers_over_gaps():
    series = two_bars().series
    assert bars_between(series, FIRST_MINUTE, FIRST_MINUTE) == (0, 1)
    assert bars_between(series, FIRST_MINUTE + 1, FIRST_MINUTE + 2) == (1, 1)
    assert bars_between(series, FIRST_MINUTE + 1, FIRST_MINUTE + 9) == (1, 2)


def test_cells_of_a_random_chart_equal_the_series():
    chart = StillChart(random_trades(40, 200), 10)
    cells = cell_geometry(chart, 5, 30, 0, 10**6)
    run = slice(int(chart.series.cell_start[5]), int(chart.series.cell_start[30]))
    assert np.array_equal(cells.buy, chart.series.cell_buy[run])
    assert np.array_equal(cells.sell, chart.series.cell_sell[run])
    for bar in (0, 7, 24):
        first_row, buy, _, _ = chart.series.bar_cells(5 + bar)
        assert cells.row[cells.bar == bar].tolist() == list(range(first_row, first_row + len(buy)))
