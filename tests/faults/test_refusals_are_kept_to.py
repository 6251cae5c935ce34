"""Where the venue asks us to wait we wait, where it refuses we stop, and in both cases the reason is shown."""

from __future__ import annotations

import asyncio
import re
import time
from itertools import pairwise

import pytest
from structlog.testing import LogCapture

from app.errors import FeedError
from app.market.feed import FeedState
from feeds.venues.binance.live import USDM
from tests.faults.desk import desk, live_venue, run
from tests.venue_emulator import GeneratedTape, Market, Refusal, VenueEmulator

RATE_LIMITED = re.compile(r"rate limited until \d\d:\d\d:\d\d UTC")


def longest_pause_s(times_s: list[float]) -> float:
    return max(after - before for before, after in pairwise(times_s))


@pytest.mark.parametrize("status", [429, 418])
def test_a_refused_handshake_is_tried_again_when_the_venue_said_and_not_before(status: int, record_property) -> None:
    """A6: a reset, and Retry-After: 1 for the handshake that follows."""

    async def story() -> None:
        async with live_venue() as venue, desk(venue) as there:
            await there.until(lambda: there.well)
            venue.faults.handshake = Refusal(status, retry_after_s=1, times=1)
            venue.inject("drop")
            await there.until(lambda: RATE_LIMITED.search(there.status.reason))
            assert there.status.state is FeedState.DISCONNECTED
            assert there.status.retry_at_s == pytest.approx(time.time() + 1.0, abs=0.2)
            await there.caught_up(venue)
            _, refused_s, served_s = venue.handshakes_s
            assert 1.0 <= served_s - refused_s <= 1.1 + 0.2, "to a tenth, and what a busy machine needs"
            there.hold_against(venue)
            record_property(f"s waited after {status}, Retry-After 1", round(served_s - refused_s, 2))

    run(story())


@pytest.mark.parametrize(("status", "why"), [(403, "forbids access from here"), (451, "does not serve this country")])
def test_a_venue_that_forbids_us_is_dialled_once_and_the_reason_stays_on_the_screen(status: int, why: str, logged: LogCapture) -> None:
    """A6: the handshake after a reset is answered with 403 or 451; what is held stays."""

    async def story() -> None:
        async with live_venue() as venue, desk(venue, ends=True) as there:
            await there.until(lambda: there.well)
            venue.faults.handshake = Refusal(status)
            venue.inject("drop")
            await there.until(lambda: there.status.state is FeedState.STOPPED)
            await asyncio.sleep(0.2)
            assert why in there.status.reason
            assert len(venue.handshakes_s) == 2
            there.hold_against(venue)

    run(story())


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_venue_in_trouble_is_tried_until_it_is_over_and_nothing_is_lost(status: int) -> None:
    """A6: four handshakes in a row answered with 5xx."""

    async def story() -> None:
        async with live_venue() as venue, desk(venue) as there:
            await there.until(lambda: there.well)
            venue.faults.handshake = Refusal(status, times=4)
            venue.inject("drop")
            await there.until(lambda: f"HTTP {status}" in there.status.reason)
            await there.caught_up(venue)
            assert len(venue.handshakes_s) == 6
            there.hold_against(venue)

    run(story())


@pytest.mark.parametrize("status", [429, 418])
def test_nothing_is_asked_of_rest_while_it_wants_to_be_left_alone(status: int, logged: LogCapture, record_property) -> None:
    """A6: trades are skipped, and the first request for them is answered with Retry-After: 1."""

    async def story() -> None:
        async with live_venue() as venue, desk(venue, pauses=1.0) as there:
            await there.until(lambda: there.well)
            venue.faults.rest = Refusal(status, retry_after_s=1, times=1)
            venue.faults.skip = 0.02
            await there.until(lambda: RATE_LIMITED.search(there.ingest.notice))
            refused_s = venue.requests_s[-1]
            assert there.status.state is FeedState.LIVE, "live trades go on"
            await there.until(lambda: venue.requests_s[-1] > refused_s)
            waited_s = venue.requests_s[-1] - refused_s
            assert 1.0 <= waited_s <= 1.1 + 0.2
            venue.faults.clear()
            await there.caught_up(venue)
            there.hold_against(venue)
            record_property(f"s REST was left alone after {status}, Retry-After 1", round(waited_s, 2))

    run(story())


@pytest.mark.parametrize("status", [403, 451])
def test_a_past_that_is_forbidden_is_not_asked_for_again_and_live_trades_go_on(status: int, logged: LogCapture) -> None:
    """A6: REST is forbidden, sockets are not: holes stay, are said, and are drawn."""

    async def story() -> None:
        async with live_venue() as venue, desk(venue) as there:
            await there.until(lambda: there.well)
            venue.faults.rest = Refusal(status)
            venue.faults.skip = 0.02
            await there.until(lambda: "HTTP" in there.ingest.notice)
            asked = len(venue.requests_s)
            await asyncio.sleep(0.3)
            assert len(venue.requests_s) == asked
            assert there.status.state is FeedState.LIVE and there.store.missing > 0
            assert there.chart.holes == there.store.gaps() != ()

    run(story())


@pytest.mark.parametrize("status", [500, 503])
def test_a_past_in_trouble_is_asked_for_until_it_comes(status: int, logged: LogCapture) -> None:
    """A6: five requests answered with 5xx while trades are skipped."""

    async def story() -> None:
        async with live_venue() as venue, desk(venue) as there:
            await there.until(lambda: there.well)
            venue.faults.rest = Refusal(status, times=5)
            venue.faults.skip = 0.02
            await there.until(lambda: there.store.missing)
            await asyncio.sleep(0.2)
            venue.faults.skip = 0.0
            await there.caught_up(venue)
            there.hold_against(venue)

    run(story())


def test_half_of_the_weight_that_the_venue_allows_is_never_exceeded(record_property) -> None:
    """A6: 200,000 trades of the past are wanted, 60 pages a minute are our half on futures."""
    tape = GeneratedTape(5, 100, market=Market.USDM, history_s=1000, history_rate=200)

    async def story() -> None:
        venue = VenueEmulator(tape, message_limit=False, connection_limit=None)
        async with venue, desk(venue, history_s=990, weight_limit=USDM.weight_limit) as there:
            most, unchanged_since_s, end_s = 0, time.monotonic(), time.monotonic() + 40.0
            while (not most or time.monotonic() - unchanged_since_s < 2.0) and time.monotonic() < end_s:
                if (used := venue.stats()["weight_used"]) > most:
                    most, unchanged_since_s = used, time.monotonic()
                await asyncio.sleep(0.01)
            assert 0.4 * USDM.weight_limit < most <= USDM.weight_limit / 2
            assert there.status.state is FeedState.LIVE and "429" not in str(venue.stats()["faults"])
            record_property("weight used of 2,400 in the busiest minute", most)

    run(story())


def test_a_refusal_says_who_refuses_and_until_when() -> None:
    """A6: the words of each error that a refusal becomes."""

    async def story() -> None:
        async with live_venue() as venue, desk(venue) as there:
            await there.until(lambda: there.well)
            said = []
            for status in (429, 418, 403, 451, 503):
                venue.faults.rest = Refusal(status, retry_after_s=0, times=1)
                with pytest.raises(FeedError) as caught:
                    await there.history.recent()
                said.append(caught.value.user_message)
            host = venue.rest_url.removeprefix("http://")
            assert all(text.startswith(host) and "\n" not in text for text in said)
            assert [bool(RATE_LIMITED.search(text)) for text in said] == [True, True, False, False, False]

    run(story())
