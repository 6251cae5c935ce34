"""The same id for different trades: a new epoch of ids or a conflict, both kept and told, and the same trade stored once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.entry.cli import run
from app.ingest.ingest import Ingest
from app.market.coverage import Source
from app.market.trade import BUY, SELL, UNKNOWN, TradeBatch, concatenate
from app.storage.catalogue.owed import OwedReason
from app.storage.disk import DiskStore
from app.storage.epochs import keyed, raw_ids
from app.storage.recorder import Recorder
from app.storage.tape_ranges import TapeRanges, epoch_of, id_ranges
from app.storage.tape_writer import TapeWriter
from app.storage.trade_store import TradeStore
from app.storage.verify import verify
from tests.app.ingest.pumps import Line
from tests.app.storage.stores import ALL, ARCHIVE, BYBIT, FIRST_DAY, LIVE, TAPE
from tests.sameness import same

S = 10**9
DAY_NS = 86_400 * S
START_NS = FIRST_DAY * DAY_NS


def of(first_id: int, n: int, start_s: float, price: int = 100) -> TradeBatch:
    """`n` trades, one every 10 ms, whose prices and sides follow from the id."""
    ids = np.arange(first_id, first_id + n)
    times = START_NS + round(start_s * S) + np.arange(n) * 10_000_000
    return TradeBatch.of(times, price + ids % 5, 1 + ids % 3, np.where(ids % 2, BUY, SELL), ids)


def alike(found: TradeBatch, expected: TradeBatch) -> bool:
    """The same trades in the same order, with the venue's ids."""
    return same(TradeBatch.of(*found.columns[:4], raw_ids(found.trade_id)), expected)


OLD = of(1000, 300, 0)
ANEW = {
    "below all": of(1, 300, 400, 90),
    "the same ids": of(1000, 300, 40 * 86_400, 90),
    "overlapping": of(900, 300, 400, 90),
    "at once, far below": of(1, 300, 3, 90),
}


ORDERS = [(name, order) for name in ANEW for order in ("old first", "new first", "together", "in pieces")]
ORDERS.remove(("at once, far below", "new first"))  # ids that rise at later times: nothing says that they started again


@pytest.mark.parametrize(("name", "order"), ORDERS)
@pytest.mark.parametrize("bulk", [False, True])
def test_ids_that_begin_anew_are_another_epoch(store: DiskStore, writer: TapeWriter, name: str, order: str, bulk: bool) -> None:
    """D10: on disk, in any order of arrival; and once more adds nothing."""
    new = ANEW[name]
    insert = writer.insert_bulk if bulk else writer.insert
    pieces = {
        "old first": [OLD, new],
        "new first": [new, OLD],
        "together": [concatenate([OLD, new])],
        "in pieces": [OLD[:100], OLD[100:], *(new[i : i + 50] for i in range(0, 300, 50))],
    }[order]
    assert sum(insert(piece, ARCHIVE) for piece in pieces) == 600
    both = concatenate([OLD, new])
    assert alike(writer.tape.trades(ALL), both)
    assert sum(insert(piece, ARCHIVE) for piece in pieces) == 0
    assert insert(both, ARCHIVE) == 0
    assert any(note.startswith("ids start again at ") for note in writer.notes)
    assert not [row for row in store.catalogue.owed(TAPE.id) if row.reason is OwedReason.CONFLICT]
    writer.seal(int(both.time_ns[-1]) + DAY_NS)
    assert alike(writer.tape.trades(ALL), both)
    texts = [finding.text for finding in verify(writer.tape)]
    assert len(texts) == 1 and texts[0].endswith(" (ids start again)"), texts
    assert [missing for a, b in writer.intervals.gaps() for missing in range(a.last_key + 1, b.first_key)] == []


def test_an_epoch_between_two_is_kept_between_them(writer: TapeWriter) -> None:
    parts = [of(1000, 100, k * 86_400, 90 + k) for k in range(4)]
    for k in (0, 3, 1, 2):
        assert writer.insert(parts[k], ARCHIVE) == 100
    assert alike(writer.tape.trades(ALL), concatenate(parts))
    assert len({epoch_of(one.first_key) for one in writer.intervals}) == 4


