"""More trades than can be shown, or a program that stands still: late, said to be late, and all there."""

from __future__ import annotations

import asyncio
import gc
import time

import psutil
import pytest
from structlog.testing import LogCapture

from app.market.feed import FeedState
from feeds.network.backoff import Timeouts
from tests.faults.desk import desk, run
from tests.faults.elsewhere import VenueElsewhere


async def stall(times: int, seconds: float) -> None:
    """Let the whole program stand still, as a window does that paints too long."""
    for _ in range(times):
        time.sleep(seconds)
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("stalls", [0, 4])
def test_bursts_of_fifty_thousand_are_taken_in_whole(stalls: int, logged: LogCapture, record_property) -> None:
    """A10: three bursts of 50,000 trades at once; in the second form the program also stands still four times for half a second."""

    async def story() -> None:
        async with VenueElsewhere(rate=500, history_hours=0.001) as venue, desk(venue, Timeouts()) as there:
            await there.until(lambda: there.well)
            gc.collect()
            before = psutil.Process().memory_info().rss
            begun_s = time.monotonic()
            for _ in range(3):
                await venue.inject("burst", count=50_000)
            await stall(stalls, 0.5)
            newest = (await venue.stats())["last_id"]
            await there.until(lambda: there.store.n_trades >= 150_000)
            await there.until(lambda: there.well and there.store.last_id >= newest)
            seconds = time.monotonic() - begun_s
            found = await there.hold_against_elsewhere(venue)
            assert there.status.connects == 1, "nobody was too slow for the venue"
            gc.collect()
            held_mb = 33 * there.store.n_trades / 2**20
            grown_mb = (psutil.Process().memory_info().rss - before) / 2**20
            record_property("s until all was shown", round(seconds, 2))
            record_property("trades a second", round(150_000 / seconds))
            record_property("MB grown", round(grown_mb))
            record_property("MB of them trades", round(held_mb))
            for name, value in found.items():
                record_property(name, value)

    run(story())


def test_a_consumer_that_is_too_slow_is_called_lagging_and_catches_up(logged: LogCapture, record_property) -> None:
    """A10: for 3 s each trade costs half a millisecond more, at 4,000 trades a second."""

    async def story() -> None:
        async with VenueElsewhere(rate=4000, history_hours=0.001) as venue, desk(venue, Timeouts()) as there:
            await there.until(lambda: there.well)
            apply, slow = there.chart.apply, True

            def slowly(fresh, store) -> None:
                if slow:
                    time.sleep(0.0005 * len(fresh))
                apply(fresh, store)

            there.chart.apply = slowly
            begun_s = time.monotonic()
            await asyncio.sleep(3.0)
            slow = False
            behind_s = (time.time_ns() - there.status.last_trade_ns) / 1e9
            slow_s = time.monotonic() - begun_s
            newest = (await venue.stats())["last_id"]
            caught_up_s = await there.until(lambda: there.well and there.store.last_id >= newest)
            assert FeedState.LAGGING in there.seen(begun_s)
            assert caught_up_s < slow_s, "within twice the time of the jam"
            found = await there.hold_against_elsewhere(venue)
            record_property("s behind at the worst", round(behind_s, 2))
            record_property("s to catch up", round(caught_up_s, 2))
            for name, value in found.items():
                record_property(name, value)

    run(story())
