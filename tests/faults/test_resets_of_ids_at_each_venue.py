"""D10: trades around a restart of ids that nobody recorded are fetched by time, and stay owed at a venue that cannot be asked so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from app.chart.chart import Chart
from app.errors import DecodeError
from app.ingest import history_loader
from app.ingest.ingest import Ingest
from app.ingest.store_backfill import fill_gaps, fill_owed, store_gaps
from app.market.coverage import Source
from app.market.feed import TimedHistory, TradeHistory
from app.market.span import Span
from app.market.trade import TradeBatch, concatenate
from app.storage.disk import DiskStore
from app.storage.epochs import raw_ids
from app.storage.recorder import Recorder
from app.storage.tape_writer import TapeWriter
from app.storage.trade_store import TradeStore
from tests.app.chart.test_chart import spec
from tests.app.ingest.pumps import Line
from tests.faults.desk import run
from tests.faults.resetting_venues import BEGAN_NS, INSTRUMENTS, ResettingVenue, market
from tests.sameness import same

TIMED = ["okx", "kraken"]
ALL = Span(0, 1 << 62)


@asynccontextmanager
async def recorded(folder: Path, venue: ResettingVenue, *places: slice) -> AsyncIterator[tuple[TapeWriter, TradeHistory]]:
    """A store with some of the venue's trades, as a feed has brought them, and the venue's history."""
    store = DiskStore(folder)
    writer = TapeWriter(store, INSTRUMENTS[venue.name])
    for place in places:
        writer.insert(venue.trades[place], Source.LIVE)
    async with venue.history() as history:
        yield writer, history
    writer.close()
    store.close()


def stored(writer: TapeWriter) -> TradeBatch:
    found = writer.tape.trades(ALL)
    return TradeBatch.of(*found.columns[:4], raw_ids(found.trade_id))


async def fill(writer: TapeWriter, history: TradeHistory) -> None:
    for row in reversed(writer.owed):
        await fill_owed(writer, history, row, tries=1)


@pytest.mark.parametrize("resets", [(1,), (1_000, 1)], ids=["once", "twice"])
@pytest.mark.parametrize("name", TIMED)
def test_trades_around_a_reset_that_nobody_recorded_are_fetched(name: str, resets: tuple[int, ...], tmp_path: Path) -> None:
    venue = ResettingVenue(name, market(1, (2_500, 3_700_000), *((2_500, first_id) for first_id in resets)))

    async def story() -> None:
        async with recorded(tmp_path, venue, slice(0, 700), slice(len(venue.trades) - 300, None)) as (writer, history):
            assert [row.reason.value for row in writer.owed] == ["ids start again"]
            await fill(writer, history)
            assert not writer.owed and same(stored(writer), venue.trades)

    run(story())


@pytest.mark.parametrize("name", TIMED)
def test_a_gap_of_before_a_reset_is_fetched_by_its_time(name: str, tmp_path: Path) -> None:
    venue = ResettingVenue(name, market(2, (3_000, 3_700_000), (2_500, 1)))

    async def story() -> None:
        async with recorded(tmp_path, venue, slice(0, 800), slice(2_200, 3_000), slice(3_000, 5_500)) as (writer, history):
            await fill(writer, history)
            assert not writer.owed and same(stored(writer), venue.trades)

    run(story())


@pytest.mark.parametrize("kept", [slice(0), slice(5_200, None)], ids=["empty store", "since the reset"])
@pytest.mark.parametrize("name", TIMED)
def test_a_backfill_over_a_reset_has_the_trades_before_it(name: str, kept: slice, tmp_path: Path) -> None:
    """Nothing on disk says that ids have started again."""
    venue = ResettingVenue(name, market(3, (3_000, 3_700_000), (2_500, 1)))
    span = Span(BEGAN_NS, int(venue.trades.time_ns[-1]) + 1)

    async def story() -> None:
        async with recorded(tmp_path, venue, kept) as (writer, history):
            await fill_gaps(writer, history, span, wall_ns=lambda: span.end_ns + 60 * 10**9)
            assert same(stored(writer), venue.trades) and store_gaps(writer, span) == []
            asked = len(venue.asked)
            await fill_gaps(writer, history, span, wall_ns=lambda: span.end_ns + 60 * 10**9)
            assert len(venue.asked) == asked

    run(story())


@pytest.mark.parametrize("name", TIMED)
def test_a_reset_whose_end_the_venue_does_not_serve_yet_stays_owed(name: str, tmp_path: Path) -> None:
    venue = ResettingVenue(name, market(4, (1_500, 3_700_000), (1_500, 1)))
    venue.until = 2_000

    async def story() -> None:
        async with recorded(tmp_path, venue, slice(0, 100), slice(2_900, None)) as (writer, history):
            await fill(writer, history)
            assert writer.owed and len(stored(writer)) == 2_100
            venue.until = 3_000
            await fill(writer, history)
            assert not writer.owed and same(stored(writer), venue.trades)

    run(story())


def test_coinbase_trades_of_before_a_reset_stay_owed(tmp_path: Path) -> None:
    """Coinbase pages by id alone: it has the ids since the reset, and the last trades before it are told as owed."""
    venue = ResettingVenue("coinbase", market(5, (2_500, 3_700_000), (2_500, 1)))
    times = venue.trades.time_ns

    async def story() -> None:
        async with recorded(tmp_path, venue, slice(0, 700), slice(4_700, None)) as (writer, history):
            assert not isinstance(history, TimedHistory)
            for _ in range(2):
                await fill(writer, history)
                assert same(stored(writer), venue.trades[np.r_[0:700, 2_500:5_000]])
                (row,) = writer.owed
                assert row.reason.value == "ids start again"
                assert row.left(writer.intervals, writer.settled) == [Span(int(times[699]) + 1, int(times[2_500]))]

    run(story())


def test_a_reset_after_the_newest_stored_trade_stays_owed_at_coinbase(tmp_path: Path) -> None:
    """No trade since is recorded: the first one that comes does not follow the stored ones by id."""
    venue = ResettingVenue("coinbase", market(11, (2_500, 3_700_000), (2_500, 1)))
    times = venue.trades.time_ns
    span = Span(BEGAN_NS, int(times[-1]) + 1)

    async def story() -> None:
        async with recorded(tmp_path, venue, slice(0, 700)) as (writer, history):
            await fill_gaps(writer, history, span, wall_ns=lambda: span.end_ns + 60 * 10**9)
            assert same(stored(writer), venue.trades[np.r_[0:700, 2_500:5_000]])
            assert Span(int(times[699]) + 1, int(times[2_500])) in [row.span for row in writer.owed]
            assert not [one for one in writer.settled.times() if one.intersection(Span(int(times[699]) + 1, int(times[2_500])))]

    run(story())


@pytest.mark.parametrize("kept", [slice(0, 2_000), slice(800, 2_500)], ids=["after it", "before it"])
def test_coinbase_is_not_asked_by_id_for_trades_of_before_a_reset(kept: slice, tmp_path: Path) -> None:
    """It has other trades under these ids; once they were fetched, and the time counted as complete."""
    venue = ResettingVenue("coinbase", market(6, (2_500, 3_700), (6_000, 1)))
    before = Span(BEGAN_NS, int(venue.trades.time_ns[2_499]) + 1)

    async def story() -> None:
        async with recorded(tmp_path, venue, kept, slice(2_500, None)) as (writer, history):
            await fill_gaps(writer, history, before, wall_ns=lambda: int(venue.trades.time_ns[-1]) + 60 * 10**9)
            assert store_gaps(writer, before) and venue.asked == []
            assert same(stored(writer), venue.trades[np.r_[kept, 2_500:8_500]])

    run(story())


@pytest.mark.parametrize("name", [*TIMED, "coinbase"])
@pytest.mark.parametrize("kept", [700, 0], ids=["some before the reset are stored", "empty store"])
def test_a_chart_over_a_reset_shows_what_the_venue_can_serve(name: str, kept: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """History is requested down to an id since the reset, of a time before it."""
    monkeypatch.setattr(history_loader, "_PATIENCE_S", 0.02)
    monkeypatch.setattr(history_loader, "_LOOK_EVERY_S", 0.02)
    venue = ResettingVenue(name, market(7, (2_500, 3_700_000), (2_500, 1)))
    trades, now_ns = venue.trades, int(venue.trades.time_ns[-1]) + 1
    line, store, chart = Line(), TradeStore(), Chart(spec())
    line.instrument = INSTRUMENTS[name]

    async def story() -> None:
        async with recorded(tmp_path, venue, slice(0, kept)) as (writer, history):
            recorder = Recorder(writer, store.batches, wall_ns=lambda: now_ns)
            ingest = Ingest(
                line, history, store, [chart], history_ns=2 * 3_600 * 10**9, tape=writer.tape, recorder=recorder, wall_ns=lambda: now_ns
            )
            running = asyncio.create_task(ingest.run())
            line.say(trades[4_900:])
            async with asyncio.timeout(40):
                while ingest.past.asked_from_ns > chart.wanted.start_ns or store.missing or recorder._n_queued:
                    await asyncio.sleep(0.005)
                while name in TIMED and writer.owed:  # the time between the last trade and the next part of the range
                    await asyncio.sleep(0.005)
            expected = trades if name in TIMED else trades[np.r_[0:kept, 2_500:5_000]]
            found = store.trades()
            assert same(TradeBatch.of(*found.columns[:4], raw_ids(found.trade_id)), expected)
            if kept:  # then the store knows that ids have started again
                uncovered = Span(int(trades.time_ns[0]), now_ns).minus([one.span for one in chart.covered])
                unserved = Span(int(trades.time_ns[2_499 if name in TIMED else 699]) + 1, int(trades.time_ns[2_500]))
                assert not [one for one in uncovered if not unserved.start_ns <= one.start_ns < one.end_ns <= unserved.end_ns]
                assert name in TIMED or uncovered == [unserved]
                assert [row.reason.value for row in writer.owed] == ([] if name in TIMED else ["ids start again"])
            running.cancel()
            await asyncio.wait([running])

    run(story())


@pytest.mark.parametrize("name", TIMED)
def test_pages_by_time_have_each_trade_once_also_within_a_millisecond(name: str) -> None:
    """OKX ends a page of 100 within a millisecond, Kraken one of 1,000."""
    trades = market(8, (700, 3_700_000), (2_600, 7))
    crowd = 260 if name == "okx" else 700
    times = trades.time_ns.copy()
    times[1_000 : 1_000 + crowd] = times[1_000]
    times[2_000:2_150] = times[2_000]
    venue = ResettingVenue(name, TradeBatch.of(np.sort(times), *trades.columns[1:]))
    trades = venue.trades

    async def story() -> None:
        async with venue.history() as history:
            assert isinstance(history, TimedHistory)
            pages = [page async for page in history.through(Span(int(trades.time_ns[0]), int(trades.time_ns[-1]) + 1))]
            assert same(concatenate(pages), trades)
            assert len(venue.asked) < (60 if name == "okx" else 6)
            part = Span(int(trades.time_ns[300]), int(trades.time_ns[2_900]) - 5_000)  # Kraken adds a microsecond
            inside = trades[(trades.time_ns >= part.start_ns) & (trades.time_ns < part.end_ns)]
            assert same(concatenate([page async for page in history.through(part)]), inside)

    run(story())


def test_a_millisecond_of_before_a_reset_that_okx_cannot_serve_is_an_error() -> None:
    """Its rest would have to be found by id."""
    trades = market(9, (400, 3_700_000), (50, 1))
    times = trades.time_ns.copy()
    times[100:260] = times[100]
    venue = ResettingVenue("okx", TradeBatch.of(np.sort(times), *trades.columns[1:]))

    async def story() -> None:
        async with venue.history() as history:
            assert isinstance(history, TimedHistory)
            with pytest.raises(DecodeError, match="does not serve all trades of the millisecond"):
                _ = [page async for page in history.through(Span(BEGAN_NS, int(times[-1]) + 1))]

    run(story())


def test_kraken_finds_ids_since_a_reset_that_it_has_seen() -> None:
    """Trades of before would say that an id is of another time."""
    venue = ResettingVenue("kraken", market(10, (4_000, 3_700_000), (4_000, 1)))

    async def story() -> None:
        async with venue.history() as history:
            assert isinstance(history, TimedHistory)
            _ = [page async for page in history.through(Span(BEGAN_NS, int(venue.trades.time_ns[-1]) + 1))]
            found = concatenate([page async for page in history.between(2_000, 2_300)])
            assert same(found, venue.trades[np.arange(5_999, 6_300)])

    run(story())
