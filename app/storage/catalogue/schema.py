"""The schema of the catalogue: the tables of each version, and the opening and migration of its SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from app.errors import StoreError
from app.storage.catalogue.facts import FACT_TABLE

_BUSY_S = 5.0
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
    FACT_TABLE,
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
    """
    CREATE TABLE settled (
        instrument INTEGER NOT NULL REFERENCES instrument,
        kind TEXT NOT NULL,
        first INTEGER NOT NULL,
        before INTEGER NOT NULL,
        PRIMARY KEY (instrument, kind, first)
    ) STRICT, WITHOUT ROWID;
    """,
)
"""Scripts from one version of the schema to the next; never changed once released."""
_TABLES = {"instrument": 1, "stretch": 1, "tail": 1, "fact": 2, "owed": 3, "set_aside": 3, "settled": 4}
"""Tables, with the version of the schema that has them first."""


class DamagedCatalogueError(StoreError):
    """Raised when the catalogue's file is damaged or is not an SQLite database."""


def connect(path: Path, *, write: bool, uri: str | None = None) -> sqlite3.Connection:
    """Open the SQLite file of a catalogue; for writing, create it if it is missing, and migrate it to the newest schema.

    Raises
    ------
    StoreError, sqlite3.Error, OSError
        If the file to be read does not exist, is damaged, is not a catalogue, or was created by a newer Tapeprint.
    """
    if write:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    else:
        connection = sqlite3.connect(uri or f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_S, check_same_thread=False)
    connection.text_factory = _any_text  # a damaged text must not end the program: `checked_rows` judges it
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
    if not {table for table, since in _TABLES.items() if version >= since} <= tables:
        raise DamagedCatalogueError(f"{path}: damaged: tables are missing")


def _migrate(connection: sqlite3.Connection) -> None:
    """Migrate the tables to the newest version of the schema; safe if another process does so at the same time."""
    connection.execute("BEGIN IMMEDIATE")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    for number, script in enumerate(_MIGRATIONS[version:], version + 1):
        for statement in script.split(";"):
            if statement.strip():
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number}")
    connection.execute("COMMIT")


@contextmanager
def explained(path: Path) -> Generator[None]:
    """Context that turns SQLite and file errors into a `StoreError` that names the file; `DamagedCatalogueError` if it is damaged."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        text = str(error)
        if "malformed" in text or "not a database" in text or "encrypted" in text:
            raise DamagedCatalogueError(f"{path}: damaged, or not a Tapeprint catalogue: {text}") from None
        raise StoreError(f"{path}: {text}") from None
    except sqlite3.Error as error:
        raise StoreError(f"{path}: {error}") from None
    except UnicodeDecodeError:  # SQLite quotes damaged bytes in its own message
        raise DamagedCatalogueError(f"{path}: damaged, or not a Tapeprint catalogue") from None
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}") from None
