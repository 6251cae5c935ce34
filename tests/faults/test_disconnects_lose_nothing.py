"""However often and in whatever way the line breaks, each trade is held once and every figure is that of a fresh build."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import LogCapture

from tests.fault_proxy import FaultProxy, play, random_plan, replayable
from tests.faults.desk import desk, live_venue, run
from tests.venue_emulator import Market
from tests.venue_emulator.injection import recoverable_faults

FAULTS = 25


@pytest.mark.parametrize("market", Market)
def test_resets_closes_and_lost_lines_lose_nothing_and_double_nothing(market: Market, logged: LogCapture, record_property) -> None:
    """A1: RST, TCP end without a close frame, close codes 1000 and 1001, one after the other."""

    async def story() -> None:
        async with live_venue(market=market) as venue, desk(venue) as there:
            await there.until(lambda: there.well)
            cuts = [("drop", {}), ("vanish", {}), ("close", {"code": 1000}), ("close", {"code": 1001})] * 4
            for fault, arguments in cuts:
                venue.inject(fault, **arguments)
                await asyncio.sleep(0.05)
                await there.caught_up(venue)
            found = there.hold_against(venue)
            assert there.status.connects >= len(cuts)
            record_property("disconnects", len(cuts))
            for name, value in found.items():
                record_property(name, value)

    run(story())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_faults_of_venue_and_network_at_once_lose_nothing(seed: int, logged: LogCapture, record_property) -> None:
    """A1, A7, A8, A12: whatever a venue does from which one can recover, while the network behind it fails by itself."""

    plan, faults = random_plan(seed, FAULTS, 2.5, corrupt=False), recoverable_faults(seed)

    async def story() -> None:
        async with (
            live_venue(seed=seed) as venue,
            FaultProxy(venue.port, seed) as ws,
            FaultProxy(venue.port, seed + 100) as rest,
            desk(venue, ws_url=ws.ws_url, rest_url=rest.rest_url) as there,
        ):
            await there.until(lambda: there.well)
            playing = asyncio.create_task(play(ws, plan))
            for _ in range(FAULTS):
                fault, arguments = next(faults)
                venue.inject(fault, **arguments | ({"for_s": 0.2} if "for_s" in arguments else {}))
                await asyncio.sleep(0.1)
            await playing
            venue.faults.clear()
            recovery_s = await there.caught_up(venue)
            found = there.hold_against(venue)
            record_property("faults", 2 * FAULTS)
            record_property("s until whole again", round(recovery_s, 2))
            for name, value in found.items():
                record_property(name, value)

    with replayable(seed, *plan):
        run(story())
