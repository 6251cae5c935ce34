"""The live feed of any venue, against a venue whose words are as simple as can be: `time price id`."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from dataclasses import replace
from decimal import Decimal

import pytest
from structlog.testing import LogCapture

from app.errors import FeedError, VenueRefusedError, VenueUnreachableError
from app.market.feed import FeedState
from app.market.instrument import Instrument
from app.market.span import Span
from app.market.trade import BUY, TradeBatch, concatenate
from feeds.network.websocket_session import Subscription
from feeds.venues.decoder import OddTrades
from feeds.venues.live_feed import LiveFeed, StreamSpec
from tests.feeds.lines import QUICK, Line, run, until, venue

UNNUMBERED = Instrument("plain", "X", Decimal(1), Decimal(1), numbered=False)
CALM = replace(QUICK, silent_after=9.0, answer_within=0.3)


def trades(*times: int) -> TradeBatch:
    """Trades at these times, each with an id of its own."""
    return TradeBatch.of(times, [7] * len(times), [1] * len(times), [BUY] * len(times), [10_000 - time for time in times])


class PlainDecoder:
    """Each frame holds the times of trades, or a word."""

    def __init__(self) -> None:
        self.odd = OddTrades()
        self.ignored = self.empty = 0
        self.shutdown = False

    def decode(self, frames: list[bytes]) -> TradeBatch:
        words = [frame for frame in frames if not frame[:1].isdigit()]
        self.ignored += len(words)
        self.shutdown = self.shutdown or b"closing" in words
        return concatenate(trades(*map(int, frame.split())) for frame in frames if frame[:1].isdigit())


class Newest:
    """The venue's page of newest trades."""

    def __init__(self, *pages: TradeBatch | FeedError) -> None:
        self.pages = list(pages)
        self.asked = 0

    async def recent(self) -> TradeBatch:
        self.asked += 1
        page = self.pages.pop(0) if self.pages else TradeBatch.empty()
        if isinstance(page, FeedError):
            raise page
        return page

    async def aclose(self) -> None:
        """Nothing to close."""


GREETING = Subscription(("subscribe",), lambda frame: frame == b"yes", 1.0)


async def heard_from(feed: LiveFeed, enough: int) -> list[int]:
    """The times of the first trades that a feed tells."""
    times: list[int] = []
    async with aclosing(feed.batches()) as batches:
        async for batch in batches:
            times += batch.time_ns.tolist()
            if len(times) >= enough:
                break
    return times


def breaking(first: str, second: str):
    """A venue that tells one thing on its first line and, after that broke, another on the second."""

    async def talk(line: Line) -> None:
        await line.tell("yes", first if line.number == 1 else second)
        if line.number == 1:
            await asyncio.sleep(0.05)
            line.reset()
        await line.stay()

    return talk


def after_a_break(newest: Newest, first: str, second: str, enough: int) -> tuple[list[int], LiveFeed]:
    told: list[int] = []
    feeds: list[LiveFeed] = []

    async def story() -> None:
        async with venue(breaking(first, second)) as there:
            feeds.append(LiveFeed(UNNUMBERED, StreamSpec(there.url, PlainDecoder(), GREETING), newest, CALM))
            told.extend(await heard_from(feeds[0], enough))

    run(story())
    return told, feeds[0]


def test_newest_trades_fill_a_break_before_the_stream_continues() -> None:
    """A1: trades without numbers."""
    newest = Newest(trades(1, 2, 3, 4, 5))
    told, feed = after_a_break(newest, "1 2", "5 6", 6)
    assert told == [1, 2, 3, 4, 5, 6]
    assert feed.status.gaps == () and newest.asked == 1


def test_page_that_does_not_reach_back_leaves_a_gap() -> None:
    """A7: trades without numbers, a break longer than what the venue still tells."""
    told, feed = after_a_break(Newest(trades(40, 50)), "1 2", "50 60", 5)
    assert told == [1, 2, 40, 50, 60]
    assert feed.status.gaps == (Span(2, 40),)


def test_stream_that_starts_with_old_trades_bridges_a_break() -> None:
    told, feed = after_a_break(Newest(trades(40, 50)), "1 2", "2 20 40 50 60", 6)
    assert sorted(told) == [1, 2, 20, 40, 50, 60] and feed.status.gaps == ()


