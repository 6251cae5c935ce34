"""Candles as Hyperliquid tells them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from app.errors import BadInputError, DecodeError
from app.market.candle import CandleBatch
from app.market.instrument import Instrument
from app.market.span import Span
from feeds.network.rest_client import RestClient
from feeds.venues.candles import MINUTE_NS
from feeds.venues.hyperliquid.candles import candles
from tests.feeds.lines import run
from tests.feeds.questions import Answer, answering

BTC = Instrument("hyperliquid", "BTC", Decimal("0.1"), Decimal("0.00001"), numbered=False)
BEGAN_MS = 1_740_394_020_000


def candle(minute: int, **fields: Any) -> dict[str, object]:
    at_ms = BEGAN_MS + minute * 60_000
    plain = {"t": at_ms, "T": at_ms + 59_999, "s": "BTC", "i": "1m", "o": "29295.0", "c": "29258.0", "h": "29309.0", "l": "29250.0"}
    return plain | {"v": "0.98639", "n": 189} | fields


def fetched(known: list[Any], minutes: int, length_ns: int = MINUTE_NS, now: int = 10**5) -> tuple[list[CandleBatch], list[int]]:
    """The candles of the first minutes from a venue that has these; and how many minutes each question was for."""
    asked: list[int] = []
    batches: list[CandleBatch] = []

    def answers(path: str, question: dict[str, Any]) -> Answer:
        assert (path, question["type"]) == ("/info", "candleSnapshot")
        stretch = question["req"]
        assert (stretch["coin"], stretch["interval"]) == ("BTC", "1m")
        asked.append((stretch["endTime"] + 1 - stretch["startTime"]) // 60_000)
        return 200, [each for each in known if stretch["startTime"] <= each.get("t", 0) <= stretch["endTime"] or "t" not in each]

    async def story() -> None:
        async with answering(answers) as url:
            rest = RestClient(url)
            try:
                began_ns = BEGAN_MS * 10**6
                past = candles(BTC, rest, wall_ns=lambda: began_ns + now * MINUTE_NS)
                batches.extend([batch async for batch in past.candles(length_ns, Span(began_ns, began_ns + minutes * MINUTE_NS))])
            finally:
                await rest.aclose()

    run(story())
    return batches, asked


def test_long_span_is_requested_page_by_page() -> None:
    batches, asked = fetched([candle(minute) for minute in range(1200)], 1100)
    assert asked == [500, 500, 100] and [len(batch) for batch in batches] == [500, 500, 100]
    first = batches[0]
    assert [int(each[0]) for each in (first.open, first.high, first.low, first.close, first.volume)] == [
        292950,
        293090,
        292500,
        292580,
        98639,
    ]
    assert first.buy[0] == -1 and first.closed.all()


def test_newest_candle_is_open() -> None:
    ((batch,), _) = fetched([candle(0), candle(1)], 5, now=1)
    assert batch.closed.tolist() == [True, False]


def test_unknown_length_is_refused_by_name() -> None:
    with pytest.raises(BadInputError, match="found a length of 7m, expected one of 1m, 3m, 5m, 15m, 30m, 1h, 2h, 4h, 8h, 12h, 1d, 3d, 7d"):
        fetched([], 2, 7 * MINUTE_NS)


@pytest.mark.parametrize("wrong", [{"s": "BTC"}, candle(0, o=29295.0), candle(0, h="29000.0"), candle(0, v="-1"), candle(0, l="1e400")])
def test_invalid_candle_is_the_venues_fault(wrong: object) -> None:
    with pytest.raises(DecodeError):
        fetched([wrong], 2)
