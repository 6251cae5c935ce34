"""Coinbase against a scripted venue: opening, live trades over a break, the past, and what goes wrong with them."""

from __future__ import annotations

import asyncio
import json
from bisect import bisect_left
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from structlog.testing import LogCapture

from app.errors import DecodeError, VenuePausedError, VenueRefusedError
from app.ingest.ingest import Ingest
from app.market.feed import FeedState
from app.market.instrument import Instrument
from app.market.trade import BUY, SELL
from app.settings.settings import Settings
from app.storage.trade_store import TradeStore
from feeds.network.rest_client import RestClient
from feeds.venues.all_venues import open_venue
from feeds.venues.coinbase import live as coinbase
from feeds.venues.coinbase.live import CoinbaseHistory
from feeds.venues.coinbase.wire import decoder, greeting
from feeds.venues.live_feed import LiveFeed, StreamSpec
from tests.feeds.lines import QUICK, Line, run, until, venue
from tests.feeds.questions import Answer, all_of, answering, ids

BTC = Instrument("coinbase", "BTC-USD", Decimal("0.01"), Decimal("1e-8"))
PRODUCT = {"id": "BTC-USD", "quote_increment": "0.01", "base_increment": "0.00000001", "status": "online", "trading_disabled": False}
SECOND_NS = 10**9
BEGAN_S = 1_700_000_000
BEGAN_NS = BEGAN_S * SECOND_NS


def trade(trade_id: int, second: int | None = None) -> dict[str, object]:
    """One trade a second, unless another second is given."""
    at = datetime.fromtimestamp(BEGAN_S + (trade_id if second is None else second), UTC)
    at = f"{at:%Y-%m-%dT%H:%M:%S}.000{trade_id % 1000 if second is None else 0:03d}Z"
    return {"trade_id": trade_id, "side": "sell" if trade_id % 2 else "buy", "size": "0.5", "price": f"{30_000 + trade_id}.01", "time": at}


def match(trade_id: int, kind: str = "match") -> str:
    return json.dumps(trade(trade_id) | {"type": kind, "product_id": "BTC-USD", "sequence": trade_id * 3})


@dataclass
class Tape:
    """The venue's own record: trades of some numbers, told newest first, at most a thousand at once."""

    numbers: range | list[int]
    product: dict[str, object] = field(default_factory=lambda: dict(PRODUCT))
    asked: list[dict[str, Any]] = field(default_factory=list)
    stuck: bool = False
    seconds: list[int] | None = None
    """When each trade happened, from number 0 on; None: one a second."""

    def answer(self, path: str, query: dict[str, Any]) -> Answer:
        if path == "/products/BTC-USD":
            return 200, self.product
        if path != "/products/BTC-USD/trades":
            return 404, {"message": "NotFound"}
        self.asked.append(query)
        after = int(query.get("after", 2**62)) if not self.stuck else 2**62
        below = [number for number in self.numbers if number < after]
        told = below[::-1][: min(1000, int(query.get("limit", 1000)))]
        return 200, [trade(number, self.seconds[number] if self.seconds else None) for number in told]