def test_break_is_judged_after_the_retold_trades() -> None:
    async def talk(line: Line) -> None:
        await line.tell("yes")
        await asyncio.sleep(0.05)  # the answer is read by itself
        await line.tell("1 2" if line.number == 1 else "2 20 40 50")
        await asyncio.sleep(0.05)
        if line.number == 1:
            line.reset()
        await line.stay()

    async def story() -> None:
        async with venue(talk) as there:
            newest = Newest(trades(40, 50))
            feed = LiveFeed(UNNUMBERED, StreamSpec(there.url, PlainDecoder(), GREETING, retells=True), newest, CALM)
            assert sorted(await heard_from(feed, 5)) == [1, 2, 20, 40, 50]
            assert feed.status.gaps == () and newest.asked == 0, "the line itself reaches back to what was known"

    run(story())


@pytest.mark.parametrize(("retells", "state"), [(True, FeedState.LIVE), (False, FeedState.LAGGING)])
def test_trades_before_a_connection_are_not_late(retells: bool, state: FeedState) -> None:
    """A14: a venue that begins with old trades."""
    second_ns = 10**9

    async def talk(line: Line) -> None:
        await line.tell("yes", 100 * second_ns if line.number == 1 else 101 * second_ns)
        await asyncio.sleep(0.05)
        if line.number == 1:
            line.reset()
        await line.stay()

    async def story() -> None:
        async with venue(talk) as there:
            clock = iter([200 * second_ns, 211 * second_ns])  # the second trade is ten seconds old when the new line tells it
            numbered = replace(UNNUMBERED, numbered=True)
            wire = StreamSpec(there.url, PlainDecoder(), GREETING, retells=retells)
            feed = LiveFeed(numbered, wire, Newest(), CALM, monotonic_ns=lambda: next(clock))
            states = []
            async with aclosing(feed.batches()) as batches:
                async for _ in batches:
                    states.append(feed.status.state)
                    if len(states) == 2:
                        break
            assert states == [FeedState.LIVE, state]

    run(story())


@pytest.mark.parametrize("retells", [True, False])
def test_only_batches_of_new_trades_have_arrivals(retells: bool) -> None:
    """Without consecutive ids: a page of the newest trades, or a stream that repeats them, was not received as they happened."""

    async def talk(line: Line) -> None:
        await line.tell("yes", "1 2" if line.number == 1 else "2 3")
        await asyncio.sleep(0.05)
        if line.number == 1:
            line.reset()
        await line.tell("50 51", "52")
        await line.stay()

    async def story() -> None:
        async with venue(talk) as there:
            wire = StreamSpec(there.url, PlainDecoder(), GREETING, retells=retells)
            feed = LiveFeed(UNNUMBERED, wire, Newest(trades(1, 2, 3)), CALM)
            found: dict[int, int] = {}
            async with aclosing(feed.batches()) as batches:
                async for batch in batches:
                    assert all(time.monotonic() - 5 < at_s <= time.monotonic() for at_s in feed.arrived_s)
                    found |= dict.fromkeys(batch.time_ns.tolist(), len(feed.arrived_s))
                    if 52 in found:
                        break
            assert (found[1] > 0) is not retells, "the first line of a venue that repeats begins with old trades"
            assert found[3] == 0 and found[52] > 0

    run(story())


def test_page_older_than_the_break_proves_there_is_no_gap() -> None:
    told, feed = after_a_break(Newest(trades(0, 40)), "1 2", "60", 5)
    assert told == [1, 2, 0, 40, 60] and feed.status.gaps == ()


def test_gap_without_a_page_ends_at_the_next_trade(logged: LogCapture) -> None:
    """A7, A12: trades without numbers, and REST does not answer."""
    failing = Newest(VenueUnreachableError("down"), VenueUnreachableError("still down"))
    told, feed = after_a_break(failing, "1 2", "60", 3)
    assert told == [1, 2, 60]
    assert feed.status.gaps == (Span(2, 60),)
    assert [entry["event"] for entry in logged.entries if entry["log_level"] == "warning"] == [
        "trades missed during a disconnect were not loaded"
    ]


def test_page_of_the_second_request_fills_the_break() -> None:
    told, feed = after_a_break(Newest(VenueUnreachableError("down"), trades(2, 3)), "1 2", "60", 4)
    assert told == [1, 2, 3, 60] and feed.status.gaps == ()


def test_late_page_is_not_waited_for(logged: LogCapture) -> None:
    """A12: trades without numbers, REST slow."""

    class Slow(Newest):
        async def recent(self) -> TradeBatch:
            await asyncio.sleep(60)
            return TradeBatch.empty()

    told, feed = after_a_break(Slow(), "1 2", "60", 3)
    assert told == [1, 2, 60] and feed.status.gaps == (Span(2, 60),)


def test_first_connection_requests_no_page() -> None:
    newest = Newest(trades(1))

    async def talk(line: Line) -> None:
        await line.tell("yes", "5 6")
        await line.stay()

    async def story() -> None:
        async with venue(talk) as there:
            feed = LiveFeed(UNNUMBERED, StreamSpec(there.url, PlainDecoder(), GREETING), newest, CALM)
            assert await heard_from(feed, 2) == [5, 6]
            assert newest.asked == 0

    run(story())


