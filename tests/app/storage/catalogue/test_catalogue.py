"""The catalogue keeps markets, tape ranges and the newest trades, and refuses foreign files."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from app.errors import StoreError
from app.market.span import Span
from app.market.trade import BUY, SELL, UNKNOWN, TradeBatch
from app.storage.catalogue import catalogue as catalogue_module
from app.storage.catalogue import schema as catalogue_schema
from app.storage.catalogue.catalogue import FILE_NAME, Catalogue, drop_tail, rename_damaged, write_ranges, write_tail
from app.storage.tape_ranges import TapeRange
from tests.app.storage.stores import ARCHIVE, BACKFILL, BYBIT, LIVE, TAPE
from tests.sameness import same


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    catalogue = Catalogue(tmp_path, write=True)
    yield catalogue
    catalogue.close()


def trades(*rows: tuple[int, int]) -> TradeBatch:
    """Trades of (time, id); prices, lots and sides follow from the id."""
    times, ids = ([row[k] for row in rows] for k in (0, 1))
    return TradeBatch.of(times, [100 + i for i in ids], [1 + i for i in ids], [(SELL, UNKNOWN, BUY)[i % 3] for i in ids], ids)


def add(catalogue: Catalogue, instrument, batch: TradeBatch) -> int:
    number = catalogue.number_of(instrument)
    with catalogue.transaction() as connection:
        write_tail(connection, number, batch)
    return number


def test_a_new_catalogue_is_empty(catalogue: Catalogue, tmp_path: Path) -> None:
    assert (catalogue.path, catalogue.instruments(), catalogue.instrument(TAPE.id)) == (tmp_path / FILE_NAME, [], None)
    assert (list(catalogue.intervals(TAPE.id)), catalogue.minute_cell_ticks(TAPE.id)) == ([], 0)
    assert (len(catalogue.tail(TAPE.id)[0]), catalogue.tail(TAPE.id)[1]) == (0, 0)
    assert (catalogue.tail_size(TAPE.id), catalogue.oldest_in_tail(TAPE.id)) == (0, None)


def test_a_commit_survives_a_power_cut(catalogue: Catalogue) -> None:
    with catalogue.transaction() as connection:
        values = [
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous", "foreign_keys", "user_version")
        ]
    assert values == ["wal", 2, 1, len(catalogue_schema._MIGRATIONS)]


# -- markets -------------------------------------------------------------------------------------


def test_a_market_keeps_its_number_and_takes_new_steps(catalogue: Catalogue) -> None:
    contracts = replace(BYBIT, multiplier=Decimal("0.01"))
    first, second = catalogue.number_of(contracts), catalogue.number_of(TAPE)
    assert first != second
    finer = replace(TAPE, tick_size=Decimal("0.001"), lot_size=Decimal("0.5"), multiplier=Decimal(10))
    assert catalogue.number_of(finer) == second
    assert catalogue.instruments() == [finer, contracts]  # by name
    assert (catalogue.instrument("bybit:BTCUSDT"), catalogue.instrument("okx:BTCUSDT")) == (contracts, None)


def test_minute_cell_ticks_are_those_of_one_market(catalogue: Catalogue) -> None:
    for instrument in (TAPE, BYBIT):
        catalogue.number_of(instrument)
    catalogue.set_minute_cell_ticks(TAPE.id, 50)
    assert (catalogue.minute_cell_ticks(TAPE.id), catalogue.minute_cell_ticks(BYBIT.id)) == (50, 0)


# -- tape ranges ---------------------------------------------------------------------------------

RANGES = [TapeRange(1, 9, 1, 9, 10, 91, LIVE), TapeRange(10, 12, 10, 12, 100, 121, ARCHIVE), TapeRange(20, 20, 20, 20, 200, 201, BACKFILL)]


def test_tape_ranges_are_replaced_one_by_one(catalogue: Catalogue) -> None:
    number, other = catalogue.number_of(TAPE), catalogue.number_of(BYBIT)
    with catalogue.transaction() as connection:
        write_ranges(connection, other, [], RANGES[:1])
        write_ranges(connection, number, [], reversed(RANGES))
    assert list(catalogue.intervals(TAPE.id)) == RANGES
    longer = RANGES[0]._replace(last_key=11, last_id=11)
    with catalogue.transaction() as connection:
        write_ranges(connection, number, RANGES[:2], [longer])
    assert list(catalogue.intervals(TAPE.id)) == [longer, RANGES[2]]
    assert list(catalogue.intervals(BYBIT.id)) == RANGES[:1]


# -- the newest trades ---------------------------------------------------------------------------


def test_numbered_trades_are_read_in_order_of_their_ids(catalogue: Catalogue) -> None:
    add(catalogue, TAPE, trades((30, 7), (10, 9)))
    add(catalogue, BYBIT, trades((1, 1)))
    add(catalogue, TAPE, trades((20, 8)))
    tail, place = catalogue.tail(TAPE.id)
    assert same(tail, trades((30, 7), (20, 8), (10, 9)))
    assert (place, catalogue.tail_size(TAPE.id), catalogue.oldest_in_tail(TAPE.id)) == (4, 3, 10)


def test_unnumbered_trades_are_read_by_time_and_then_by_arrival(catalogue: Catalogue) -> None:
    add(catalogue, BYBIT, trades((20, 5), (10, 9)))
    add(catalogue, BYBIT, trades((10, 1), (20, 2)))
    assert same(catalogue.tail(BYBIT.id)[0], trades((10, 9), (10, 1), (20, 5), (20, 2)))


def test_a_span_of_the_tail_is_half_open(catalogue: Catalogue) -> None:
    add(catalogue, TAPE, trades((10, 1), (20, 2), (30, 3)))
    tail, place = catalogue.tail(TAPE.id, Span(10, 30))
    assert same(tail, trades((10, 1), (20, 2))) and place == 2
    assert len(catalogue.tail(TAPE.id, Span(11, 20))[0]) == 0


def test_a_trade_that_is_stored_already_is_skipped(catalogue: Catalogue) -> None:
    add(catalogue, TAPE, trades((10, 1)))
    add(catalogue, TAPE, trades((10, 1), (20, 2)))
    assert same(catalogue.tail(TAPE.id)[0], trades((10, 1), (20, 2)))


def test_another_trade_with_the_same_id_is_not_skipped(catalogue: Catalogue) -> None:
    add(catalogue, BYBIT, trades((10, 1)))
    add(catalogue, BYBIT, trades((99, 1)))
    assert same(catalogue.tail(BYBIT.id)[0], trades((10, 1), (99, 1)))


FIRST_SCHEMA = """
    CREATE TABLE instrument (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, tick_size TEXT NOT NULL, lot_size TEXT NOT NULL,
        multiplier TEXT NOT NULL, numbered INTEGER NOT NULL, rollup_ticks INTEGER NOT NULL DEFAULT 0) STRICT;
    CREATE TABLE stretch (instrument INTEGER NOT NULL REFERENCES instrument, first_key INTEGER NOT NULL, last_key INTEGER NOT NULL,
        first_id INTEGER NOT NULL, last_id INTEGER NOT NULL, start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL, source TEXT NOT NULL,
        PRIMARY KEY (instrument, first_key)) STRICT, WITHOUT ROWID;
    CREATE TABLE tail (place INTEGER PRIMARY KEY AUTOINCREMENT, instrument INTEGER NOT NULL REFERENCES instrument,
        time_ns INTEGER NOT NULL, price_ticks INTEGER NOT NULL, quantity_lots INTEGER NOT NULL, side INTEGER NOT NULL,
        trade_id INTEGER NOT NULL, UNIQUE (instrument, trade_id)) STRICT;
    INSERT INTO instrument VALUES (1, 'binance:BTCUSDT', '0.01', '0.00001', '1', 1, 0);
    INSERT INTO stretch VALUES (1, 1, 2, 1, 2, 10, 21, 'live');
    INSERT INTO tail VALUES (5, 1, 10, 101, 2, 0, 1), (7, 1, 20, 102, 3, 1, 2);
    UPDATE sqlite_sequence SET seq = 90;
    PRAGMA user_version = 1;
