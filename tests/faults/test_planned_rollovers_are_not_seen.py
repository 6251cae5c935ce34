"""When the venue announces that it closes a line, or the line grows old, the next one delivers before the first ends."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from structlog.testing import LogCapture

from app.market.feed import FeedState
from tests.faults.desk import HASTY, Desk, desk, live_venue, run
from tests.venue_emulator import Refusal, VenueEmulator

CALM = replace(HASTY, silent_after=2.0)


async def most_sockets(venue: VenueEmulator, seconds: float) -> int:
    """The most sockets that were open at once during some seconds."""
    most, loop = 0, asyncio.get_running_loop()
    end_s = loop.time() + seconds
    while loop.time() < end_s:
        most = max(most, sum(1 for _ in venue.listeners()))
        await asyncio.sleep(0.003)
    return most


def words(there: Desk) -> list[str]:
    return [status.state.value for _, status in there.states]


def test_an_announced_shutdown_is_over_before_anybody_could_see_it(record_property) -> None:
    """A2: serverShutdown three times, the venue closing half a second later each time."""

    async def story() -> None:
        async with live_venue() as venue, desk(venue, CALM) as there:
            await there.until(lambda: there.well)
            since_s = time.monotonic()
            for number in range(3):
                venue.inject("shutdown", after_s=0.5)
                assert await most_sockets(venue, 0.7) == 2, "the second is open before the first is closed"
                assert there.status.connects == number + 2
            await there.caught_up(venue)
            assert there.seen(since_s) == {FeedState.LIVE}, words(there)
            record_property("shutdowns", 3)
            for name, value in there.hold_against(venue).items():
                record_property(name, value)

    run(story())


def test_a_line_is_replaced_before_the_venues_24_hours_are_over(record_property) -> None:
    """A2: lines that count as old after 0.3 s, for 2 s."""

    async def story() -> None:
        async with live_venue() as venue, desk(venue, replace(CALM, renew_after=0.3)) as there:
            await there.until(lambda: there.well)
            since_s = time.monotonic()
            assert await most_sockets(venue, 2.0) == 2
            assert 3 <= there.status.connects <= 8
            await there.caught_up(venue)
            assert there.seen(since_s) == {FeedState.LIVE}, words(there)
            record_property("renewals", there.status.connects - 1)
            for name, value in there.hold_against(venue).items():
                record_property(name, value)

    run(story())


def test_a_shutdown_at_which_no_second_line_is_granted_costs_a_moment_and_no_trade(logged: LogCapture) -> None:
    """A2, A6: the second handshake is answered with 429 and the first line is closed all the same."""

    async def story() -> None:
        async with live_venue() as venue, desk(venue, CALM) as there:
            await there.until(lambda: there.well)
            venue.faults.handshake = Refusal(429, retry_after_s=1, times=1)
            venue.inject("shutdown", after_s=0.3)
            await there.until(lambda: there.status.state is not FeedState.LIVE)
            await there.caught_up(venue)
            there.hold_against(venue)
            *_, refused_s, served_s = venue.handshakes_s
            assert 1.0 <= served_s - refused_s < 2.0, "the wait holds although the first line is gone"

    run(story())
    assert [entry["event"] for entry in logged.entries if entry["log_level"] == "warning"] == ["connection not renewed"]
