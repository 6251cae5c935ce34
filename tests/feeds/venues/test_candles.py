"""Candles of any venue: stretches that fit into a page, and what cannot be a candle."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from app.errors import BadInputError, DecodeError
from app.market.candle import CandleBatch
from app.market.instrument import Instrument
from app.market.span import Span
from feeds.network.rest_client import RestClient
from feeds.venues.binance import candles as binance_candles
from feeds.venues.candles import MINUTE_NS, Candle, Candles

BTC = Instrument("plain", "X", Decimal("0.5"), Decimal("0.01"))
MINUTE_MS = 60_000
BEGAN_MS = 1_740_394_020_000


def candle(number: int, **fields: Any) -> Candle:
    return Candle(BEGAN_MS + number * MINUTE_MS, "10", "12", "9.5", "11", "3", "1.5", True)._replace(**fields)


def asked_for(
    *candles: Candle, first: int = 0, last: int = 9, per_page: int = 4, now: int = 100
) -> tuple[list[CandleBatch], list[tuple[int, int]]]:
    """The batches from a venue that has these candles, and the stretches asked for in minutes."""
    asked: list[tuple[int, int]] = []

    async def page(interval: str, start_ms: int, end_ms: int) -> list[Candle]:
        assert interval == "one"
        asked.append(((start_ms - BEGAN_MS) // MINUTE_MS, (end_ms + 1 - BEGAN_MS) // MINUTE_MS))
        return [each for each in candles if start_ms <= each.start_ms <= end_ms][::-1]

    async def story() -> list[CandleBatch]:
        past = Candles(BTC, {MINUTE_NS: "one"}, per_page, page, wall_ns=lambda: (BEGAN_MS + now * MINUTE_MS) * 10**6)
        span = Span((BEGAN_MS + first * MINUTE_MS) * 10**6, (BEGAN_MS + last * MINUTE_MS) * 10**6)
        return [batch async for batch in past.candles(MINUTE_NS, span)]

    return asyncio.run(story()), asked


def minutes(batches: list[CandleBatch]) -> list[list[int]]:
    return [[(start // 10**6 - BEGAN_MS) // MINUTE_MS for start in batch.start_ns.tolist()] for batch in batches]


def test_span_is_requested_by_pages_and_returned_oldest_first() -> None:
    batches, asked = asked_for(*(candle(number) for number in range(20)))
    assert asked == [(0, 4), (4, 8), (8, 9)]
    assert minutes(batches) == [[0, 1, 2, 3], [4, 5, 6, 7], [8]]
    first = batches[0]
    assert [each[0] for each in (first.open, first.high, first.low, first.close)] == [20, 24, 19, 22]
    assert (first.volume[0], first.buy[0], first.length_ns, len(first)) == (300, 150, MINUTE_NS, 4)
    assert not first.open.flags.writeable


def test_candle_that_began_before_the_span_is_excluded() -> None:
    batches, _ = asked_for(*(candle(number) for number in range(9)), first=2, last=5)
    assert minutes(batches) == [[2, 3, 4]]


def test_minutes_without_trades_have_no_candles() -> None:
    batches, _ = asked_for(candle(1), candle(8))
    assert minutes(batches) == [[1], [8]]


def test_future_candles_are_not_requested() -> None:
    assert asked_for(now=-50)[1] == []
    assert asked_for(now=2, per_page=100)[1] == [(0, 3)], "a minute more, should our clock be behind"


def test_buy_volume_is_unknown_if_one_candle_has_none() -> None:
    (batch,) = asked_for(candle(0), candle(1, buy=""))[0]
    assert batch.buy.tolist() == [-1, -1]


def test_finer_old_prices_and_volumes_are_rounded() -> None:
    (batch,) = asked_for(candle(0, open="10.2", high="12.3", low="9.7", volume="3.014", buy="1.506"))[0]
    assert [batch.open[0], batch.high[0], batch.low[0]] == [20, 25, 19]
    assert [batch.volume[0], batch.buy[0]] == [301, 151]


BAD = {
    "price of nought": {"low": "0"},
    "negative price": {"low": "-1"},
    "price nan": {"open": "NaN"},
    "price infinite": {"high": "1e400"},
    "price without end": {"high": "9" * 60},
    "no price": {"close": ""},
    "a word": {"close": "much"},
    "a low above the open": {"low": "10.5"},
    "a high below the close": {"high": "10.5"},
    "negative volume": {"volume": "-3"},
    "more bought than traded": {"buy": "4"},
    "negative purchases": {"buy": "-4"},
    "volume infinite": {"volume": "Infinity"},
}


@pytest.mark.parametrize("fields", BAD.values(), ids=BAD)
def test_invalid_candle_is_the_venues_fault(fields: dict[str, str]) -> None:
    with pytest.raises(DecodeError, match="plain"):
        asked_for(candle(0), candle(1, **fields))


def test_unknown_length_error_lists_the_lengths() -> None:
    async def story() -> None:
        past = binance_candles.candles(BTC, RestClient("http://127.0.0.1"), "/klines", 2, seconds=False)
        with pytest.raises(BadInputError, match="found a length of 7m, expected one of 1m, 3m, 5m, 15m, 30m, 1h"):
            await anext(past.candles(7 * MINUTE_NS, Span(0, 1)))
        with pytest.raises(BadInputError, match="found a length of 1s"):
            await anext(past.candles(10**9, Span(0, 1)))

    asyncio.run(story())


def test_binance_candles_have_buy_volume(real_data: Any) -> None:
    recorded = (real_data / "venues" / "binance_spot_http_klines.json").read_bytes()
    asked: list[tuple[str, dict[str, object], int]] = []

    class Answering(RestClient):
        async def get(self, path, params, kind, *, weight, urgent=False):
            asked.append((path, dict(params), weight))
            return msgspec.json.decode(recorded, type=kind)

    async def story() -> list[CandleBatch]:
        eth = Instrument("binance", "ETHBTC", Decimal("0.00000001"), Decimal("0.00000001"))
        past = binance_candles.candles(eth, Answering("http://127.0.0.1"), "/api/v3/klines", 2, seconds=True)
        return [batch async for batch in past.candles(7 * 86_400 * 10**9, Span(1499040000000 * 10**6, 1499040000001 * 10**6))]

    (batch,) = asyncio.run(story())
    assert asked == [
        (
            "/api/v3/klines",
            {"symbol": "ETHBTC", "interval": "1w", "startTime": 1499040000000, "endTime": 1499040000000, "limit": 1000},
            2,
        )
    ]
    assert [batch.open[0], batch.high[0], batch.low[0], batch.close[0]] == [1634790, 80000000, 1575800, 1577100]
    assert (batch.volume[0], batch.buy[0], batch.closed.tolist()) == (14897611427815, 175687402397, [True])
