"""A venue that accepts and hangs up: few connects, and all is well as soon as it is."""

from __future__ import annotations

import asyncio

from feeds.network.backoff import Timeouts
from tests.faults.desk import desk, live_venue, run


def test_a_venue_that_accepts_and_hangs_up_is_dialled_less_and_less_often(record_property) -> None:
    """A5: accept, then close, for 2 s, with the patience of real use."""

    async def story() -> None:
        async with live_venue() as venue, desk(venue, Timeouts()) as there:
            await there.until(lambda: there.well)
            venue.faults.flap = True
            venue.inject("close", code=1001)
            await asyncio.sleep(2.0)
            connects = venue.faults.counts["flap"]
            assert 1 <= connects <= 19, "twenty in five minutes, with the previous one"
            venue.faults.flap = False
            await there.caught_up(venue, limit_s=40.0)
            there.hold_against(venue)
            record_property("connects in the first 2 s of flapping", connects)

    run(story())
