"""Pages of the past that are slow, cut, wrong, empty or no pages at all: what is missing comes in the end, once."""

from __future__ import annotations

import asyncio
from typing import get_args

import pytest
from structlog.testing import LogCapture

from app.market.feed import FeedState
from tests.fault_proxy import Bandwidth, FaultProxy, Latency, LimitData
from tests.faults.desk import desk, live_venue, run
from tests.venue_emulator import GeneratedTape, Market, PageFault, VenueEmulator
from tests.venue_emulator.faults import PageFaultKind


@pytest.mark.parametrize("kind", get_args(PageFaultKind))
@pytest.mark.parametrize("market", Market)
def test_two_spoilt_pages_of_three_delay_the_past_and_the_holes_and_no_more(
    market: Market, kind: PageFaultKind, logged: LogCapture
) -> None:
    """A12: trades are skipped and ten seconds of the past wanted, and pages are spoilt in pairs until both are there."""
    tape = GeneratedTape(3, 500, market=market, history_s=12, history_rate=400)

    async def story() -> None:
        async with VenueEmulator(tape, message_limit=False, connection_limit=None) as venue, desk(venue, history_s=10) as there:
            venue.faults.skip = 0.02
            for _ in range(3):
                venue.faults.page = PageFault(kind, 2)
                await there.until(lambda: venue.faults.page is None)  # the third request was answered well
            venue.faults.skip = 0.0
            await there.until(lambda: there.ingest.past.asked_from_ns == there.chart.wanted.start_ns)
            await there.caught_up(venue)
            there.hold_against(venue)
            assert int(there.store.trades().time_ns[0]) < there.chart.wanted.start_ns + 100_000_000
            assert venue.faults.counts[f"page-{kind}"] == 6

    run(story())


def test_a_past_that_is_slow_and_behind_the_stream_does_not_hold_up_live_trades(logged: LogCapture, record_property) -> None:
    """A12: each answer comes 0.2 s late and knows nothing of the last half second."""

    async def story() -> None:
        async with live_venue() as venue, desk(venue, pauses=0.3) as there:
            await there.until(lambda: there.well)
            venue.faults.rest_delay_s, venue.faults.rest_lag_s, venue.faults.skip = 0.2, 0.5, 0.01
            begun_trades, loop = there.store.n_trades, asyncio.get_running_loop()
            begun_s = loop.time()
            await asyncio.sleep(1.5)
            assert there.status.state is FeedState.LIVE
            came = there.store.n_trades - begun_trades
            assert came > 0.8 * 0.99 * 1000 * (loop.time() - begun_s)
            venue.faults.clear()
            await there.caught_up(venue)
            there.hold_against(venue)
            record_property("live trades in 1.5 s", came)

    run(story())


@pytest.mark.parametrize("toxic", [LimitData(20_000), Latency(0.05, 0.05), Bandwidth(3e6)], ids=lambda toxic: type(toxic).__name__)
def test_a_past_over_a_bad_line_is_whole_in_the_end(toxic, logged: LogCapture) -> None:
    """A12: answers cut after 20,000 bytes, late, or slow, while 2 % of the trades come over REST alone."""

    async def story() -> None:
        async with live_venue() as venue, FaultProxy(venue.port) as rest, desk(venue, rest_url=rest.rest_url) as there:
            await there.until(lambda: there.well)
            rest.down = [toxic]
            venue.faults.skip = 0.02
            await asyncio.sleep(0.7)
            venue.faults.skip = 0.0
            if isinstance(toxic, LimitData):
                await asyncio.sleep(0.1)
                rest.clear()
            await there.caught_up(venue)
            there.hold_against(venue)

    run(story())


def test_a_past_that_never_advances_is_given_up_with_a_message_while_live_goes_on(logged: LogCapture) -> None:
    """A12: whatever is asked for, the answer is the oldest page."""

    async def story() -> None:
        async with live_venue() as venue, desk(venue, pauses=0.2) as there:
            await there.until(lambda: there.well)
            venue.faults.page, venue.faults.skip = PageFault("stuck", None), 0.02
            await there.until(lambda: "keeps sending trades before" in there.ingest.notice)
            asked = len(venue.requests_s)
            await asyncio.sleep(0.5)
            assert len(venue.requests_s) - asked <= 3 * 5, "three tries, then a pause that doubles"
            assert there.status.state is FeedState.LIVE
            venue.faults.clear()
            await there.caught_up(venue)
            there.hold_against(venue)

    run(story())


def test_an_archive_that_falls_far_behind_is_asked_again_when_it_has_caught_up(logged: LogCapture) -> None:
    """A12: REST knows nothing of the last two seconds for as long; the pauses are shorter than in real use by as much."""

    async def story() -> None:
        async with live_venue() as venue, desk(venue) as there:
            await there.until(lambda: there.well)
            venue.faults.rest_lag_s, venue.faults.skip = 2.0, 0.02
            await asyncio.sleep(0.5)
            venue.faults.skip = 0.0
            await asyncio.sleep(0.5)
            venue.faults.clear()
            await there.caught_up(venue, limit_s=4.0)
            there.hold_against(venue)

    run(story())
