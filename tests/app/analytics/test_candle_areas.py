"""Candle value areas, updated with a series."""

from __future__ import annotations

import numpy as np
import pytest

from app.analytics.candle_areas import CandleAreas
from app.analytics.candle_value_area import CandlePrice, candle_profile, candle_value_area
from app.analytics.footprint import FootprintSeries
from app.analytics.value_area import ValueAreaMethod
from app.market.bar_rule import parse_bar_rule
from app.market.candle import CandleBatch
from app.market.price_grid import PriceGrid
from app.market.span import Span
from tests.builders import START_NS, random_trades
from tests.rendering.charts import INSTRUMENT

HOUR = 3600 * 10**9


def series_of(rule: str = "1m") -> FootprintSeries:
    grid: PriceGrid = INSTRUMENT.grid(5)
    return FootprintSeries(parse_bar_rule(rule), grid, INSTRUMENT.lot_size)


def areas_of(series: FootprintSeries, price: CandlePrice = CandlePrice.MEAN, rows: int = 24) -> CandleAreas:
    return CandleAreas(series, rows, price, 70, ValueAreaMethod.DALTON)


def said_by_candles(series: FootprintSeries, period: Span, end_bar: int, price: CandlePrice, rows: int) -> tuple[object, ...] | None:
    """The same, from candles of all bars that begin in the period, at once."""
    bars = [bar for bar in range(end_bar) if period.start_ns <= series.start_ns(bar) < period.end_ns]
    if not bars:
        return None
    columns = (getattr(series, name)[bars] for name in ("open", "high", "low", "close", "volume"))
    start_ns = np.array([series.start_ns(bar) for bar in bars], np.int64)
    candles = CandleBatch(1, start_ns, *columns, buy=-np.ones(len(bars), np.int64), closed=np.ones(len(bars), bool))
    profile = candle_profile(candles, rows, price)
    area = candle_value_area(profile)
    return (
        profile.low,
        profile.high,
        profile.volume.tolist(),
        profile.middle_ticks(area.poc_row),
        profile.edge_ticks(area.high_row + 1),
        profile.edge_ticks(area.low_row),
    )


def said(areas: CandleAreas, period: Span, end_bar: int) -> tuple[object, ...] | None:
    found = areas.of(period, end_bar)
    if found is None:
        return None
    profile = found.profile
    return profile.low, profile.high, profile.volume.tolist(), found.poc_ticks, found.vah_ticks, found.val_ticks


@pytest.mark.parametrize("price", list(CandlePrice))
@pytest.mark.parametrize("rule", ["1m", "5m", "40t"])
@pytest.mark.parametrize("trial", range(4))
def test_areas_updated_by_trade_equal_those_of_all_candles(rule: str, price: CandlePrice, trial: int):
    rng, trades = np.random.default_rng(trial), random_trades(trial, 900, seconds=6 * 3600)
    series = series_of(rule)
    areas, rows = areas_of(series, price, 7 + trial), 7 + trial
    periods = [Span(START_NS + first * HOUR, START_NS + end * HOUR) for first, end in ((0, 2), (2, 4), (0, 6), (-5, 0), (4, 9))]
    done = 0
    while done < len(trades):
        step = int(rng.integers(1, 60))
        series.append(trades[done : done + step])
        done += step
        if series.rule.is_time and rng.random() < 0.15:  # a late trade makes some bars be built again
            bar = int(rng.integers(series.n_bars))
            again = int(series.start_ns(bar))
            series.truncate_from(again)
            series.append(trades[:done][trades.time_ns[:done] >= again])
        for period in periods:
            end = series.n_bars if rng.random() < 0.8 else int(rng.integers(series.n_bars + 1))
            assert said(areas, period, end) == said_by_candles(series, period, end, price, rows)


def test_a_past_area_is_cached_and_a_live_trade_reads_few_bars():
    series, trades = series_of(), random_trades(1, 3000, seconds=6 * 3600, spread=8)
    series.append(trades[:2900])
    areas = areas_of(series)
    over, open_one = Span(START_NS, START_NS + 2 * HOUR), Span(START_NS + 2 * HOUR, START_NS + 9 * HOUR)
    for period in (over, open_one):
        areas.of(period, series.n_bars)
    read, most = areas.bars_read, 0
    for number in range(2900, 3000):
        series.append(trades[number : number + 1])
        for period in (over, open_one):
            areas.of(period, series.n_bars)
        most, read = max(most, areas.bars_read - read), areas.bars_read
    assert most <= 4
    areas.of(over, series.n_bars)
    assert areas.bars_read == read


def test_a_new_extreme_rereads_only_the_current_period():
    series = series_of()
    series.append(random_trades(1, 600, seconds=4 * 3600, price=600_000))
    areas, n_bars = areas_of(series), series.n_bars
    over, open_one = Span(START_NS, START_NS + 2 * HOUR), Span(START_NS + 2 * HOUR, START_NS + 9 * HOUR)
    sizes = [sum(period.start_ns <= series.start_ns(bar) < period.end_ns for bar in range(n_bars)) for period in (over, open_one)]
    assert [areas.of(period, n_bars) is not None for period in (over, open_one)] == [True, True]
    assert areas.bars_read == sum(sizes)
    late = random_trades(2, 1, start_ns=START_NS + 5 * HOUR, price=700_000)
    series.append(late)
    areas.of(over, series.n_bars)
    areas.of(open_one, series.n_bars)
    assert areas.bars_read == sum(sizes) + sizes[1] + 1
