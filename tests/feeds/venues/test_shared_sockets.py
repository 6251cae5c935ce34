"""Many markets of one address on few sockets, against venues that count sockets, subscriptions, messages and weight by address."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest
from structlog.testing import LogCapture

from app.market.feed import FeedState
from app.market.instrument import Instrument
from feeds.network.backoff import Timeouts
from feeds.network.connection import Connection
from feeds.network.host_limits import HostLimits
from feeds.network.rest_client import RestClient
from feeds.network.websocket_session import KeepAlive
from feeds.venues.hyperliquid import live as hyperliquid
from feeds.venues.hyperliquid import wire as hyperliquid_wire
from feeds.venues.live_feed import LiveFeed, StreamSpec
from feeds.venues.okx import wire as okx_wire
from feeds.venues.okx.history import OkxHistory
from feeds.venues.okx.rest import OkxRest
from tests.counting_venue import Allowance, CountingVenue, Hyperliquid, Okx, Protocol
from tests.feeds.lines import QUICK, QuickClock, read, run, until

CALM = replace(QUICK, silent_after=20.0, answer_within=2.0, fruitless_connects=1_000)
EAGER = replace(CALM, silent_after=0.3)
PROTOCOLS = [Hyperliquid, Okx]
VENUES: Any = pytest.mark.parametrize("protocol", PROTOCOLS, ids=["hyperliquid", "okx"])
_MILLI = Decimal("0.001")


def unlimited(kind: type[Protocol]) -> Protocol:
    """A venue without limits, for stories that are much quicker than life."""
    protocol = kind()
    protocol.allowance = Allowance()
    return protocol


def names(n: int) -> list[str]:
    return [f"COIN{number}-USDT" for number in range(n)]


def spec_of(venue: CountingVenue, market: str, **sharing: Any) -> tuple[StreamSpec, Any]:
    """Stream and history of one market, as the program makes them."""
    if isinstance(venue.protocol, Hyperliquid):
        instrument = Instrument("hyperliquid", market, _MILLI, _MILLI, numbered=False)
        shares = replace(hyperliquid_wire.sharing(market), apart_s=0.0, **sharing)
        decoder, greeting = hyperliquid_wire.decoder(instrument), hyperliquid_wire.greeting(market)
        spec = StreamSpec(f"{venue.ws_url}/ws", decoder, greeting, hyperliquid_wire.PING, shares, retells=True)
        return spec, hyperliquid.newest_trades(instrument, RestClient(venue.rest_url))
    instrument = Instrument("okx", market, _MILLI, _MILLI)
    rest = OkxRest(venue.rest_url)
    rest._rest._apart_s = 0.0
    shares = replace(okx_wire.sharing(market), **sharing)
    spec = StreamSpec(
        f"{venue.ws_url}/ws/v5/business", okx_wire.stream_decoder(instrument), okx_wire.greeting(market), okx_wire.PING, shares
    )
    return spec, OkxHistory(instrument, rest)


@dataclass
class Watched:
    """One open market with the ids that it has delivered."""

    market: str
    feed: LiveFeed
    ids: list[int] = field(default_factory=list)
    reading: asyncio.Task[None] | None = None

    @property
    def live(self) -> bool:
        return self.feed.status.state is FeedState.LIVE

    async def read(self) -> None:
        async for batch in self.feed.batches():
            self.ids += batch.trade_id.tolist()

    async def close(self) -> None:
        await self.feed.aclose()
        if self.reading is not None:
            await self.reading


async def opened(venue: CountingVenue, market: str, patience: Timeouts = CALM, **sharing: Any) -> Watched:
    spec, history = spec_of(venue, market, **sharing)
    one = Watched(market, LiveFeed(history.instrument, spec, history, patience))
    one.reading = asyncio.create_task(one.read())
    return one


@asynccontextmanager
async def watching(protocol: type[Protocol], n: int, patience: Timeouts = CALM) -> AsyncIterator[tuple[CountingVenue, list[Watched]]]:
    """A venue with `n` open markets, each of which is live."""
    async with CountingVenue(protocol(), names(n)) as venue, AsyncExitStack() as stack:
        for market in venue.markets:
            await venue.trade(market, 3)
        all_of = [await opened(venue, market, patience) for market in venue.markets]
        for one in all_of:
            stack.push_async_callback(one.close)
        await until(lambda: venue.subscribed == sorted(venue.markets))
        for market in venue.markets:
            await venue.trade(market)
        await until(lambda: all(one.live for one in all_of))
        yield venue, all_of


def whole(venue: CountingVenue, one: Watched) -> bool:
    """Whether a market has each of its venue's trades once, from its first on."""
    told = [venue.protocol.trade_id(trade.number) for trade in venue.tapes[one.market]]
    return bool(one.ids) and sorted(one.ids) == sorted(told[told.index(one.ids[0]) :])


