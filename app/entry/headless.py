"""What the commands without a window share: reading a trades file with progress, and times as they are typed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from app.errors import BadInputError
from feeds.archives.row_error import RowError, shown
from feeds.archives.times import times_ns
from feeds.archives.trade_file import TradeFile, read_trade_file


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file of trades is read: tick size, lot size if known, and whether to keep quiet about it."""

    tick_size: Decimal
    lot_size: Decimal | None = None
    quiet: bool = False


def read(path: Path, reading: Reading) -> TradeFile:
    """The trades of a file, with progress and a word on what was left out, both on standard error."""
    with _progress(path.name, reading.quiet) as on_rows:
        found = read_trade_file(path, reading.tick_size, reading.lot_size, on_rows)
    if found.left_out and not reading.quiet:
        print(f"tapeprint: {path}: left out {found.left_out}", file=sys.stderr)  # noqa: T201
    return found


def parse_time(text: str) -> int:
    """Nanoseconds since 1970 of a time on the command line, written as trades files write theirs.

    Raises
    ------
    BadInputError
        If it is none.
    """
    try:
        return int(times_ns(pa.array([text], pa.string()))[0])
    except RowError as error:
        raise BadInputError(f"time: found {shown(text)}, expected {error.expected}, as in 2026-11-21T15:30Z") from None


@contextmanager
def _progress(name: str, quiet: bool) -> Iterator[Callable[[int], None]]:
    """A running count of rows on the terminal, if there is one to see it."""
    if quiet or not sys.stderr.isatty():
        yield lambda _rows: None
        return
    columns = (TextColumn("{task.description}", markup=False), TextColumn("{task.completed:,} rows"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=None)
        yield lambda rows: bar.update(task, completed=rows)
