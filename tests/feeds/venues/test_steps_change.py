"""After a trade between two steps the venue's steps are asked for again; what waited is delivered, and what stays odd is listed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from decimal import Decimal
from typing import Any

import pytest

from app.errors import VenueUnreachableError
from app.market.instrument import Instrument
from app.market.steps import Steps
from app.market.trade import TradeBatch
from feeds.network.rest_client import RestClient
from feeds.venues.binance.live import USDM, BinanceHistory
from feeds.venues.binance.wire import stream_decoder
from feeds.venues.live_feed import LiveFeed, StreamSpec

MS = 1_700_000_000_000
COARSE = Instrument("binance-usdm", "BTCUSDT", Decimal("0.1"), Decimal("0.001"))


def frame(number: int, price: str, quantity: str = "0.25") -> bytes:
    trade = {"e": "aggTrade", "s": "BTCUSDT", "a": number, "p": price, "q": quantity, "T": MS + number, "m": True}
    return json.dumps(trade).encode()


class _Line:
    """A connection that delivers what the test gives it."""

    def __init__(self, frames: list[list[bytes]]) -> None:
        self._frames = frames

    async def messages(self) -> AsyncIterator[list[bytes]]:
        for each in self._frames:
            yield each
            for _ in range(3):
                await asyncio.sleep(0)

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


def told(
    frames: list[list[bytes]], facts: Callable[[int], Steps], clock: Callable[[], int]
) -> tuple[LiveFeed, list[tuple[Steps, TradeBatch]], int]:
    """The feed, its batches with their steps, and how often the facts were asked for."""
    asked = 0

    async def ask() -> Instrument:
        nonlocal asked
        asked += 1
        return COARSE.on_steps(facts(asked))

    async def story() -> tuple[LiveFeed, list[tuple[Steps, TradeBatch]], int]:
        history = BinanceHistory(COARSE, USDM, RestClient("http://127.0.0.1:1"))
        spec = StreamSpec("ws://127.0.0.1:1", stream_decoder(COARSE))
        feed = LiveFeed(COARSE, spec, history, facts=ask, shared=[history], monotonic_ns=clock)
        feed._connection = _Line(frames)  # type: ignore[assignment]
        feed._note = lambda batch: None  # type: ignore[method-assign]
        found: list[tuple[Steps, TradeBatch]] = []
        async with aclosing(feed.batches()) as batches:  # type: ignore[type-var]
            async for batch in batches:
                assert history.instrument == feed.instrument
                found.append((feed.instrument.steps, batch))
        await feed.aclose()
        return feed, found, asked

    return asyncio.run(story())


def prices(found: list[tuple[Steps, TradeBatch]]) -> dict[int, Decimal]:
    """Price by id."""
    return {i: steps.tick_size * ticks for steps, b in found for i, ticks in zip(b.trade_id.tolist(), b.price_ticks.tolist(), strict=True)}


def test_trades_between_steps_wait_until_the_new_steps_are_known(logged: object) -> None:
    """D2: none is rejected."""
    frames = [[frame(1, "100.1"), frame(2, "100.15"), frame(3, "100.2")], [frame(4, "100.25")], [frame(5, "100.3"), frame(6, "100.31")]]
    feed, found, asked = told(frames, lambda _: Steps(Decimal("0.01"), Decimal("0.001")), lambda: 0)
    assert prices(found) == {i: Decimal(p) for i, p in enumerate(["100.1", "100.15", "100.2", "100.25", "100.3", "100.31"], 1)}
    assert asked == 1 and feed._decoder.odd.n == 0
    assert feed.instrument.steps.text == "tick 0.01, lot 0.001"


def test_a_finer_lot_is_a_change_too(logged: object) -> None:
    feed, found, _ = told([[frame(1, "1", "0.0005")], [frame(2, "1")]], lambda _: Steps(Decimal("0.1"), Decimal("0.0001")), lambda: 0)
    assert sorted(prices(found)) == [1, 2] and feed.instrument.steps.text == "tick 0.1, lot 0.0001"


def test_steps_that_do_not_divide_are_joined(logged: object) -> None:
    feed, found, _ = told(
        [[frame(1, "100.1")], [frame(2, "100.25")], [frame(3, "100.75")]], lambda _: Steps(Decimal("0.25"), Decimal("0.001")), lambda: 0
    )
    assert prices(found) == {1: Decimal("100.1"), 2: Decimal("100.25"), 3: Decimal("100.75")}
    assert feed.instrument.tick_size == Decimal("0.05")


@pytest.mark.parametrize("fails", [False, True])
def test_an_odd_trade_is_asked_about_at_a_bounded_rate_then_listed(fails: bool, logged: object) -> None:
    time_ns = 0

    def clock() -> int:
        nonlocal time_ns
        time_ns += 10**9
        return time_ns

    def facts(asked: int) -> Steps:
        if fails and asked < 3:
            raise VenueUnreachableError("gone")
        return COARSE.steps

    feed, found, asked = told([[frame(1, "100.155")], *([frame(i, "100.1")] for i in range(2, 90))], facts, clock)
    assert sorted(prices(found)) == list(range(2, 90)) and feed.instrument == COARSE
    assert asked == (5 if fails else 3)
    assert feed._decoder.odd.n == 1 and "found 100.155, expected a multiple of 0.1" in feed._decoder.odd.latest[0]
