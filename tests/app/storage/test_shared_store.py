"""The store of a running program, shared with others."""

from pathlib import Path

from app.market.coverage import Source
from app.storage.disk import DiskStore
from app.storage.shared_store import SharedStore
from app.storage.tape_writer import TapeWriter
from tests.app.storage.stores import ALL, BYBIT, TAPE, days_of_trades
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
