"""Moves damaged rows of the catalogue into a separate table, and rebuilds them from the day files where possible."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from app.market.instrument import Instrument
from app.market.span import Span
from app.storage.catalogue.catalogue import Catalogue, write_owed, write_ranges
from app.storage.catalogue.checked_rows import SOUND_TRADE, BadRowError, disjoint, instrument_of_row, owed_of_row, range_of_row
from app.storage.catalogue.owed import NO_IDS, Owed, OwedReason, owed_changes
from app.storage.rebuild import markets_in_files, ranges_in_files
from app.storage.tape import Tape
from app.storage.tape_ranges import difference

_log = structlog.get_logger(__name__)
_COLUMNS = {
    "instrument": "number, name, tick_size, lot_size, multiplier, numbered, rollup_ticks",
    "stretch": "instrument, first_key, last_key, first_id, last_id, start_ns, end_ns, source",
    "tail": "place, instrument, time_ns, price_ticks, quantity_lots, side, trade_id",
    "owed": "number, instrument, first_id, last_id, start_ns, end_ns, reason, state, tries, next_try_ns, changed_ns, detail",
    "fact": "instrument, what, from_ns, value",
    "settled": "instrument, kind, first, before",
}
_KEYS = {
    "stretch": ("instrument", "first_key"),
    "tail": ("place",),
    "owed": ("number",),
    "fact": ("instrument", "what", "from_ns"),
    "settled": ("instrument", "kind", "first"),
}
"""The columns that identify a row of each table; they come first in `_COLUMNS`."""


def move_bad_rows(catalogue: Catalogue, folder: Path, tape_of: Callable[[Instrument], Tape]) -> str:
    """Move the catalogue's damaged rows into a separate table, and rebuild them from the day files; return a notice for the user.

    Trades that are not in the day files are owed from then on. The notice is empty if all rows are sound.
    """
    with catalogue.transaction() as connection:
        bad = _bad_rows(connection)
    if not any(bad.values()):
        return ""
    known = markets_in_files(folder)
    now_ns = time.time_ns()
    with catalogue.transaction() as connection:
        texts = [text for rows in bad.values() for _, text in rows]
        numbers = _mend_markets(connection, bad["instrument"], known, now_ns)
        for table in ("stretch", "tail", "owed"):
            for row, text in bad[table]:
                numbers.add(row[0] if table == "stretch" else row[1])
                _move(connection, table, row, text, now_ns)
        names = {name for number, name in connection.execute("SELECT number, name FROM instrument") if number in numbers}
    for instrument in catalogue.instruments():
        if instrument.id in names:
            _rebuild(catalogue, instrument, tape_of(instrument), now_ns)
    text = (
        f"{len(texts):,} damaged row{'' if len(texts) == 1 else 's'} of the catalogue moved away and rebuilt from the day files: {texts[0]}"
    )
    _log.warning("damaged rows of the catalogue moved away", rows=len(texts), first=texts[0])
    catalogue.bad_rows.clear()
    return text


def _bad_rows(connection: sqlite3.Connection) -> dict[str, list[tuple[tuple[object, ...], str]]]:
    """The damaged rows, by table, of the markets, tape ranges, newest trades and owed trades, each with the reason."""
    found: dict[str, list[tuple[tuple[object, ...], str]]] = {table: [] for table in _COLUMNS}
    sound: dict[object, list[tuple[object, ...]]] = {}
    for row in connection.execute(f"SELECT {_COLUMNS['instrument']} FROM instrument"):
        _check(found, "instrument", row, lambda row=row: instrument_of_row(row[1:6]))
    for row in connection.execute(f"SELECT {_COLUMNS['stretch']} FROM stretch"):
        if _check(found, "stretch", row, lambda row=row: range_of_row(row[1:])):
            sound.setdefault(row[0], []).append(row)
    for rows in sound.values():
        left = {tuple(one[:6]) for one in disjoint(range_of_row(row[1:]) for row in rows)}
        found["stretch"] += [(row, "a tape range overlaps another") for row in rows if tuple(row[1:7]) not in left]
    for row in connection.execute(f"SELECT {_COLUMNS['tail']} FROM tail WHERE NOT {SOUND_TRADE}"):
        found["tail"].append((row, f"trade {row[6]}: a value is out of range"))
    for row in connection.execute(f"SELECT {_COLUMNS['owed']} FROM owed"):
        _check(found, "owed", row, lambda row=row: owed_of_row((row[0], *row[2:])))
    return found


def _check(found: dict[str, list[tuple[tuple[object, ...], str]]], table: str, row: tuple[object, ...], read: Callable[[], object]) -> bool:
    try:
        read()
    except BadRowError as error:
        found[table].append((row, error.user_message))
        return False
    return True


def _mend_markets(
    connection: sqlite3.Connection, bad: list[tuple[tuple[object, ...], str]], known: dict[str, Instrument], now_ns: int
) -> set[object]:
    """Correct damaged rows of markets from the day files, or move them and all rows that refer to them into the separate table.

    Returns the numbers of the corrected markets, and of markets that are added because only day files have them.
    """
    mended: set[object] = set()
    names = {name for (name,) in connection.execute("SELECT name FROM instrument")}
    nameless = [instrument for name, instrument in known.items() if name not in names]
    for row, text in bad:
        number, name = row[:2]
        # a market that has day files but no row can only be that of the one row with an unreadable name
        found = known.get(str(name)) or (nameless[0] if len(nameless) == 1 and len(bad) == 1 else None)
        connection.execute(
            "INSERT INTO set_aside (origin, content, reason, moved_ns) VALUES (?, ?, ?, ?)", _aside("instrument", row, text, now_ns)
        )
        if found is None:
            for table in _KEYS:
                for other in connection.execute(f"SELECT {_COLUMNS[table]} FROM {table} WHERE instrument = ?", (number,)).fetchall():
                    _move(connection, table, other, "its market's row is damaged", now_ns)
            connection.execute("DELETE FROM instrument WHERE number = ?", (number,))
            continue
        connection.execute(
            "UPDATE instrument SET name = ?, tick_size = ?, lot_size = ?, multiplier = ?, numbered = ? WHERE number = ?",
            (found.id, str(found.tick_size), str(found.lot_size), str(found.multiplier), int(found.numbered), number),
        )
        mended.add(number)
    for instrument in nameless if any(number not in mended for (number, *_), _ in bad) else ():
        connection.execute(
            "INSERT OR IGNORE INTO instrument (name, tick_size, lot_size, multiplier, numbered) VALUES (?, ?, ?, ?, ?)",
            (instrument.id, str(instrument.tick_size), str(instrument.lot_size), str(instrument.multiplier), int(instrument.numbered)),
        )
    for (name,) in connection.execute("SELECT name FROM instrument").fetchall():
        if name in known and name not in names:
            mended.add(connection.execute("SELECT number FROM instrument WHERE name = ?", (name,)).fetchone()[0])
    return mended


def _move(connection: sqlite3.Connection, table: str, row: tuple[object, ...], text: str, now_ns: int) -> None:
    connection.execute("INSERT INTO set_aside (origin, content, reason, moved_ns) VALUES (?, ?, ?, ?)", _aside(table, row, text, now_ns))
    key = _KEYS[table]
    connection.execute(f"DELETE FROM {table} WHERE {' AND '.join(f'{name} = ?' for name in key)}", row[: len(key)])


def _aside(table: str, row: tuple[object, ...], text: str, now_ns: int) -> tuple[object, ...]:
    return table, json.dumps(row), text, now_ns


def _rebuild(catalogue: Catalogue, instrument: Instrument, tape: Tape, now_ns: int) -> None:
    """Rebuild a market's tape ranges from its day files and the catalogue's newest trades; trades missing in both become owed."""
    before = catalogue.intervals(instrument.id)
    after = ranges_in_files(tape)
    tail, _ = catalogue.tail(instrument.id)
    if not instrument.numbered:  # ranges are the only record of coverage: those that are sound stay
        for one in before:
            after.add(one)
    number = catalogue.number_of(instrument)
    owed = catalogue.owed(instrument.id)
    new = owed_changes(
        owed,
        before,
        after,
        numbered=instrument.numbered,
        now_ns=now_ns,
        reason=OwedReason.FETCH_AGAIN,
        settled=catalogue.settled(instrument.id),
    )
    if not instrument.numbered and len(tail):
        span = Span(int(tail.time_ns.min()), int(tail.time_ns.max()) + 1)
        new += [
            Owed(0, *NO_IDS, part, OwedReason.FETCH_AGAIN, changed_ns=now_ns)
            for part in span.minus([one.span for one in after.covered(proven=False)] + [row.span for row in [*owed, *new]])
        ]
    with catalogue.transaction() as connection:
        write_ranges(connection, number, *difference(before, after))
        write_owed(connection, number, new)
