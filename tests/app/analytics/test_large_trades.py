"""Large trades of bars, by number and by size."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analytics.large_trades import LargeTradeFilter, LargeTrades, parse_large_trade_filter
from app.errors import BadInputError
from app.market.trade import BUY, SELL, TradeBatch
from app.storage.trade_store import TradeStore
from tests.builders import random_trades, series_of, split, trade_batches, trades_of

LOT = Decimal("0.5")
TRADES = trades_of([(0, 100, 5, BUY), (1, 100, 9, SELL), (60, 101, 9, BUY), (61, 101, 2, BUY), (120, 99, 7, SELL)])


RULES = [LargeTradeFilter(top=1), LargeTradeFilter(top=4), LargeTradeFilter(0, Decimal(1))]


def large_of(trades: TradeBatch, rule: LargeTradeFilter) -> LargeTrades:
    store = TradeStore()
    store.insert(trades)
    return LargeTrades(series_of(trades), store.trades, rule, LOT)


def ids(found: TradeBatch | None) -> list[int]:
    assert found is not None
    return found.trade_id.tolist()


def test_a_minimum_size_is_inclusive() -> None:
    assert ids(large_of(TRADES, LargeTradeFilter(0, Decimal("3.5"))).of(0, 3)) == [2, 3, 5]
    assert ids(large_of(TRADES, LargeTradeFilter(0, Decimal("3.6"))).of(0, 3)) == [2, 3]


def test_the_largest_trades_prefer_the_earlier_of_equal_ones() -> None:
    large = large_of(TRADES, LargeTradeFilter(top=1))
    assert ids(large.of(0, 3)) == [2]
    assert ids(large.of(1, 3)) == [3]
    assert ids(large_of(TRADES, LargeTradeFilter(top=3)).of(0, 3)) == [2, 3, 5]
    assert ids(large_of(TRADES, LargeTradeFilter(top=50)).of(0, 3)) == [1, 2, 3, 4, 5]
    assert ids(large.of(2, 2)) == []


@settings(max_examples=80, deadline=None)
@given(
    trade_batches(),
    st.lists(st.integers(0, 60), max_size=4),
    st.sampled_from([LargeTradeFilter(top=1), LargeTradeFilter(top=4), LargeTradeFilter(0, Decimal(1))]),
)
def test_any_batching_gives_the_large_trades_of_a_plain_sort(trades: TradeBatch, cuts: list[int], rule: LargeTradeFilter) -> None:
    store, series = TradeStore(), series_of(trades[:0])
    large = LargeTrades(series, store.trades, rule, LOT)
    for piece in split(trades, cuts):
        store.insert(piece)
        series.append(piece)
        if series.n_bars:
            large.of(0, series.n_bars)
    sizes = list(zip(trades.quantity_lots.tolist(), trades.trade_id.tolist(), strict=True))
    if rule.top:
        expected = sorted(trade_id for _, trade_id in sorted(sizes, key=lambda size: (-size[0], size[1]))[: rule.top])
    else:
        expected = [trade_id for lots, trade_id in sizes if lots * LOT >= rule.size]
    assert ids(large.of(0, series.n_bars)) == expected


def test_a_live_trade_is_scanned_without_the_rest_of_its_bar() -> None:
    trades = random_trades(3, 4000, seconds=36_000)
    store, series = TradeStore(), series_of(trades[:3900])
    store.insert(trades[:3900])
    large = LargeTrades(series, store.trades, LargeTradeFilter(), LOT)
    large.of(0, series.n_bars)
    for at in range(3900, 4000):
        before = large.trades_read
        store.insert(trades[at : at + 1])
        series.append(trades[at : at + 1])
        found = large.of(0, series.n_bars)
        same_time = int((trades.time_ns[: at + 1] == trades.time_ns[at - 1]).sum())
        assert large.trades_read - before <= 1 + same_time
        assert found is not None
        assert ids(found) == ids(LargeTrades(series, store.trades, LargeTradeFilter(), LOT).of(0, series.n_bars))


def test_a_late_trade_in_the_last_bar_is_found() -> None:
    trades = trades_of([(0, 100, 5, BUY), (1, 100, 9, SELL), (5, 101, 9, BUY), (7, 101, 20, BUY), (9, 99, 7, SELL)])
    store, series = TradeStore(), series_of(trades[:0])
    large = LargeTrades(series, store.trades, LargeTradeFilter(top=2), LOT)
    for piece in (trades[:3], trades[4:], trades[3:4]):
        store.insert(piece)
        series.append(piece)
        large.of(0, 1)
    assert ids(large.of(0, 1)) == [2, 4]
    assert large.of(0, 1) is large.of(0, 1)


def test_too_many_trades_are_not_scanned() -> None:
    large = large_of(TRADES, LargeTradeFilter())
    large.series._bars.writable("trades")[1] = 4_000_000
    assert large.of(0, 3) is None
    assert large.trades_read == 0


@pytest.mark.parametrize("text", ["top:50", "2.5", "10"])
def test_filter_text_round_trips(text: str) -> None:
    assert parse_large_trade_filter(text).text == text


@pytest.mark.parametrize("text", ["", "top:0", "top:1000", "0", "-1", "big"])
def test_an_invalid_filter_text_is_refused(text: str) -> None:
    with pytest.raises(BadInputError, match="large trades: found"):
        parse_large_trade_filter(text)
