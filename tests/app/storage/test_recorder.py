"""Trades are recorded in the background, once each, whatever the disk does meanwhile."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, closing
from types import SimpleNamespace
from typing import Any

import pytest

from app.errors import StoreError
from app.market.bar_rule import DAY_NS
from app.market.coverage import Source
from app.market.span import Span
from app.market.steps import Steps, in_steps
from app.market.trade import TradeBatch
from app.storage import recorder as recorder_module
from app.storage import tape_writer as writer_module
from app.storage.catalogue import catalogue as catalogue_module
from app.storage.disk import DiskStore
from app.storage.recorder import Recorder
from app.storage.recording_status import RecordingState, RecordingStatus
from app.storage.retention import KEEP_ALL, Retention
from app.storage.tape_writer import TapeWriter
from tests.app.storage.stores import ALL, ARCHIVE, BACKFILL, BYBIT, FIRST_DAY, LIVE, TAPE, days_of_trades
from tests.sameness import same

TRADES = days_of_trades(300, 2.5)
NOW_NS = int(TRADES.time_ns[-1])
FULL = StoreError("database or disk is full")


def nothing_loaded() -> Sequence[TradeBatch]:
    raise AssertionError("the pump is asked only when queued trades were dropped")


def record(
    writer: TapeWriter,
    story: Callable[[Recorder], Awaitable[None]],
    *,
    held: Callable[[], Sequence[TradeBatch]] = nothing_loaded,
    keep: Retention = KEEP_ALL,
    wall_ns: Callable[[], int] = lambda: NOW_NS,
) -> None:
    """A story with a recorder, which is closed at its end."""

    async def told() -> None:
        recorder = Recorder(writer, held, keep=keep, wall_ns=wall_ns)
        try:
            await story(recorder)
        finally:
            await recorder.aclose()

    asyncio.run(told())


@asynccontextmanager
async def running(recorder: Recorder) -> AsyncIterator[None]:
    task = asyncio.create_task(recorder.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.002)


class Disk:
    """The disk under a writer: lists what is written, and fails while `error` is set."""

    def __init__(self, writer: TapeWriter, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[tuple[str, int, Source, Span | None]] = []
        self.error: Exception | None = None
        for name in ("insert", "insert_bulk"):
            monkeypatch.setattr(writer, name, self._watched(name, getattr(writer, name)))

    def _watched(self, name: str, write: Callable[..., int]) -> Callable[..., int]:
        def watched(trades: TradeBatch, source: Source, complete: Span | None = None, steps: Steps | None = None) -> int:
            if self.error is not None:
                raise self.error
            self.calls.append((name, len(trades), source, complete))
            return write(trades, source, complete, steps)

        return watched


@pytest.fixture
def disk(writer: TapeWriter, monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(writer, monkeypatch)


def test_the_begin_and_end_of_each_write_are_reported(writer: TapeWriter, disk: Disk, logged) -> None:
    """Lag to the disk: what is queued before the begin is on the disk at the end, and nothing ends that failed."""

    async def story(recorder: Recorder) -> None:
        told: list[tuple[str, int, int]] = []
        recorder.before_write = lambda: told.append(("before", recorder.pending, recorder.written))
        recorder.after_write = lambda: told.append(("after", recorder.pending, recorder.written))
        recorder.take(TRADES[:200], LIVE)
        disk.error = FULL
        assert not await recorder.flush()
        disk.error = None
        recorder.take(TRADES[200:], LIVE)
        assert await recorder.flush()
        assert told == [("before", 200, 0), ("before", 300, 0), ("after", 0, 300)]

    record(writer, story)


def test_queued_trades_are_written_once(writer: TapeWriter) -> None:
    async def story(recorder: Recorder) -> None:
        recorder.take(TRADES[:200], LIVE)
        recorder.take(TRADES[100:], BACKFILL)
        assert recorder.written == 0
        assert await recorder.flush() and await recorder.flush()
        assert (recorder.written, recorder.status.trouble) == (300, "")

    record(writer, story)
    assert same(writer.tape.trades(ALL), TRADES)
    assert [(held.first_id, held.last_id, held.source) for held in writer.intervals] == [(1, 200, LIVE), (201, 300, BACKFILL)]


@pytest.mark.parametrize(
    ("queued", "written"),
    [
        ([(LIVE, None)] * 3, [(30, LIVE, None)]),
        ([(LIVE, None), (ARCHIVE, None), (LIVE, None)], [(10, LIVE, None), (10, ARCHIVE, None), (10, LIVE, None)]),
        ([(ARCHIVE, Span(0, 10)), (ARCHIVE, Span(10, 20)), (ARCHIVE, Span(5, 30))], [(30, ARCHIVE, Span(0, 30))]),
        ([(ARCHIVE, Span(10, 20)), (ARCHIVE, Span(0, 10))], [(20, ARCHIVE, Span(0, 20))]),  # history loads backwards
        ([(ARCHIVE, Span(0, 10)), (ARCHIVE, Span(11, 20))], [(10, ARCHIVE, Span(0, 10)), (10, ARCHIVE, Span(11, 20))]),
        ([(ARCHIVE, Span(11, 20)), (ARCHIVE, Span(0, 10))], [(10, ARCHIVE, Span(11, 20)), (10, ARCHIVE, Span(0, 10))]),
        ([(LIVE, None), (LIVE, Span(0, 9))], [(10, LIVE, None), (10, LIVE, Span(0, 9))]),
        ([(LIVE, Span(0, 9)), (LIVE, None)], [(10, LIVE, Span(0, 9)), (10, LIVE, None)]),
    ],
)
def test_queued_trades_of_a_source_are_joined_if_spans_touch(writer: TapeWriter, disk: Disk, queued: list, written: list) -> None:
    async def story(recorder: Recorder) -> None:
        for place, (source, complete) in enumerate(queued):
            recorder.take(TRADES[10 * place : 10 * place + 10], source, complete)

    record(writer, story)
    assert [call[1:] for call in disk.calls] == written
    assert same(writer.tape.trades(ALL), TRADES[: 10 * len(queued)])


@pytest.mark.parametrize(
    ("n", "source", "method"),
    [(100, ARCHIVE, "insert"), (101, ARCHIVE, "insert_bulk"), (101, BACKFILL, "insert_bulk"), (300, LIVE, "insert")],
)
def test_long_history_goes_straight_into_files(
    writer: TapeWriter, disk: Disk, monkeypatch: pytest.MonkeyPatch, n: int, source: Source, method: str
) -> None:
    monkeypatch.setattr(recorder_module, "_BULK", 100)

    async def story(recorder: Recorder) -> None:
        recorder.take(TRADES[:n], source)

    record(writer, story)
    assert disk.calls == [(method, n, source, None)]


# -- a disk that fails ---------------------------------------------------------------------------


@pytest.mark.parametrize("error", [FULL, OSError("Input/output error")])
def test_trades_stay_queued_while_the_disk_fails(writer: TapeWriter, disk: Disk, logged, error: Exception) -> None:
    async def story(recorder: Recorder) -> None:
        disk.error = error
        for part, said in ((TRADES[:100], "retrying: {}, 100 trades"), (TRADES[100:200], "not recording: {}, 200 trades")):
            recorder.take(part, LIVE)
            assert not await recorder.flush()
            assert recorder.status.trouble == said.format(error) + " waiting"
        assert (recorder.written, recorder.unrecorded) == (0, 200)
        disk.error = None
        recorder.take(TRADES[200:], LIVE)
        assert await recorder.flush()
        assert (recorder.written, recorder.status.trouble, recorder.unrecorded) == (300, "", 0)

    record(writer, story)
    assert disk.calls == [("insert", 300, LIVE, None)]
    (entry,) = logged.entries
    assert (entry["event"], entry["instrument"], entry["reason"]) == ("trades not recorded", TAPE.id, str(error))


def test_trouble_ends_with_the_first_write_that_works(writer: TapeWriter, disk: Disk, logged) -> None:
    async def story(recorder: Recorder) -> None:
        assert await recorder.flush()  # free space is looked at now, and not again for a while
        disk.error = FULL
        recorder.take(TRADES, LIVE)
        assert not await recorder.flush()
        disk.error = None
        assert await recorder.flush()
        assert recorder.status.trouble == ""

    record(writer, story)
    assert [entry["event"] for entry in logged.entries] == ["trades not recorded"]


def test_each_failure_after_a_success_is_logged(writer: TapeWriter, disk: Disk, logged) -> None:
    async def story(recorder: Recorder) -> None:
        for part in (TRADES[:100], TRADES[100:]):
            recorder.take(part, LIVE)
            disk.error = FULL
            assert not await recorder.flush()
            disk.error = None
            assert await recorder.flush()

    record(writer, story)
    assert len(logged.entries) == 2


def test_a_queue_that_is_too_long_is_replaced_by_the_loaded_trades(
    writer: TapeWriter, disk: Disk, logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "_MOST_QUEUED", 100)
    asked: list[int] = []

    def held() -> Sequence[TradeBatch]:
        asked.append(1)
        return [TRADES[:90], TRADES[90:180]]

    async def story(recorder: Recorder) -> None:
        for start in range(0, 180, 60):
            recorder.take(TRADES[start : start + 60], LIVE)
        disk.error = FULL
        assert not await recorder.flush()
        disk.error = None
        assert await recorder.flush()
        assert (recorder.written, len(asked)) == (180, 2)
        recorder.take(TRADES[180:], LIVE)
        await recorder.flush()
        assert len(asked) == 3

    record(writer, story, held=held)
    assert disk.calls[:3] == [("insert_bulk", 90, LIVE, None), ("insert_bulk", 90, LIVE, None), ("insert", 60, LIVE, None)]
    assert same(writer.tape.trades(ALL), TRADES)


def test_a_full_queue_is_not_too_long(writer: TapeWriter, disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "_MOST_QUEUED", 100)

    async def story(recorder: Recorder) -> None:
        for start in (0, 100):
            recorder.take(TRADES[start : start + 50], LIVE)
            recorder.take(TRADES[start + 50 : start + 100], LIVE)
            assert await recorder.flush()

    record(writer, story)
    assert disk.calls == [("insert", 100, LIVE, None)] * 2


@pytest.mark.parametrize(
    ("free", "trouble"), [(1 << 30, ""), ((1 << 30) - 1, "only 1,074 MB free on disk"), (512_000_000, "only 512 MB free on disk")]
)
def test_little_free_space_is_reported(writer: TapeWriter, monkeypatch: pytest.MonkeyPatch, free: int, trouble: str) -> None:
    looked = []

    def disk_usage(folder: object) -> SimpleNamespace:
        looked.append(folder)
        return SimpleNamespace(free=free)

    monkeypatch.setattr(recorder_module, "shutil", SimpleNamespace(disk_usage=disk_usage))

    async def story(recorder: Recorder) -> None:
        await recorder.flush()
        assert recorder.status.trouble == trouble
        await recorder.flush()
        assert (recorder.status.trouble, looked) == (trouble, [writer.tape.folder])

    record(writer, story)


def test_free_space_is_looked_at_again_after_a_while(writer: TapeWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, free = SimpleNamespace(s=1000.0), SimpleNamespace(free=1)
    monkeypatch.setattr(recorder_module, "shutil", SimpleNamespace(disk_usage=lambda folder: free))
    monkeypatch.setattr(recorder_module, "time", SimpleNamespace(monotonic=lambda: clock.s))

    async def story(recorder: Recorder) -> None:
        found = []
        for after_s, free.free in ((0.0, 1), (29.0, 1 << 40), (1.0, 1 << 40)):
            clock.s += after_s
            await recorder.flush()
            found.append(recorder.status.trouble)
        assert found == ["only 0 MB free on disk"] * 2 + [""]

    record(writer, story)


@pytest.mark.parametrize("code", [errno.ENOENT, errno.EIO, errno.ESTALE, errno.EACCES])
def test_free_space_that_cannot_be_asked_for_stops_nothing(writer: TapeWriter, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """D4: free space is asked for beside the writing, and the answer does not decide whether trades are recorded."""

    def disk_usage(folder: object) -> SimpleNamespace:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(recorder_module, "shutil", SimpleNamespace(disk_usage=disk_usage))

    async def story(recorder: Recorder) -> None:
        recorder.take(TRADES[:100], LIVE)
        async with running(recorder):
            await until(lambda: recorder.written == 100)
            recorder.take(TRADES[100:], LIVE)
            await until(lambda: recorder.written == 300)
        assert recorder.status.text == "recording"

    record(writer, story)
    assert same(writer.tape.trades(ALL), TRADES)


# -- a store that goes away ----------------------------------------------------------------------


def test_a_removed_store_is_made_again_with_all_loaded_trades(writer: TapeWriter, store: DiskStore, logged) -> None:
    """D4: SQLite would go on writing into the removed file."""

    async def story(recorder: Recorder) -> None:
        recorder.take(TRADES[:200], LIVE)
        assert await recorder.flush()
        shutil.rmtree(store.folder)
        recorder.take(TRADES[200:], LIVE)
        assert not await recorder.flush()
        assert (recorder.written, recorder.status.state, recorder.pending) == (0, RecordingState.RETRYING, 100)
        assert await recorder.flush()
        assert (recorder.written, recorder.status.text) == (300, "recording")

    record(writer, story, held=lambda: [TRADES])
    with closing(DiskStore(store.folder, write=False)) as again:
        assert same(again.tape(TAPE).trades(ALL), TRADES)


def test_a_removed_catalogue_is_rebuilt_from_the_day_files(writer: TapeWriter, store: DiskStore, logged) -> None:
    other = TapeWriter(store, BYBIT)
    other.insert_bulk(TRADES, ARCHIVE, Span(int(TRADES.time_ns[0]), NOW_NS + 1))
    covered = other.tape.covered()

    async def story(recorder: Recorder) -> None:
        recorder.take(TRADES[:200], ARCHIVE)
        await recorder.flush()
        writer.seal(NOW_NS)
        for path in store.folder.glob("catalogue*"):
            path.unlink()
        recorder.take(TRADES[200:], LIVE)
        assert await recorder.flush()

    record(writer, story)
    other.close()
    with closing(DiskStore(store.folder, write=False)) as again:
        assert same(again.tape(TAPE).trades(ALL), TRADES)
        assert again.tape(BYBIT).covered() == covered


def test_a_store_on_a_pulled_drive_is_not_made_elsewhere(
    writer: TapeWriter, store: DiskStore, logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D4: the empty folder on which the drive was mounted is on another device."""
    here = store.folder.with_name("pulled")

    async def story(recorder: Recorder) -> None:
        recorder.take(TRADES[:200], LIVE)
        assert await recorder.flush()
        store.folder.rename(here)
        recorder.take(TRADES[200:], LIVE)
        with monkeypatch.context() as patch:
            patch.setattr(catalogue_module, "_device", lambda folder: -1)
            for _ in range(2):
                assert not await recorder.flush()
        assert recorder.status.text == f"not recording: {store.folder}: the drive is not there, 100 trades waiting"
        assert not store.folder.exists()
        here.rename(store.folder)
        assert await recorder.flush()
        assert (recorder.written, recorder.unrecorded) == (300, 0)

    record(writer, story)
    assert same(writer.tape.trades(ALL), TRADES)


