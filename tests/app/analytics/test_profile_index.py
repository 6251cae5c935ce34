"""Profiles between any two bars equal the sum of the cells, after any change."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analytics import profile_index
from app.analytics.footprint import FootprintSeries
from app.analytics.profile import VolumeProfile
from app.analytics.profile_index import ProfileIndex, RunningProfile
from app.chart.chart import Chart, ChartSpec
from app.market.bar_rule import BarRule
from app.market.trade import TradeBatch, concatenate
from app.storage.trade_store import TradeStore
from tests.builders import SECOND_NS, random_trades, series_of, split, trade_batches, trades_of
from tests.oracles.profiles import Content, slow_profile_of_bars
from tests.rendering.charts import INSTRUMENT


@pytest.fixture(autouse=True)
def small_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trees of some depth over few bars."""
    monkeypatch.setattr(profile_index, "LEAF_BARS", 4)


def content(profile: VolumeProfile) -> Content:
    return profile.first_row, profile.buy.tolist(), profile.sell.tolist(), profile.unknown.tolist()


def long_series(n_bars: int = 150) -> FootprintSeries:
    return series_of(random_trades(3, 20 * n_bars, seconds=60.0 * n_bars, spread=200, unknown=0.1))


def test_every_pair_of_bars_equals_the_sum_of_the_cells() -> None:
    series = long_series(60)
    index = ProfileIndex(series)
    index.build()
    for first in range(-1, series.n_bars + 1):
        for end in range(first, series.n_bars + 2, 3):
            assert content(index.profile(first, end)) == slow_profile_of_bars(series, first, end)


def test_bars_not_in_the_index_are_summed_from_their_cells() -> None:
    series = long_series(40)
    index = ProfileIndex(series)
    assert content(index.profile(3, 38)) == slow_profile_of_bars(series, 3, 38)
    assert index.nodes_built == 0
    times = iter(range(1000))
    index = ProfileIndex(series, clock=lambda: float(next(times)))
    assert index.build(budget_s=2.5)
    assert content(index.profile(3, 38)) == slow_profile_of_bars(series, 3, 38)
    while index.build(budget_s=2.5):
        pass
    assert content(index.profile(3, 38)) == slow_profile_of_bars(series, 3, 38)


def test_a_closing_bar_adds_a_leaf_only_when_it_is_full() -> None:
    trades = trades_of([(60 * minute, 1000 + minute % 7, 1 + minute, 1) for minute in range(18)])
    series = series_of(trades[:16])
    index = ProfileIndex(series)
    index.build()
    assert index.nodes_built == 3 + 1  # leaves of the bars 0 to 11, and the parent of the first two; bar 15 is in progress
    series.append(trades[16:17])
    index.build()
    assert index.nodes_built == 4 + 3
    series.append(trades[17:])
    index.build()
    assert index.nodes_built == 4 + 3


def test_truncating_drops_only_the_nodes_after_the_cut() -> None:
    series = long_series(40)
    n_bars = series.n_bars
    index = ProfileIndex(series)
    index.build()
    before = index.nodes_built
    series.truncate(n_bars - 3)
    index.build()
    assert index.nodes_built - before <= 1
    assert content(index.profile(0, n_bars)) == slow_profile_of_bars(series, 0, n_bars)


@settings(deadline=None, max_examples=150)
@given(trade_batches(max_size=120), st.lists(st.integers(0, 120), max_size=6), st.data())
def test_any_batching_and_cut_equals_the_sum_of_the_cells(trades: TradeBatch, cuts: list[int], data: st.DataObject) -> None:
    series = FootprintSeries(BarRule(60 * SECOND_NS), INSTRUMENT.grid(2))
    index = ProfileIndex(series)
    growing = RunningProfile(index)
    first = data.draw(st.integers(0, 30))
    end = data.draw(st.none() | st.integers(0, 40))
    for batch in split(trades, cuts):
        if series.n_bars and data.draw(st.booleans()):
            bar = data.draw(st.integers(0, series.n_bars - 1))
            cut_at = series.start_ns(bar)
            series.truncate(bar)
            series.append(trades[(trades.time_ns >= cut_at) & (trades.time_ns < (batch.time_ns[0] if len(batch) else cut_at))])
        series.append(batch)
        if data.draw(st.booleans()):
            index.build()
        low, high = data.draw(st.integers(0, 60)), data.draw(st.integers(0, 60))
        assert content(index.profile(low, high)) == slow_profile_of_bars(series, low, high)
        assert content(growing.of(first, end)) == slow_profile_of_bars(series, first, series.n_bars if end is None else end)


@settings(deadline=None, max_examples=50)
@given(trade_batches(min_size=2, max_size=80), st.randoms(use_true_random=False))
def test_late_trades_give_the_same_profile(trades: TradeBatch, random) -> None:
    order = list(range(len(trades)))
    random.shuffle(order)
    store = TradeStore(contiguous=False)
    chart = Chart(ChartSpec(INSTRUMENT, BarRule(60 * SECOND_NS), 2))
    index = ProfileIndex(chart.series)
    growing = RunningProfile(index)
    for place in order:
        one = trades[place : place + 1]
        store.insert(one)
        chart.apply(one, store)
        index.build()
        assert content(growing.of(0)) == slow_profile_of_bars(chart.series, 0, chart.series.n_bars)
    whole = series_of(trades, ticks_per_row=2, tick_size="0.1")
    assert content(growing.of(0)) == slow_profile_of_bars(whole, 0, whole.n_bars)


def test_a_live_trade_sums_only_the_bar_in_progress() -> None:
    series = long_series(100)
    index = ProfileIndex(series)
    index.build()
    growing = RunningProfile(index)
    growing.of(7)
    asked, counted = growing.asked, growing.bars_counted
    last_ns = series.start_ns(series.n_bars - 1)
    for lots in range(1, 6):
        series.append(TradeBatch.of([last_ns + SECOND_NS], [1000], [lots], [1], [10**6 + lots]))
        growing.of(7)
    assert (growing.asked - asked, growing.bars_counted - counted) == (0, 5)
    series.append(TradeBatch.of([last_ns + 60 * SECOND_NS], [1000], [1], [1], [10**7]))
    assert content(growing.of(7)) == slow_profile_of_bars(series, 7, series.n_bars)
    assert (growing.asked - asked, growing.bars_counted - counted) == (0, 7)  # the bar that closed, and the new one
    growing.of(7)
    assert growing.bars_counted - counted == 7


def test_a_past_range_costs_nothing_while_trades_arrive() -> None:
    series = long_series(100)
    growing = RunningProfile(ProfileIndex(series))
    before = growing.of(7, 50)
    counted = growing.bars_counted
    series.append(TradeBatch.of([series.start_ns(series.n_bars - 1)], [1000], [5], [1], [10**6]))
    assert growing.of(7, 50) is before
    assert growing.bars_counted == counted


def test_a_node_has_only_its_own_rows() -> None:
    """A distant price makes only the nodes with its bar long."""
    quiet = trades_of([(60 * minute, 1000, 1, 1) for minute in range(64)])
    spike = trades_of([(60 * 64, 900_000, 1, 1), (60 * 70, 1000, 1, 1)])
    series = series_of(concatenate([quiet, spike]))
    index = ProfileIndex(series)
    index.build()
    assert np.array_equal(index.profile(0, 64).total, [64])