def test_late_trades_and_gaps_are_no_new_epoch(writer: TapeWriter) -> None:
    for part in (OLD[200:], OLD[50:100], OLD[:50], OLD[100:200], of(5000, 10, 100), of(1400, 10, 5)):
        writer.insert(part, LIVE)
    assert {epoch_of(one.first_key) for one in writer.intervals} == {0} and writer.notes == []


@pytest.mark.parametrize(("column", "change", "differs"), [(0, 999_999, False), (0, 2_000_000, True), (1, 1, True), (2, 1, True)])
def test_another_trade_with_a_stored_id_is_a_conflict_that_is_kept(writer: TapeWriter, column: int, change: int, differs: bool) -> None:
    """D10: neither dropped in silence nor counted; told once."""
    writer.insert(OLD, LIVE)
    columns = [one.copy() for one in OLD[10:20].columns]
    columns[column][3] += change
    odd = TradeBatch.of(*columns)
    for _ in range(2):
        assert writer.insert(odd, ARCHIVE) == 0
        rows = [row for row in writer.tape.catalogue.owed(TAPE.id) if row.reason is OwedReason.CONFLICT]
        assert len(rows) == differs
    assert same(writer.tape.trades(ALL), OLD)
    texts = [finding.text for finding in verify(writer.tape)]
    assert len(texts) == differs and all("id conflict: id 1013 is stored for another trade than " in text for text in texts)


@pytest.mark.parametrize(("mine", "theirs", "differs"), [(BUY, SELL, True), (BUY, UNKNOWN, False), (UNKNOWN, SELL, False)])
def test_an_unknown_side_contradicts_no_other(writer: TapeWriter, mine: int, theirs: int, differs: bool) -> None:
    for side in (mine, theirs):
        writer.insert(TradeBatch.of([START_NS], [5], [1], [side], [7]), LIVE)
    assert len([row for row in writer.tape.catalogue.owed(TAPE.id) if row.reason is OwedReason.CONFLICT]) == differs


def test_an_unnumbered_market_keeps_trades_that_differ_in_anything(store: DiskStore) -> None:
    writer = TapeWriter(store, BYBIT)
    rows = [(START_NS, 5, 1, BUY, 7), (START_NS, 6, 1, BUY, 7), (START_NS + S, 5, 1, BUY, 7), (START_NS, 5, 1, SELL, 7)]
    for row in (*rows, *rows):
        writer.insert(TradeBatch.of(*([value] for value in row)), LIVE)
    memory = TradeStore(by_time=True)
    for row in (*rows, *rows):
        memory.insert(TradeBatch.of(*([value] for value in row)))
    writer.insert_bulk(TradeBatch.of(*zip(*rows, strict=True)), ARCHIVE)
    writer.seal(START_NS + 2 * DAY_NS)
    assert len(writer.tape.trades(ALL)) == memory.n_trades == 4
    writer.close()


# -- live ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ANEW)
@pytest.mark.parametrize("restart", [False, True])
def test_a_live_stream_whose_ids_begin_anew_goes_on(store: DiskStore, writer: TapeWriter, name: str, restart: bool) -> None:
    """D10: in memory and on disk; nothing is asked for between the epochs by id."""
    new = ANEW[name]

    def ingest() -> Ingest:
        memory = TradeStore()
        return Ingest(Line(), None, memory, (), recorder=Recorder(writer, memory.batches))

    def receive(one: Ingest, trades: TradeBatch) -> None:
        for start in range(0, len(trades), 50):
            one.receive(trades[start : start + 50])
            assert one.recorder is not None
            one.recorder._being_written, one.recorder._queue = one.recorder._queue, []
            one.recorder._write((), retrying=False)

    one = ingest()
    receive(one, OLD)
    if restart:
        one = ingest()
    receive(one, new)
    both = concatenate([OLD, new])
    assert alike(one.store.trades(), new if restart else both)
    assert one.store.missing == 0
    assert alike(writer.tape.trades(ALL), both)
    assert all(gap.missing == 0 for gap in one.store.gaps()) and len(one.store.gaps()) == (not restart)


