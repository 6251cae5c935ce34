"""The catalogue keeps the history of an instrument's facts."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from app.market.bar_rule import DAY_NS
from app.market.steps import Steps
from app.market.trade import TradeBatch
from app.storage.catalogue import catalogue as catalogue_module
from app.storage.catalogue import schema as catalogue_schema
from app.storage.catalogue.catalogue import FILE_NAME, Catalogue, write_ranges, write_tail
from app.storage.catalogue.facts import Fact
from app.storage.disk import DiskStore
from app.storage.tape_ranges import id_ranges
from app.storage.tape_writer import TapeWriter
from tests.app.storage.stores import ALL, ARCHIVE, FIRST_DAY, LIVE, TAPE, days_of_trades
from tests.builders import random_trades
from tests.sameness import same

COARSE = Steps(Decimal("0.1"), Decimal("0.001"))


def test_only_changes_are_stored_with_their_time(tmp_path: Path) -> None:
    catalogue = Catalogue(tmp_path, write=True)
    trading = replace(TAPE, status="TRADING")
    for now_ns, instrument in (
        (10, trading),
        (20, trading),
        (30, replace(trading.on_steps(Steps(Decimal("0.1"), TAPE.lot_size)), status="BREAK")),
        (40, TAPE),
        (50, replace(TAPE, status="TRADING", name="XBTUSDT")),
    ):
        catalogue.number_of(instrument, now_ns)
    assert catalogue.facts(TAPE.id) == [
        Fact(10, "lot_size", "0.00001"),
        Fact(10, "name", TAPE.id),
        Fact(10, "status", "TRADING"),
        Fact(10, "tick_size", "0.01"),
        Fact(30, "status", "BREAK"),
        Fact(30, "tick_size", "0.1"),
        Fact(40, "tick_size", "0.01"),
        Fact(50, "name", "XBTUSDT"),
        Fact(50, "status", "TRADING"),
    ]
    assert catalogue.facts("okx:BTC-USDT") == []
    catalogue.close()


def test_a_day_imported_in_other_steps_is_noted_for_its_time(store: DiskStore) -> None:
    store.catalogue.number_of(TAPE, 1)
    writer = TapeWriter(store, TAPE)
    trades = random_trades(1, 30, start_ns=FIRST_DAY * DAY_NS, seconds=60)
    assert writer.insert_bulk(trades, ARCHIVE, steps=COARSE) == 30
    first_ns, after_ns = int(trades.time_ns[0]), int(trades.time_ns[-1]) + 1
    ticks = [fact for fact in store.catalogue.facts(TAPE.id) if fact.what == "tick_size"]
    assert ticks == [Fact(1, "tick_size", "0.01"), Fact(first_ns, "tick_size", "0.1"), Fact(after_ns, "tick_size", "0.01")]
    assert store.catalogue.instrument(TAPE.id) == TAPE
    writer.close()


def test_an_import_that_is_undone_leaves_no_fact_of_its_steps(store: DiskStore) -> None:
    """D11: and one that is not has them, once it is complete."""
    trades = random_trades(1, 30, start_ns=FIRST_DAY * DAY_NS, seconds=3600)
    writer = TapeWriter(store, TAPE)
    before = store.catalogue.facts(TAPE.id)
    with pytest.raises(RuntimeError), writer.atomically():
        writer.insert_bulk(trades, ARCHIVE, steps=COARSE)
        raise RuntimeError
    assert store.catalogue.facts(TAPE.id) == before
    assert not writer.intervals and not writer.tape.days()
    with writer.atomically():
        assert writer.insert_bulk(trades, ARCHIVE, steps=COARSE) == 30
        assert store.catalogue.facts(TAPE.id) == before
    assert len(store.catalogue.facts(TAPE.id)) > len(before)
    writer.close()


def test_a_rebuilt_catalogue_has_the_history_of_the_files(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    for day, steps in enumerate((TAPE.steps, TAPE.steps, COARSE)):
        writer = TapeWriter(store, TAPE.on_steps(steps))
        trades = random_trades(1, 30, start_ns=(FIRST_DAY + day) * DAY_NS, seconds=60)
        writer.insert_bulk(TradeBatch.of(*trades.columns[:4], trades.trade_id + 30 * day), ARCHIVE)
        writer.close()
    store.close()
    (tmp_path / FILE_NAME).unlink()
    store = DiskStore(tmp_path)
    ticks = [fact for fact in store.catalogue.facts(TAPE.id) if fact.what == "tick_size"]
    assert ticks == [Fact(FIRST_DAY * DAY_NS, "tick_size", "0.01"), Fact((FIRST_DAY + 2) * DAY_NS, "tick_size", "0.1")]
    assert store.catalogue.instrument(TAPE.id) == TAPE.on_steps(COARSE)
    store.close()


@pytest.mark.parametrize("leaves_log", [False, True])
def test_a_catalogue_of_the_first_version_is_migrated_whole(tmp_path: Path, leaves_log: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    trades = days_of_trades(60, 0.5)
    path = tmp_path / FILE_NAME
    with monkeypatch.context() as patch:
        patch.setattr(catalogue_schema, "_MIGRATIONS", catalogue_schema._MIGRATIONS[:1])
        patch.setattr(catalogue_module, "note_facts", lambda *_: False)
        first = Catalogue(tmp_path, write=True)
        number = first.number_of(TAPE)
        with first.transaction() as connection:
            write_tail(connection, number, trades)
            write_ranges(connection, number, [], id_ranges(trades, LIVE))
        first.close()
    old = sqlite3.connect(path)
    assert old.execute("PRAGMA user_version").fetchone() == (1,)
    if leaves_log:
        old.execute("UPDATE instrument SET rollup_ticks = 7")
        old.commit()
        old.execute("PRAGMA wal_checkpoint(PASSIVE)")
    old.close()
    frozen = DiskStore(tmp_path, frozen=True)  # is not migrated, and can be read all the same
    assert same(frozen.tape(TAPE).trades(ALL), trades) and frozen.catalogue.facts(TAPE.id) == []
    frozen.close()
    store = DiskStore(tmp_path)
    assert same(store.tape(TAPE).trades(ALL), trades)
    assert store.catalogue.facts(TAPE.id) == [Fact(0, "lot_size", "0.00001"), Fact(0, "name", TAPE.id), Fact(0, "tick_size", "0.01")]
    store.catalogue.number_of(TAPE)
    assert len(store.catalogue.facts(TAPE.id)) == 3
    store.close()
