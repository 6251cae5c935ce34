"""The store's SQLite file: markets, tape ranges, newest and owed trades, facts, and what need not be fetched again.

The newest trades, which are not in day files yet, are a market's *tail*. WAL mode: one process writes while others read. A commit
is flushed to disk (`synchronous=FULL`), so that it survives a kill and a power cut. The version of the schema is in
`user_version`; migrations only go forward.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import structlog

from app.errors import StoreError
from app.market.arrays import Int64Array
from app.market.coverage import Source
from app.market.instrument import Instrument
from app.market.span import Span
from app.market.times import file_time_text
from app.market.trade import TradeBatch
from app.storage.catalogue.checked_rows import SOUND_TRADE, BadRowError, disjoint, instrument_of_row, owed_of_row, range_of_row
from app.storage.catalogue.facts import LOT_SIZE, NAME, STATUS, TICK_SIZE, Fact, note_facts
from app.storage.catalogue.owed import Owed
from app.storage.catalogue.schema import connect, explained
from app.storage.catalogue.settled import Settled
from app.storage.catalogue.snapshot import snapshot_of
from app.storage.tape_ranges import TapeRange, TapeRanges

_log = structlog.get_logger(__name__)
_Row = TypeVar("_Row")

FILE_NAME = "catalogue.sqlite3"
_ROWS_AT_ONCE = 5_000
_VOID = "void"
_SOURCES = {source.value for source in Source}
"""The kinds of rows in `settled`: times by their source, and ids without a trade."""


class Catalogue:
    """The open SQLite file of a store; any thread may use it, one at a time.

    Parameters
    ----------
    folder : Path
    write : bool
        False only reads the file, which must exist.
    frozen : bool
        True reads the file as it is now, and changes nothing in its folder, not even the files that SQLite creates with it.

    Raises
    ------
    StoreError
        If the file cannot be opened, is not a catalogue, or was created by a newer Tapeprint.
    """

    def __init__(self, folder: Path, *, write: bool, frozen: bool = False) -> None:
        self.path = folder / FILE_NAME
        self.bad_rows: list[str] = []
        """Damaged rows that are not used, each as text for the user."""
        self.openings = 1
        """How many times the file has been opened."""
        self._turn = threading.RLock()
        self._write, self._suspect = write, False
        with explained(self.path):
            self._snapshot = snapshot_of(self.path) if frozen else None
            try:
                self._connection = connect(self.path, write=write, uri=self._snapshot.uri if self._snapshot else None)
            except BaseException:
                self._clean_up()
                raise
            self._file, self._device = _identity(self.path), _device(folder)

    def close(self) -> None:
        """Close the SQLite file, and delete the temporary copy that a frozen catalogue may have."""
        with self._turn, explained(self.path):
            self._connection.close()
            self._clean_up()

    def _clean_up(self) -> None:
        if self._snapshot is not None and self._snapshot.folder is not None:
            self._snapshot.folder.cleanup()

    def reopen(self, rebuild: Callable[[], None]) -> None:
        """Open the file again if it was replaced or a write to it failed; if it was removed, create and rebuild it.

        SQLite goes on writing into a file that was removed, and never again into one whose drive was pulled and is back.

        Parameters
        ----------
        rebuild : callable
            Fills a new catalogue from the day files.

        Raises
        ------
        StoreError
            If the file cannot be opened or created, or its drive is not there.
        """
        with self._turn, explained(self.path):
            now = _identity(self.path)
            if now == self._file and not self._suspect:
                return
            if now is None and _device(self.path.parent) != self._device:
                raise StoreError(f"{self.path.parent}: the drive is not there")
            with suppress(sqlite3.Error):
                self._connection.close()
            self._suspect = True  # until it is open
            self._connection = connect(self.path, write=self._write)
            if now is None:
                rebuild()
            self._file, self._suspect = _identity(self.path), False
            self.openings += 1

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """Context for a write transaction: all changes are stored, or none after an error; other writers wait.

        Raises
        ------
        StoreError
            If the changes cannot be written, e.g. as the disk is full, or another process writes for more than 5 s.
        """
        with self._turn, explained(self.path):
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield self._connection
                except BaseException:
                    self._connection.rollback()
                    raise
                self._connection.commit()
            except sqlite3.Error as error:
                self._suspect = self._suspect or "full" not in str(error)
                with suppress(sqlite3.Error):  # a commit that failed may have left the transaction open
                    self._connection.rollback()
                raise

    def instruments(self) -> list[Instrument]:
        """All markets in the catalogue, sorted by id; damaged rows are left out, and listed in `bad_rows`."""
        rows = self._all("SELECT name, tick_size, lot_size, multiplier, numbered FROM instrument ORDER BY name")
        return [found for row in rows if (found := self._sound("instrument", row, instrument_of_row)) is not None]

    def instrument(self, name: str) -> Instrument | None:
        """The market with this id, with the tick and lot size of its trades in the catalogue; None if it has no row, or a damaged one."""
        return next((found for found in self.instruments() if found.id == name), None)

    def number_of(self, instrument: Instrument, now_ns: int | None = None) -> int:
        """Store a market's tick and lot size, multiplier, status and name; return its number in the tables, which a new market gets now.

        Values that have changed are added to the market's history of facts, from `now_ns` (by default: now) on. For a new market it is
        also stored if the venue numbers its trades; later calls do not change that.
        """
        facts = {
            TICK_SIZE: str(instrument.tick_size.normalize()),
            LOT_SIZE: str(instrument.lot_size.normalize()),
            STATUS: instrument.status,
            NAME: instrument.name or instrument.id,
        }
        with self.transaction() as connection:
            values = (str(instrument.tick_size), str(instrument.lot_size), str(instrument.multiplier), int(instrument.numbered))
            connection.execute(
                "INSERT INTO instrument (name, tick_size, lot_size, multiplier, numbered) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (name) DO UPDATE"
                " SET tick_size = excluded.tick_size, lot_size = excluded.lot_size, multiplier = excluded.multiplier",
                (instrument.id, *values),
            )
            number = int(connection.execute("SELECT number FROM instrument WHERE name = ?", (instrument.id,)).fetchone()[0])
            note_facts(connection, number, facts, time.time_ns() if now_ns is None else now_ns)
            return number

    def facts(self, name: str) -> list[Fact]:
        """The history of a market's tick size, lot size, status and name, oldest first; empty if there is none."""
        if not self._has("fact"):
            return []
        query = "SELECT from_ns, what, value FROM fact JOIN instrument ON number = instrument WHERE instrument.name = ? ORDER BY 1, 2"
        return [Fact(*row) for row in self._all(query, (name,))]

    def minute_cell_ticks(self, name: str) -> int:
        """The row size of a market's minute cells, in ticks; 0 if it is not set yet."""
        rows = self._all("SELECT rollup_ticks FROM instrument WHERE name = ?", (name,))
        return max(0, int(rows[0][0])) if rows else 0

    def set_minute_cell_ticks(self, name: str, ticks: int) -> None:
        """Set the row size of a market's minute cells, in ticks."""
        with self.transaction() as connection:
            connection.execute("UPDATE instrument SET rollup_ticks = ? WHERE name = ?", (ticks, name))

    def intervals(self, name: str) -> TapeRanges:
        """The stored tape ranges of a market; damaged rows, and those that overlap an earlier one, are left out."""
        rows = self._all(
            "SELECT first_key, last_key, first_id, last_id, start_ns, end_ns, source FROM stretch"
            " JOIN instrument ON number = instrument WHERE name = ?",
            (name,),
        )
        return TapeRanges(disjoint([found for row in rows if (found := self._sound("stretch", row, range_of_row)) is not None]))

    def owed(self, name: str) -> list[Owed]:
        """The entries of owed trades of a market, in every state and in the order in which they were added, without damaged rows."""
        if not self._has("owed"):
            return []
        rows = self._all(
            "SELECT owed.number, first_id, last_id, start_ns, end_ns, reason, state, tries, next_try_ns, changed_ns, detail FROM owed"
            " JOIN instrument ON instrument.number = owed.instrument WHERE name = ? ORDER BY owed.number",
            (name,),
        )
        return [found for row in rows if (found := self._sound("owed", row, owed_of_row)) is not None]

    def settled(self, name: str) -> Settled:
        """The times and ids of a market that need not be fetched again; empty for a catalogue of an older version."""
        if not self._has("settled"):
            return Settled()
        rows = self._all("SELECT kind, first, before FROM settled JOIN instrument ON number = instrument WHERE name = ?", (name,))
        found = Settled().with_void(Span(first, before) for kind, first, before in rows if kind == _VOID)
        for kind, first, before in rows:
            if kind in _SOURCES:
                found = found.with_time(Span(first, before), Source(kind))
        return found

    def tail(self, name: str, span: Span | None = None) -> tuple[TradeBatch, int]:
        """A market's trades in the catalogue, all or those in a span, and their highest arrival number (0 without trades).

        The trades are in the order of the tape; damaged rows are left out. The arrival number (`place`) counts the trades of all
        markets in order of arrival.
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
        """The number of a market's trades that are in the catalogue, not yet in day files; damaged rows count too."""
        return int(self._all("SELECT count(*) FROM tail JOIN instrument ON number = instrument WHERE name = ?", (name,))[0][0])

    def oldest_in_tail(self, name: str) -> int | None:
        """The time, in ns, of the oldest of a market's trades in the catalogue, damaged rows included; None if there are none."""
        return self._all("SELECT min(time_ns) FROM tail JOIN instrument ON number = instrument WHERE name = ?", (name,))[0][0]

    def _sound(self, table: str, row: tuple[Any, ...], read: Callable[[tuple[Any, ...]], _Row]) -> _Row | None:
        """The value that `read` returns for a row; None if the row is damaged, which is logged and listed in `bad_rows` once."""
        try:
            return read(row)
        except BadRowError as error:
            text = f"{self.path}: {error.user_message} in a row of {table!r}"
            if text not in self.bad_rows:
                self.bad_rows.append(text)
                _log.warning("row of the catalogue not used", reason=text)
            return None

    def _has(self, table: str) -> bool:
        """True if the catalogue has a table; one of an older version, opened for reading, has fewer tables."""
        return bool(self._all("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)))

    def _batches(self, query: str, values: tuple[object, ...]) -> list[Int64Array]:
        """Run a query for integers, and return its rows in batches, each int64 [shape=(n, columns)].

        All rows together, as Python integers, would take ten times the memory.
        """
        found: list[Int64Array] = []
        with self._turn, explained(self.path):
            cursor = self._connection.execute(query, values)
            while rows := cursor.fetchmany(_ROWS_AT_ONCE):
                found.append(np.array(rows, np.int64))
        return found

    def _all(self, query: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        with self._turn, explained(self.path):
            return self._connection.execute(query, values).fetchall()


def write_ranges(connection: sqlite3.Connection, number: int, gone: Iterable[TapeRange], new: Iterable[TapeRange]) -> None:
    """Delete some tape ranges of a market and insert others, in the caller's transaction."""
    connection.executemany("DELETE FROM stretch WHERE instrument = ? AND first_key = ?", [(number, s.first_key) for s in gone])
    connection.executemany("INSERT INTO stretch VALUES (?, ?, ?, ?, ?, ?, ?, ?)", [(number, *s[:6], s.source.value) for s in new])


def write_settled(connection: sqlite3.Connection, number: int, settled: Settled) -> None:
    """Replace the stored time ranges and id ranges of a market that need no further fetching, in the caller's transaction."""
    rows = [*((source.value, span) for source, span in settled.spans), *((_VOID, ids) for ids in settled.void)]
    connection.execute("DELETE FROM settled WHERE instrument = ?", (number,))
    connection.executemany("INSERT INTO settled VALUES (?, ?, ?, ?)", [(number, kind, one.start_ns, one.end_ns) for kind, one in rows])


def write_tail(connection: sqlite3.Connection, number: int, trades: TradeBatch) -> None:
    """Insert trades of a market into the catalogue, in the caller's transaction; trades that are already there are skipped."""
    columns = [column.tolist() for column in trades.columns]
    connection.executemany(
        "INSERT OR IGNORE INTO tail (instrument, time_ns, price_ticks, quantity_lots, side, trade_id) VALUES (?, ?, ?, ?, ?, ?)",
        zip([number] * len(trades), *columns, strict=True),
    )


def drop_tail(connection: sqlite3.Connection, number: int, up_to_place: int) -> None:
    """Delete a market's trades with an arrival number up to `up_to_place` from the catalogue, in the caller's transaction.

    Damaged rows stay.
    """
    connection.execute(f"DELETE FROM tail WHERE instrument = ? AND place <= ? AND {SOUND_TRADE}", (number, up_to_place))


def write_owed(connection: sqlite3.Connection, number: int, rows: Iterable[Owed]) -> list[Owed]:
    """Write entries of owed trades, in the caller's transaction; return them, new ones (number 0) with their new number."""
    written: list[Owed] = []
    for row in rows:
        values = (row.first_id, row.last_id, row.span.start_ns, row.span.end_ns, row.reason.value, row.state.value)
        values += (row.tries, row.next_try_ns, row.changed_ns, row.detail)
        cursor = connection.execute(
            "INSERT OR REPLACE INTO owed"
            " (number, instrument, first_id, last_id, start_ns, end_ns, reason, state, tries, next_try_ns, changed_ns, detail)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (row.number or None, number, *values),
        )
        written.append(row if row.number else row._replace(number=cursor.lastrowid or 0))
    return written


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


def _identity(path: Path) -> tuple[int, int] | None:
    """The device and inode numbers of a file; None if the file does not exist."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino


def _device(folder: Path) -> int:
    """The device number of a folder, or of the nearest folder above it that exists."""
    while True:
        try:
            return folder.stat().st_dev
        except (FileNotFoundError, NotADirectoryError):
            if folder == folder.parent:
                raise
            folder = folder.parent
