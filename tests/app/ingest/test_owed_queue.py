"""What memory has dropped, or never had, is fetched straight to the disk, newest first, also after a restart."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.errors import DecodeError, FeedError, VenueUnreachableError
from app.ingest import gap_queue, history_loader
from app.ingest.gap_queue import OwedQueue
from app.ingest.ingest import Ingest
from app.market.coverage import Source
from app.market.instrument import Instrument
from app.market.span import Span
from app.market.trade import TradeBatch
from app.storage import recorder as recorder_module
from app.storage import tape_writer as tape_writer_module
from app.storage import trade_store as trade_store_module
from app.storage.catalogue import owed as owed_module
from app.storage.disk import DiskStore
from app.storage.open_folder import OpenFolder
from app.storage.recorder import Recorder
from app.storage.tape_writer import TapeWriter
from app.storage.trade_store import TradeStore
from app.storage.verify import verify
from tests.app.chart.test_chart import MARKET
from tests.app.ingest.pumps import DAY, Archive, Line
from tests.faults.failing_disk import FailingDisk
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


def damage(folder: Path) -> None:
    """A store with trades 3,000 to 4,000, whose damaged day had those before."""
    disk = DiskStore(folder)
    writer = TapeWriter(disk, MARKET)
    writer.insert_bulk(DAY[:3000], Source.ARCHIVE)
    for day in writer.tape.days():
        writer.move_aside(writer.tape.files(day)[0], day)
    writer.insert(DAY[3000:4000], Source.LIVE)
    writer.close()
    disk.close()


def test_a_damaged_day_is_fetched_again_by_the_collector(tmp_path: Path, logged, impatient) -> None:
    """D6: it is the oldest, so that no gap between trades shows it."""
    damage(tmp_path)

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


def full(disk: FailingDisk, archive: Archive, page: int) -> None:
    """Fill the disk after a page of the archive."""

    async def cut(trades: TradeBatch) -> AsyncIterator[TradeBatch]:
        number = 0
        async for one in whole(trades):
            disk.works = disk.works and number < page
            number += 1
            yield one

    whole, archive._pages = archive._pages, cut


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("page", [0, 1, 3])
def test_a_damaged_day_is_fetched_once_a_full_disk_has_room_again(tmp_path: Path, logged, impatient, code: int, page: int) -> None:
    """D4, D6: the disk fails in the midst of the fetch, for many attempts; a restart is not needed."""
    damage(tmp_path)
    disk, archive = FailingDisk(0, code, for_good=True), Archive(DAY)
    disk.works = True

    async def story() -> None:
        async with collecting(tmp_path, archive) as one:
            full(disk, archive, page)
            await one.until(lambda: len(disk.failed) > 8)
            assert sum(left.length_ns for row in one.writer.owed for left in row.left(one.writer.intervals)) > 700
            archive._pages = Archive._pages.__get__(archive)
            disk.works = True
            await one.until(lambda: not one.writer.owed and not one.ingest.notice)
            assert same(one.writer.tape.trades(ALL), DAY[:4000])

    with disk.broken():
        asyncio.run(story())


def test_a_file_that_cannot_be_deleted_for_a_while_does_not_end_the_fetch(tmp_path: Path, logged, monkeypatch) -> None:
    """D4: once such an error ended it until a restart."""
    damage(tmp_path)
    monkeypatch.setattr(tape_writer_module, "TAIL_TRADES", 100)
    unlink, failures = OpenFolder.unlink, [OSError(errno.EIO, "input/output error")] * 4

    def failing(folder: OpenFolder, path: Path) -> None:
        if path.suffix == ".parquet" and failures:
            raise failures.pop()
        unlink(folder, path)

    monkeypatch.setattr(OpenFolder, "unlink", failing)

    async def story() -> None:
        async with collecting(tmp_path, Archive(DAY)) as one:
            await one.until(lambda: not one.writer.owed)
            assert not failures and "internal error" not in one.ingest.notice
            assert same(one.writer.tape.trades(ALL), DAY[:4000])

    asyncio.run(story())


def test_a_collector_ends_while_it_fetches_and_the_disk_is_full(tmp_path: Path, logged) -> None:
    """D4: once the failure to note that the fetch has ended took the place of the cancellation, and the collector went on for ever."""
    damage(tmp_path)
    disk, archive = FailingDisk(0, for_good=True), Archive(DAY)
    archive.gate, disk.works = asyncio.Event(), True

    async def story() -> None:
        async with asyncio.timeout(5), collecting(tmp_path, archive) as one:
            await one.until(lambda: archive.open)
            disk.works = False

    with disk.broken():
        asyncio.run(story())
    assert disk.failed


class Mistaken(Archive):
    """A venue whose answers fail for ids between 1,500 and 2,000."""

    error: FeedError | None = DecodeError("does not serve all trades of a millisecond")

    async def between(self, first_id: int, last_id: int) -> AsyncIterator[TradeBatch]:
        if 1_500 <= first_id <= 2_000 and self.error is not None:
            self.asked.append(("between", first_id, last_id))
            raise self.error
        async for page in super().between(first_id, last_id):
            yield page


def test_trades_that_the_venue_fails_to_serve_hold_up_no_older_ones(tmp_path: Path, logged, impatient) -> None:
    """D5: once the newest entry was requested again at once, for ever, and none before it."""
    archive = Mistaken(DAY)

    async def story() -> None:
        async with collecting(tmp_path, archive) as one:
            for part in (DAY[:500], DAY[1_000:1_500], DAY[2_000:2_100]):
                one.writer.insert(part, Source.LIVE)
            await one.until(lambda: len(one.writer.owed) == 1)
            assert (one.writer.owed[0].first_id, one.writer.owed[0].tries > 0) == (1_501, True)
            archive.error = None
            await one.until(lambda: not one.writer.owed)
            assert same(one.writer.tape.trades(ALL), DAY[:2_100])

    asyncio.run(story())


def test_a_venue_that_is_down_postpones_nothing(tmp_path: Path, logged) -> None:
    """D5: once it is back, what is owed is fetched at once."""
    archive = Mistaken(DAY)
    archive.error = VenueUnreachableError("down")

    async def story() -> None:
        async with collecting(tmp_path, archive) as one:
            one.writer.insert(DAY[:1_500], Source.LIVE)
            one.writer.insert(DAY[2_000:2_100], Source.LIVE)
            await one.until(lambda: len(archive.asked) > 3)
            assert [row.tries for row in one.writer.owed] == [0]
            archive.error = None
            await one.until(lambda: not one.writer.owed)

    asyncio.run(story())
