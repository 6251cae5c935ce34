"""The rows of the bar statistics."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from app.analytics.bar_statistics import ALL_STATISTICS, BarStatistics, Statistic, parse_statistics, write_statistics
from app.analytics.bar_values import BarValues
from app.analytics.footprint import FootprintSeries
from app.errors import BadInputError
from app.market.bar_rule import parse_bar_rule
from app.market.trade import BUY, SELL, UNKNOWN, TradeBatch
from tests.builders import SECOND_NS, random_trades, series_of, trade_batches, trades_of
from tests.oracles import order_flow

TRADES = trades_of([(0, 100, 9, BUY), (10, 103, 4, SELL), (20, 101, 7, UNKNOWN), (60, 100, 6, SELL), (61, 100, 1, BUY)])


def test_every_statistic_of_two_bars() -> None:
    table = BarStatistics(BarValues(series_of(TRADES)))
    found = {row.value: table.row(row, 0, 2).tolist() for row in ALL_STATISTICS}
    assert found == {
        "volume": [20, 7],
        "buy": [9, 1],
        "sell": [4, 6],
        "delta": [5, -5],
        "delta-percent": [25.0, -500 / 7],
        "delta-min": [0, -6],
        "delta-max": [9, 0],
        "cvd": [5, 0],
        "trades": [3, 2],
        "poc": [100, 100],
        "range": [3, 0],
        "duration": [60 * SECOND_NS, 60 * SECOND_NS],
    }


def test_poc_is_the_middle_tick_of_its_row() -> None:
    rows = {
        height: BarStatistics(BarValues(series_of(TRADES, ticks_per_row=height))).row(Statistic.POC, 0, 2).tolist() for height in (1, 4, 5)
    }
    assert rows == {1: [100, 100], 4: [102, 102], 5: [102, 102]}


def test_bars_other_than_time_last_from_start_to_start() -> None:
    series = FootprintSeries(parse_bar_rule("2t"), series_of(TRADES).grid)
    series.append(TRADES)
    durations = BarStatistics(BarValues(series)).row(Statistic.DURATION, 0, 3)
    assert durations.tolist() == [20 * SECOND_NS, 41 * SECOND_NS, 1]
    assert BarStatistics(BarValues(series)).row(Statistic.DURATION, 2, 2).tolist() == []


@settings(max_examples=40, deadline=None)
@given(trade_batches())
def test_the_table_equals_a_plain_loop_over_the_trades(trades: TradeBatch) -> None:
    series = series_of(trades)
    table = BarStatistics(BarValues(series))
    plain = order_flow.statistics(trades, 60 * SECOND_NS)
    for name, expected in plain.items():
        assert table.row(Statistic(name), 0, series.n_bars).tolist() == expected, name


def test_one_trade_computes_one_bar() -> None:
    trades = random_trades(3, 2000, seconds=36_000)
    series = series_of(trades[:1950])
    table = BarStatistics(BarValues(series))
    for row in ALL_STATISTICS:
        table.row(row, 0, series.n_bars)
    for at in range(1950, 2000):
        before, bars = (table.figures.computed, table.cvd.bars_figured), series.n_bars
        series.append(trades[at : at + 1])
        for row in ALL_STATISTICS:
            table.row(row, max(0, series.n_bars - 20), series.n_bars)
        fresh = 1 + series.n_bars - bars
        assert table.figures.computed - before[0] <= fresh and table.cvd.bars_figured - before[1] <= fresh


def test_a_text_selects_and_orders_the_rows() -> None:
    assert parse_statistics("cvd, volume") == (Statistic.CVD, Statistic.VOLUME)
    assert parse_statistics(write_statistics(ALL_STATISTICS)) == ALL_STATISTICS


@pytest.mark.parametrize("text", ["", "volume,volume", "volume,turnover"])
def test_parse_statistics_refuses_other_text(text: str) -> None:
    with pytest.raises(BadInputError, match="statistics: found"):
        parse_statistics(text)


def test_only_signed_statistics_are_coloured_by_side() -> None:
    assert [row.value for row in ALL_STATISTICS if row.signed] == ["delta", "delta-percent", "delta-min", "delta-max", "cvd"]