@VENUES
def test_twelve_markets_share_one_socket(protocol: type[Protocol]) -> None:
    """A5: and each gets its own trades alone."""

    async def story() -> None:
        async with watching(protocol, 12) as (venue, markets):
            for number, one in enumerate(markets):
                await venue.trade(one.market, 1 + number % 3)
            await until(lambda: all(whole(venue, one) for one in markets))
            assert (venue.opened, venue.used.peaks["sockets"], venue.used.peaks["subscriptions"]) == (1, 1, 12)
            assert not venue.used.refused and all(one.feed.status.rejected == 0 for one in markets)

    run(story())


@VENUES
def test_a_broken_socket_is_opened_once_for_all(protocol: type[Protocol]) -> None:
    """A1, A5: every market sees the break and none loses a trade; Hyperliquid's REST is not asked, as the line retells."""

    async def story() -> None:
        async with watching(protocol, 12) as (venue, markets):
            weight = venue.used.peaks["weight a minute"]
            venue.drop()
            for one in markets:
                await venue.trade(one.market)
            await until(lambda: venue.subscribed == sorted(venue.markets) and venue.opened == 2)
            for one in markets:
                await venue.trade(one.market)
            await until(lambda: all(one.live and one.feed.status.connects == 2 for one in markets))
            assert venue.used.peaks["sockets"] == 1 and not venue.used.refused
            if protocol is Hyperliquid:
                await until(lambda: all(whole(venue, one) for one in markets))
                assert venue.used.peaks["weight a minute"] == weight
                assert all(one.feed.status.gaps == () for one in markets)

    run(story())


@VENUES
def test_a_closed_market_is_unsubscribed_and_the_last_closes_the_socket(protocol: type[Protocol]) -> None:
    async def story() -> None:
        async with watching(protocol, 3) as (venue, markets):
            await markets[1].close()
            await until(lambda: venue.subscribed == [markets[0].market, markets[2].market])
            await venue.trade(markets[0].market)
            await until(lambda: whole(venue, markets[0]))
            assert venue.history == ["open 1"]
            await markets[0].close()
            await markets[2].close()
            await until(lambda: venue.history == ["open 1", "close 1"])
            assert sum("unsubscribe" in message for message in venue.sent) == 2

    run(story())


@VENUES
def test_a_lost_subscription_is_renewed_on_the_same_socket(protocol: type[Protocol]) -> None:
    """A4: one market falls silent while the venue trades it; the others keep their line."""

    async def story() -> None:
        async with watching(protocol, 3, EAGER) as (venue, markets):
            venue.mute(markets[1].market)

            async def trading() -> None:
                while True:
                    for one in markets:
                        await venue.trade(one.market)
                    await asyncio.sleep(0.02)

            task = asyncio.create_task(trading())
            await until(lambda: markets[1].feed.status.connects > 1 and markets[1].live, 15)
            task.cancel()
            assert venue.opened == 1
            assert [one.feed.status.connects for one in markets if one is not markets[1]] == [1, 1]

    run(story())


@VENUES
def test_a_socket_on_which_all_are_silent_is_replaced(protocol: type[Protocol]) -> None:
    """A4: open, answering pings, bringing no trades."""

    async def story() -> None:
        async with watching(protocol, 3, EAGER) as (venue, markets):
            for one in markets:
                venue.mute(one.market)
                await venue.trade(one.market)
            await until(lambda: venue.opened >= 2, 15)
            await until(lambda: venue.subscribed == sorted(venue.markets))
            for one in markets:
                await venue.trade(one.market)
            await until(lambda: all(one.live for one in markets), 15)
            assert venue.history[:2] == ["open 1", "close 1"] or venue.used.peaks["sockets"] == 1

    run(story())


