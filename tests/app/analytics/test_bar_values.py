from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analytics.bar_values import BarValues
from app.analytics.footprint import FootprintSeries
from app.analytics.imbalance import ImbalanceRule, imbalances
from app.analytics.profile import profile_of_bars
from app.analytics.value_area import ValueAreaMethod, value_area
from app.market.trade import BUY, SELL, TradeBatch
from tests.builders import random_trades, series_of, split, trade_batches, trades_of


def all_of(figures: BarValues, first: int, end: int) -> list[list[int]]:
    """All values of some bars."""
    marks = figures.imbalances(first, end)
    return [column.tolist() for column in (figures.poc_rows(first, end), *figures.value_areas(first, end), *marks)]


def bar_by_bar(
    series: FootprintSeries, first: int, end: int, method: ValueAreaMethod, percent: int, rule: ImbalanceRule
) -> list[list[int]]:
    """The same values, from each bar's own profile."""
    areas = [value_area(profile_of_bars(series, bar, bar + 1), percent, method) for bar in range(first, end)]
    columns = [[area.poc_row for area in areas], [area.low_row for area in areas], [area.high_row for area in areas]]
    return columns + [marks.tolist() for marks in imbalances(series, first, end, rule)]


def test_all_values_of_two_bars() -> None:
    bars = [(0, 10, 1, SELL), (1, 11, 9, BUY), (2, 12, 2, BUY), (60, 20, 4, SELL), (61, 21, 4, BUY)]
    figures = BarValues(series_of(trades_of(bars)))
    assert figures.poc_rows(0, 2).tolist() == [11, 20]
    assert [rows.tolist() for rows in figures.value_areas(0, 2)] == [[11, 20], [11, 21]]
    assert [marks.tolist() for marks in figures.imbalances(0, 2)] == [[False, True, True, False, False], [False] * 5]


def test_values_use_the_settings_of_the_constructor() -> None:
    bar = trades_of([(0, row, lots, BUY) for row, lots in enumerate([20, 30, 100, 30, 20], 100)] + [(0, 100, 10, SELL)])
    tradingview = BarValues(series_of(bar), ValueAreaMethod.TRADINGVIEW, 70, ImbalanceRule(Decimal(4), zeros="ignore"))
    assert [rows.tolist() for rows in tradingview.value_areas(0, 1)] == [[102], [103]]
    assert tradingview.imbalances(0, 1).buy.tolist() == [False] * 5
    assert BarValues(series_of(bar)).imbalances(0, 1).buy.tolist() == [False, True, True, True, True]


def test_only_requested_bars_are_computed_and_only_once() -> None:
    figures = BarValues(series_of(random_trades(1, 3000)))
    assert figures.series.n_bars == 10
    figures.value_areas(4, 8)
    assert (figures.value_areas_computed, figures.imbalances_computed) == (4, 0)
    figures.poc_rows(4, 8)
    figures.value_areas(5, 7)
    assert figures.computed == 4
    figures.value_areas(2, 10)
    assert figures.computed == 8
    figures.imbalances(0, 10)
    figures.imbalances(0, 10)
    assert (figures.value_areas_computed, figures.imbalances_computed) == (8, 10)


def test_one_trade_costs_one_bar() -> None:
    figures = BarValues(series_of(random_trades(1, 3000)))
    n = figures.series.n_bars
    all_of(figures, 0, n)
    figures.series.append(trades_of([(599.99, 1100, 500_000, BUY)]))
    all_of(figures, 0, n)
    assert (figures.value_areas_computed, figures.imbalances_computed) == (n + 1, n + 1)
    assert figures.poc_rows(0, n)[-1] == 1100


def test_bars_added_again_after_a_truncate_are_recomputed() -> None:
    series = series_of(trades_of([(0, 10, 1, BUY), (60, 20, 5, BUY), (120, 30, 5, BUY)]))
    figures = BarValues(series)
    all_of(figures, 0, 3)
    series.truncate(1)
    series.append(trades_of([(60, 21, 5, BUY), (120, 29, 5, BUY), (120, 31, 7, SELL)]))
    assert figures.poc_rows(0, 3).tolist() == [10, 21, 31]
    assert figures.value_areas_computed == 5
    assert figures.imbalances(2, 3).sell.tolist() == [False, False, False]


def test_views_are_read_only() -> None:
    figures = BarValues(series_of(trades_of([(0, 10, 1, BUY)])))
    for view in (figures.poc_rows(0, 1), *figures.value_areas(0, 1), *figures.imbalances(0, 1)):
        with pytest.raises(ValueError, match="read-only"):
            view[0] = 1


def test_no_bars_have_no_values() -> None:
    figures = BarValues(series_of(TradeBatch.empty()))
    assert all_of(figures, 0, 0) == [[], [], [], [], []]
    assert figures.computed == 0


@settings(max_examples=80)
@given(trade_batches(), st.data(), st.sampled_from(list(ValueAreaMethod)), st.integers(1, 100))
def test_values_equal_those_of_each_bar_after_any_change(
    trades: TradeBatch, data: st.DataObject, method: ValueAreaMethod, percent: int
) -> None:
    rule = ImbalanceRule(Decimal("1.5"))
    series = series_of(TradeBatch.empty(), ticks_per_row=2)
    figures = BarValues(series, method, percent, rule)
    kept = 0
    for part in split(trades, data.draw(st.lists(st.integers(0, 60), max_size=4))):
        series.append(part)
        kept += len(part)
        if series.n_bars and data.draw(st.booleans()):  # take bars back, and let them come again
            series.truncate(data.draw(st.integers(0, series.n_bars - 1)))
            again = series.n_trades
            if data.draw(st.booleans()):
                all_of(figures, 0, series.n_bars)
            series.append(trades[again:kept])
        first = data.draw(st.integers(0, series.n_bars))
        end = data.draw(st.integers(first, series.n_bars))
        assert all_of(figures, first, end) == bar_by_bar(series, first, end, method, percent, rule)
    assert all_of(figures, 0, series.n_bars) == bar_by_bar(series, 0, series.n_bars, method, percent, rule)
