"""`tapeprint import`: add trades files to the store; a file with an invalid row adds nothing, and the files after it are imported.

Importing a file again adds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from app.entry.commands.common import print_note, progress_counter
from app.errors import BadInputError, StoreError, TradeFileError
from app.market.bar_rule import DAY_NS
from app.market.coverage import Source
from app.market.decimals import parse_step
from app.market.instrument import Instrument, parse_instrument_id
from app.market.span import Span
from app.market.steps import fits, in_steps, require_headroom
from app.market.trade import TradeBatch, concatenate
from app.storage.day_file import by_day, read_day, write_day
from app.storage.disk import DiskStore, stored_instrument
from app.storage.scratch import scratch_folder
from app.storage.tape_writer import TapeWriter
from feeds.archives.decompress import is_empty
from feeds.archives.report import ImportReport
from feeds.archives.trade_stream import file_facts, stream_trades

KINDS = ("auto", "binance", "bybit", "okx", "tardis", "kaiko", "csv", "parquet")
_COUNTING = {"binance": True, "okx": True, "coinbase": True, "kraken": True, "bybit": False, "hyperliquid": False}
"""True for venues that number their trades, False for those that do not; for other venues the file decides."""
_DAYS_IN_MEMORY = 4_000_000  # trades; above this the fullest day goes to disk until the file has been read


@dataclass(frozen=True, slots=True)
class InstrumentSpec:
    """The market that the files belong to; tick and lot size may be None if the store already has the market."""

    instrument_id: str
    tick_size: str | None
    lot_size: str | None


def import_files(kind: str, files: Sequence[Path], steps: InstrumentSpec, store_folder: Path, quiet: bool) -> int:
    """Import trades files into the store; return 0 if all are imported, or 2 if a file is not.

    Nothing is imported from a file of another kind, with a row that is not a valid trade, or that does not fit the tick and lot size;
    the files after it are imported.

    Raises
    ------
    BadInputError
        If there is no such kind, or the market's tick and lot size are not known.
    StoreError
        If the store cannot be written.
    """
    if kind not in KINDS:
        raise BadInputError(f"kind: found {kind!r}, expected one of {', '.join(KINDS)}")
    store = DiskStore(store_folder)
    refused = 0
    try:
        for path in files:
            try:
                _import_one(kind, path, steps, store, quiet)
            except (TradeFileError, WrongKindError, RefusedStepsError) as error:  # the files after it may be sound
                print_note(error.user_message)
                refused += 1
    finally:
        store.close()
    if refused and len(files) > 1:
        print_note(f"{refused} of {len(files)} files not imported")
    return 2 if refused else 0


def _import_one(kind: str, path: Path, steps: InstrumentSpec, store: DiskStore, quiet: bool) -> None:
    facts = file_facts(path)
    require_kind(kind, path, facts.layout)
    reading = market_of(steps, store, facts.numbered)
    if reading.numbered and facts.names:
        raise TradeFileError(path, None, "ids that do not count its trades", f"consecutive ids, since {reading.id} numbers its trades")
    writer = TapeWriter(store, store.catalogue.instrument(reading.id) or reading)
    try:
        report = ImportReport(by_time=facts.names)
        with progress_counter(path.name, quiet, "trades") as tell:
            new = import_file(writer, path, report, reading=reading, tell=tell)
    finally:
        writer.close()
    for line in (*report.lines(), *writer.notes):
        print_note(f"{path}: {line}", quiet)
    print_note(f"{path}: {new:,} new, {report.trades - new:,} already stored", quiet)


def import_file(
    writer: TapeWriter,
    path: Path,
    report: ImportReport,
    *,
    reading: Instrument | None = None,
    complete: Span | None = None,
    tell: Callable[[int], object] = lambda _count: None,
) -> int:
    """Import one file into a tape; return the number of new trades.

    A file of the user's own is imported completely or not at all.

    Parameters
    ----------
    writer : TapeWriter
    path : Path
    report : ImportReport
        Is filled in.
    reading : Instrument, optional
        The market with the tick and lot size of the file, by default those of the writer. Days are stored with the writer's sizes where
        they fit these, else with those of the file.
    complete : Span, optional
        The time of which the file is known to have all trades, as a publisher's file has: such a file may be empty, and up to a hundred
        rows that are not valid trades are left out and listed. By default from its first trade to its last.
    tell : callable
        Called with the number of trades read so far.

    Raises
    ------
    TradeFileError
        If a row is not a valid trade; nothing is imported then.
    RefusedStepsError
        The same, for a file that is read with another tick or lot size than that of the store.
    StoreError
        If the disk fails; nothing is imported then.
    """
    reading = reading or writer.instrument
    steps, stored_steps, source = reading.steps, writer.instrument.steps, Source.ARCHIVE
    if complete is not None and is_empty(path):  # how a publisher says that there were no trades
        writer.settle(complete, source)
        return 0
    with scratch_folder(writer.tape.folder, "import-") as stored:
        by_day = _ByDay(reading, stored)
        try:
            for batch in stream_trades(path, reading, report, strict=complete is None):
                require_headroom(batch, steps, stored_steps, str(path))
                by_day.add(batch)
                tell(report.trades)
        except (TradeFileError, StoreError) as error:
            if steps == stored_steps:
                raise
            told = f"{error.user_message}; read with {steps.text}, but {reading.id} is stored with {stored_steps.text}"
            raise RefusedStepsError(told) from None
        new = 0
        span = complete or Span(report.first_ns, report.last_ns + 1)
        with writer.atomically():
            for day, trades in by_day.days():
                if report.made_ids:  # the feed's trades are stored under their own ids, so generated ones cannot match them
                    trades = trades[~writer.intervals.holds(trades.time_ns)]
                inside = span.intersection(Span(day * DAY_NS, (day + 1) * DAY_NS))
                own = None if fits(trades, steps, stored_steps) else steps
                trades = in_steps(trades, steps, own or stored_steps, str(path))
                new += writer.insert_bulk(trades, source, inside if complete or not writer.instrument.numbered else None, own)
            if complete or report.void:
                writer.settle(complete or Span(0, 0), source, report.void)
    return new


def market_of(steps: InstrumentSpec, store: DiskStore, numbered: bool) -> Instrument:
    """The instrument to read the files with: with the given tick and lot size, else with those that fit all its stored trades.

    Raises
    ------
    BadInputError
        If only one of the two sizes is given, or neither is and the store does not have the market.
    """
    venue, symbol = parse_instrument_id(steps.instrument_id)
    known = store.catalogue.instrument(steps.instrument_id)
    if known is not None and steps.tick_size is None and steps.lot_size is None:
        return stored_instrument(store, known.id)
    if steps.tick_size is None or steps.lot_size is None:
        raise BadInputError(f"{steps.instrument_id}: not in the store yet, pass --tick-size and --lot-size")
    tick, lot = parse_step(steps.tick_size, "tick size"), parse_step(steps.lot_size, "lot size")
    multiplier = Decimal(1) if known is None else known.multiplier
    if known is not None:
        numbered = known.numbered
    elif (counts := venue_numbers(venue)) is not None:
        numbered = counts
    return Instrument(venue, symbol, tick, lot, multiplier, numbered)


def venue_numbers(venue: str) -> bool | None:
    """True if a venue numbers its trades, so that their ids order them and show gaps; False if it does not, None if unknown."""
    return _COUNTING.get(venue.split("-")[0])


def require_kind(kind: str, path: Path, layout: str) -> None:
    """Raise `WrongKindError` for a file whose layout is not of the named kind; `auto`, `csv` and `parquet` accept every layout.

    Raises
    ------
    WrongKindError
        If the file is of another kind.
    """
    is_table = kind in ("csv", "parquet")
    if kind == "auto" or is_table or layout.lower().startswith(kind):
        return
    raise WrongKindError(f"{path}: found {layout}, expected a file of {kind}")


class RefusedStepsError(BadInputError):
    """Raised for a file that cannot be imported with the tick and lot size it is read with, which differ from those in the store."""


class WrongKindError(BadInputError):
    """Raised for a file that is not of the kind the user named."""


class _ByDay:
    """Trades grouped by UTC day; trades that do not fit in memory are written to temporary files."""

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