def test_trades_that_a_stream_repeats_come_once() -> None:
    """A7: trades without numbers, told again."""

    async def talk(line: Line) -> None:
        await line.tell("yes", "5 6 6", "6 5", "7")
        await line.stay()

    async def story() -> None:
        async with venue(talk) as there:
            feed = LiveFeed(UNNUMBERED, StreamSpec(there.url, PlainDecoder(), GREETING), Newest(), CALM)
            assert await heard_from(feed, 3) == [5, 6, 7]

    run(story())


def test_repeated_trades_of_a_numbered_market_pass_through() -> None:
    async def talk(line: Line) -> None:
        await line.tell("5 6 6")
        await line.stay()

    async def story() -> None:
        async with venue(talk) as there:
            feed = LiveFeed(replace(UNNUMBERED, numbered=True), StreamSpec(there.url, PlainDecoder()), Newest(), CALM)
            assert await heard_from(feed, 3) == [5, 6, 6]

    run(story())


@pytest.mark.parametrize("numbered", [True, False])
def test_market_without_trades_since_subscribing_is_quiet(numbered: bool) -> None:
    """A4: older trades are no sign of a deaf line."""

    async def talk(line: Line) -> None:
        await line.tell("yes")
        await line.stay()

    async def story() -> None:
        newest = Newest(*[trades(5)] * 1000)
        async with venue(talk) as there:
            instrument = replace(UNNUMBERED, numbered=numbered)
            feed = LiveFeed(instrument, StreamSpec(there.url, PlainDecoder(), GREETING), newest, replace(QUICK, answer_within=5.0))
            reading = asyncio.create_task(heard_from(feed, 1))
            await until(lambda: newest.asked > 3)
            assert feed.status.state in (FeedState.LIVE, FeedState.STALE) and feed.status.connects == 1
            traded = trades(6 if not numbered else 4)  # the ids of these trades fall as time goes on
            newest.pages = [traded] * 1000
            await until(lambda: feed.status.connects > 1)
            reading.cancel()
            await asyncio.wait([reading])

    run(story())


def test_refused_subscription_ends_the_feed_with_the_venues_words(logged: LogCapture) -> None:
    def refused(frame: bytes) -> bool:
        raise VenueRefusedError(f"plain: {frame.decode()}")

    async def talk(line: Line) -> None:
        await line.tell("no symbol X here")
        await line.stay()

    async def story() -> None:
        async with venue(talk) as there:
            feed = LiveFeed(UNNUMBERED, StreamSpec(there.url, PlainDecoder(), Subscription(("subscribe",), refused)), Newest(), CALM)
            assert await heard_from(feed, 1) == []
            assert (feed.status.state, feed.status.reason) == (FeedState.STOPPED, "plain: no symbol X here")

    run(story())


def test_last_messages_of_a_broken_connection_count_before_it() -> None:
    told: list[int] = []

    async def talk(line: Line) -> None:
        if line.number == 1:
            await line.tell("yes", "1")
            await asyncio.sleep(0.05)
            await line.tell("2", "3")  # while nobody reads
            await asyncio.sleep(0.02)
            line.reset()
        await line.tell("yes", "60")
        await line.stay()

    async def story() -> None:
        async with venue(talk) as there:
            feed = LiveFeed(UNNUMBERED, StreamSpec(there.url, PlainDecoder(), GREETING), Newest(trades(50, 60)), CALM)
            async with aclosing(feed.batches()) as batches:
                async for batch in batches:
                    told.extend(batch.time_ns.tolist())
                    if told == [1]:
                        await until(lambda: feed.status.connects == 2)
                        await asyncio.sleep(0.1)
                    if len(told) >= 5:
                        break
            assert feed.status.gaps == (Span(3, 50),)

    run(story())
    assert told == [1, 2, 3, 50, 60]


def test_trades_before_the_confirmation_do_not_hide_the_break() -> None:
    async def talk(line: Line) -> None:
        if line.number == 1:
            await line.tell("yes", "1 2")
            await asyncio.sleep(0.05)
            line.reset()
        await line.tell("60")
        await asyncio.sleep(0.05)
        await line.tell("yes", "61")
        await line.stay()

    async def story() -> None:
        async with venue(talk) as there:
            feed = LiveFeed(UNNUMBERED, StreamSpec(there.url, PlainDecoder(), GREETING), Newest(trades(50, 60)), CALM)
            assert await heard_from(feed, 5) == [1, 2, 50, 60, 61]
            assert feed.status.gaps == (Span(2, 50),)

    run(story())
