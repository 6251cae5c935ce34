"""Hyperliquid against a scripted venue: opening, live trades over a break, the little of the past that there is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from structlog.testing import LogCapture

from app.errors import DecodeError, FeedError, VenueRefusedError, VenueUnreachableError, WeightSpentError
from app.market.feed import FeedState
from app.market.instrument import Instrument
from app.market.span import Span
from app.market.trade import TradeBatch
from app.settings.settings import Settings
from feeds.network.rest_client import RestClient
from feeds.venues import open_market
from feeds.venues.all_venues import open_venue
from feeds.venues.hyperliquid.live import fetch_instrument, newest_trades
from feeds.venues.hyperliquid.wire import PING, decoder, greeting
from feeds.venues.live_feed import LiveFeed, StreamSpec
from tests.feeds.lines import QUICK, Clock, Line, run, until, venue
from tests.feeds.questions import Answer, all_of, answering, ids

BTC = Instrument("hyperliquid", "BTC", Decimal("0.1"), Decimal("0.00001"), numbered=False)
UNIVERSE: list[dict[str, object]] = [
    {"name": "BTC", "szDecimals": 5, "maxLeverage": 40, "marginTableId": 56},
    {"name": "kPEPE", "szDecimals": 0, "maxLeverage": 10, "isDelisted": None},
    {"name": "MATIC", "szDecimals": 1, "isDelisted": True},
]
BEGAN_MS = 1_769_916_000_000


def trade(second: int) -> dict[str, object]:
    tid = second * 7919 % 10_007  # tells nothing of the order
    return {
        "coin": "BTC",
        "side": "AB"[second % 2],
        "px": "104320.0",
        "sz": "0.01",
        "time": BEGAN_MS + second * 1000,
        "tid": tid,
        "hash": "0x",
    }


def told(*seconds: int) -> str:
    return json.dumps({"channel": "trades", "data": [trade(second) for second in seconds]})


@dataclass
class Tape:
    """What the venue answers: its contracts, and the last ten trades, newest first."""

    now: int
    universe: list[dict[str, object]] = field(default_factory=lambda: list(UNIVERSE))
    asked: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, path: str, question: dict[str, Any]) -> Answer:
        assert path == "/info"
        self.asked.append(question)
        if question == {"type": "meta"}:
            return 200, {"universe": self.universe, "marginTables": []}
        assert question == {"type": "recentTrades", "coin": "BTC"}
        return 200, [trade(second) for second in range(self.now, self.now - 10, -1)]


@asynccontextmanager
async def asking(answers: Callable[[str, dict[str, Any]], Answer]) -> AsyncIterator[RestClient]:
    async with answering(answers) as url:
        rest = RestClient(url)
        try:
            yield rest
        finally:
            await rest.aclose()


# -- opening ---------------------------------------------------------------------------------------


def test_contract_opens_by_id() -> None:
    async def story() -> None:
        async with answering(Tape(100).answer) as url:
            market = await open_venue("hyperliquid:btc", Settings().with_hosts("hyperliquid", "ws://127.0.0.1:9", url))
            assert market.instrument == BTC and not market.instrument.numbered
            assert market.usual_price_ticks == 1_043_200 and market.candles is not None
            await market.feed.aclose()

    run(story())


@pytest.mark.parametrize(
    ("asked", "name", "tick", "lot"),
    [("BTC", "BTC", "0.1", "0.00001"), ("kPEPE", "kPEPE", "0.000001", "1"), ("KPEPE", "kPEPE", "0.000001", "1")],
)
def test_tick_is_the_finest_step_of_any_price(asked: str, name: str, tick: str, lot: str) -> None:
    async def story() -> None:
        async with asking(Tape(100).answer) as rest:
            assert await fetch_instrument(rest, asked) == Instrument("hyperliquid", name, Decimal(tick), Decimal(lot), numbered=False)

    run(story())


@pytest.mark.parametrize(("coin", "says"), [("NOSUCH", "has no perpetual NOSUCH"), ("MATIC", "is delisted")])
def test_contract_that_cannot_open_is_refused(coin: str, says: str) -> None:
    async def story() -> None:
        async with answering(Tape(100).answer) as url:
            with pytest.raises(VenueRefusedError, match=says):
                await open_venue(f"hyperliquid:{coin}", Settings().with_hosts("hyperliquid", "", url))

    run(story())


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((200, {"universe": [{"name": "BTC", "szDecimals": 7}]}), DecodeError),
        ((200, {"universe": [{"name": "BTC", "szDecimals": "5"}]}), DecodeError),
        ((200, b"[" * 50_000), DecodeError),
        ((422, b"Failed to deserialize the JSON body into the target type"), VenueUnreachableError),
    ],
)
def test_impossible_answer_is_the_venues_fault(answer: Answer, kind: type[FeedError]) -> None:
    async def story() -> None:
        async with asking(lambda path, question: answer) as rest:
            with pytest.raises(kind):
                await fetch_instrument(rest, "BTC")

    run(story())


# -- the past --------------------------------------------------------------------------------------


def test_newest_trades_are_oldest_first_and_all_the_history() -> None:
    async def story() -> None:
        async with asking(Tape(100).answer) as rest:
            history = newest_trades(BTC, rest)
            newest = await history.recent()
            assert ((newest.time_ns // 10**6 - BEGAN_MS) // 1000).tolist() == list(range(91, 101))
            assert newest.side.tolist() == [1, -1] * 5
            since = await all_of(history.since((BEGAN_MS + 98_000) * 10**6))
            assert ids(since) == newest.trade_id.tolist()[-3:]
            assert await all_of(history.since((BEGAN_MS + 101_000) * 10**6)) == []
            assert await all_of(history.between(1, 5)) == []

    run(story())


def test_trade_off_the_grid_costs_one_trade_and_is_named(logged: object) -> None:
    async def story() -> None:
        async with asking(lambda path, question: (200, [trade(2), trade(1) | {"px": "104320.05"}])) as rest:
            history = newest_trades(BTC, rest)
            assert len(await history.recent()) == history.odd.n == 1
            assert "price: found 104320.05, expected a multiple of 0.1" in history.odd.latest[0]

    run(story())


def test_forty_quiet_markets_are_asked_about_within_the_weight_of_two_minutes() -> None:
    """A6: a question weighs 20, and we use 600 a minute; markets without an answer know it at once and are asked about next."""
    clock = Clock(6_000.0)

    async def story() -> None:
        async with answering(Tape(100).answer) as url:
            rest = RestClient(url, weight_limit=1200, wall=clock, sleep=clock.sleep)
            waiting, minutes = [newest_trades(BTC, rest) for _ in range(40)], []
            while waiting:
                later, at_s = [], clock.now_s
                for history in waiting:
                    try:
                        assert len(await history.recent()) == 10
                    except WeightSpentError as error:
                        later.append(history)
                        at_s = clock.now_s + error.retry_after_s
                minutes.append(len(waiting) - len(later))
                waiting, clock.now_s = later, at_s
            assert (minutes, clock.waits) == ([30, 10], [])
            await rest.aclose()

    run(story())


def test_opening_waits_for_the_next_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    answers, waits = iter([WeightSpentError("used up", retry_after_s=31.0), None]), []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    class Recent:
        async def recent(self) -> TradeBatch:
            if (error := next(answers)) is not None:
                raise error
            return TradeBatch.of([1], [70], [1], [1], [1])

        async def aclose(self) -> None: ...

    monkeypatch.setattr(open_market.asyncio, "sleep", sleep)
    assert asyncio.run(open_market.newest_price(Recent())) == 70 and waits == [31.0]


# -- live ------------------------------------------------------------------------------------------

YES = '{"channel":"subscriptionResponse","data":{"method":"subscribe","subscription":{"type":"trades","coin":"BTC"}}}'


def seconds_after_a_break(second_line: list[str], now: int, enough: int) -> tuple[list[int], tuple[Span, ...]]:
    """What a feed tells whose first line told the trades up to second 20; and the gaps that it admits."""
    heard: list[str] = []

    async def talk(line: Line) -> None:
        heard.append(str(await line.socket.recv()))
        if line.number == 1:
            await line.tell(YES, told(*range(17, 11, -1)), told(18), '{"channel":"pong"}', told(19, 20))
            await asyncio.sleep(0.05)
            line.reset()
        else:
            await line.tell(YES, *second_line)
        await line.stay()

    got: list[int] = []
    gaps: list[Span] = []

    async def story() -> None:
        async with answering(Tape(now).answer) as rest_url, venue(talk) as there:
            settings = Settings().with_hosts("hyperliquid", there.url.removesuffix("/ws/x"), rest_url)
            market = await open_venue("hyperliquid:BTC", settings)
            async with aclosing(market.feed.batches()) as batches:
                async for batch in batches:
                    got.extend(((batch.time_ns // 10**6 - BEGAN_MS) // 1000).tolist())
                    if len(got) >= enough:
                        break
            status = market.feed.status
            assert status.state is FeedState.LIVE and (status.connects, status.rejected) == (2, 0)
            gaps.extend(status.gaps)
            await market.feed.aclose()

    run(story())
    assert [json.loads(message)["subscription"]["coin"] for message in heard] == ["BTC"] * 2
    return got, tuple(gaps)


def test_short_break_is_bridged_by_the_newest_trades() -> None:
    """A1: Hyperliquid."""
    seconds, gaps = seconds_after_a_break([told(*range(26, 20, -1)), told(27), told(28)], 26, 17)
    assert seconds == list(range(12, 29)) and gaps == ()


def test_long_break_leaves_a_gap() -> None:
    """A7: Hyperliquid."""
    seconds, gaps = seconds_after_a_break([told(*range(90, 84, -1)), told(91)], 90, 20)
    assert seconds == [*range(12, 21), *range(81, 92)]
    assert gaps == (Span((BEGAN_MS + 20_000) * 10**6, (BEGAN_MS + 81_000) * 10**6),)


def test_refused_subscription_ends_the_feed_with_the_venues_words(logged: LogCapture) -> None:
    async def talk(line: Line) -> None:
        await line.tell(json.dumps({"channel": "error", "data": 'Invalid subscription {"type":"trades","coin":"BTC"}'}))
        await line.stay()

    async def story() -> None:
        async with venue(talk) as there, asking(Tape(100).answer) as rest:
            feed = LiveFeed(BTC, StreamSpec(there.url, decoder(BTC), greeting("BTC")), newest_trades(BTC, rest), QUICK)
            assert [batch async for batch in feed.batches()] == []
            assert feed.status.state is FeedState.STOPPED and "Invalid subscription" in feed.status.reason

    run(story())


def test_keep_alive_is_sent_as_the_venue_requires() -> None:
    pings: list[str] = []

    async def talk(line: Line) -> None:
        await line.socket.recv()
        await line.tell(YES, told(1))
        pings.append(str(await line.socket.recv()))
        await line.tell('{"channel":"pong"}')
        await line.stay()

    async def story() -> None:
        async with venue(talk) as there, asking(Tape(1).answer) as rest:
            soon = type(PING)(PING.text, 0.02)
            feed = LiveFeed(BTC, StreamSpec(there.url, decoder(BTC), greeting("BTC"), soon), newest_trades(BTC, rest))
            async with aclosing(feed.batches()) as batches:
                await anext(batches)
                await until(lambda: bool(pings))
            assert feed.status.rejected == 0
            await feed.aclose()

    run(story())
    assert [json.loads(ping) for ping in pings] == [{"method": "ping"}]


@pytest.mark.parametrize("coin", ["xyz:TSLA", "XYZ:tsla"])
def test_a_builders_market_is_found_in_its_own_list(coin: str) -> None:
    """X5: a symbol with a second colon."""
    asked: list[dict[str, Any]] = []

    def answer(path: str, question: dict[str, Any]) -> Answer:
        asked.append(question)
        return 200, {"universe": [{"name": "xyz:TSLA", "szDecimals": 3}]}

    async def story() -> None:
        async with asking(answer) as rest:
            assert (await fetch_instrument(rest, coin)).id == "hyperliquid:xyz:TSLA"
        assert asked == [{"type": "meta", "dex": "xyz"}]

    run(story())
