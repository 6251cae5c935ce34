"""A market's writer stores each trade once, whatever is inserted, sealed, forgotten or damaged."""

from __future__ import annotations

import errno
import os
import tempfile
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import IO

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from app.errors import StoreBusyError, StoreError
from app.market.bar_rule import DAY_NS
from app.market.coverage import CoveredSpan
from app.market.span import Span
from app.market.trade import TradeBatch
from app.storage import tape_account
from app.storage import tape_writer as writer_module
from app.storage.catalogue.catalogue import write_ranges
from app.storage.day_file import day_of
from app.storage.disk import DiskStore
from app.storage.open_folder import OpenFolder
from app.storage.tape import day_name
from app.storage.tape_ranges import TapeRange
from app.storage.tape_writer import TapeWriter
from app.storage.verify import verify
from tests.app.storage.stores import ALL, ARCHIVE, BACKFILL, BYBIT, FIRST_DAY, LIVE, TAPE, days_of_trades, with_ids
from tests.sameness import same


def test_writer_and_readers_read_back_inserted_trades(store, writer, tmp_path: Path):
    trades = days_of_trades()
    assert writer.insert(trades[:1000], LIVE) == 1000
    assert writer.insert(trades[500:], LIVE) == 2000
    assert same(writer.tape.trades(ALL), trades)
    reader = DiskStore(tmp_path / "store", write=False)
    assert reader.instruments() == [TAPE]
    assert same(reader.tape(TAPE).trades(ALL), trades)
    times = (int(trades.time_ns[0]), int(trades.time_ns[-1]) + 1)
    assert reader.tape(TAPE).covered() == [CoveredSpan(Span(*times), LIVE, 1, 3000)]
    reader.close()


def test_sealing_moves_trades_into_day_files_unchanged(store, writer):
    trades = days_of_trades()
    writer.insert(trades[:2000], LIVE)
    writer.seal(now_ns=int(trades.time_ns[1999]))
    writer.insert(trades[2000:], LIVE)
    assert same(writer.tape.trades(ALL), trades)
    writer.seal(now_ns=int(trades.time_ns[-1]))
    assert store.catalogue.tail_size(TAPE.id) == 0
    first = day_of(int(trades.time_ns[0]))
    assert [[path.name for path in writer.tape.files(day)] for day in range(first, first + 3)] == [
        [f"{day_name(first)}.parquet"],
        [f"{day_name(first + 1)}.parquet"],
        [f"{day_name(first + 2)}.1.parquet"],
    ]
    assert same(writer.tape.trades(ALL), trades)
    for span in (Span(int(trades.time_ns[100]), int(trades.time_ns[200])), Span(first * DAY_NS, (first + 1) * DAY_NS)):
        assert same(writer.tape.trades(span), trades[(trades.time_ns >= span.start_ns) & (trades.time_ns < span.end_ns)])


def test_bulk_trades_go_into_files_and_repeats_add_nothing(writer):
    trades = days_of_trades()
    writer.insert(trades[1400:1600], LIVE)
    assert writer.insert_bulk(trades, ARCHIVE) == 2800
    before = {path: path.stat().st_mtime_ns for day in writer.tape.days() for path in writer.tape.files(day)}
    assert writer.insert_bulk(trades, ARCHIVE) == 0
    assert {path: path.stat().st_mtime_ns for day in writer.tape.days() for path in writer.tape.files(day)} == before
    assert same(writer.tape.trades(ALL), trades)
    sources = [(covered.first_id, covered.last_id, covered.source) for covered in writer.tape.covered()]
    assert sources == [(1, 1400, ARCHIVE), (1401, 1600, LIVE), (1601, 3000, ARCHIVE)]


def test_missing_trades_leave_a_gap_between_covered_spans(writer):
    trades = days_of_trades(1000, 0.5)
    writer.insert(trades[:400], LIVE)
    writer.insert(trades[500:], LIVE)
    assert [(c.first_id, c.last_id) for c in writer.tape.covered()] == [(1, 400), (501, 1000)]
    missing = ALL.minus([c.span for c in writer.tape.covered()])[1]
    assert missing == Span(int(trades.time_ns[399]) + 1, int(trades.time_ns[500]))


