"""Sockets that are open, answer pings and say nothing: only trades prove that a line works."""

from __future__ import annotations

import asyncio
import time

import pytest

from app.market.feed import FeedState
from tests.faults.desk import HASTY, desk, live_venue, run
from tests.venue_emulator import Market


@pytest.mark.parametrize("market", Market)
def test_a_venue_that_answers_pings_and_sends_no_trades_is_not_called_live(market: Market, record_property) -> None:
    """A4: REST has the trades, every socket is deaf for 2 s, new ones too."""

    async def story() -> None:
        async with live_venue(market=market, ping_interval_s=0.05) as venue, desk(venue) as there:
            await there.until(lambda: there.well)
            venue.faults.stall = True
            await there.until(lambda: there.status.state is not FeedState.LIVE)
            since_s, connects = time.monotonic(), there.status.connects
            await asyncio.sleep(2.0)
            assert FeedState.LIVE not in {status.state for at_s, status in there.states if at_s > since_s}
            assert there.status.connects > connects, "it is tried again, in the hope of a better socket"
            venue.faults.stall = False
            await there.caught_up(venue)
            found = there.hold_against(venue)
            record_property("connects in 2 s of silence", there.status.connects - connects)
            for name, value in found.items():
                record_property(name, value)

    run(story())


def test_a_subscription_that_is_lost_with_the_line_is_asked_for_again() -> None:
    """A4: after a reset the next two sockets are opened, acknowledged and deaf."""

    async def story() -> None:
        async with live_venue() as venue, desk(venue) as there:
            await there.until(lambda: there.well)
            venue.faults.silent_subscribe = True
            venue.inject("drop")
            await there.until(lambda: there.status.connects >= 3)
            venue.faults.silent_subscribe = False
            await there.caught_up(venue)
            there.hold_against(venue)

    run(story())


def test_a_market_in_which_nobody_trades_keeps_its_line() -> None:
    """A4: one trade in ten seconds, patience of 0.4 s: the venue is asked, and believed."""

    async def story() -> None:
        async with live_venue(0.1) as venue, desk(venue) as there:
            await venue.emit(5)
            await there.until(lambda: there.status.state is FeedState.LIVE)
            await asyncio.sleep(6 * HASTY.silent_after)
            assert there.status.connects == 1
            assert venue.stats()["rest_requests"]["/api/v3/aggTrades"] >= 3
            await venue.emit(5)
            await there.caught_up(venue)
            there.hold_against(venue)

    run(story())


def test_a_market_that_falls_silent_while_the_line_is_down_is_not_dialled_over_and_over() -> None:
    """A4, A1: a trade happens between two lines, and then none for a while; the next one shows what is missing, and it is filled."""

    async def story() -> None:
        async with live_venue(0.1) as venue, desk(venue) as there:
            await there.until(lambda: any(venue.listeners()))
            await venue.emit(20)
            await there.until(lambda: there.store.n_trades == 20)
            venue.faults.flap = True
            venue.inject("drop")
            await there.until(lambda: there.status.state is not FeedState.LIVE)
            await venue.emit(5)
            venue.faults.flap = False
            await there.until(lambda: there.status.state is FeedState.LIVE)
            connects = there.status.connects
            await asyncio.sleep(5 * HASTY.silent_after)
            assert there.status.connects == connects
            await venue.emit(1)
            await there.caught_up(venue)
            there.hold_against(venue)

    run(story())
