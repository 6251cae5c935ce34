"""Developing POC and value area against a complete profile at each bar."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analytics.developing import DevelopingProfile
from app.analytics.footprint import FootprintSeries
from app.analytics.profile import profile_of_bars
from app.analytics.value_area import value_area
from app.market.bar_rule import BarRule
from app.market.price_grid import PriceGrid
from app.market.session import PeriodRule
from app.market.trade import TradeBatch

HOUR = 3600 * 10**9


def batch(trades: list[tuple[int, int, int]]) -> TradeBatch:
    """Trades of (hour, price, lots)."""
    hour, price, lots = (np.array(column, np.int64) for column in zip(*trades, strict=True))
    return TradeBatch(hour * HOUR, price, lots, np.ones(len(hour), np.int8), np.arange(len(hour)))


def series_of(trades: list[tuple[int, int, int]]) -> FootprintSeries:
    series = FootprintSeries(BarRule(HOUR), PriceGrid(Decimal(1)))
    series.append(batch(trades))
    return series


def expected(series: FootprintSeries) -> list[tuple[int, int, int]]:
    found = []
    for bar in range(series.n_bars):
        start = next(other for other in range(bar + 1) if series.number[other] // 24 == series.number[bar] // 24)
        area = value_area(profile_of_bars(series, start, bar + 1))
        found.append((area.poc_row, area.low_row, area.high_row))
    return found


def known(developing: DevelopingProfile) -> list[tuple[int, int, int]]:
    poc, low, high, ready = developing.columns(0, developing.series.n_bars)
    assert ready.all()
    return list(zip(poc.tolist(), low.tolist(), high.tolist(), strict=True))


TRADES = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 90), st.integers(1, 9)), min_size=1, max_size=60).map(sorted)


@settings(max_examples=40)
@given(TRADES, st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=4), TRADES)
def test_each_bar_equals_a_complete_count_in_any_order_of_work(trades: list, asked: list, more: list):
    series = series_of(trades)
    developing = DevelopingProfile(series, PeriodRule())
    for first, end in asked:
        developing.work(min(first, series.n_bars), min(end, series.n_bars), 1.0)
    while developing.work(0, series.n_bars, 0.0):
        pass
    assert known(developing) == expected(series)
    last = int(series.number[-1])
    series.append(batch([(last + hour // 8, price, lots) for hour, price, lots in more]))
    developing.work(0, series.n_bars, 9.0)
    assert known(developing) == expected(series)


def test_a_live_trade_computes_one_bar_from_stored_sums():
    series = series_of([(hour, 100 + hour % 7, 1 + hour % 3) for hour in range(200)])
    developing = DevelopingProfile(series, PeriodRule())
    developing.work(0, 200, 9.0)
    computed, summed = developing.bars_computed, developing.bars_summed
    for price in (99, 130, 101):
        series.append(batch([(199, price, 5)]))
        developing.work(0, 200, 9.0)
    assert developing.bars_computed == computed + 3
    assert developing.bars_summed == summed
    assert known(developing) == expected(series)


def test_work_computes_one_bar_without_time_and_reports_the_rest():
    series = series_of([(hour, 100, 1) for hour in range(3)])
    developing = DevelopingProfile(series, PeriodRule())
    assert developing.work(0, 3, 0.0)
    assert developing.work(0, 3, 0.0)
    assert not developing.work(0, 3, 0.0)
    assert not developing.work(0, 3, 0.0)
    assert developing.bars_computed == 3