@VENUES
def test_a_quiet_market_among_busy_ones_is_asked_about_ever_less(protocol: type[Protocol]) -> None:
    """A4, A6: ten quiet markets would else use up the weight of their address; the socket is proven by the others."""

    async def story() -> None:
        async with watching(protocol, 2, EAGER) as (venue, (quiet, busy)):
            asked = len(venue.used.times["weight a minute"])
            for _ in range(100):
                await venue.trade(busy.market)
                assert quiet.feed.status.state in (FeedState.LIVE, FeedState.STALE) and quiet.feed.status.connects == 1
                await asyncio.sleep(0.03)
            assert 1 <= len(venue.used.times["weight a minute"]) - asked <= 6, "one each 0.3 s would be ten"
            await venue.trade(quiet.market)
            await until(lambda: whole(venue, quiet) and quiet.live)

    run(story())


@VENUES
def test_a_refused_market_ends_alone(protocol: type[Protocol], logged: LogCapture) -> None:
    """S1: an unknown symbol among others."""

    async def story() -> None:
        async with CountingVenue(protocol(), names(3)) as venue:  # all wait for their answers at the same time
            one, *markets = [await opened(venue, market) for market in ("COIN9-USDT", *venue.markets)]
            await until(lambda: one.feed.status.state is FeedState.STOPPED)
            assert "COIN9-USDT" in one.feed.status.reason
            await one.close()
            await until(lambda: venue.subscribed == venue.markets)
            for other in markets:
                await venue.trade(other.market)
            await until(lambda: all(other.live and whole(venue, other) for other in markets))
            assert venue.opened == 1 and all(other.feed.status.connects == 1 for other in markets)
            for other in markets:
                await other.close()

    run(story())


@VENUES
def test_a_market_too_many_waits_and_says_why(protocol: type[Protocol]) -> None:
    async def story() -> None:
        async with CountingVenue(protocol(), names(7)) as venue:
            markets = [await opened(venue, market, per_socket=3, sockets=2) for market in venue.markets]
            await until(lambda: len(venue.subscribed) == 6 and any("6 markets are open" in one.feed.status.reason for one in markets))
            late = next(one for one in markets if one.market not in venue.subscribed)
            assert late.feed.status.state is FeedState.DISCONNECTED and late.feed.status.retry_at_s is not None
            assert venue.opened == 2
            for one in markets:
                await one.close()

    run(story())


@VENUES
@pytest.mark.parametrize("cause", ["age", "announced"])
def test_the_next_socket_delivers_for_all_before_the_old_one_closes(protocol: type[Protocol], cause: str) -> None:
    """A2: by age and by announcement."""
    patience = replace(CALM, renew_after=0.6 if cause == "age" else 1e9, longest_pause=60.0)

    async def story() -> None:
        async with watching(protocol, 8, patience) as (venue, markets):
            if cause == "announced":
                for one in markets:
                    one.feed._connection.renew()
            while venue.history[:3] != ["open 1", "open 2", "close 1"]:
                assert all(one.live for one in markets), [one.feed.status for one in markets]
                for one in markets:
                    await venue.trade(one.market)
                await asyncio.sleep(0.01)
            await venue.trade(markets[0].market)
            await until(lambda: {one.feed.status.connects for one in markets} == {2})
            await until(lambda: len(set(markets[0].ids)) == len(venue.tapes[markets[0].market]) - 3 + (3 if protocol is Hyperliquid else 0))
            assert venue.used.peaks["sockets"] == 2

    run(story())


@VENUES
def test_the_same_market_twice_is_subscribed_once(protocol: type[Protocol]) -> None:
    async def story() -> None:
        async with watching(protocol, 2) as (venue, markets):
            again = await opened(venue, markets[0].market)
            await asyncio.sleep(0.05)
            await venue.trade(markets[0].market)
            await until(lambda: again.live and whole(venue, markets[0]))
            await markets[0].close()
            await venue.trade(markets[0].market)
            await until(lambda: again.ids[-1] == venue.protocol.trade_id(venue.tapes[again.market][-1].number))
            assert not any("unsubscribe" in message for message in venue.sent)
            await again.close()
            await until(lambda: venue.subscribed == [markets[1].market])

    run(story())