"""


def of_the_first_schema(folder: Path) -> None:
    connection = sqlite3.connect(folder / FILE_NAME)
    connection.executescript(FIRST_SCHEMA)
    connection.close()


def test_a_catalogue_of_the_first_schema_keeps_its_trades_and_places(tmp_path: Path) -> None:
    of_the_first_schema(tmp_path)
    opened = Catalogue(tmp_path, write=True)
    tail, place = opened.tail(TAPE.id)
    assert same(tail, trades((10, 1), (20, 2))) and place == 7
    assert [(one.first_id, one.last_id, one.source) for one in opened.intervals(TAPE.id)] == [(1, 2, LIVE)]
    add(opened, TAPE, trades((30, 3)))
    assert opened.tail(TAPE.id)[1] == 91  # places are never used twice: a writer drops the tail up to one
    opened.close()


def test_a_catalogue_of_the_first_schema_is_read_as_it_is(tmp_path: Path) -> None:
    of_the_first_schema(tmp_path)
    before = (tmp_path / FILE_NAME).read_bytes()
    opened = Catalogue(tmp_path, write=False)
    assert (opened.tail_size(TAPE.id), opened.owed(TAPE.id)) == (2, [])
    opened.close()
    assert (tmp_path / FILE_NAME).read_bytes() == before


def test_the_tail_is_dropped_up_to_a_place(catalogue: Catalogue) -> None:
    add(catalogue, TAPE, trades((10, 1), (20, 2)))
    other = add(catalogue, BYBIT, trades((5, 3)))
    number = add(catalogue, TAPE, trades((30, 4)))
    with catalogue.transaction() as connection:
        drop_tail(connection, number, 3)
    assert catalogue.tail(TAPE.id)[0].trade_id.tolist() == [4]
    assert catalogue.tail_size(BYBIT.id) == 1
    with catalogue.transaction() as connection:
        drop_tail(connection, other, 3)
    assert (catalogue.tail_size(BYBIT.id), catalogue.tail_size(TAPE.id)) == (0, 1)


def test_a_long_tail_is_read_in_batches(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue_module, "_ROWS_AT_ONCE", 3)
    batch = trades(*((10 * i, i) for i in range(10)))
    add(catalogue, TAPE, batch)
    assert same(catalogue.tail(TAPE.id)[0], batch)


# -- opening, closing and damage -----------------------------------------------------------------


def test_everything_is_there_when_it_is_opened_again(catalogue: Catalogue, tmp_path: Path) -> None:
    add(catalogue, TAPE, trades((10, 1)))
    catalogue.close()
    for write in (False, True):
        again = Catalogue(tmp_path, write=write)
        assert (again.instruments(), again.tail_size(TAPE.id)) == ([TAPE], 1)
        again.close()


def test_a_failed_transaction_changes_nothing(catalogue: Catalogue) -> None:
    number = catalogue.number_of(TAPE)
    with pytest.raises(KeyboardInterrupt), catalogue.transaction() as connection:
        write_tail(connection, number, trades((10, 1)))
        raise KeyboardInterrupt
    assert catalogue.tail_size(TAPE.id) == 0
    add(catalogue, TAPE, trades((10, 1)))
    assert catalogue.tail_size(TAPE.id) == 1


def test_a_reader_sees_what_a_writer_commits_and_cannot_write(catalogue: Catalogue, tmp_path: Path) -> None:
    reader = Catalogue(tmp_path, write=False)
    add(catalogue, TAPE, trades((10, 1)))
    assert reader.tail_size(TAPE.id) == 1
    with pytest.raises(StoreError, match="attempt to write a readonly database"):
        reader.set_minute_cell_ticks(TAPE.id, 5)
    reader.close()


def test_a_closed_catalogue_raises_a_store_error(catalogue: Catalogue) -> None:
    catalogue.close()
    with pytest.raises(StoreError, match=r"catalogue\.sqlite3: Cannot operate on a closed database"):
        catalogue.instruments()


def test_a_missing_catalogue_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"catalogue\.sqlite3: unable to open database file$"):
        Catalogue(tmp_path / "nowhere", write=False)
    sqlite3.connect(tmp_path / FILE_NAME).close()
    (tmp_path / FILE_NAME).touch()
    with pytest.raises(StoreError, match=r"catalogue\.sqlite3: no store here yet$"):
        Catalogue(tmp_path, write=False)


def test_a_folder_that_cannot_be_made_raises_an_error(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("in the way")
    with pytest.raises(StoreError, match=r"catalogue\.sqlite3: (Not a directory|File exists)$"):
        Catalogue(tmp_path / "folder", write=True)


def test_a_damaged_catalogue_is_renamed_with_its_companions(tmp_path: Path, logged) -> None:
    for ending in ("", "-wal", "-shm"):
        (tmp_path / f"{FILE_NAME}{ending}").write_text(f"damaged{ending}")
    aside = rename_damaged(tmp_path)
    assert aside.name.startswith(f"{FILE_NAME}.corrupt-2") and aside.parent == tmp_path
    assert sorted((path.name, path.read_text()) for path in tmp_path.iterdir()) == [
        (aside.name, "damaged"),
        (f"{aside.name}-shm", "damaged-shm"),
        (f"{aside.name}-wal", "damaged-wal"),
    ]
    assert [(entry["event"], entry["path"]) for entry in logged.entries] == [("damaged catalogue renamed", str(aside))]


def test_a_damaged_catalogue_without_companions_is_renamed_alone(tmp_path: Path, logged) -> None:
    (tmp_path / FILE_NAME).write_text("damaged")
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]
    aside = rename_damaged(tmp_path)
    assert list(tmp_path.iterdir()) == [aside]
