"""The explained walk ends at the value area, and its sums match the trades."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analytics.profile import VolumeProfile
from app.analytics.row_layout import RowLayout, RowMode, RowProfile
from app.analytics.value_area import ValueAreaMethod, value_area, value_areas
from app.explain.answer import find_trades
from app.explain.value_areas import ProfileEdge, explain_bar_profile, explain_profile, walk
from app.market.trade import BUY
from app.profiles.candle_fill import CandleFill
from app.profiles.profile_values import ProfileValues
from tests.app.explain.charts import area, chart_of
from tests.builders import START_NS, row_volumes, trade_batches, trades_of

FIRST = START_NS // 60_000_000_000
methods = st.sampled_from(list(ValueAreaMethod))


@given(row_volumes(), st.integers(1, 100), methods)
def test_the_explained_walk_ends_at_the_value_area(volume, percent, method):
    traded = np.flatnonzero(volume)
    rows = volume[traded[0] : traded[-1] + 1]
    found = walk(rows, percent, method)
    poc, low, high = (int(value[0]) for value in value_areas(np.array(rows, np.int64), np.array([len(rows)]), percent, method))
    assert (found.poc, found.low, found.high) == (poc, low, high)
    assert found.inside == sum(rows[low : high + 1]) == rows[poc] + sum(step.lots for step in found.steps if step.joins)
    assert all(step.joins for step in found.steps[:-1])


def test_a_bars_value_area_is_explained_step_by_step():
    volumes = [10, 20, 60, 40, 5]
    chart = chart_of(
        trades_of([(0, 437_000 + row, lots, BUY) for row, lots in enumerate(volumes)]), rules=area(method=ValueAreaMethod.SINGLE)
    )
    told = explain_bar_profile(chart, FIRST)
    assert told.title == "POC 43700.2, value area 43700.2 to 43700.3 · 2023-11-14 22:14 bar"
    assert [line.text for line in told.lines] == [
        "row 43700.2: 0.6, the most of any of 5 rows",
        "0.6 > 0.4, the next largest row",
        "target: 70 % of 1.35 = 0.945",
        "POC row: 0.6",
        "above 0.4 > below 0.2: 0.6 + 0.4 = 1 >= 0.945",
        "VAH 43700.3 and VAL 43700.2: its highest and lowest row, of one tick each",
        "inside: 1 of 1.35, ≈ 74.07 %",
    ]
    assert find_trades(chart, told).total == "1"


def test_the_tradingview_walk_shows_the_step_not_added():
    chart = chart_of(
        trades_of([(0, 437_000 + row, lots, BUY) for row, lots in enumerate([10, 20, 60, 40, 5])]),
        rules=area(method=ValueAreaMethod.TRADINGVIEW),
    )
    told = explain_bar_profile(chart, FIRST, ProfileEdge.VAH)
    assert told.title == "VAH 43700.2 · 2023-11-14 22:14 bar"
    assert ("above 0.4 > below 0.2: 0.6 + 0.4 = 1 > 0.945: not added, stop", False) in told.lines


def test_a_tie_between_rows_is_explained():
    chart = chart_of(trades_of([(0, 437_000, 5, BUY), (0, 437_001, 5, BUY)]))
    told = explain_bar_profile(chart, FIRST, ProfileEdge.POC)
    assert told.title.startswith("POC 43700.0 ")
    assert told.lines[1].text == "2 rows tie: the nearest to the middle of the rows wins, then the lower"


@pytest.mark.parametrize("bar", ["1m", "7t", "100v"])
@given(trades=trade_batches(max_size=24), percent=st.sampled_from([50, 70, 100]), method=methods)
def test_the_trades_behind_a_bars_value_area_sum_to_its_volume(bar, trades, percent, method):
    chart = chart_of(trades, bar, 3, rules=area(percent, method))
    series = chart.series
    low, high = chart.figures.value_areas(0, series.n_bars)
    for index in range(series.n_bars):
        found = find_trades(chart, explain_bar_profile(chart, int(series.number[index])))
        first, buy, sell, unknown = series.bar_cells(index)
        inside = slice(int(low[index]) - first, int(high[index]) - first + 1)
        assert found.behind.lots == found.behind.wanted_lots == int((buy + sell + unknown)[inside].sum())
        assert not found.behind.note


@given(
    trades=trade_batches(min_size=12, max_size=24),
    edge=st.sampled_from(list(ProfileEdge)),
    rows=st.sampled_from([RowLayout(), RowLayout(RowMode.TICKS, 4)]),
)
def test_the_trades_behind_a_profiles_line_sum_to_its_rows(trades, edge, rows):
    chart = chart_of(trades, "1m", 2)
    series = chart.series
    runs = ((int(series.number[0]), int(series.number[-1]) + 1),)
    figures = chart.profiles.of_bars(runs, rows, 70, ValueAreaMethod.DALTON)
    assert figures is not None
    found = find_trades(chart, explain_profile(chart, "A1", figures, 70, ValueAreaMethod.DALTON, edge))
    area = figures.area
    poc = int(figures.rows.profile.total[area.poc_row])
    assert found.behind.lots == found.behind.wanted_lots == (poc if edge is ProfileEdge.POC else area.volume)


def test_volume_from_candles_is_explained_without_trades():
    chart = chart_of(trades_of([(0, 100, 5, BUY), (1, 101, 9, BUY)]))
    candles = VolumeProfile(101, *(np.array(column, np.int64) for column in ([3, 0], [0, 1], [0, 0])))
    rows = RowProfile(100, 1, VolumeProfile(0, *(np.array(column, np.int64) for column in ([5, 12, 0], [0, 0, 1], [0, 0, 0]))))
    runs = ((FIRST, FIRST + 1),)
    figures = ProfileValues(runs, rows, value_area(rows.profile), CandleFill(candles, True, ((60, 60),), (), 60, False))
    found = find_trades(chart, explain_profile(chart, "A1", figures, 70, ValueAreaMethod.DALTON, ProfileEdge.POC))
    assert found.explanation.lines[0].text.startswith("row 10.1: 0.12")
    assert found.explanation.lines[-1].text == "0.03 of it comes from candles, spread over their rows; no trades to list"
    assert found.total == "0.09"
    assert not found.behind.note
