"""What memory has dropped, or never had, is fetched straight to the disk, newest first, also after a restart."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.errors import VenueUnreachableError
from app.ingest import gap_queue, history_loader
from app.ingest.gap_queue import OwedQueue
from app.ingest.ingest import Ingest
from app.market.coverage import Source
from app.market.instrument import Instrument
from app.market.span import Span
from app.storage import recorder as recorder_module
from app.storage import trade_store as trade_store_module
from app.storage.catalogue import owed as owed_module
from app.storage.disk import DiskStore
from app.storage.recorder import Recorder
from app.storage.tape_writer import TapeWriter
from app.storage.trade_store import TradeStore
from app.storage.verify import verify
from tests.app.chart.test_chart import MARKET
from tests.app.ingest.pumps import DAY, Archive, Line
from tests.sameness import same

ALL = Span(0, 1 << 62)
MEMORY = 900


@pytest.fixture(autouse=True)
def small_and_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trade_store_module, "_CHUNK", 128)
    monkeypatch.setattr(gap_queue, "_AT_ONCE", 400)
    monkeypatch.setattr(gap_queue, "_LOOK_AGAIN_NS", 10**6)
    monkeypatch.setattr(history_loader, "_OWED_AT_ONCE", 700)
    for name in ("_PATIENCE_S", "_LOOK_EVERY_S"):
        monkeypatch.setattr(history_loader, name, 0.01)
    for name in ("_EVERY_S", "_AGAIN_S"):
        monkeypatch.setattr(recorder_module, name, 0.01)
    monkeypatch.setattr(gap_queue, "_FIRST_PAUSE_S", 0.01)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An attempt that brought nothing, because memory had just dropped its place, is repeated at once."""
    monkeypatch.setattr(owed_module, "_FIRST_PAUSE_NS", 10**7)


async def no_wait(_seconds: float) -> None:
    await asyncio.sleep(0)


class Collector:
    """A market that is collected as the command does it, with a small memory."""

    def __init__(self, folder: Path, archive: Archive | None, instrument: Instrument = MARKET) -> None:
        self.disk = DiskStore(folder)
        self.writer = TapeWriter(self.disk, instrument)
        self.line, self.store = Line(), TradeStore(MEMORY, by_time=not instrument.numbered)
        self.recorder = Recorder(self.writer, self.store.batches)
        self.ingest = Ingest(self.line, archive, self.store, (), recorder=self.recorder, sleep=no_wait)

    async def until(self, condition) -> None:
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0.002)


@asynccontextmanager
async def collecting(folder: Path, archive: Archive | None):
    one = Collector(folder, archive)
    task = asyncio.create_task(one.ingest.run())
    try:
        yield one
    finally:
        one.line.say(None)
        await task
        one.writer.close()
        one.disk.close()


@pytest.mark.parametrize("outage", [100, 1_500, 7_000])
@pytest.mark.parametrize("restarts", [0, 1, 3])
def test_an_outage_longer_than_memory_is_filled_in_the_end(tmp_path: Path, logged, impatient, outage: int, restarts: int) -> None:
    """D5: REST is down at first; what is owed is shown until the last trade has come."""
    archive = Archive(DAY)
    before, after = 500, 500 + outage

    async def story() -> None:
        async with collecting(tmp_path, archive) as one:
            one.line.say(DAY[:before])
            archive.failures = [(k % 3, VenueUnreachableError("down")) for k in range(6)]
            one.line.say(DAY[after : after + 200])
            await one.until(lambda: one.writer.owed or not archive.failures)
            if not restarts:
                await one.until(lambda: not one.writer.owed and one.store.n_trades)
                assert one.ingest.owed_text == ""
        for restart in range(restarts):
            async with collecting(tmp_path, archive if restart == restarts - 1 else None) as one:
                assert not one.writer.owed or one.ingest.owed_text.startswith("owed: ")
                if restart == restarts - 1:
                    await one.until(lambda: not one.writer.owed)
                    assert one.ingest.owed_text == ""

    asyncio.run(story())
    disk = DiskStore(tmp_path)
    tape = disk.tape(MARKET)
    assert same(tape.trades(ALL), DAY[: after + 200])
    assert [finding.text for finding in verify(tape)] == []
    disk.close()


def test_a_damaged_day_is_fetched_again_by_the_collector(tmp_path: Path, logged, impatient) -> None:
    """D6: it is the oldest, so that no gap between trades shows it."""
    disk = DiskStore(tmp_path)
    writer = TapeWriter(disk, MARKET)
    writer.insert_bulk(DAY[:3000], Source.ARCHIVE)
    for day in writer.tape.days():
        writer.move_aside(writer.tape.files(day)[0], day)
    writer.insert(DAY[3000:4000], Source.LIVE)
    writer.close()
    disk.close()

    async def story() -> None:
        async with collecting(tmp_path, Archive(DAY)) as one:
            assert one.ingest.owed_text == "owed: 3,000 trades"
            await one.until(lambda: not one.writer.owed)
            assert same(one.writer.tape.trades(ALL), DAY[:4000])

    asyncio.run(story())


def test_what_the_venue_no_longer_has_is_asked_for_ever_more_rarely(tmp_path: Path) -> None:
    archive = Archive(DAY[DAY.trade_id > 2000])

    async def story() -> None:
        async with collecting(tmp_path, archive) as one:
            one.writer.insert(DAY[:500], Source.LIVE)
            one.writer.insert(DAY[2000:2100], Source.LIVE)
            await one.until(lambda: one.writer.owed and one.writer.owed[0].tries == 1)
            asked = len(archive.asked)
            await asyncio.sleep(0.05)
            assert len(archive.asked) == asked and one.ingest.owed_text == "owed: 1,500 trades"

    asyncio.run(story())


def test_gaps_between_trades_in_memory_are_left_to_memory(tmp_path: Path) -> None:
    disk = DiskStore(tmp_path)
    writer = TapeWriter(disk, MARKET)
    for part in (DAY[:10], DAY[20:30], DAY[40:50]):
        writer.insert(part, Source.LIVE)
    store = TradeStore()
    queue = OwedQueue(writer, store, lambda: 10**18 * 2)
    assert (queue.text, queue.next()) == ("owed: 20 trades", writer.owed[1])
    store.insert(DAY[25:30])
    store.insert(DAY[40:50])
    queue = OwedQueue(writer, store, lambda: 10**18 * 2)
    assert (queue.text, queue.next()) == ("owed: 10 trades", writer.owed[0])
    store.insert(DAY[5:10])
    assert queue.text == ""
    writer.close()
    disk.close()
