"""History comes from the disk or else from the venue, and new trades are recorded."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from app.chart.chart import Chart
from app.errors import StoreError
from app.ingest import history_loader as past_module
from app.ingest.ingest import Ingest
from app.market.coverage import Source
from app.market.feed import FeedState, FeedStatus
from app.market.instrument import Instrument
from app.market.span import Span
from app.market.trade import TradeBatch
from app.storage import recorder as recorder_module
from app.storage.disk import DiskStore
from app.storage.recorder import Recorder
from app.storage.recording_status import RecordingState
from app.storage.tape_writer import TapeWriter
from app.storage.trade_store import TradeStore
from tests.app.chart.test_chart import MARKET, spec
from tests.app.ingest.pumps import DAY, HOUR_NS, Archive, Line
from tests.sameness import same

ALL = Span(0, 1 << 62)
LIVE, BACKFILL, ARCHIVE = Source.LIVE, Source.BACKFILL, Source.ARCHIVE


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past_module, "_PATIENCE_S", 0.02)
    monkeypatch.setattr(past_module, "_LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(recorder_module, "_EVERY_S", 0.01)
    monkeypatch.setattr(recorder_module, "_AGAIN_S", 0.01)


class Pump:
    """A pump over a store on disk; its clock stands at the newest trade of the day."""

    def __init__(self, folder: Path, archive: Archive | None, instrument: Instrument = MARKET, *, hours: float = 6) -> None:
        self.disk = DiskStore(folder)
        self.writer = TapeWriter(self.disk, instrument)
        self.line, self.store = Line(), TradeStore(by_time=not instrument.numbered)
        self.chart = Chart(spec())
        now_ns = int(DAY.time_ns[-1]) + 1
        self.recorder = Recorder(self.writer, self.store.batches, wall_ns=lambda: now_ns)
        self.ingest = Ingest(
            self.line,
            archive,
            self.store,
            [self.chart],
            history_ns=round(hours * HOUR_NS),
            tape=self.writer.tape,
            recorder=self.recorder,
            wall_ns=lambda: now_ns,
        )

    async def until(self, condition) -> None:
        async with asyncio.timeout(5):
            while not condition():
                await asyncio.sleep(0.002)

    async def settled(self) -> None:
        await self.until(lambda: self.ingest.past.asked_from_ns <= self.chart.wanted.start_ns and not self.store.gaps())
        await self.until(lambda: self.recorder._n_queued == 0)


@asynccontextmanager
async def pumping(pump: Pump):
    task = asyncio.create_task(pump.ingest.run())
    try:
        yield pump
    finally:
        task.cancel()
        await asyncio.wait([task])
        pump.disk.close()


def written(folder: Path, trades: TradeBatch, source: Source = ARCHIVE, instrument: Instrument = MARKET) -> None:
    store = DiskStore(folder)
    writer = TapeWriter(store, instrument)
    writer.insert_bulk(trades, source, Span(int(trades.time_ns[0]), int(trades.time_ns[-1]) + 1))
    writer.close()
    store.close()


def kept(folder: Path, instrument: Instrument = MARKET) -> TradeBatch:
    store = DiskStore(folder, write=False)
    trades = store.tape(instrument).trades(ALL)
    store.close()
    return trades


def test_stored_trades_are_not_requested_from_the_venue(tmp_path: Path):
    written(tmp_path, DAY[:7900])
    archive = Archive(DAY)

    async def story() -> None:
        async with pumping(Pump(tmp_path, archive)) as pump:
            pump.line.say(DAY[7950:])
            await pump.settled()
            inside = DAY[pump.chart.wanted.start_ns <= DAY.time_ns]
            assert same(pump.store.trades(), inside)
            assert [covered.source for covered in pump.chart.covered] == [ARCHIVE, BACKFILL, LIVE]
        behind_the_kept, before_them = archive.asked
        assert behind_the_kept == ("since", int(DAY.time_ns[7899]), 7951)
        assert before_them[2] == 1

    asyncio.run(story())
    assert same(kept(tmp_path), DAY)


def test_a_restart_loads_recorded_trades_and_fills_the_gap(tmp_path: Path):
    async def watch(first: int, last: int, archive: Archive) -> TradeBatch:
        async with pumping(Pump(tmp_path, archive)) as pump:
            for start in range(first, last, 100):
                pump.line.say(DAY[start : min(start + 100, last)])
            await pump.until(lambda: pump.store.last_id == last)
            await pump.settled()
            return pump.store.trades()

    asyncio.run(watch(4000, 5000, Archive(DAY[:5000])))
    assert same(kept(tmp_path), DAY[:5000])
    archive = Archive(DAY)
    assert same(asyncio.run(watch(7000, 8000, archive)), DAY)
    assert all(
        first_or_before > 5000 for first_or_before in (first if kind == "between" else before for kind, first, before in archive.asked)
    )
    assert same(kept(tmp_path), DAY)


def test_the_disk_alone_fills_the_chart_without_a_venue_history(tmp_path: Path):
    written(tmp_path, DAY[:7000])

    async def story() -> None:
        async with pumping(Pump(tmp_path, None)) as pump:
            pump.line.say(DAY[7000:])
            await pump.settled()
            assert same(pump.store.trades(), DAY)

    asyncio.run(story())


def test_unreadable_stored_trades_are_fetched_again(tmp_path: Path, logged):
    written(tmp_path, DAY)
    victim = max(tmp_path.glob("*/*/trades/*.parquet"))
    victim.write_bytes(victim.read_bytes()[:-100])

    async def story() -> None:
        pump = Pump(tmp_path, Archive(DAY[:7900]))
        pump.recorder = pump.ingest.recorder = None
        async with pumping(pump):
            pump.line.say(DAY[7900:])
            await pump.until(lambda: pump.store.n_trades == len(DAY))
            assert "cannot read" in pump.ingest.notice
            pump.writer.close()

    asyncio.run(story())
    assert "stored trades not read" in [entry["event"] for entry in logged.entries]


def test_a_full_disk_is_reported_and_recording_catches_up_later(tmp_path: Path, logged, monkeypatch):
    """B3: more trades wait than are held back for the disk."""
    monkeypatch.setattr(recorder_module, "_MOST_QUEUED", 500)
    monkeypatch.setattr(recorder_module, "_BULK", 10**9)

    async def story() -> None:
        async with pumping(Pump(tmp_path, Archive(DAY), hours=0)) as pump:
            full = True
            insert = pump.writer.insert

            def refused(*arguments):
                if full:
                    raise StoreError("database or disk is full")
                return insert(*arguments)

            monkeypatch.setattr(pump.writer, "insert", refused)
            for start in range(0, 3000, 100):
                pump.line.say(DAY[start : start + 100])
                await asyncio.sleep(0)
            await pump.until(lambda: pump.recorder.status.state is RecordingState.NOT_RECORDING)
            assert pump.recorder.status.text.startswith("not recording: database or disk is full, ")
            assert pump.store.n_trades == 3000  # the chart goes on
            full = False
            await pump.until(lambda: not pump.recorder.status.trouble)

    asyncio.run(story())
    assert same(kept(tmp_path), DAY[:3000])
    assert [entry["event"] for entry in logged.entries] == ["trades not recorded"]


def test_stopping_records_all_trades_that_were_shown(tmp_path: Path):
    async def story() -> None:
        async with pumping(Pump(tmp_path, Archive(DAY), hours=0)) as pump:
            pump.line.say(DAY[:5000])
            await pump.until(lambda: pump.store.n_trades == 5000)

    asyncio.run(story())
    assert same(kept(tmp_path), DAY[:5000])


def test_unnumbered_live_trades_are_covered_except_in_gaps(tmp_path: Path):
    bybit = Instrument("bybit", "X", MARKET.tick_size, MARKET.lot_size, numbered=False)

    async def story() -> None:
        async with pumping(Pump(tmp_path, None, bybit, hours=0)) as pump:
            pump.line.say(DAY[:1000])
            await pump.until(lambda: pump.store.n_trades == 1000)
            gap = Span(int(DAY.time_ns[999]) + 1, int(DAY.time_ns[1100]))
            pump.line.status = replace(FeedStatus(FeedState.LIVE), gaps=(gap,))
            pump.line.say(DAY[1100:2000])
            await pump.until(lambda: pump.store.n_trades == 1900)
            spans = [covered.span for covered in pump.chart.covered]
            assert spans == [
                Span(int(DAY.time_ns[0]), int(DAY.time_ns[999]) + 1),
                Span(int(DAY.time_ns[1100]), int(DAY.time_ns[1999]) + 1),
            ]
            assert not any(covered.proven for covered in pump.chart.covered)
            assert [(hole.start_ns, hole.end_ns) for hole in pump.chart.holes] == [(gap.start_ns, gap.end_ns)]
            assert "possible gaps: 1" in pump.ingest.notice
            pump.line.status = FeedStatus(FeedState.LIVE)  # a later page of newest trades went back so far
            pump.line.say(DAY[1000:2100])
            await pump.until(lambda: pump.store.n_trades == 2100)
            assert pump.chart.holes == () and pump.ingest.notice == ""

    asyncio.run(story())
    assert len(kept(tmp_path, bybit)) == 2100


def test_loading_can_be_cancelled_and_restarts_further_back(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(past_module, "_FIRST_DISK_RANGE_NS", HOUR_NS // 60)
    archive = Archive(DAY[:7900])
    archive.gate = asyncio.Event()

    async def story() -> None:
        archive.gate = asyncio.Event()
        async with pumping(Pump(tmp_path, archive, hours=3)) as pump:
            pump.line.say(DAY[7900:])
            await pump.until(lambda: archive.asked)
            pump.ingest.past.cancel()
            archive.gate.set()
            await pump.until(lambda: pump.ingest.progress is None)
            reached_ns, asked = pump.ingest.past.asked_from_ns, len(archive.asked)
            await asyncio.sleep(0.1)
            assert (pump.ingest.past.asked_from_ns, len(archive.asked)) == (reached_ns, asked)
            assert pump.store.n_trades == 100
            pump.chart.wanted = Span(pump.chart.wanted.start_ns - HOUR_NS, pump.chart.wanted.end_ns)
            await pump.settled()
            assert pump.store.n_trades > 3000

    asyncio.run(story())


def test_trades_missing_at_the_venue_are_retried_ever_less_often(tmp_path: Path, logged, monkeypatch):
    monkeypatch.setattr(past_module, "_FIRST_WAIT_S", 0.0)
    archive, now_s = Archive(TradeBatch.empty()), 0.0

    def tries() -> int:
        return sum(kind == "between" for kind, *_ in archive.asked) // past_module._TRIES

    async def story() -> None:
        nonlocal now_s
        pump = Pump(tmp_path, archive, hours=0)
        pump.ingest.past._gaps._monotonic_s = lambda: now_s
        async with pumping(pump):
            pump.line.say(DAY[:100])
            pump.line.say(DAY[200:300])
            for after_s, count in ((0, 1), (9, 1), (11, 2), (30, 2), (32, 3), (70, 3), (73, 4)):
                now_s = after_s
                await pump.until(lambda count=count: tries() >= count)
                await asyncio.sleep(0.06)
                assert tries() == count
            archive.trades = DAY
            now_s = 200.0
            await pump.until(lambda: not pump.store.gaps())
            assert pump.store.n_trades == 300

    asyncio.run(story())
    assert {entry["event"] for entry in logged.entries} == {"the venue no longer has these trades"}


def test_charts_reach_back_as_far_as_the_disk(tmp_path: Path):
    long_ago = TradeBatch.of(DAY.time_ns - 30 * 24 * HOUR_NS, *DAY.columns[1:4], DAY.trade_id - 10**6 + 10**7)
    written(tmp_path, long_ago)

    async def story() -> None:
        async with pumping(Pump(tmp_path, None, hours=0)) as pump:
            await pump.until(lambda: pump.chart.oldest_ns)
            assert pump.chart.oldest_ns == int(long_ago.time_ns[0])

    asyncio.run(story())

    async def other_story() -> None:
        async with pumping(Pump(tmp_path / "empty", Archive(DAY), hours=0)) as pump:
            await pump.until(lambda: pump.chart.oldest_ns)
            assert pump.chart.oldest_ns == int(DAY.time_ns[-1]) + 1 - 48 * HOUR_NS

    asyncio.run(other_story())


def test_a_slow_disk_delays_no_live_trade(tmp_path: Path, monkeypatch):
    """B3: half a second for each commit."""

    async def story() -> None:
        async with pumping(Pump(tmp_path, None, hours=0)) as pump:
            insert, writing = pump.writer.insert, threading.Event()

            def slow(*arguments):
                writing.set()
                time.sleep(0.5)
                return insert(*arguments)

            monkeypatch.setattr(pump.writer, "insert", slow)
            pump.line.say(DAY[:100])
            await pump.until(writing.is_set)
            for start in range(100, 4000, 100):
                pump.line.say(DAY[start : start + 100])
            await pump.until(lambda: pump.store.n_trades == 4000)
            assert pump.chart.series.n_trades == 4000
            assert len(pump.writer.intervals) == 0  # the first commit is not through yet

    asyncio.run(story())
    assert same(kept(tmp_path), DAY[:4000])