@pytest.mark.parametrize("refused", [0, 403, 429, 503])
def test_ten_markets_are_dialled_for_like_one(refused: int) -> None:
    """A5, S1: a venue that hangs up, turns away or is busy, for five minutes of a clock made up; ten markets of the real patience."""
    clock, times = QuickClock(), list[float]()

    async def story() -> None:
        async with CountingVenue(unlimited(Okx), names(10)) as venue:
            venue.on_handshake = lambda: times.append(clock())
            venue.refusal = refused
            limits, markets = HostLimits(clock, clock, clock.sleep), list[Connection]()
            for market in venue.markets:
                sharing, greeting = okx_wire.sharing(market), okx_wire.greeting(market)
                chosen: dict[str, Any] = {"monotonic": clock, "wall": clock, "sleep": clock.sleep, "limits": limits}
                markets.append(Connection(f"{venue.ws_url}/ws", greeting=greeting, sharing=sharing, **chosen))
            reading = [asyncio.create_task(read(market, lambda got: False, data=False)) for market in markets]
            while clock() < 1_300.0:
                await asyncio.sleep(0.002)
                if not refused:
                    venue.drop()
            for task in reading:
                task.cancel()
            await asyncio.wait(reading)

    run(story())
    assert 2 <= sum(1 for at in times if at < 1_300.0) <= 20


@VENUES
@pytest.mark.parametrize("seed", range(12))
def test_after_any_walk_exactly_the_open_markets_are_subscribed(protocol: type[Protocol], seed: int) -> None:
    """A11: markets opened and closed, sockets cut, subscriptions lost, handshakes refused, in any order and without a pause between."""
    chance = random.Random(seed)

    async def story() -> None:
        async with CountingVenue(unlimited(protocol), names(9)) as venue:
            for market in venue.markets:
                await venue.trade(market)
            here: dict[str, Watched] = {}
            for _ in range(40):
                market = chance.choice(venue.markets)
                match chance.randrange(8):
                    case 0 | 1 | 2 if market not in here:
                        here[market] = await opened(venue, market, per_socket=4, sockets=9)
                    case 3 | 4 if market in here:
                        await here.pop(market).close()
                    case 5:
                        venue.drop(chance.randrange(1, 3))
                    case 6:
                        await venue.trade(market, chance.randrange(1, 4))
                    case _:
                        await asyncio.sleep(chance.random() * 0.02)
            await until(lambda: venue.subscribed == sorted(here), 15)

            async def heard(one: Watched) -> None:
                while not one.ids or one.ids[-1] != venue.protocol.trade_id(venue.tapes[one.market][-1].number):
                    await venue.trade(one.market)
                    await asyncio.sleep(0.02)

            await asyncio.gather(*map(heard, here.values()))
            await until(lambda: venue.subscribed == sorted(here), 15)  # a cut may show only now
            if protocol is Hyperliquid:
                assert all(whole(venue, one) for one in here.values())
            for one in here.values():
                await one.close()
            await until(lambda: venue.subscribed == [] and venue.used.sockets == 0)

    run(story())


def test_the_text_that_keeps_a_socket_open_is_sent_once_for_all() -> None:
    async def story() -> None:
        async with CountingVenue(Hyperliquid(), names(5)) as venue:
            markets: list[Watched] = []
            for market in venue.markets:
                spec, history = spec_of(venue, market)
                spec = replace(spec, ping=KeepAlive(hyperliquid_wire.PING.text, 0.05))
                markets.append(Watched(market, LiveFeed(history.instrument, spec, history, CALM)))
                markets[-1].reading = asyncio.create_task(markets[-1].read())
            pings: Callable[[], int] = lambda: sum("ping" in message for message in venue.sent)  # noqa: E731
            await until(lambda: pings() >= 4)
            assert len(venue.sent) - pings() == 5, "five subscriptions"
            assert all(one.feed.status.rejected == 0 for one in markets)
            for one in markets:
                await one.close()

    run(story())
