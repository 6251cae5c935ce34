"""The complete store: trades are read back once, whatever happens in between."""

import sqlite3
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from app.errors import StoreBusyError, StoreError
from app.market.bar_rule import DAY_NS
from app.market.coverage import CoveredSpan, Source
from app.market.instrument import Instrument
from app.market.span import Span
from app.market.trade import TradeBatch
from app.storage.catalogue import FILE_NAME, Catalogue, DamagedCatalogueError
from app.storage.day_file import day_of
from app.storage.disk import DiskStore
from app.storage.tape import day_name, day_named, file_name_of
from app.storage.tape_writer import TapeWriter
from tests.builders import START_NS, random_trades
from tests.sameness import same

TAPE = Instrument("binance", "BTCUSDT", Decimal("0.01"), Decimal("0.00001"))
BYBIT = Instrument("bybit", "BTCUSDT", Decimal("0.1"), Decimal("0.001"), numbered=False)
ALL = Span(0, 1 << 62)
LIVE, ARCHIVE = Source.LIVE, Source.ARCHIVE


@pytest.fixture
def store(tmp_path: Path):
    store = DiskStore(tmp_path / "store")
    yield store
    store.close()


@pytest.fixture
def writer(store):
    writer = TapeWriter(store, TAPE)
    yield writer
    writer.close()


def days_of_trades(n: int = 3000, days: float = 2.5) -> TradeBatch:
    return random_trades(7, n, start_ns=START_NS // DAY_NS * DAY_NS, seconds=days * 86_400)


def test_an_empty_store_has_no_markets_and_no_trades(store):
    assert store.instruments() == []
    assert len(store.tape(TAPE).trades(ALL)) == 0
    assert store.tape(TAPE).covered() == []


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


@pytest.mark.parametrize("hurt", [b"", b"no database at all, but text of some length" * 30, None])
def test_a_damaged_catalogue_is_renamed_and_rebuilt_from_files(tmp_path: Path, logged, hurt):
    """B4: the catalogue is lost, foreign or hurt."""
    store = DiskStore(tmp_path)
    writer = TapeWriter(store, TAPE)
    trades = days_of_trades()
    writer.insert(trades[:2500], LIVE)
    writer.seal(int(trades.time_ns[-1]))
    writer.insert_bulk(trades[2600:], ARCHIVE)
    writer.close()
    store.close()
    path = tmp_path / FILE_NAME
    if hurt is None:
        whole = bytearray(path.read_bytes())
        whole[4096:8192] = bytes(4096)
        path.write_bytes(whole)
    elif hurt:
        path.write_bytes(hurt)
    else:
        path.unlink()
    store = DiskStore(tmp_path)
    if hurt != b"":
        assert "rebuilt from the day files" in store.repaired
        assert len(list(tmp_path.glob(f"{FILE_NAME}.corrupt-*"))) == 1
    assert [(c.first_id, c.last_id, c.source) for c in store.tape(TAPE).covered()] == [(1, 2500, LIVE), (2601, 3000, ARCHIVE)]
    assert len(store.tape(TAPE).trades(ALL)) == 2900
    store.close()


@pytest.mark.parametrize("times", [1, 2])
def test_a_store_that_cannot_be_rebuilt_closes_its_files(tmp_path: Path, monkeypatch, logged, times: int):
    """The catalogue that is set aside is closed first, and so is the new one if that fails as well."""
    opened: list[Catalogue] = []
    closed: list[Catalogue] = []
    monkeypatch.setattr(Catalogue, "close", lambda self, close=Catalogue.close: (closed.append(self), close(self)))

    def rebuild(catalogue: Catalogue, *_: object) -> None:
        opened.append(catalogue)
        if len(opened) <= times:
            raise DamagedCatalogueError("spoilt")

    monkeypatch.setattr("app.storage.disk.rebuild_catalogue", rebuild)
    if times == 1:
        DiskStore(tmp_path).close()
    else:
        with pytest.raises(DamagedCatalogueError):
            DiskStore(tmp_path)
    assert len(opened) == 2 and closed == opened


def test_a_store_of_a_newer_version_is_refused(tmp_path: Path):
    """B4: a newer schema."""
    DiskStore(tmp_path).close()
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match=r"created by a newer Tapeprint \(schema 99, this version supports 1\)"):
        DiskStore(tmp_path)


def test_a_database_of_another_program_is_refused(tmp_path: Path):
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    connection.close()
    with pytest.raises(StoreError, match="not a Tapeprint database"):
        DiskStore(tmp_path)


def test_opening_a_missing_store_for_reading_raises_an_error(tmp_path: Path):
    with pytest.raises(StoreError, match="no store in "):
        DiskStore(tmp_path / "nowhere", write=False)


def test_a_file_in_place_of_the_store_folder_raises_an_error(tmp_path: Path):
    (tmp_path / "store").write_text("in the way")
    with pytest.raises(StoreError, match="store"):
        DiskStore(tmp_path / "store")


@pytest.mark.parametrize(
    ("symbol", "name"), [("BTCUSDT", "BTCUSDT"), ("BTC/USD", "BTC_2fUSD"), ("A_B", "A_5fB"), ("CON", "_43ON"), ("..", "_2e.")]
)
def test_symbols_become_file_names_valid_on_every_system(symbol, name):
    assert file_name_of(symbol) == name


def test_day_files_are_named_by_date(tmp_path: Path):
    assert day_name(19_675) == "2023-11-14"
    assert day_named(tmp_path / "2023-11-14.3.parquet") == 19_675
    assert day_named(tmp_path / "2023-13-14.parquet") is None
    assert day_named(tmp_path / "notes.parquet") is None


class AnyOrderOfWork(RuleBasedStateMachine):
    """Whatever is inserted, sealed, forgotten, closed and opened in whatever order: the store holds what a dictionary would."""

    def __init__(self) -> None:
        super().__init__()
        self.tape = days_of_trades(200, 3.2)
        self.held: set[int] = set()

    @initialize(numbered=st.booleans(), folder=st.uuids())
    def open(self, numbered, folder):
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.instrument = TAPE if numbered else BYBIT
        self.store = DiskStore(Path(self.folder.name))
        self.writer = TapeWriter(self.store, self.instrument)

    @rule(first=st.integers(0, 199), length=st.integers(1, 60), step=st.sampled_from([1, 1, 3]), bulk=st.booleans())
    def insert(self, first, length, step, bulk):
        part = self.tape[first : first + length : step]
        write = self.writer.insert_bulk if bulk else self.writer.insert
        write(part, Source.BACKFILL)
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
