"""The store's SQLite file: stored markets, their tape ranges and newest trades.

The newest trades, which are not in day files yet, are a market's *tail*. WAL mode: one process writes while others read. A commit
is flushed to disk (`synchronous=FULL`), so that it survives a kill and a power cut. The version of the schema is in
`user_version`; migrations only go forward.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import structlog

from app.errors import StoreError
from app.market.arrays import Int64Array
from app.market.instrument import Instrument
from app.market.span import Span
from app.market.times import file_time_text
from app.market.trade import TradeBatch
from app.storage.checked_rows import SOUND_TRADE, BadRowError, disjoint, instrument_of_row, owed_of_row, range_of_row
from app.storage.owed import Owed
from app.storage.tape_ranges import TapeRange, TapeRanges

_log = structlog.get_logger(__name__)
_Row = TypeVar("_Row")

FILE_NAME = "catalogue.sqlite3"
_BUSY_S = 5.0
_ROWS_AT_ONCE = 5_000
_MIGRATIONS = (
    """
    CREATE TABLE instrument (
        number INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        tick_size TEXT NOT NULL,
        lot_size TEXT NOT NULL,
        multiplier TEXT NOT NULL,
        numbered INTEGER NOT NULL,
        rollup_ticks INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE stretch (
        instrument INTEGER NOT NULL REFERENCES instrument,
        first_key INTEGER NOT NULL,
        last_key INTEGER NOT NULL,
        first_id INTEGER NOT NULL,
        last_id INTEGER NOT NULL,
        start_ns INTEGER NOT NULL,
        end_ns INTEGER NOT NULL,
        source TEXT NOT NULL,
        PRIMARY KEY (instrument, first_key)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE tail (
        place INTEGER PRIMARY KEY AUTOINCREMENT,
        instrument INTEGER NOT NULL REFERENCES instrument,
        time_ns INTEGER NOT NULL,
        price_ticks INTEGER NOT NULL,
        quantity_lots INTEGER NOT NULL,
        side INTEGER NOT NULL,
        trade_id INTEGER NOT NULL,
        UNIQUE (instrument, trade_id)
    ) STRICT;
    """,
    "",
    """
    CREATE TABLE owed (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        instrument INTEGER NOT NULL REFERENCES instrument,
        first_id INTEGER NOT NULL,
        last_id INTEGER NOT NULL,
        start_ns INTEGER NOT NULL,
        end_ns INTEGER NOT NULL,
        reason TEXT NOT NULL,
        state TEXT NOT NULL,
        tries INTEGER NOT NULL,
        next_try_ns INTEGER NOT NULL,
        changed_ns INTEGER NOT NULL,
        detail TEXT NOT NULL
    ) STRICT;
    CREATE TABLE set_aside (
        number INTEGER PRIMARY KEY,
        origin TEXT NOT NULL,
        content TEXT NOT NULL,
        reason TEXT NOT NULL,
        moved_ns INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE all_of_tail (
        place INTEGER PRIMARY KEY AUTOINCREMENT,
        instrument INTEGER NOT NULL REFERENCES instrument,
        time_ns INTEGER NOT NULL,
        price_ticks INTEGER NOT NULL,
        quantity_lots INTEGER NOT NULL,
        side INTEGER NOT NULL,
        trade_id INTEGER NOT NULL,
        UNIQUE (instrument, trade_id, time_ns, price_ticks, quantity_lots, side)
    ) STRICT;
    INSERT INTO all_of_tail SELECT place, instrument, time_ns, price_ticks, quantity_lots, side, trade_id FROM tail;
    UPDATE sqlite_sequence SET seq = (SELECT seq FROM sqlite_sequence WHERE name = 'tail')
        WHERE name = 'all_of_tail' AND EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'tail');
    DROP TABLE tail;
    ALTER TABLE all_of_tail RENAME TO tail;
    """,
)
"""Scripts from one version of the schema to the next; never changed once released."""
_OWED_SINCE = 3


class Catalogue:
    """The open SQLite file of a store; any thread may use it, one at a time.

    Parameters
    ----------
    folder : Path
    write : bool
        False only reads the file, which must exist.

    Raises
    ------
    StoreError
        If the file cannot be opened, is not a catalogue, or was created by a newer Tapeprint.
    """

    def __init__(self, folder: Path, *, write: bool) -> None:
        self.path = folder / FILE_NAME
        self.bad_rows: list[str] = []
        """Rows that cannot be right and are not used, each as text for the user."""
        self._turn = threading.RLock()
        with _explained(self.path):
            self._connection = _connect(self.path, write=write)

    def close(self) -> None:
        """Close the SQLite file."""
        with self._turn, _explained(self.path):
            self._connection.close()

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """Context for a write transaction: all changes are stored, or none after an error; other writers wait.

        Raises
        ------
        StoreError
            If the disk is full, or the file is read-only.
        """
        with self._turn, _explained(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.rollback()
                raise
            self._connection.commit()

    def instruments(self) -> list[Instrument]:
        """All markets that were ever stored, by name; rows that cannot be right are left out and reported."""
        rows = self._all("SELECT name, tick_size, lot_size, multiplier, numbered FROM instrument ORDER BY name")
        return [found for row in rows if (found := self._sound("instrument", row, instrument_of_row)) is not None]

    def instrument(self, name: str) -> Instrument | None:
        """The stored market with this id, with the tick and lot size of its trades; None if it is not stored."""
        return next((found for found in self.instruments() if found.id == name), None)

    def number_of(self, instrument: Instrument) -> int:
        """Store a market with its tick and lot size; return the number that identifies it in the tables."""
        with self.transaction() as connection:
            values = (str(instrument.tick_size), str(instrument.lot_size), str(instrument.multiplier), int(instrument.numbered))
            connection.execute(
                "INSERT INTO instrument (name, tick_size, lot_size, multiplier, numbered) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (name) DO UPDATE"
                " SET tick_size = excluded.tick_size, lot_size = excluded.lot_size, multiplier = excluded.multiplier",
                (instrument.id, *values),
            )
            return int(connection.execute("SELECT number FROM instrument WHERE name = ?", (instrument.id,)).fetchone()[0])

    def minute_cell_ticks(self, name: str) -> int:
        """Row height of a market's minute cells, in ticks; 0 if it is not set yet."""
        rows = self._all("SELECT rollup_ticks FROM instrument WHERE name = ?", (name,))
        return max(0, int(rows[0][0])) if rows else 0

    def set_minute_cell_ticks(self, name: str, ticks: int) -> None:
        """Set the row height of a market's minute cells, in ticks."""
        with self.transaction() as connection:
            connection.execute("UPDATE instrument SET rollup_ticks = ? WHERE name = ?", (ticks, name))

    def intervals(self, name: str) -> TapeRanges:
        """The stored tape ranges of a market."""
        rows = self._all(
            "SELECT first_key, last_key, first_id, last_id, start_ns, end_ns, source FROM stretch"
            " JOIN instrument ON number = instrument WHERE name = ?",
            (name,),
        )
        return TapeRanges(disjoint([found for row in rows if (found := self._sound("stretch", row, range_of_row)) is not None]))

    def owed(self, name: str) -> list[Owed]:
        """The entries of owed trades of a market, in every state, oldest first."""
        if self._all("PRAGMA user_version")[0][0] < _OWED_SINCE:  # an older catalogue, opened for reading only
            return []
        rows = self._all(
            "SELECT owed.number, first_id, last_id, start_ns, end_ns, reason, state, tries, next_try_ns, changed_ns, detail FROM owed"
            " JOIN instrument ON instrument.number = owed.instrument WHERE name = ? ORDER BY owed.number",
            (name,),
        )
        return [found for row in rows if (found := self._sound("owed", row, owed_of_row)) is not None]

    def tail(self, name: str, span: Span | None = None) -> tuple[TradeBatch, int]:
        """A market's trades in the catalogue, in the order of the tape, and their highest arrival number; 0 without trades.

        The arrival number (`place`) counts the trades of all markets in order of arrival.
        """
        batches = self._batches(
            "SELECT time_ns, price_ticks, quantity_lots, side, trade_id, place FROM tail JOIN instrument ON number = instrument"
            f" WHERE name = ? AND {SOUND_TRADE} {'' if span is None else 'AND time_ns >= ? AND time_ns < ?'}"
            " ORDER BY CASE numbered WHEN 1 THEN trade_id ELSE time_ns END, place",
            (name,) if span is None else (name, span.start_ns, span.end_ns),
        )
        if not batches:
            return TradeBatch.empty(), 0
        columns = np.concatenate(batches).T
        return TradeBatch.of(*columns[:5]), int(columns[5].max())

    def tail_size(self, name: str) -> int:
        """Number of a market's trades that are stored in the catalogue."""
        return int(self._all("SELECT count(*) FROM tail JOIN instrument ON number = instrument WHERE name = ?", (name,))[0][0])

    def oldest_in_tail(self, name: str) -> int | None:
        """Time of the oldest of a market's trades in the catalogue; None if there are none."""
        return self._all("SELECT min(time_ns) FROM tail JOIN instrument ON number = instrument WHERE name = ?", (name,))[0][0]

    def _sound(self, table: str, row: tuple[Any, ...], read: Callable[[tuple[Any, ...]], _Row]) -> _Row | None:
        """A row as `read` returns it; None, reported once, if it cannot be right."""
        try:
            return read(row)
        except BadRowError as error:
            text = f"{self.path}: {error.user_message} in a row of {table!r}"
            if text not in self.bad_rows:
                self.bad_rows.append(text)
                _log.warning("row of the catalogue not used", reason=text)
            return None

    def _batches(self, query: str, values: tuple[object, ...]) -> list[Int64Array]:
        """Run a query for integers, and return its rows in batches, each int64 [shape=(n, columns)].

        As Python integers all rows together would take ten times the memory.
        """
        found: list[Int64Array] = []
        with self._turn, _explained(self.path):
            cursor = self._connection.execute(query, values)
            while rows := cursor.fetchmany(_ROWS_AT_ONCE):
                found.append(np.array(rows, np.int64))
        return found

    def _all(self, query: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        with self._turn, _explained(self.path):
            return self._connection.execute(query, values).fetchall()


def write_ranges(connection: sqlite3.Connection, number: int, gone: Iterable[TapeRange], new: Iterable[TapeRange]) -> None:
    """Delete some tape ranges of a market and insert others, in the caller's transaction."""
    connection.executemany("DELETE FROM stretch WHERE instrument = ? AND first_key = ?", [(number, s.first_key) for s in gone])
    connection.executemany("INSERT INTO stretch VALUES (?, ?, ?, ?, ?, ?, ?, ?)", [(number, *s[:6], s.source.value) for s in new])


def write_tail(connection: sqlite3.Connection, number: int, trades: TradeBatch) -> None:
    """Insert trades of a market, in the caller's transaction; trades already in the catalogue are skipped."""
    columns = [column.tolist() for column in trades.columns]
    connection.executemany(
        "INSERT OR IGNORE INTO tail (instrument, time_ns, price_ticks, quantity_lots, side, trade_id) VALUES (?, ?, ?, ?, ?, ?)",
        zip([number] * len(trades), *columns, strict=True),
    )


def drop_tail(connection: sqlite3.Connection, number: int, up_to_place: int) -> None:
    """Delete the trades of the tail up to a place, within a transaction."""
    connection.execute(f"DELETE FROM tail WHERE instrument = ? AND place <= ? AND {SOUND_TRADE}", (number, up_to_place))


def write_owed(connection: sqlite3.Connection, number: int, rows: Iterable[Owed]) -> None:
    """Write what is owed to a market, within a transaction: entries without a number are new, others replace theirs."""
    for row in rows:
        values = (row.first_id, row.last_id, row.span.start_ns, row.span.end_ns, row.reason.value, row.state.value)
        values += (row.tries, row.next_try_ns, row.changed_ns, row.detail)
        connection.execute(
            "INSERT OR REPLACE INTO owed"
            " (number, instrument, first_id, last_id, start_ns, end_ns, reason, state, tries, next_try_ns, changed_ns, detail)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (row.number or None, number, *values),
        )


def rename_damaged(folder: Path) -> Path:
    """Rename a damaged catalogue to make way for a new one; return the new path."""
    path = folder / FILE_NAME
    aside = path.with_name(f"{FILE_NAME}.corrupt-{file_time_text(time.time_ns())}")
    for ending in ("-wal", "-shm"):
        companion = path.with_name(path.name + ending)
        if companion.exists():
            companion.replace(aside.with_name(aside.name + ending))
    path.replace(aside)
    _log.warning("damaged catalogue renamed", path=str(aside))
    return aside


class DamagedCatalogueError(StoreError):
    """Raised when the catalogue's file is damaged or is not an SQLite database."""


def _connect(path: Path, *, write: bool) -> sqlite3.Connection:
    if write:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    else:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_S, check_same_thread=False)
    # a damaged text must not end the program: `checked_rows` judges it
    connection.text_factory = _any_text
    try:
        _require_sound(connection, path, write=write)
        if write:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            _migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _any_text(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")


def _require_sound(connection: sqlite3.Connection, path: Path, *, write: bool) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(_MIGRATIONS):
        raise StoreError(f"{path}: created by a newer Tapeprint (schema {version}, this version supports {len(_MIGRATIONS)})")
    if (found := connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
        raise DamagedCatalogueError(f"{path}: damaged: {' '.join(str(found).split())[:200]}")
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if version == 0 and tables:
        raise StoreError(f"{path}: not a Tapeprint database")
    if version == 0 and not write:
        raise StoreError(f"{path}: no store here yet")
    expected = {"instrument", "stretch", "tail"} | ({"owed", "set_aside"} if version >= _OWED_SINCE else set[str]())
    if version and not expected <= tables:
        raise DamagedCatalogueError(f"{path}: damaged: tables are missing")


def _migrate(connection: sqlite3.Connection) -> None:
    """Update the tables to the newest version of the schema; safe if another process does the same."""
    connection.execute("BEGIN IMMEDIATE")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    for number, script in enumerate(_MIGRATIONS[version:], version + 1):
        for statement in script.split(";"):
            if statement.strip():
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number}")
    connection.execute("COMMIT")


@contextmanager
def _explained(path: Path) -> Generator[None]:
    """Context that turns SQLite and file errors into store errors that name the file."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        text = str(error)
        if "malformed" in text or "not a database" in text or "encrypted" in text:
            raise DamagedCatalogueError(f"{path}: damaged, or not a Tapeprint catalogue: {text}") from None
        raise StoreError(f"{path}: {text}") from None
    except sqlite3.Error as error:
        raise StoreError(f"{path}: {error}") from None
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}") from None
