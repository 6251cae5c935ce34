"""What the commands without a window share: reading a trades file with progress, and times as they are typed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from app.errors import BadInputError
from app.market.span import Span
from feeds.archives.row_error import RowError, quoted
from feeds.archives.time_parsing import times_ns
from feeds.archives.trade_file import TradeFile, read_trade_file

_ALL = Span(-(1 << 62), 1 << 62)


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file of trades is read: tick size, lot size if known, and whether to keep quiet about it."""

    tick_size: Decimal
    lot_size: Decimal | None = None
    quiet: bool = False


def read(path: Path, reading: Reading) -> TradeFile:
    """The trades of a file, with progress and a word on what was left out, both on standard error."""
    with progress_counter(path.name, reading.quiet) as on_rows:
        found = read_trade_file(path, reading.tick_size, reading.lot_size, on_rows)
    if found.left_out and not reading.quiet:
        print_note(f"{path}: skipped {found.left_out}")
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
        raise BadInputError(f"time: found {quoted(text)}, expected {error.expected}, e.g. 2026-11-21T15:30Z") from None


def parse_span(start: str | None, end: str | None) -> Span:
    """The span of `--from` and `--to`; open at an end that was not given.

    Raises
    ------
    BadInputError
        If one is no time, or the end does not come after the start.
    """
    span = Span(_ALL.start_ns if start is None else parse_time(start), _ALL.end_ns if end is None else parse_time(end))
    if not span:
        raise BadInputError(f"--to: found {end}, expected a time after --from {start}")
    return span


def time_text(time_ns: int) -> str:
    """A time as `2026-11-21 15:30:00.123`, UTC."""
    return str(np.datetime64(time_ns, "ns"))[:23].replace("T", " ")


@contextmanager
def progress_counter(name: str, quiet: bool, unit: str = "rows") -> Iterator[Callable[[int], None]]:
    """A running count on the terminal, if there is one to see it."""
    if quiet or not sys.stderr.isatty():
        yield lambda _count: None
        return
    columns = (TextColumn("{task.description}", markup=False), TextColumn(f"{{task.completed:,}} {unit}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=None)
        yield lambda count: bar.update(task, completed=count)


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Callable[[str, float, str], None]]:
    """A bar on the terminal, if there is one to see it; told what is done, the share of it from 0 to 1, and how far in words."""
    if quiet or not sys.stderr.isatty():
        yield lambda _what, _share, _far: None
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.fields[far]}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0, far="")
        yield lambda what, share, far: bar.update(task, description=what, completed=share, far=far)


def print_note(text: str, quiet: bool = False) -> None:
    """A line for the user on standard error."""
    if not quiet:
        print(f"tapeprint: {text}", file=sys.stderr)  # noqa: T201
