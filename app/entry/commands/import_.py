"""`tapeprint import`: add trades files to the store; a file with an invalid row adds nothing.

Importing a file again adds nothing.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from app.entry.commands.common import print_note, progress_counter
from app.errors import BadInputError
from app.market.bar_rule import DAY_NS
from app.market.coverage import Source
from app.market.decimals import parse_step
from app.market.instrument import Instrument, parse_instrument_id
from app.market.span import Span
from app.market.trade import TradeBatch, concatenate
from app.storage.day_file import by_day, read_day, write_day
from app.storage.disk import DiskStore
from app.storage.tape_writer import TapeWriter
from feeds.archives.report import ImportReport
from feeds.archives.trade_stream import file_facts, stream_trades

KINDS = ("auto", "binance", "bybit", "okx", "tardis", "kaiko", "csv", "parquet")
_DAYS_IN_MEMORY = 4_000_000  # trades; above this the fullest day goes to disk until the file has been read


@dataclass(frozen=True, slots=True)
class InstrumentSpec:
    """The market of the files; tick and lot size may be None if the store already has the market."""

    instrument_id: str
    tick_size: str | None
    lot_size: str | None


def import_files(kind: str, files: Sequence[Path], steps: InstrumentSpec, store_folder: Path, quiet: bool) -> int:
    """Import trades files into the store and return the exit code.

    Raises
    ------
    BadInputError
        If a file is not of this kind, or a row is not a valid trade; nothing of that file is imported then.
    StoreError
        If the store cannot be written.
    """
    store = DiskStore(store_folder)
    try:
        for path in files:
            facts = file_facts(path)
            require_kind(kind, path, facts.layout)
            instrument = market_of(steps, store, facts.numbered)
            writer = TapeWriter(store, instrument)
            try:
                report = ImportReport()
                with progress_counter(path.name, quiet, "trades") as tell:
                    new = import_file(writer, path, report, tell=tell)
            finally:
                writer.close()
            for line in (*report.lines(), *writer.notes):
                print_note(f"{path}: {line}", quiet)
            print_note(f"{path}: {new:,} new, {report.trades - new:,} already stored", quiet)
    finally:
        store.close()
    return 0


def import_file(
    writer: TapeWriter,
    path: Path,
    report: ImportReport,
    *,
    complete: Span | None = None,
    tell: Callable[[int], object] = lambda _count: None,
) -> int:
    """Import one file into a tape, all or nothing; return the number of new trades.

    Parameters
    ----------
    writer : TapeWriter
    path : Path
    report : ImportReport
        Is filled in.
    complete : Span, optional
        The time of which the file is known to have all trades; by default from its first trade to its last.
    tell : callable
        Called with the number of trades read so far.
    """
    with tempfile.TemporaryDirectory(prefix="import-", dir=_prepared(writer.tape.folder)) as stored:
        by_day = _ByDay(writer.instrument, Path(stored))
        for batch in stream_trades(path, writer.instrument, report):
            by_day.add(batch)
            tell(report.trades)
        new = 0
        span = complete or Span(report.first_ns, report.last_ns + 1)
        for day, trades in by_day.days():
            if report.made_ids:  # the feed's trades are stored under their own ids, so generated ones cannot match them
                trades = trades[~writer.intervals.holds(trades.time_ns)]
            inside = span.intersection(Span(day * DAY_NS, (day + 1) * DAY_NS))
            new += writer.insert_bulk(trades, Source.ARCHIVE, inside if complete or not writer.instrument.numbered else None)
    return new


def market_of(steps: InstrumentSpec, store: DiskStore, numbered: bool) -> Instrument:
    """The market of the files: as it is in the store, or from the user's options.

    Raises
    ------
    BadInputError
        If neither has its tick and lot size.
    """
    venue, symbol = parse_instrument_id(steps.instrument_id)
    known = store.catalogue.instrument(steps.instrument_id)
    if known is not None and steps.tick_size is None and steps.lot_size is None:
        return known
    if steps.tick_size is None or steps.lot_size is None:
        raise BadInputError(f"{steps.instrument_id}: not in the store yet, pass --tick-size and --lot-size")
    tick, lot = parse_step(steps.tick_size, "tick size"), parse_step(steps.lot_size, "lot size")
    multiplier = Decimal(1) if known is None else known.multiplier
    return Instrument(venue, symbol, tick, lot, multiplier, numbered if known is None else known.numbered)


def require_kind(kind: str, path: Path, layout: str) -> None:
    """Reject a file that is not of the kind the user named.

    Raises
    ------
    BadInputError
        If it is of another kind, or there is no such kind.
    """
    if kind not in KINDS:
        raise BadInputError(f"kind: found {kind!r}, expected one of {', '.join(KINDS)}")
    is_table = kind in ("csv", "parquet")
    if kind == "auto" or is_table or layout.lower().startswith(kind):
        return
    raise BadInputError(f"{path}: found {layout}, expected a file of {kind}")


class _ByDay:
    """Trades sorted by UTC day; days that do not fit in memory are written to temporary files."""

    def __init__(self, instrument: Instrument, folder: Path) -> None:
        self._instrument, self._folder = instrument, folder
        self._parts: dict[int, list[TradeBatch]] = {}
        self._on_disk: dict[int, list[Path]] = {}
        self._in_memory = 0

    def add(self, batch: TradeBatch) -> None:
        for day, part in by_day(batch):
            self._parts.setdefault(day, []).append(part)
        self._in_memory += len(batch)
        while self._in_memory > _DAYS_IN_MEMORY:
            self._move_to_disk(max(self._parts, key=lambda day: sum(map(len, self._parts[day]))))

    def days(self) -> Iterator[tuple[int, TradeBatch]]:
        for day in sorted({*self._parts, *self._on_disk}):
            stored = [read_day(path, self._instrument) for path in self._on_disk.get(day, ())]
            yield day, concatenate([*stored, *self._parts.pop(day, ())])

    def _move_to_disk(self, day: int) -> None:
        trades = concatenate(self._parts.pop(day))
        self._in_memory -= len(trades)
        paths = self._on_disk.setdefault(day, [])
        path = self._folder / f"{day}.{len(paths)}.parquet"
        write_day(path, trades, self._instrument)
        paths.append(path)


def _prepared(folder: Path) -> Path:
    """Create a market's folder, delete the temporary files of killed imports in it, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob("import-*"):
        shutil.rmtree(left, ignore_errors=True)
    return folder
