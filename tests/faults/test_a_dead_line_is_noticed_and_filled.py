"""A line on which nothing comes any more and nobody says so: shown, replaced, and what was missed filled in."""

from __future__ import annotations

import asyncio
import sys
import time

import pytest
from structlog.testing import LogCapture

from app.market.feed import FeedState
from feeds.network.backoff import Timeouts
from tests.fault_proxy import BlackHole, FaultProxy
from tests.faults.desk import HASTY, Desk, desk, live_venue, run
from tests.faults.elsewhere import VenueElsewhere
from tests.venue_emulator import VenueEmulator


async def hole(there: Desk, venue: VenueEmulator, proxies: list[FaultProxy], seconds: float) -> float:
    """The network is gone for some seconds; how many it then takes until all is filled and live."""
    for proxy in proxies:
        proxy.down = proxy.up = [BlackHole()]
    await asyncio.sleep(seconds)
    assert there.status.state is not FeedState.LIVE
    for proxy in proxies:
        proxy.clear()
    return await there.caught_up(venue)


def test_a_half_open_line_of_a_busy_market_is_stale_in_3_s_and_replaced_in_12(record_property) -> None:
    """A3: the black hole swallows one socket; the patience is that of real use."""

    async def story() -> None:
        async with live_venue(200) as venue, FaultProxy(venue.port) as ws, desk(venue, Timeouts(), ws_url=ws.ws_url) as there:
            await there.until(lambda: there.well and there.status.trades > 500)  # and it is known how busy
            ws.down = ws.up = [BlackHole()]
            await asyncio.sleep(0.1)
            last_s = time.monotonic() - (time.time_ns() - there.status.received_at_ns) / 1e9
            await there.until(lambda: there.status.state is FeedState.STALE)
            stale_s = time.monotonic() - last_s
            await there.until(lambda: there.status.connects == 2)
            ws.clear()  # it was that one socket alone
            await there.caught_up(venue)
            whole_s = time.monotonic() - last_s
            assert stale_s <= 3.0 and whole_s <= 12.0
            there.hold_against(venue)
            record_property("s until STALE is shown", round(stale_s, 2))
            record_property("s until live and filled", round(whole_s, 2))

    run(story())


@pytest.mark.parametrize("seconds", [0.8, 2.5])
def test_what_a_black_hole_held_back_is_there_2_s_after_the_network_is(seconds: float, logged: LogCapture, record_property) -> None:
    """A3: sockets and REST in one hole, several attempts to connect in it; patience twenty times as short as in real use."""

    async def story() -> None:
        async with (
            live_venue() as venue,
            FaultProxy(venue.port) as ws,
            FaultProxy(venue.port) as rest,
            desk(venue, HASTY, ws_url=ws.ws_url, rest_url=rest.rest_url) as there,
        ):
            await there.until(lambda: there.well)
            filled_s = await hole(there, venue, [ws, rest], seconds)
            assert filled_s <= 2.0
            there.hold_against(venue)
            record_property("s of the hole", seconds)
            record_property("s until filled", round(filled_s, 2))

    run(story())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot stop a process and let it go on")
def test_a_venue_that_hangs_and_goes_on_loses_nothing(logged: LogCapture, record_property) -> None:
    """A3: SIGSTOP of the venue's process for 1.5 s, three times."""

    async def story() -> None:
        async with VenueElsewhere(rate=1000, history_hours=0.001) as venue, desk(venue) as there:
            await there.until(lambda: there.well)
            for _ in range(3):
                venue.hang(True)
                await asyncio.sleep(1.5)
                assert there.status.state is not FeedState.LIVE
                venue.hang(False)
                recovery_s = await there.until(lambda: there.well)
                assert recovery_s <= 2.0
            found = await there.hold_against_elsewhere(venue)
            record_property("s until live and filled", round(recovery_s, 2))
            for name, value in found.items():
                record_property(name, value)

    run(story())