@asynccontextmanager
async def past(tape: Tape) -> AsyncIterator[CoinbaseHistory]:
    async with answering(tape.answer) as url:
        history = CoinbaseHistory(BTC, RestClient(url, weight_limit=10_000))
        try:
            yield history
        finally:
            await history.aclose()


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not keep requests apart."""
    monkeypatch.setattr(coinbase, "_APART_S", 0.0)


# -- opening ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("at_once")
def test_product_opens_by_id_with_the_venues_steps() -> None:
    async def story() -> None:
        async with answering(Tape(range(1, 51)).answer) as url:
            market = await open_venue("coinbase:btc-usd", Settings().with_hosts("coinbase", "ws://127.0.0.1:9", url))
            assert market.instrument == BTC and market.instrument.numbered
            assert market.usual_price_ticks == 3_005_001 and market.candles is not None
            await market.feed.aclose()

    run(story())


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(
    ("symbol", "product", "says"),
    [
        ("NO-SUCH", PRODUCT, "coinbase:NO-SUCH: .*NotFound"),
        ("BTCUSD", PRODUCT, "expected a product such as BTC-USD"),
        ("../time", PRODUCT, "expected a product such as BTC-USD"),
        ("BTC-USD", PRODUCT | {"status": "delisted"}, "not trading now .status delisted"),
    ],
)
def test_product_that_cannot_open_is_refused_in_the_venues_words(symbol: str, product: dict[str, object], says: str) -> None:
    async def story() -> None:
        async with answering(Tape(range(1, 51), product).answer) as url:
            with pytest.raises(VenuePausedError if "not trading" in says else VenueRefusedError, match=says):
                await open_venue(f"coinbase:{symbol}", Settings().with_hosts("coinbase", "", url))

    run(story())


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("step", ["", "0", "NaN", "-0.01", "1e-30"])
def test_impossible_step_is_the_venues_fault(step: str) -> None:
    async def story() -> None:
        async with answering(Tape(range(1, 51), PRODUCT | {"quote_increment": step}).answer) as url:
            with pytest.raises(DecodeError, match="coinbase:BTC-USD: tick size"):
                await open_venue("coinbase:BTC-USD", Settings().with_hosts("coinbase", "", url))

    run(story())


# -- live ------------------------------------------------------------------------------------------

YES = '{"type":"subscriptions","channels":[{"name":"matches","product_ids":["BTC-USD"]}]}'


@pytest.mark.usefixtures("at_once")
def test_trades_missed_in_a_break_are_fetched() -> None:
    """A1: Coinbase."""
    heard: list[str] = []

    async def talk(line: Line) -> None:
        heard.append(str(await line.socket.recv()))
        if line.number == 1:
            await line.tell(match(100, "last_match"), YES, *(match(number) for number in range(101, 121)))
            await asyncio.sleep(0.05)
            line.reset()
        else:
            await line.tell(YES, match(150, "last_match"), match(151), match(152))
        await line.stay()

    async def story() -> None:
        tape = Tape(range(1, 153))
        async with answering(tape.answer) as rest_url, venue(talk) as there:
            settings = Settings().with_hosts("coinbase", there.url, rest_url)
            market = await open_venue("coinbase:BTC-USD", settings)
            store = TradeStore()
            pump = asyncio.create_task(Ingest(market.feed, market.history, store, []).run())
            await until(lambda: store.n_trades == 53 and store.missing == 0)
            assert store.trades().trade_id.tolist() == list(range(100, 153))
            assert store.trades().side.tolist()[:2] == [SELL, BUY], "the maker bought, the maker sold"
            status = market.feed.status
            assert status.state is FeedState.LIVE and (status.connects, status.rejected) == (2, 0)
            await market.feed.aclose()
            await asyncio.wait([pump], timeout=1)

    run(story())
    assert [json.loads(message)["product_ids"] for message in heard] == [["BTC-USD"]] * 2


def test_refused_subscription_ends_the_feed_with_the_venues_words(logged: LogCapture) -> None:
    async def talk(line: Line) -> None:
        await line.tell('{"type":"error","message":"Failed to subscribe","reason":"BTC-USD is not a valid product"}')
        await line.stay()

    async def story() -> None:
        async with venue(talk) as there, past(Tape(range(1, 9))) as history:
            feed = LiveFeed(BTC, StreamSpec(there.url, decoder(BTC), greeting("BTC-USD")), history, QUICK)
            assert [batch async for batch in feed.batches()] == []
            assert feed.status.state is FeedState.STOPPED and "BTC-USD is not a valid product" in feed.status.reason

    run(story())


# -- the past --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("first", "last"), [(1, 1), (5, 1004), (5, 1005), (1, 3210), (3205, 3210)])
def test_gap_is_fetched_by_id_in_pages(first: int, last: int) -> None:
    async def story() -> None:
        tape = Tape(range(1, 3211))
        async with past(tape) as history:
            assert ids(await all_of(history.between(first, last))) == list(range(first, last + 1))
            assert len(tape.asked) == -(-(last - first + 1) // 1000)

    run(story())


def test_trades_the_venue_lost_stay_missing() -> None:
    async def story() -> None:
        tape = Tape([*range(1, 100), *range(2500, 3100)])
        async with past(tape) as history:
            assert ids(await all_of(history.between(50, 3000))) == [*range(50, 100), *range(2500, 3001)]
            assert ids(await all_of(history.between(200, 300))) == []
            assert ids(await all_of(history.between(5000, 5001))) == []

    run(story())


def test_wrong_pages_end_with_an_error() -> None:
    """A12: Coinbase."""

    async def story() -> None:
        tape = Tape(range(1, 5001), stuck=True)
        async with past(tape) as history:
            with pytest.raises(DecodeError, match="coinbase keeps sending trades from id 4901 on, asked for those before 101"):
                await all_of(history.between(1, 100))
            assert len(tape.asked) == 3

    run(story())


@pytest.mark.parametrize("first", [1, 2, 999, 8000, 15_990, 19_999, 20_000])
@pytest.mark.parametrize("before", [None, 20_000])
def test_since_begins_with_the_first_trade_of_the_time(first: int, before: int | None) -> None:
    async def story() -> None:
        tape = Tape(range(1, 20_001))
        async with past(tape) as history:
            start_ns = BEGAN_NS + first * SECOND_NS  # the trade itself is some microseconds later
            got = ids(await all_of(history.since(start_ns, before)))
            assert got == list(range(first, before or 20_001))
            searched = [query for query in tape.asked if query["limit"] == "1"]
            assert len(searched) < 14, "found by halving"

    run(story())


@pytest.mark.parametrize("seed", range(3))
def test_since_finds_trades_at_any_pace(seed: int) -> None:
    """Thousands in one second, then nothing for hours."""
    rng = np.random.default_rng(seed)
    seconds = np.cumsum(rng.choice([0, 1, 20_000], 8000, p=[0.99, 0.009, 0.001])).tolist()

    async def story() -> None:
        async with past(Tape(range(1, 8000), seconds=seconds)) as history:
            for second in rng.choice(seconds, 4).tolist():
                first = max(1, bisect_left(seconds, second))
                assert ids(await all_of(history.since(BEGAN_NS + second * SECOND_NS))) == list(range(first, 8000))

    run(story())


def test_since_a_future_time_is_empty() -> None:
    async def story() -> None:
        async with past(Tape(range(1, 20))) as history:
            assert ids(await all_of(history.since(BEGAN_NS + 3600 * SECOND_NS))) == []
        async with past(Tape([])) as history:
            assert ids(await all_of(history.since(BEGAN_NS))) == [] and len(await history.recent()) == 0

    run(story())


def test_trade_off_the_grid_costs_one_trade_and_is_named(logged: object) -> None:
    async def story() -> None:
        def answers(path: str, query: dict[str, Any]) -> Answer:
            return 200, [trade(1) | {"price": "1.001"}]

        async with answering(answers) as url:
            history = CoinbaseHistory(BTC, RestClient(url))
            assert (len(await history.recent()), history.odd.n) == (0, 1)
            assert "price: found 1.001, expected a multiple of 0.01" in history.odd.latest[0]
            await history.aclose()

    run(story())