def test_memory_passes_conflicting_and_very_late_trades_on_to_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.storage.trade_store._CHUNK", 16)
    memory = TradeStore(64)
    memory.insert(OLD[50:])
    assert memory.forgotten and not len(memory.take_aside())
    odd = TradeBatch.of(*(column[290:291] + (k == 1) for k, column in enumerate(OLD.columns)))
    memory.insert(concatenate([OLD[:50], odd]))
    assert same(memory.take_aside(), concatenate([OLD[:50], odd]))
    assert not len(memory.take_aside())


# -- the command line ----------------------------------------------------------------------------

HEADER = "time,price,quantity,side,trade_id\n"


def written(path: Path, trades: TradeBatch) -> str:
    names = {BUY: "buy", SELL: "sell", UNKNOWN: "unknown"}
    rows = (
        f"{time},{price},{lots},{names[side]},{i}\n"
        for time, price, lots, side, i in zip(*(c.tolist() for c in trades.columns), strict=True)
    )
    path.write_text(HEADER + "".join(rows))
    return str(path)


def test_a_relisted_market_is_imported_told_and_exported_with_its_own_ids(tmp_path: Path, capfd) -> None:
    """D10: two files with the same ids, 40 days apart."""
    files = [written(tmp_path / "old.csv", OLD), written(tmp_path / "new.csv", ANEW["the same ids"])]
    market = ["--instrument", "binance:BTCUSDT", "--tick-size", "1", "--lot-size", "1", "--store", str(tmp_path / "store")]
    assert run(["import", "csv", *files, *market]) == 0
    err = capfd.readouterr().err
    assert err.count("300 new, 0 already stored") == 2 and "ids start again at 2023-12-24" in err
    assert run(["import", "csv", *files, *market]) == 0
    assert capfd.readouterr().err.count("0 new, 300 already stored") == 2
    assert run(["export", "binance:BTCUSDT", "-o", str(tmp_path / "out.csv"), "--store", str(tmp_path / "store"), "--quiet"]) == 0
    ids = [line.rsplit(",", 1)[1] for line in (tmp_path / "out.csv").read_text().splitlines()[1:]]
    assert ids == [str(i) for i in (*range(1000, 1300), *range(1000, 1300))]
    verify_ = ["verify", "binance:BTCUSDT", "--store", str(tmp_path / "store")]
    assert run(verify_) == 1
    assert "(ids start again)" in capfd.readouterr().out
    assert run([*verify_, "--give-up", "2023-11-14..2023-12-24"]) == 0


# -- any stream ----------------------------------------------------------------------------------


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(1, 400), st.integers(5, 60), st.integers(20, 10**6)), min_size=1, max_size=6), st.integers(1, 40))
def test_epochs_split_into_batches_keep_every_trade_and_their_order(parts: list[tuple[int, int, int]], size: int) -> None:
    """Each part begins anywhere, later than the one before by 20 s or more: all trades are kept, in order of time."""
    start_s, every, ranges = 0, list[TradeBatch](), TapeRanges()
    for first_id, n, pause_s in parts:
        every.append(of(first_id, n, start_s))
        start_s += pause_s
    trades = concatenate(every)
    found: list[TradeBatch] = []
    for start in range(0, len(trades), size):
        batch = keyed(trades[start : start + size], ranges)
        for one in id_ranges(batch[np.argsort(batch.trade_id, kind="stable")], Source.LIVE):
            ranges.add(one)
        found.append(batch)
    keys = concatenate(found).trade_id
    assert len(np.unique(keys)) == len(trades)
    assert np.all(np.diff(keys) > 0) == all(np.diff(trades.time_ns) >= 0)
    assert same(keyed(trades, TapeRanges()), concatenate(found))
