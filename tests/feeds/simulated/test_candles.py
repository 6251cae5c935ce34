"""Candles of the built-in market: those of trades, whatever is asked for and in which order."""

from __future__ import annotations

import asyncio

import pytest

from app.errors import BadInputError
from app.market.candle import CandleBatch
from app.market.span import Span
from app.market.trade import BUY
from feeds.simulated.candles import SimulatedCandles, longer, minute_candles
from feeds.simulated.market import MINUTE_NS, SimulatedMarket
from tests.candles import candles_of

HOUR_NS = 60 * MINUTE_NS
ORIGIN_NS = 1_763_650_800 * 10**9


def told(candles: SimulatedCandles, length_ns: int, start: int, end: int) -> CandleBatch:
    async def story() -> CandleBatch:
        pages = [page async for page in candles.candles(length_ns, Span(ORIGIN_NS + start * HOUR_NS, ORIGIN_NS + end * HOUR_NS))]
        return pages[0] if pages else CandleBatch.empty(length_ns)

    return asyncio.run(story())


def rows(candles: CandleBatch) -> list[list[float]]:
    return [column.tolist() for column in candles.columns]


def test_candles_are_those_of_the_trades() -> None:
    trades = SimulatedMarket(3, ORIGIN_NS).until(ORIGIN_NS + HOUR_NS)
    for minutes in (1, 15):
        span = Span(ORIGIN_NS, ORIGIN_NS + HOUR_NS)
        assert rows(longer(minute_candles(trades), minutes * MINUTE_NS)) == rows(candles_of(trades, minutes * MINUTE_NS, span))


def test_candles_after_the_first_trade_are_the_markets() -> None:
    trades = SimulatedMarket(1, ORIGIN_NS).until(ORIGIN_NS + HOUR_NS)
    found = told(SimulatedCandles(1, ORIGIN_NS), MINUTE_NS, 0, 1)
    assert int(found.volume.sum()) == int(trades.quantity_lots.sum())
    assert int(found.buy.sum()) == int(trades.quantity_lots[trades.side == BUY].sum())


def test_candles_before_the_tape_end_at_its_first_price() -> None:
    one, other = SimulatedCandles(1, ORIGIN_NS + 7), SimulatedCandles(1, ORIGIN_NS)
    late, early = told(one, MINUTE_NS, -1, 0), told(one, MINUTE_NS, -8, -6)
    assert rows(told(other, MINUTE_NS, -8, -6)) == rows(early)
    assert rows(told(other, MINUTE_NS, -1, 0)) == rows(late)
    first = SimulatedMarket(1, ORIGIN_NS).until(ORIGIN_NS + MINUTE_NS).price_ticks[0]
    assert late.close[-1] == first
    across = told(one, MINUTE_NS, -7, -5)
    seam = int((across.start_ns == ORIGIN_NS - 6 * HOUR_NS).argmax())
    assert across.close[seam - 1] == across.open[seam]
    assert int(across.low.min()) > 0


def test_longer_candles_combine_their_minutes() -> None:
    candles = SimulatedCandles(2, ORIGIN_NS)
    minutes, hours = told(candles, MINUTE_NS, -4, 0), told(candles, HOUR_NS, -4, 0)
    assert int(hours.volume.sum()) == int(minutes.volume.sum())
    assert len(hours) == 4 and int(hours.high.max()) == int(minutes.high.max())


def test_candles_begin_a_week_before_the_market(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feeds.simulated.candles._PARTS", 1)
    candles = SimulatedCandles(1, ORIGIN_NS)
    assert int(told(candles, MINUTE_NS, -9, 0).start_ns[0]) == ORIGIN_NS - 6 * HOUR_NS
    assert len(told(candles, MINUTE_NS, -9, -7)) == 0


def test_unknown_length_is_refused() -> None:
    with pytest.raises(BadInputError, match="expected one of"):
        told(SimulatedCandles(1, ORIGIN_NS), 7 * MINUTE_NS, -1, 0)
