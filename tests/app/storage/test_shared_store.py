"""The store of a running program, shared with others, and its retention."""

from pathlib import Path

import pytest

from app.market.bar_rule import DAY_NS
from app.market.coverage import Source
from app.market.span import Span
from app.storage.day_file import day_of
from app.storage.disk import DiskStore
from app.storage.retention import Retention, delete_expired_days, expired_days
from app.storage.shared_store import SharedStore
from app.storage.tape_writer import TapeWriter
from tests.app.storage.test_disk import ALL, BYBIT, TAPE, days_of_trades
from tests.sameness import same


def test_the_second_program_only_reads_a_market_being_recorded(tmp_path: Path):
    """B5: two programs on one store."""
    first, second = SharedStore(tmp_path), SharedStore(tmp_path)
    writing, reading = first.of(TAPE), second.of(TAPE)
    assert writing.writer is not None and reading.writer is None
    assert reading.trouble == "binance:BTCUSDT is being recorded by another program"
    trades = days_of_trades(500)
    writing.writer.insert(trades, Source.LIVE)
    assert reading.tape is not None and same(reading.tape.trades(ALL), trades)
    other = second.of(BYBIT)
    assert other.writer is not None and other.trouble == ""
    for writer in (writing.writer, other.writer):
        writer.close()
    first.close()
    second.close()


def test_without_recording_the_store_is_only_read(tmp_path: Path):
    assert SharedStore(tmp_path / "none", record=False).of(TAPE) == SharedStore(tmp_path / "none", record=False).of(TAPE)
    assert not (tmp_path / "none").exists()
    store = DiskStore(tmp_path)
    writer = TapeWriter(store, TAPE)
    writer.insert(days_of_trades(500), Source.LIVE)
    writer.close()
    store.close()
    reader = SharedStore(tmp_path, record=False)
    kept = reader.of(TAPE)
    assert kept.writer is None and kept.trouble == "" and kept.tape is not None and len(kept.tape.trades(ALL)) == 500
    reader.close()


def test_a_store_that_cannot_be_opened_is_reported_as_trouble(tmp_path: Path, logged):
    (tmp_path / "store").write_text("in the way")
    kept = SharedStore(tmp_path / "store").of(TAPE)
    assert (kept.tape, kept.writer) == (None, None)
    assert kept.trouble.startswith("not recording: ") and "store" in kept.trouble
    assert logged.entries[0]["event"] == "recording off"


@pytest.mark.parametrize(
    ("keep", "left"), [(Retention(), 5), (Retention(days=2), 3), (Retention(days=30), 5), (Retention(store_bytes=1), 1)]
)
def test_retention_deletes_the_oldest_days_but_never_today(tmp_path: Path, keep: Retention, left: int):
    store = DiskStore(tmp_path)
    writer = TapeWriter(store, TAPE)
    trades = days_of_trades(5000, 4.5)
    writer.insert_bulk(trades, Source.ARCHIVE)
    now_ns = int(trades.time_ns[-1])
    gone = delete_expired_days(writer, tmp_path, keep, now_ns)
    assert len(gone) == 5 - left
    first = day_of(now_ns) - left + 1
    assert writer.tape.days() == list(range(first, first + left))
    assert same(writer.tape.trades(ALL), trades[trades.time_ns >= first * DAY_NS])
    before = trades.time_ns[trades.time_ns < first * DAY_NS]
    assert not any(int(time_ns) in covered.span for covered in writer.tape.covered() for time_ns in (before if gone else ()))
    writer.close()
    store.close()


def test_retention_deletes_nothing_within_the_size_limit(tmp_path: Path):
    store = DiskStore(tmp_path)
    writer = TapeWriter(store, TAPE)
    writer.insert_bulk(days_of_trades(5000, 4.5), Source.ARCHIVE)
    size = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    now_ns = int(writer.tape.trades(Span(0, 1 << 62)).time_ns[-1])
    assert expired_days(writer.tape, tmp_path, Retention(store_bytes=size), now_ns) == []
    assert len(expired_days(writer.tape, tmp_path, Retention(store_bytes=size - 1), now_ns)) == 1
    writer.close()
    store.close()
