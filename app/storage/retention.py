"""Deletion of the oldest stored days, by the limits that the user has set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.market.bar_rule import DAY_NS

if TYPE_CHECKING:  # the settings name these limits, and need no store
    from app.storage.tape import Tape
    from app.storage.tape_writer import TapeWriter


@dataclass(frozen=True, slots=True)
class Retention:
    """Limits for the number of stored days of each market and for the size of the store.

    Attributes
    ----------
    days : int
        Number of UTC days before today; 0 = all.
    store_bytes : int
        Size of the store, all markets together; 0 = unlimited. A market's own oldest days are deleted, never today's.
    """

    days: int = 0
    store_bytes: int = 0


KEEP_ALL = Retention()


def delete_expired_days(writer: TapeWriter, store_folder: Path, keep: Retention, now_ns: int) -> list[int]:
    """Delete the stored days of a market that exceed the limits, oldest first; return them as days since 1970-01-01."""
    days = expired_days(writer.tape, store_folder, keep, now_ns)
    writer.forget(days)
    return days


def expired_days(tape: Tape, store_folder: Path, keep: Retention, now_ns: int) -> list[int]:
    """The stored days of a market to delete because they are too old or the store is too large, oldest first; never today."""
    today = now_ns // DAY_NS
    days = [day for day in tape.days() if day < today]
    gone = [day for day in days if keep.days and day < today - keep.days]
    if keep.store_bytes:
        size = sum(path.stat().st_size for path in store_folder.rglob("*") if path.is_file())
        size -= sum(_bytes_of(tape, day) for day in gone)
        for day in days[len(gone) :]:
            if size <= keep.store_bytes:
                break
            size -= _bytes_of(tape, day)
            gone.append(day)
    return gone


def _bytes_of(tape: Tape, day: int) -> int:
    return sum(path.stat().st_size for path in (*tape.files(day), tape.cells_file(day), *tape.bar_files(day)) if path.exists())
