"""Rows of the catalogue that cannot be right are set aside, told, and made up for from the day files."""

from __future__ import annotations

import random
import shutil
import sqlite3
from pathlib import Path

import pytest

from app.entry.cli import run
from app.errors import StoreError
from app.storage.catalogue.catalogue import FILE_NAME
from app.storage.day_file import write_day
from app.storage.disk import DiskStore, stored_instrument
from app.storage.tape import day_name
from app.storage.tape_writer import TapeWriter
from app.storage.verify import verify
from tests.app.storage.stores import ALL, BYBIT, FIRST_DAY, LIVE, TAPE, days_of_trades
from tests.sameness import same

TRADES = days_of_trades(600, 1.4)
SEALED = 500
CASES = 160


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A numbered and an unnumbered market, each with day files and a tail."""
    folder = tmp_path_factory.mktemp("snapshot") / "store"
    store = DiskStore(folder)
    for instrument in (TAPE, BYBIT):
        writer = TapeWriter(store, instrument)
        start_ns, end_ns = int(TRADES.time_ns[0]), int(TRADES.time_ns[-1]) + 1
        span = None if instrument.numbered else type(ALL)(start_ns, end_ns)
        writer.insert(TRADES[:SEALED], LIVE, span and type(ALL)(start_ns, int(TRADES.time_ns[SEALED])))
        writer.seal(int(TRADES.time_ns[-1]))
        writer.insert(TRADES[SEALED:], LIVE, span)
        writer.close()
    store.close()
    return folder


@pytest.fixture
def folder(snapshot: Path, tmp_path: Path) -> Path:
    shutil.copytree(snapshot, tmp_path / "store")
    return tmp_path / "store"


def change(folder: Path, statement: str, *values: object) -> None:
    connection = sqlite3.connect(folder / FILE_NAME)
    connection.execute(statement, values)
    connection.commit()
    connection.close()


def aside(store: DiskStore) -> list[str]:
    with store.catalogue.transaction() as connection:
        return [origin for (origin,) in connection.execute("SELECT origin FROM set_aside ORDER BY number")]


@pytest.mark.parametrize(
    ("statement", "origins"),
    [
        ("UPDATE stretch SET source = 'crchive' WHERE first_id = 1", ["stretch"]),
        ("UPDATE stretch SET source = CAST(x'6cff7665' AS TEXT) WHERE first_id = 1", ["stretch"]),
        ("UPDATE stretch SET last_key = first_key - 9 WHERE first_id = 1", ["stretch"]),
        ("UPDATE stretch SET end_ns = 9223372036854775807 WHERE first_id = 1", ["stretch"]),
        ("UPDATE stretch SET last_id = last_id + 1 WHERE first_id = 1", ["stretch"]),
        ("UPDATE instrument SET tick_size = 'abc' WHERE name LIKE 'binance%'", ["instrument"]),
        ("UPDATE instrument SET tick_size = '1e999999' WHERE name LIKE 'binance%'", ["instrument"]),
        ("UPDATE instrument SET lot_size = '-1' WHERE name LIKE 'binance%'", ["instrument"]),
        ("UPDATE instrument SET numbered = 7 WHERE name LIKE 'binance%'", ["instrument"]),
        ("UPDATE instrument SET name = CAST(x'62ff3a42' AS TEXT) WHERE name LIKE 'binance%'", ["instrument"]),
        ("UPDATE instrument SET name = '../../outside:BTC' WHERE name LIKE 'binance%'", ["instrument"]),
    ],
)
def test_a_bad_row_is_rebuilt_from_the_day_files(folder: Path, logged, statement: str, origins: list[str]) -> None:
    change(folder, statement)
    reader = DiskStore(folder, write=False)
    assert [len(list(verify(reader.tape(one)))) >= 0 for one in reader.instruments()]
    assert reader.catalogue.bad_rows or "last_key" in statement
    reader.close()
    store = DiskStore(folder)
    assert store.repaired.startswith("1 damaged row of the catalogue moved away and rebuilt from the day files: ")
    assert aside(store) == origins
    assert store.instruments() == [TAPE, BYBIT]
    for instrument in (TAPE, BYBIT):
        tape = store.tape(instrument)
        assert same(tape.trades(ALL), TRADES)
        assert [finding.text for finding in verify(tape)] == []
    assert [(one.first_id, one.last_id, one.source) for one in store.tape(TAPE).intervals()] == [(1, 600, LIVE)]
    store.close()
    again = DiskStore(folder)
    assert again.repaired == ""
    again.close()


@pytest.mark.parametrize(
    "column", ["side = 99", "side = 300", "quantity_lots = 0", "price_ticks = -5", "time_ns = -1", "time_ns = 1 << 62 | 1"]
)
@pytest.mark.parametrize("trade_id", [SEALED + 1, 550, 600])
def test_a_trade_that_cannot_be_right_is_set_aside_and_owed(folder: Path, logged, column: str, trade_id: int) -> None:
    change(folder, f"UPDATE tail SET {column} WHERE trade_id = {trade_id} AND instrument = 1")
    store = DiskStore(folder)
    assert aside(store) == ["tail"]
    tape = store.tape(TAPE)
    assert same(tape.trades(ALL), TRADES[TRADES.trade_id != trade_id])
    (owed,) = store.catalogue.owed(TAPE.id)
    assert (owed.first_id, owed.last_id) == (trade_id, trade_id)
    writer = TapeWriter(store, TAPE)
    assert writer.insert(TRADES, LIVE) == 1
    assert same(tape.trades(ALL), TRADES)
    writer.close()
    store.close()


def test_a_market_without_day_files_is_set_aside_with_its_trades(folder: Path, logged) -> None:
    shutil.rmtree(folder / "binance")
    change(folder, "UPDATE instrument SET tick_size = 'abc' WHERE name LIKE 'binance%'")
    store = DiskStore(folder)
    assert store.instruments() == [BYBIT]
    assert sorted(set(aside(store))) == ["fact", "instrument", "stretch", "tail"] and aside(store).count("tail") == 100
    TapeWriter(store, TAPE).close()
    assert store.instruments() == [TAPE, BYBIT]
    store.close()


def test_two_ranges_that_overlap_cannot_both_be_right(folder: Path, logged) -> None:
    change(folder, "INSERT INTO stretch VALUES (1, 300, 900, 300, 900, 5, 6, 'live')")
    store = DiskStore(folder)
    assert aside(store) == ["stretch"]
    assert [(one.first_id, one.last_id) for one in store.tape(TAPE).intervals()] == [(1, 600)]
    store.close()


def test_names_from_files_never_lead_out_of_the_store(folder: Path, tmp_path: Path, logged) -> None:
    """X3: a name in the catalogue and one in a day file."""
    outside = "../../outside:BTC"
    change(folder, "INSERT INTO instrument (name, tick_size, lot_size, multiplier, numbered) VALUES (?, '1', '1', '1', 1)", outside)
    hostile = type(TAPE)("../../outside", "BTC", TAPE.tick_size, TAPE.lot_size)
    write_day(folder / "binance" / "BTC" / "trades" / f"{day_name(FIRST_DAY)}.parquet", TRADES[:5], hostile)
    with pytest.raises(StoreError, match="expected venue:SYMBOL"):
        DiskStore(folder).tape(hostile)
    store = DiskStore(folder)
    assert [one.id for one in store.instruments()] == [TAPE.id, BYBIT.id]
    store.close()
    (folder / FILE_NAME).unlink()  # rebuilt from the day files
    run(["verify", "--store", str(folder), "--quiet"])
    DiskStore(folder).close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["store"]
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == ["binance", "bybit"]


NUMBERS = (0, 1, -1, 2, 7, 99, 127, 128, -(1 << 31), (1 << 53) + 1, (1 << 62) + 1, (1 << 63) - 1, -(1 << 63), 86_400 * 10**9)
TEXTS = (
    "",
    "abc",
    "crchive",
    "live",
    "0",
    "-1",
    "NaN",
    "Infinity",
    "1e999999999",
    "1e-999999999",
    "9" * 5000,
    "\x00",
    "binance:",
    "a:b:c",
    "../x:Y",
)
COLUMNS = {
    "instrument": (("name", "tick_size", "lot_size", "multiplier"), ("numbered", "rollup_ticks", "number")),
    "stretch": (("source",), ("first_key", "last_key", "first_id", "last_id", "start_ns", "end_ns", "instrument")),
    "tail": ((), ("place", "instrument", "time_ns", "price_ticks", "quantity_lots", "side", "trade_id")),
    "owed": (
        ("reason", "state", "detail"),
        ("first_id", "last_id", "start_ns", "end_ns", "tries", "next_try_ns", "changed_ns", "instrument"),
    ),
}


def mutate(folder: Path, chance: random.Random) -> str:
    """Change a value or two of the catalogue, or bytes in a text, by SQL: the file stays a sound database."""
    connection = sqlite3.connect(folder / FILE_NAME)
    done: list[str] = []
    for _ in range(chance.randint(1, 3)):
        table = chance.choice(sorted(COLUMNS))
        texts, numbers = COLUMNS[table]
        column = chance.choice([*texts, *numbers])
        if column in texts and chance.random() < 0.5:
            old = connection.execute(f"SELECT CAST({column} AS BLOB) FROM {table} ORDER BY random() LIMIT 1").fetchone()
            changed = bytearray(old[0] if old and old[0] else b"x")
            changed[chance.randrange(len(changed))] = chance.randrange(256)
            value, cast = bytes(changed), "CAST(? AS TEXT)"
        elif column in texts:
            value, cast = chance.choice(TEXTS), "?"
        else:
            value, cast = chance.choice([*NUMBERS, chance.getrandbits(63)]), "?"
        key = "rowid" if table != "stretch" else "first_key"
        place = chance.random()
        where = (
            f"{key} = (SELECT {key} FROM {table} ORDER BY {key} LIMIT 1 OFFSET CAST({place} * (SELECT count(*) FROM {table}) AS INTEGER))"
        )
        done.append(f"{table}.{column} = {value!r:.60}")
        try:
            connection.execute(f"UPDATE {table} SET {column} = {cast} WHERE {where}", (value,))
        except sqlite3.IntegrityError:
            done[-1] += " (refused)"
    connection.commit()
    connection.close()
    return "; ".join(done)


@pytest.mark.parametrize("part", range(4))
def test_no_mutated_catalogue_ends_in_a_traceback(snapshot: Path, tmp_path: Path, logged, part: int) -> None:
    """X2: each is read or refused, repaired, written and verified, and the trades in day files stay what they are."""
    files = {path.relative_to(snapshot): path.read_bytes() for path in snapshot.rglob("trades/*.parquet")}
    for case in range(part, CASES, 4):
        folder = tmp_path / f"{case}"
        shutil.copytree(snapshot, folder)
        told = mutate(folder, random.Random(case))
        assert_usable(folder, told)
        for name, content in files.items():
            assert (folder / name).read_bytes() == content or (folder / name).with_suffix(".parquet").exists(), told
        shutil.rmtree(folder)


def assert_usable(folder: Path, told: str) -> None:
    try:
        reader = DiskStore(folder, write=False)
    except StoreError:
        reader = None
    if reader is not None:
        for instrument in reader.instruments():
            list(verify(reader.tape(instrument)))
        reader.close()
    store = DiskStore(folder)
    try:
        for instrument in {TAPE.id: TAPE, BYBIT.id: BYBIT, **{one.id: one for one in store.instruments()}}.values():
            writer = TapeWriter(store, instrument)
            list(verify(writer.tape))
            writer.close()
        first = store.tape(stored_instrument(store, TAPE.id)).trades(type(ALL)(int(TRADES.time_ns[0]), int(TRADES.time_ns[SEALED - 1]) + 1))
        assert set(TRADES.trade_id[:SEALED].tolist()) <= set(first.trade_id.tolist()), told
    finally:
        store.close()
