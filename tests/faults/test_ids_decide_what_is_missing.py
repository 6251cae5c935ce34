"""Trades that come twice, late, in any order or never: what is held depends on their ids alone."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import LogCapture

from app.storage.trade_store import Gap
from tests.app.ingest.pumps import DAY, Archive, Pump
from tests.faults.desk import desk, live_venue, run


def ids_of(holes: tuple[Gap, ...]) -> set[int]:
    return {each for hole in holes for each in range(hole.first_id, hole.last_id + 1)}


def test_repeated_and_late_and_skipped_trades_give_what_the_venue_tells_in_order(logged: LogCapture, record_property) -> None:
    """A7: of all trades 0.3 % twice, 0.6 % up to 20 places late, 0.2 % over REST alone, for 3 s."""

    async def story() -> None:
        async with live_venue(3000) as venue, desk(venue) as there:
            await there.until(lambda: there.well)
            venue.faults.duplicate, venue.faults.reorder, venue.faults.skip = 0.003, 0.006, 0.002
            await asyncio.sleep(3.0)
            counts = dict(venue.faults.counts)
            venue.faults.clear()
            await there.caught_up(venue)
            for name, value in (counts | there.hold_against(venue)).items():
                record_property(name, value)
            assert min(counts["duplicate"], counts["reorder"], counts["skip"]) > 0
            assert there.store.duplicates >= counts["duplicate"]

    run(story())


def test_what_the_venue_has_lost_for_good_is_a_hole_in_the_store_and_on_the_chart(logged: LogCapture, record_property) -> None:
    """A7: 0.5 % of the trades are told by nobody, neither live nor over REST."""

    async def story() -> None:
        async with live_venue(3000) as venue, desk(venue) as there:
            await there.until(lambda: there.well)
            venue.faults.lose = 0.005
            await asyncio.sleep(1.5)
            venue.faults.lose = 0.0
            await there.caught_up(venue, lost=True)
            lost = {each for each in venue.playbacks["BTCUSDT"].lost_ids if each > (there.store.first_id or 0)}
            assert len(lost) > 1
            assert ids_of(there.store.gaps()) == lost
            assert there.chart.holes == there.store.gaps()
            await there.until(lambda: there.ingest.notice == f"{len(lost):,} trade{'s' * (len(lost) > 1)} missing")
            there.hold_against(venue)
            record_property("trades lost by the venue", len(lost))
            record_property("ids in recorded holes", len(lost))

    run(story())


@settings(max_examples=25)
@given(order=st.permutations(range(60)), repeats=st.lists(st.integers(0, 59), max_size=12), cuts=st.lists(st.integers(0, 72), max_size=5))
def test_any_arrival_of_the_same_trades_shows_the_same_chart(order: list[int], repeats: list[int], cuts: list[int]) -> None:
    """A7: any permutation with any repetition in any batches, from the pump to the chart."""
    arrival = np.array([*order, *repeats], np.int64)

    async def story() -> None:
        async with Pump(Archive(DAY)) as pump:
            for part in np.split(arrival, sorted(min(cut, len(arrival)) for cut in cuts)):
                pump.line.say(DAY[part])
            await pump.until(lambda: pump.store.n_trades == 60 and pump.store.duplicates >= len(repeats))
            pump.assert_shows(DAY[:60])

    asyncio.run(story())


@pytest.mark.parametrize("back", [1, 500])
def test_ids_that_step_back_and_come_again_change_nothing(back: int) -> None:
    """A7: a venue that tells the last trades once more, as after a restart from a snapshot of its own."""

    async def story() -> None:
        async with Pump(Archive(DAY)) as pump:
            pump.line.say(DAY[:1000])
            pump.line.say(DAY[1000 - back : 1200])
            await pump.until(lambda: pump.store.last_id == 1200)
            assert pump.store.duplicates == back
            pump.assert_shows(DAY[:1200])

    asyncio.run(story())