def test_unnumbered_trades_keep_their_order_without_repeats(store):
    writer = TapeWriter(store, BYBIT)
    ids = np.random.default_rng(1).permutation(2000) + 10**15
    trades = days_of_trades(2000)
    trades = TradeBatch.of(*trades.columns[:4], ids)
    span = Span(int(trades.time_ns[0]), int(trades.time_ns[999]) + 1)
    writer.insert(trades[:1000], LIVE, span)
    writer.seal(int(trades.time_ns[999]))
    writer.insert(trades[900:], LIVE)
    assert same(writer.tape.trades(ALL), trades)
    writer.seal(int(trades.time_ns[-1]) + 2 * DAY_NS)
    assert same(writer.tape.trades(ALL), trades)
    assert writer.tape.covered() == [CoveredSpan(span, LIVE, -1, -1, proven=False)]
    writer.close()


def test_a_kill_while_sealing_shows_no_trade_twice(writer, monkeypatch):
    trades = days_of_trades()
    writer.insert(trades, LIVE)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("app.storage.tape_writer.drop_tail", killed)
    with pytest.raises(KeyboardInterrupt):
        writer.seal(int(trades.time_ns[-1]))
    monkeypatch.undo()
    assert same(writer.tape.trades(ALL), trades)
    writer.seal(int(trades.time_ns[-1]) + DAY_NS)
    assert same(writer.tape.trades(ALL), trades)
    assert all(len(writer.tape.files(day)) == 1 for day in writer.tape.days())


def test_a_market_has_one_writer_until_it_is_closed(store, writer, tmp_path: Path):
    """B5: two instances."""
    other = DiskStore(tmp_path / "store")
    with pytest.raises(StoreBusyError, match=r"binance:BTCUSDT is being recorded by another program"):
        TapeWriter(other, TAPE)
    other.close()
    TapeWriter(store, BYBIT).close()
    writer.close()
    TapeWriter(store, TAPE).close()


def test_stored_trades_are_converted_when_the_tick_size_changes(store, tmp_path: Path):
    trades = days_of_trades(100, 0.1)
    writer = TapeWriter(store, TAPE)
    writer.insert(trades[:50], LIVE)
    writer.close()
    finer = replace(TAPE, tick_size=Decimal("0.001"))
    writer = TapeWriter(store, finer)
    later = TradeBatch.of(trades.time_ns, trades.price_ticks * 10, *trades.columns[2:])
    writer.insert(later[50:], LIVE)
    assert same(writer.tape.trades(ALL), later)
    writer.seal(int(trades.time_ns[-1]) + DAY_NS)
    assert same(writer.tape.trades(ALL), later)
    assert store.instruments() == [finer]
    writer.close()


def test_deleted_days_are_missing_and_can_be_stored_again(writer):
    trades = days_of_trades()
    writer.insert_bulk(trades, ARCHIVE)
    first = day_of(int(trades.time_ns[0]))
    writer.forget([first])
    left = trades[trades.time_ns >= (first + 1) * DAY_NS]
    assert same(writer.tape.trades(ALL), left)
    assert [(c.first_id, c.last_id) for c in writer.tape.covered()] == [(int(left.trade_id[0]), 3000)]
    assert writer.insert_bulk(trades, ARCHIVE) == len(trades) - len(left)
    assert same(writer.tape.trades(ALL), trades)


def test_a_damaged_day_file_is_renamed_on_write_and_refillable(writer, logged):
    trades = days_of_trades()
    writer.insert_bulk(trades, ARCHIVE)
    victim = writer.tape.files(day_of(int(trades.time_ns[0])))[0]
    sound = victim.read_bytes()
    victim.write_bytes(sound[:-200])
    with pytest.raises(StoreError, match=r"^cannot read "):
        writer.tape.trades(ALL)
    extra = TradeBatch.of(*(column[:1] for column in trades.columns[:4]), [9999])
    writer.insert_bulk(extra, ARCHIVE)
    assert victim.with_name(victim.name + ".corrupt").read_bytes() == sound[:-200]
    writer.insert_bulk(trades, ARCHIVE)
    assert len(writer.tape.trades(ALL)) == len(trades) + 1
    assert [entry["event"] for entry in logged.entries] == ["damaged day file moved aside"]


def names(writer: TapeWriter, day: int) -> list[str]:
    return [path.name for path in writer.tape.files(day)]


def test_a_writer_has_its_instrument_and_tape_ranges(writer):
    assert writer.instrument is TAPE
    trades = days_of_trades(100, 0.1)
    writer.insert(trades, LIVE)
    assert list(writer.intervals) == list(writer.tape.intervals())
    assert [(held.first_id, held.last_id, held.source) for held in writer.intervals] == [(1, 100, LIVE)]


