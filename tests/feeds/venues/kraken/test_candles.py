"""Candles as Kraken tells them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from app.errors import BadInputError, DecodeError, VenueRefusedError
from app.market.candle import CandleBatch
from app.market.instrument import Instrument
from app.market.span import Span
from feeds.network.rest_client import RestClient
from feeds.venues.candles import MINUTE_NS
from feeds.venues.kraken.candles import candles
from tests.feeds.lines import run
from tests.feeds.questions import Answer, answering

BTC = Instrument("kraken", "BTC-USD", Decimal("0.1"), Decimal("1e-8"))
BEGAN_S = 1_740_394_020
BEGAN_NS = BEGAN_S * 10**9


def entry(minute: int, **fields: Any) -> list[object]:
    plain = {"open": "30306.1", "high": "30306.2", "low": "30305.7", "close": "30305.7", "vwap": "30306.1", "volume": "3.39243896"}
    return [BEGAN_S + minute * 60, *(plain | fields).values(), 23]


def fetched(answer: object, minutes: int, length_ns: int = MINUTE_NS) -> tuple[list[CandleBatch], list[dict[str, Any]]]:
    """The candles of the first minutes, and what was asked."""
    asked: list[dict[str, Any]] = []
    batches: list[CandleBatch] = []

    def answers(path: str, query: dict[str, Any]) -> Answer:
        assert path == "/0/public/OHLC"
        asked.append(query)
        return 200, answer

    async def story() -> None:
        async with answering(answers) as url:
            rest = RestClient(url)
            try:
                past = candles(BTC, rest, wall_ns=lambda: BEGAN_NS + 86_400 * 10**9)
                batches.extend([batch async for batch in past.candles(length_ns, Span(BEGAN_NS, BEGAN_NS + minutes * MINUTE_NS))])
            finally:
                await rest.aclose()

    run(story())
    return batches, asked


def test_one_answer_has_all_and_only_its_last_candle_is_open() -> None:
    told = {"error": [], "result": {"XXBTZUSD": [entry(-1), entry(0), entry(1, volume="0.5"), entry(2)], "last": BEGAN_S}}
    (batch,), asked = fetched(told, 1000)
    assert ((batch.start_ns - BEGAN_NS) // MINUTE_NS).tolist() == [0, 1, 2]
    assert [int(each[0]) for each in (batch.open, batch.high, batch.low, batch.close)] == [303061, 303062, 303057, 303057]
    assert batch.volume.tolist() == [339243896, 50_000_000, 339243896] and batch.closed.tolist() == [True, True, False]
    assert asked == [{"pair": "XBTUSD", "interval": "1", "since": str(BEGAN_S - 1)}]


def test_pair_without_candles_gives_none() -> None:
    assert fetched({"error": [], "result": {"XXBTZUSD": [], "last": 0}}, 10)[0] == []


def test_unknown_length_is_refused_by_name() -> None:
    with pytest.raises(BadInputError, match="found a length of 3m, expected one of 1m, 5m, 15m, 30m, 1h, 4h, 1d, 7d, 15d"):
        fetched({}, 2, 3 * MINUTE_NS)


def test_errors_have_the_venues_words() -> None:
    with pytest.raises(VenueRefusedError, match="EQuery:Unknown asset pair"):
        fetched({"error": ["EQuery:Unknown asset pair"]}, 2)


@pytest.mark.parametrize(
    "told",
    [{"XXBTZUSD": [[1]]}, {"XXBTZUSD": [entry(0, high="30306.0")]}, {"XXBTZUSD": [entry(0, volume="NaN")]}, {"XXBTZUSD": [entry(10**12)]}],
)
def test_invalid_candle_is_the_venues_fault(told: object) -> None:
    with pytest.raises(DecodeError):
        fetched({"error": [], "result": told}, 2)
