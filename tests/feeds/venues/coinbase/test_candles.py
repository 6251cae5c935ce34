"""Candles as Coinbase tells them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from app.errors import BadInputError, DecodeError
from app.market.candle import CandleBatch
from app.market.instrument import Instrument
from app.market.span import Span
from feeds.network.rest_client import RestClient
from feeds.venues.candles import HOUR_NS, MINUTE_NS
from feeds.venues.coinbase.candles import candles
from tests.feeds.lines import run
from tests.feeds.questions import Answer, answering

BTC = Instrument("coinbase", "BTC-USD", Decimal("0.01"), Decimal("1e-8"))
BEGAN_S = 1_740_394_020
BEGAN_NS = BEGAN_S * 10**9


def fetched(answer: Answer, minutes: int, length_ns: int = MINUTE_NS) -> tuple[list[CandleBatch], list[dict[str, Any]]]:
    """The candles of the first minutes, an hour later, and what was asked."""
    asked: list[dict[str, Any]] = []
    batches: list[CandleBatch] = []

    def answers(path: str, query: dict[str, Any]) -> Answer:
        assert path == "/products/BTC-USD/candles"
        asked.append(query)
        return answer

    async def story() -> None:
        async with answering(answers) as url:
            rest = RestClient(url)
            try:
                past = candles(BTC, rest, wall_ns=lambda: BEGAN_NS + 90 * 10**9)
                batches.extend([batch async for batch in past.candles(length_ns, Span(BEGAN_NS, BEGAN_NS + minutes * MINUTE_NS))])
            finally:
                await rest.aclose()

    run(story())
    return batches, asked


def test_numbers_are_exact_and_the_newest_candle_may_be_open() -> None:
    told = f"[[{BEGAN_S + 60},10,12.5,11,12.00,3],[{BEGAN_S},9.99,90071992547409.93,10.5,11,0.00000001],[{BEGAN_S - 60},1,1,1,1,1]]"
    (batch,), asked = fetched((200, told.encode()), 2)
    assert ((batch.start_ns - BEGAN_NS) // MINUTE_NS).tolist() == [0, 1], "one that begins before the start is left out"
    assert [each.tolist() for each in (batch.open, batch.high, batch.low, batch.close)] == [
        [1050, 1100],
        [9007199254740993, 1250],
        [999, 1000],
        [1100, 1200],
    ]
    assert batch.volume.tolist() == [1, 3 * 10**8] and batch.buy.tolist() == [-1, -1] and batch.closed.tolist() == [True, False]
    assert asked == [{"granularity": "60", "start": "2025-02-24T10:47:00Z", "end": "2025-02-24T10:48:59Z"}]


def test_unknown_length_is_refused_by_name() -> None:
    with pytest.raises(BadInputError, match="found a length of 2h, expected one of 1m, 5m, 15m, 1h, 6h, 1d"):
        fetched((200, []), 2, 2 * HOUR_NS)


@pytest.mark.parametrize("told", [b"{}", b"[[1]]", b"[[1,1,1,1,1,1]]", b'[[1740394020,"1",1,1,1,1]]', b"[[1740394020,1,1,1,1,1e400]]"])
def test_invalid_candle_is_the_venues_fault(told: bytes) -> None:
    with pytest.raises(DecodeError):
        fetched((200, told), 2)