def test_inserting_nothing_new_stores_nothing(writer):
    trades = days_of_trades(100, 0.1)
    assert writer.insert(TradeBatch.empty(), LIVE) == 0
    assert (writer.insert(trades, LIVE), writer.insert(trades, BACKFILL)) == (100, 0)
    assert [held.source for held in writer.intervals] == [LIVE]
    assert writer.tape.catalogue.tail_size(TAPE.id) == 100


def test_trades_are_inserted_in_any_order(writer):
    trades = days_of_trades(100, 0.1)
    writer.insert(trades[np.random.default_rng(1).permutation(100)], LIVE)
    assert same(writer.tape.trades(ALL), trades)


@pytest.mark.parametrize("method", ["insert", "insert_bulk"])
def test_a_complete_span_is_covered_beyond_its_trades(store, method: str):
    for instrument, ids in ((TAPE, (1, 100)), (BYBIT, (-1, -1))):
        writer = TapeWriter(store, instrument)
        trades = days_of_trades(100, 0.1)
        span = Span(int(trades.time_ns[0]) - 5, int(trades.time_ns[-1]) + 9)
        getattr(writer, method)(trades, BACKFILL, span)
        assert writer.tape.covered() == [CoveredSpan(span, BACKFILL, *ids, proven=instrument.numbered)]
        writer.close()


def test_an_empty_span_of_an_unnumbered_market_is_covered_too(store):
    writer = TapeWriter(store, BYBIT)
    assert writer.insert(TradeBatch.empty(), BACKFILL, Span(10, 20)) == 0
    assert writer.insert_bulk(TradeBatch.empty(), BACKFILL, Span(20, 30)) == 0
    assert [covered.span for covered in writer.tape.covered()] == [Span(10, 30)]
    writer.close()


def test_unnumbered_trades_without_a_complete_span_are_stored_uncovered(store):
    writer = TapeWriter(store, BYBIT)
    assert writer.insert(days_of_trades(10, 0.1), LIVE) == 10
    assert writer.tape.covered() == []
    writer.close()


def test_a_tail_of_many_trades_wants_sealing(writer, monkeypatch):
    monkeypatch.setattr(writer_module, "TAIL_TRADES", 100)
    trades = days_of_trades(100, 0.1)
    writer.insert(trades[:99], LIVE)
    assert not writer.wants_sealing
    writer.insert(trades, LIVE)
    assert writer.wants_sealing
    writer.seal(int(trades.time_ns[-1]))
    assert not writer.wants_sealing


def test_the_tail_of_the_last_run_counts_for_sealing(store, monkeypatch):
    monkeypatch.setattr(writer_module, "TAIL_TRADES", 100)
    for wanted in (False, True):
        writer = TapeWriter(store, TAPE)
        assert writer.wants_sealing is wanted
        writer.insert(days_of_trades(100, 0.1), LIVE)
        writer.close()


def test_tidying_merges_past_days_and_leaves_today(writer):
    trades = days_of_trades(300, 1.5)
    today_ns = (FIRST_DAY + 1) * DAY_NS
    first = trades[trades.time_ns < today_ns]
    for part in (first[:50], first[50:]):
        writer.insert(part, LIVE)
        writer.seal(FIRST_DAY * DAY_NS)
    assert names(writer, FIRST_DAY) == [f"{day_name(FIRST_DAY)}.{number}.parquet" for number in (1, 2)]
    writer.insert(trades[trades.time_ns >= today_ns], LIVE)
    writer.tidy(today_ns)
    assert names(writer, FIRST_DAY) == [f"{day_name(FIRST_DAY)}.parquet"]
    assert writer.tape.cells_file(FIRST_DAY).exists()
    assert (writer.tape.days(), writer.tape.catalogue.tail_size(TAPE.id)) == ([FIRST_DAY], len(trades) - len(first))
    assert same(writer.tape.trades(ALL), trades)


def test_tidying_seals_trades_of_a_past_day(writer):
    trades = days_of_trades(300, 1.5)
    writer.insert(trades, LIVE)
    writer.tidy((FIRST_DAY + 1) * DAY_NS)
    assert [names(writer, FIRST_DAY + day) for day in (0, 1)] == [
        [f"{day_name(FIRST_DAY)}.parquet"],
        [f"{day_name(FIRST_DAY + 1)}.1.parquet"],
    ]
    assert writer.tape.catalogue.tail_size(TAPE.id) == 0