def test_a_market_taken_by_another_program_meanwhile_is_left_to_it(writer: TapeWriter, store: DiskStore, logged) -> None:
    async def story(recorder: Recorder) -> None:
        recorder.take(TRADES[:200], LIVE)
        await recorder.flush()
        shutil.rmtree(store.folder)
        with closing(DiskStore(store.folder)) as other, closing(TapeWriter(other, TAPE)):
            recorder.take(TRADES[200:], LIVE)
            assert not await recorder.flush()
            assert recorder.status.state is RecordingState.ELSEWHERE
        assert not await recorder.flush()  # the store was made again: the loaded trades are written next
        assert await recorder.flush()

    record(writer, story, held=lambda: [TRADES])


def test_a_write_that_hangs_holds_up_nothing_else(writer: TapeWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    """D4: a network drive that never answers."""
    goes_on = threading.Event()
    insert, clock = writer.insert, SimpleNamespace(s=0.0)
    monkeypatch.setattr(writer, "insert", lambda *args: goes_on.wait(5) and insert(*args))
    monkeypatch.setattr(recorder_module, "_HANGS_S", 0.01)
    monkeypatch.setattr(recorder_module, "time", SimpleNamespace(monotonic=lambda: clock.s))
    monkeypatch.setattr(writer, "close", lambda: None)

    async def story(recorder: Recorder) -> None:
        recorder.take(TRADES[:100], LIVE)
        assert not await recorder.flush()
        recorder.take(TRADES[100:], LIVE)
        assert not await recorder.flush()
        clock.s = 7.0
        assert recorder.status == RecordingStatus(RecordingState.RETRYING, "the disk has not answered for 7 s", 300)
        clock.s = 31.0
        assert recorder.status.state is RecordingState.NOT_RECORDING
        await recorder.aclose()  # returns
        assert (recorder.hangs, recorder.written, recorder.unrecorded) == (True, 0, 300)
        goes_on.set()
        await until(lambda: not recorder.hangs)
        assert (recorder.written, recorder.unrecorded, recorder.status.text) == (100, 200, "recording")

    async def told() -> None:
        await story(Recorder(writer, nothing_loaded, wall_ns=lambda: NOW_NS))

    asyncio.run(told())


def test_trades_that_a_dropped_queue_took_along_are_never_counted_as_recorded(
    writer: TapeWriter, disk: Disk, logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "_MOST_QUEUED", 100)

    async def story(recorder: Recorder) -> None:
        disk.error = FULL
        for start in range(0, 300, 100):
            recorder.take(TRADES[start : start + 100], LIVE)
        assert not await recorder.flush()
        assert recorder.pending == 300
        disk.error = None
        assert await recorder.flush()
        assert (recorder.written, recorder.pending, recorder.unrecorded) == (150, 0, 150)

    record(writer, story, held=lambda: [TRADES[150:200]])  # memory has forgotten the rest


# -- sealing and retention -----------------------------------------------------------------------


def test_a_long_tail_is_sealed(writer: TapeWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "TAIL_TRADES", 100)
    sizes: list[int] = []

    async def story(recorder: Recorder) -> None:
        for part in (TRADES[:40], TRADES[40:99], TRADES[99:100], TRADES[100:120]):
            recorder.take(part, LIVE)
            await recorder.flush()
            sizes.append(writer.tape.catalogue.tail_size(TAPE.id))

    record(writer, story, wall_ns=lambda: FIRST_DAY * DAY_NS)  # no day is over
    assert sizes == [40, 99, 0, 20]


def test_past_days_are_tidied_once_a_day_until_it_works(writer: TapeWriter, logged, monkeypatch: pytest.MonkeyPatch) -> None:
    tidied: list[int] = []
    clock = SimpleNamespace(ns=NOW_NS)

    def tidy(now_ns: int) -> None:
        tidied.append(now_ns // DAY_NS - FIRST_DAY)
        if len(tidied) == 2:
            raise FULL

    monkeypatch.setattr(writer, "tidy", tidy)

    async def story(recorder: Recorder) -> None:
        for clock.ns in (NOW_NS, NOW_NS + 1, NOW_NS + DAY_NS, NOW_NS + DAY_NS + 1, NOW_NS + DAY_NS + 2):
            await recorder.flush()

    record(writer, story, wall_ns=lambda: clock.ns)
    assert tidied == [2, 3, 3]
    assert len(logged.entries) == 1


def test_days_beyond_the_limits_are_deleted(writer: TapeWriter) -> None:
    async def story(recorder: Recorder) -> None:
        recorder.take(TRADES, ARCHIVE)
        await recorder.flush()

    record(writer, story, keep=Retention(days=1))
    assert writer.tape.days() == [FIRST_DAY + 1, FIRST_DAY + 2]


# -- running and closing -------------------------------------------------------------------------


def test_it_records_until_it_is_cancelled(writer: TapeWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "_EVERY_S", 0.001)

    async def story(recorder: Recorder) -> None:
        async with running(recorder):
            for start in (0, 150):
                recorder.take(TRADES[start : start + 150], LIVE)
                await until(lambda end=start + 150: recorder.written == end)
        recorder.take(TRADES[:1], LIVE)

    record(writer, story)
    assert same(writer.tape.trades(ALL), TRADES)


@pytest.mark.parametrize(("error", "pause_s"), [(None, 0.25), (FULL, 1.0)])
def test_it_waits_longer_after_a_failure(
    writer: TapeWriter, disk: Disk, logged, monkeypatch: pytest.MonkeyPatch, error: Exception | None, pause_s: float
) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        raise asyncio.CancelledError

    async def story(recorder: Recorder) -> None:
        disk.error = error
        recorder.take(TRADES, LIVE)
        with monkeypatch.context() as patch, pytest.raises(asyncio.CancelledError):
            patch.setattr(recorder_module.asyncio, "sleep", sleep)
            await recorder.run()
        disk.error = None

    record(writer, story)
    assert slept == [pause_s]


def test_a_write_in_progress_ends_before_the_tape_is_closed(writer: TapeWriter, store: DiskStore, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, goes_on = threading.Event(), threading.Event()
    insert = writer.insert

    def slow(*args: Any) -> int:
        begun.set()
        assert goes_on.wait(5)
        return insert(*args)

    monkeypatch.setattr(writer, "insert", slow)

    async def story(recorder: Recorder) -> None:
        recorder.take(TRADES[:200], LIVE)
        async with running(recorder):
            await until(begun.is_set)
        recorder.take(TRADES[200:], LIVE)
        asyncio.get_running_loop().call_later(0.02, goes_on.set)

    record(writer, story)
    TapeWriter(store, TAPE).close()  # free again
    assert same(store.tape(TAPE).trades(ALL), TRADES)


def test_a_disk_that_fails_at_the_end_does_not_keep_the_market(writer: TapeWriter, store: DiskStore, disk: Disk, logged) -> None:
    async def story(recorder: Recorder) -> None:
        disk.error = FULL
        recorder.take(TRADES, LIVE)

    record(writer, story)
    TapeWriter(store, TAPE).close()
    assert [entry["event"] for entry in logged.entries] == ["trades not recorded"]


def test_queued_trades_keep_their_steps_when_the_writer_goes_over(writer: TapeWriter) -> None:
    """D2: owed trades on finer steps are written while live ones wait."""
    before = writer.instrument.steps
    finer = Steps(before.tick_size / 10, before.lot_size)

    async def story(recorder: Recorder) -> None:
        recorder.take(TRADES[100:], Source.LIVE)
        writer.insert(in_steps(TRADES[:100], before, finer, ""), Source.BACKFILL, steps=finer)
        await recorder.flush()

    record(writer, story)
    assert writer.instrument.steps == finer
    assert same(writer.tape.trades(ALL), in_steps(TRADES, before, finer, ""))
