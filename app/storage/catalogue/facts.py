"""The history of an instrument's facts: tick size, lot size, status and name, each with the time from which it applies.

Venues change all of them. A fact is stored when it differs from the one that held before.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import NamedTuple

from app.market.span import Span
from app.market.steps import Steps

TICK_SIZE, LOT_SIZE, STATUS, NAME = "tick_size", "lot_size", "status", "name"


class Fact(NamedTuple):
    """The tick size, lot size, status or name of an instrument from a time on.

    Attributes
    ----------
    from_ns : int
        The time from which this value applies, as far as this program has seen; 0 if unknown.
    what : str
        `tick_size`, `lot_size`, `status` or `name`.
    value : str
    """

    from_ns: int
    what: str
    value: str


FACT_TABLE = """
    CREATE TABLE fact (
        instrument INTEGER NOT NULL REFERENCES instrument,
        what TEXT NOT NULL,
        from_ns INTEGER NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (instrument, what, from_ns)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO fact SELECT number, 'tick_size', 0, tick_size FROM instrument;
    INSERT INTO fact SELECT number, 'lot_size', 0, lot_size FROM instrument;
    INSERT INTO fact SELECT number, 'name', 0, name FROM instrument;
"""
"""The migration that creates the table, with what an older catalogue has."""


def note_earlier_steps(connection: sqlite3.Connection, number: int, steps: Steps, span: Span) -> None:
    """Store the tick and lot size of an earlier time span, in the caller's transaction; after it, those already stored apply again."""
    given = {TICK_SIZE: str(steps.tick_size.normalize()), LOT_SIZE: str(steps.lot_size.normalize())}
    after = {what: _held(connection, number, what, span.end_ns) or "" for what in given}
    if note_facts(connection, number, given, span.start_ns):
        note_facts(connection, number, after, span.end_ns)


def note_facts(connection: sqlite3.Connection, number: int, values: Mapping[str, str], from_ns: int) -> bool:
    """Store those of a market's values, e.g. tick size, that differ from the stored ones at `from_ns`; return True if any differed.

    Unknown ones, with an empty value, are skipped. Runs in the caller's transaction.
    """
    changed = False
    for what, value in values.items():
        if value and _held(connection, number, what, from_ns) != value:
            connection.execute("INSERT OR REPLACE INTO fact VALUES (?, ?, ?, ?)", (number, what, from_ns, value))
            changed = True
    return changed


def _held(connection: sqlite3.Connection, number: int, what: str, time_ns: int) -> str | None:
    query = "SELECT value FROM fact WHERE instrument = ? AND what = ? AND from_ns <= ? ORDER BY from_ns DESC LIMIT 1"
    found = connection.execute(query, (number, what, time_ns)).fetchone()
    return None if found is None else found[0]