def test_a_day_with_too_many_trades_stays_in_parts(writer, monkeypatch):
    monkeypatch.setattr(writer_module, "_MOST_IN_MEMORY", 199)
    trades = days_of_trades(300, 0.5)
    writer.insert_bulk(trades[:200], ARCHIVE)
    writer.insert_bulk(trades[200:], ARCHIVE)
    assert names(writer, FIRST_DAY) == [f"{day_name(FIRST_DAY)}.parquet", f"{day_name(FIRST_DAY)}.1.parquet"]
    writer.tidy((FIRST_DAY + 5) * DAY_NS)
    assert len(writer.tape.files(FIRST_DAY)) == 2
    assert same(writer.tape.trades(ALL), trades)


def test_forgetting_a_day_deletes_its_files_and_its_cells(writer):
    writer.insert_bulk(days_of_trades(), ARCHIVE)
    files = [*writer.tape.files(FIRST_DAY), writer.tape.cells_file(FIRST_DAY)]
    assert all(path.exists() for path in files)
    writer.forget([FIRST_DAY])
    assert not any(path.exists() for path in files)
    writer.forget([FIRST_DAY])  # already gone


def test_a_file_that_is_moved_aside_leaves_a_gap(writer):
    trades = days_of_trades()
    writer.insert_bulk(trades, ARCHIVE)
    (path,) = writer.tape.files(FIRST_DAY + 1)
    day = trades[trades.time_ns // DAY_NS == FIRST_DAY + 1]
    writer.move_aside(path, FIRST_DAY + 1)
    assert not path.exists() and path.with_name(path.name + ".corrupt").exists()
    assert [(c.first_id, c.last_id) for c in writer.tape.covered()] == [(1, int(day.trade_id[0]) - 1), (int(day.trade_id[-1]) + 1, 3000)]
    assert len(writer.tape.trades(ALL)) == len(trades) - len(day)


def test_tape_ranges_are_rebuilt_from_the_files(writer):
    writer.insert_bulk(days_of_trades(), ARCHIVE)
    right = list(writer.intervals)
    wrong = TapeRange(9000, 9001, 9000, 9001, 1, 2, LIVE)
    writer.insert(with_ids(days_of_trades(2, 0.1), [9000, 9001]), LIVE)
    with writer.tape.catalogue.transaction() as connection:
        connection.execute("DELETE FROM tail")
    assert len(writer.intervals) == 2 and wrong.first_id in [held.first_id for held in writer.intervals]
    writer.rebuild_accounting()
    assert list(writer.intervals) == list(writer.tape.intervals()) == right


def test_a_day_whose_files_are_all_damaged_is_gone_after_tidying(writer, logged):
    writer.insert_bulk(days_of_trades(200, 0.5), ARCHIVE)
    (path,) = writer.tape.files(FIRST_DAY)
    damaged = path.with_name(f"{day_name(FIRST_DAY)}.1.parquet")
    path.rename(damaged)
    damaged.write_bytes(b"PAR1")
    writer.tidy((FIRST_DAY + 1) * DAY_NS)
    assert (writer.tape.days(), writer.tape.covered()) == ([], [])
    assert [entry["event"] for entry in logged.entries][-1] == "damaged day file moved aside"


@pytest.mark.parametrize("parts", [False, True], ids=["the only file", "one of two parts"])
def test_the_cells_of_a_damaged_day_go_with_it(writer, logged, parts):
    trades = days_of_trades(200, 0.5)
    writer.insert_bulk(trades[::2], ARCHIVE)
    (path,) = writer.tape.files(FIRST_DAY)
    if parts:
        writer.insert(trades[1::2], LIVE)
        writer.seal(FIRST_DAY * DAY_NS)
    assert writer.tape.cells_file(FIRST_DAY).exists()
    path.write_bytes(b"PAR1")
    assert any("moved aside" in finding.text for finding in list(verify(writer.tape, writer)))
    assert not writer.tape.cells_file(FIRST_DAY).exists() and not path.exists()
    writer.insert_bulk(trades, ARCHIVE)
    assert list(verify(writer.tape)) == []


@pytest.mark.parametrize("code", [errno.ESTALE, errno.EMFILE, errno.ENOENT, errno.EACCES, errno.ENODEV, errno.ENOMEM])
def test_a_file_that_cannot_be_opened_is_not_taken_for_damaged(writer, logged, monkeypatch, code):
    """A network drive that was gone for a moment made every sound day `.corrupt`."""
    trades = days_of_trades(200, 0.5)
    writer.insert_bulk(trades[:100], ARCHIVE)
    with monkeypatch.context() as patch:

        def fail(folder: OpenFolder, path: Path) -> IO[bytes]:
            raise OSError(code, os.strerror(code))

        patch.setattr(OpenFolder, "open", fail)
        with pytest.raises(StoreError, match=rf"cannot read .*{day_name(FIRST_DAY)}.parquet: {os.strerror(code)}"):
            writer.insert_bulk(trades[100:], ARCHIVE)
        findings = list(verify(writer.tape, writer))
        assert findings[0].text.endswith(os.strerror(code)) and not findings[0].mended and not writer.owed
    assert [path.name for path in writer.tape.files(FIRST_DAY)] == [f"{day_name(FIRST_DAY)}.parquet"]
    writer.insert_bulk(trades, ARCHIVE)
    assert same(writer.tape.trades(ALL), trades)


def test_a_failed_insert_stores_no_trade(writer, monkeypatch):
    def full(*_: object) -> None:
        raise StoreError("disk full")

    monkeypatch.setattr(tape_account, "write_ranges", full)
    trades = days_of_trades(100, 0.1)
    with pytest.raises(StoreError, match="disk full"):
        writer.insert(trades, LIVE)
    assert (len(writer.tape.trades(ALL)), len(writer.intervals)) == (0, 0)
    monkeypatch.setattr(tape_account, "write_ranges", write_ranges)
    assert writer.insert(trades, LIVE) == 100


def test_a_market_folder_that_cannot_be_made_raises_an_error(store):
    store.folder.mkdir(exist_ok=True)
    (store.folder / "binance").write_text("in the way")
    with pytest.raises(StoreError, match=r"^cannot write .*writer\.lock: "):
        TapeWriter(store, TAPE)


def test_a_writer_that_cannot_start_releases_the_market(store, monkeypatch):
    def fail(*_: object) -> None:
        raise StoreError("unreadable")

    with monkeypatch.context() as patch:
        patch.setattr(TapeWriter, "_seal_old_steps", fail)
        with pytest.raises(StoreError, match="unreadable"):
            TapeWriter(store, TAPE)
    TapeWriter(store, TAPE).close()


class AnyOrderOfWork(RuleBasedStateMachine):
    """Whatever is inserted, sealed, forgotten, closed and opened in whatever order: the store holds what a dictionary would."""

    def __init__(self) -> None:
        super().__init__()
        self.tape = days_of_trades(200, 3.2)
        self.held: set[int] = set()

    @initialize(numbered=st.booleans(), folder=st.uuids())
    def open(self, numbered, folder):
        self.folder = tempfile.TemporaryDirectory()
        self.instrument = TAPE if numbered else BYBIT
        self.store = DiskStore(Path(self.folder.name))
        self.writer = TapeWriter(self.store, self.instrument)

    @rule(first=st.integers(0, 199), length=st.integers(1, 60), step=st.sampled_from([1, 1, 3]), bulk=st.booleans())
    def insert(self, first, length, step, bulk):
        part = self.tape[first : first + length : step]
        write = self.writer.insert_bulk if bulk else self.writer.insert
        write(part, BACKFILL)
        self.held |= set(part.trade_id.tolist())

    @rule(days=st.integers(0, 4))
    def seal(self, days):
        self.writer.seal(int(self.tape.time_ns[0]) + days * DAY_NS)

    @rule()
    def open_again(self):
        self.writer.close()
        self.store.close()
        self.store = DiskStore(Path(self.folder.name))
        self.writer = TapeWriter(self.store, self.instrument)

    @rule(day=st.integers(0, 3))
    def forget(self, day):
        self.writer.seal(int(self.tape.time_ns[0]))
        number = day_of(int(self.tape.time_ns[0])) + day
        self.writer.forget([number])
        self.held -= set(self.tape.trade_id[self.tape.time_ns // DAY_NS == number].tolist())

    @rule(a=st.integers(0, 199), b=st.integers(0, 199))
    def read(self, a, b):
        span = Span(int(self.tape.time_ns[min(a, b)]), int(self.tape.time_ns[max(a, b)]))
        expected = [i for i, t in zip(self.tape.trade_id.tolist(), self.tape.time_ns.tolist(), strict=True) if i in self.held and t in span]
        read = self.writer.tape.trades(span)
        assert sorted(read.trade_id.tolist()) == expected
        if self.instrument.numbered:
            assert read.trade_id.tolist() == expected

    def teardown(self):
        if not hasattr(self, "writer"):
            return
        if self.instrument.numbered:
            held = {key for s in self.writer.tape.intervals() for key in range(s.first_key, s.last_key + 1)}
            assert held == self.held
        self.writer.close()
        self.store.close()
        self.folder.cleanup()


AnyOrderOfWork.TestCase.settings = settings(max_examples=15, stateful_step_count=12, deadline=None)
TestAnyOrderOfWork = AnyOrderOfWork.TestCase
