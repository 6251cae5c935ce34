"""Shared parts of the headless commands: trades files, times, progress."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import BadInputError
from app.market.span import Span
from app.market.times import timestamp_text
from app.market.trade import TradeBatch
from app.printable import printable

if TYPE_CHECKING:
    from feeds.archives.trade_file import TradeFile

_ALL = Span(-(1 << 62), 1 << 62)


@dataclass(frozen=True, slots=True)
class Reading:
    """Options for reading a trades file or a stored market; `quiet` prints no progress and no notes.

    Attributes
    ----------
    tick_size : Decimal or None
        May be None for a stored market, which has its own.
    lot_size : Decimal or None
        None: detected from the file.
    quiet : bool
    store_folder : Path or None
        Where stored markets are; None if the command reads only files.
    span : Span
        The time of the trades to read from the store.
    """

    tick_size: Decimal | None
    lot_size: Decimal | None = None
    quiet: bool = False
    store_folder: Path | None = None
    span: Span = _ALL


def read(path: Path, reading: Reading) -> TradeFile:
    """Read a trades file or a stored market; progress and notes, e.g. on skipped rows, go to standard error.

    Raises
    ------
    BadInputError
        If a file is invalid or read without a tick size, or the store does not have the market or its trades.
    StoreError
        If the store cannot be read.
    """
    if reading.store_folder is not None and ":" in str(path) and not path.exists():
        return _read_stored(str(path), reading.store_folder, reading)
    if reading.tick_size is None:
        raise BadInputError(f"{path}: a trades file requires --tick-size")
    from feeds.archives.trade_file import read_trade_file  # here, because it takes long to load

    with progress_counter(path.name, reading.quiet) as on_rows:
        found = read_trade_file(path, reading.tick_size, reading.lot_size, on_rows)
    for note in found.notes:
        print_note(f"{path}: {note}", reading.quiet)
    return found


def _read_stored(instrument_id: str, folder: Path, reading: Reading) -> TradeFile:
    from app.storage.disk import DiskStore, stored_instrument
    from feeds.archives.trade_file import TradeFile

    store = DiskStore(folder, write=False)
    try:
        instrument = stored_instrument(store, instrument_id)
        trades = store.tape(instrument).trades(reading.span)
    finally:
        store.close()
    if not len(trades):
        raise BadInputError(f"{instrument_id}: no stored trades in this time range")
    print_note(f"{instrument_id}: stored trades only, {stored_text(trades)}", reading.quiet)
    return TradeFile(instrument, trades, len(trades), 0, 0)


def stored_text(trades: TradeBatch) -> str:
    """The times of the earliest and the latest of some trades, as text."""
    return f"{timestamp_text(int(trades.time_ns.min()))} to {timestamp_text(int(trades.time_ns.max()))} UTC"


def parse_time(text: str) -> int:
    """Parse a time, in any format that trades files may have, to nanoseconds since 1970 UTC.

    Raises
    ------
    BadInputError
        If the text is not a time.
    """
    import pyarrow as pa

    from feeds.archives.row_error import RowError, quoted
    from feeds.archives.time_parsing import times_ns

    try:
        return int(times_ns(pa.array([text], pa.string()))[0])
    except RowError as error:
        raise BadInputError(f"time: found {quoted(text)}, expected {error.expected}, e.g. 2026-11-21T15:30Z") from None


def parse_span(start: str | None, end: str | None) -> Span:
    """The span of `--from` and `--to`; unlimited at an end that is not given.

    Raises
    ------
    BadInputError
        If one is not a time, or the end is not after the start.
    """
    span = Span(_ALL.start_ns if start is None else parse_time(start), _ALL.end_ns if end is None else parse_time(end))
    if not span:
        raise BadInputError(f"--to: found {end}, expected a time after --from {start}")
    return span


@contextmanager
def progress_counter(name: str, quiet: bool, unit: str = "rows") -> Generator[Callable[[int], None]]:
    """Show a count on standard error, unless `quiet` or not a terminal; the context's value is the function that sets the count."""
    if quiet or not sys.stderr.isatty():
        yield lambda _count: None
        return
    from rich.console import Console
    from rich.progress import Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}", markup=False), TextColumn(f"{{task.completed:,}} {unit}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=None)
        yield lambda count: bar.update(task, completed=count)


@contextmanager
def progress_bar(quiet: bool) -> Generator[Callable[[str, float, str], None]]:
    """Show a progress bar on standard error, unless `quiet` or not a terminal; the context's value is the function that updates it.

    The function takes the name of the step, the share done (0 to 1), and the amount as text.
    """
    if quiet or not sys.stderr.isatty():
        yield lambda _what, _share, _far: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.fields[far]}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0, far="")
        yield lambda what, share, far: bar.update(task, description=what, completed=share, far=far)


def print_note(text: str, quiet: bool = False) -> None:
    """Print a line for the user to standard error, unless `quiet`."""
    if not quiet:
        print(f"tapeprint: {printable(text)}", file=sys.stderr)  # noqa: T201
