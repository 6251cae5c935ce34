"""Trades that were told, and those that were not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.market.trade import BUY, TradeBatch
from feeds.venues.seen_trades import SeenTrades


def batch(*keys: tuple[int, int]) -> TradeBatch:
    n = len(keys)
    return TradeBatch.of([time for time, _ in keys], [1] * n, [1] * n, [BUY] * n, [trade_id for _, trade_id in keys])


def keys(trades: TradeBatch) -> list[tuple[int, int]]:
    return list(zip(trades.time_ns.tolist(), trades.trade_id.tolist(), strict=True))


def test_trade_is_identified_by_time_and_id() -> None:
    told = SeenTrades()
    assert keys(told.add(batch((1, 5), (2, 5), (1, 6)))) == [(1, 5), (2, 5), (1, 6)]
    assert keys(told.add(batch((1, 6), (2, 6), (1, 5)))) == [(2, 6)]


def test_new_does_not_add_trades() -> None:
    told = SeenTrades()
    assert len(told.new(batch((1, 1)))) == len(told.new(batch((1, 1)))) == 1
    assert not told and not told.knows_any(batch((1, 1)))


def test_oldest_trades_are_dropped_to_bound_memory() -> None:
    told = SeenTrades(kept=100)
    for number in range(1000):
        told.add(batch((number, number)))
    assert len(told._keys) == 100
    assert told.knows_any(batch((900, 900))) and not told.knows_any(batch((899, 899)))


@given(st.lists(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=6), max_size=6))
def test_each_trade_comes_once_in_order_of_first_arrival(parts: list[list[tuple[int, int]]]) -> None:
    told = SeenTrades()
    out = [key for part in parts for key in keys(told.add(batch(*part)))]
    assert out == list(dict.fromkeys(key for part in parts for key in part))
