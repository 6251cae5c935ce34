"""Rebuilds the markets, tape ranges and owed trades of a store's catalogue from the day files."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

import structlog

from app.errors import StoreError
from app.market.bar_rule import DAY_NS
from app.market.coverage import Source
from app.market.instrument import Instrument
from app.market.span import Span
from app.storage.catalogue.catalogue import Catalogue, write_owed, write_ranges
from app.storage.catalogue.checked_rows import checked_instrument
from app.storage.catalogue.owed import NO_IDS, Owed, OwedReason, owed_changes
from app.storage.day_file import DayMeta, read_meta, read_own_steps
from app.storage.open_folder import OpenFolder
from app.storage.tape import Tape, day_named, market_folder
from app.storage.tape_ranges import TapeRange, TapeRanges, id_ranges

_log = structlog.get_logger(__name__)


def ranges_in_day(intervals: TapeRanges, day: int) -> list[TapeRange]:
    """The tape ranges that overlap a UTC day, for the metadata of its day file."""
    start_ns, end_ns = day * DAY_NS, (day + 1) * DAY_NS
    return [one for one in intervals if one.start_ns < end_ns and start_ns < one.end_ns]


def ranges_in_file(path: Path, day: int, within: OpenFolder | None = None) -> list[TapeRange]:
    """The tape ranges of the trades in a day file: by their ids, or, if trades are not numbered, from the metadata, cut to the day.

    Raises
    ------
    StoreError
        If the file is damaged.
    """
    meta = read_meta(path, within)
    if not meta.numbered:
        edges = Span(day * DAY_NS, (day + 1) * DAY_NS)
        found: list[TapeRange] = []
        for stretch in meta.stretches:
            span = Span(stretch.start_ns, stretch.end_ns).intersection(edges)
            found.append(stretch._replace(first_key=span.start_ns, last_key=span.end_ns - 1, start_ns=span.start_ns, end_ns=span.end_ns))
        return found
    runs = id_ranges(read_own_steps(path, within=within).trades, Source.ARCHIVE)
    return [run._replace(source=_source_of(run, meta)) for run in runs]


def ranges_without_files(tape: Tape, intervals: TapeRanges, files: set[Path], day: int) -> TapeRanges:
    """The tape ranges that remain when some files of a day are removed; if trades are not numbered, none remains for this day.

    If a removed file is damaged, they are computed from all other day files and, as in `ranges_in_files`, from the catalogue.
    """
    left = TapeRanges(intervals)
    edges = Span(day * DAY_NS, (day + 1) * DAY_NS)
    if not tape.instrument.numbered:
        left.remove(edges.start_ns, edges.end_ns - 1, edges)
        return left
    try:
        for one in (one for path in files for one in ranges_in_file(path, day, tape.open_folder)):
            left.remove(one.first_key, one.last_key, Span(one.start_ns, one.end_ns))
        return left
    except StoreError:  # the content of a damaged file is unknown: use that of all others
        return ranges_in_files(tape, without=files)


def ranges_in_files(tape: Tape, without: Iterable[Path] = ()) -> TapeRanges:
    """The tape ranges of a market's trades in undamaged day files, except `without`, and, if they are numbered, in the catalogue."""
    found = TapeRanges()
    left_out = set(without)
    for day in tape.days():
        for path in tape.files(day):
            if path in left_out:
                continue
            try:
                for one in ranges_in_file(path, day, tape.open_folder):
                    found.add(one)
            except StoreError as error:
                _log.warning("damaged day file skipped", reason=error.detail)
    if tape.instrument.numbered:
        for one in id_ranges(tape.catalogue.tail(tape.instrument.id)[0], Source.LIVE):
            found.add(one)
    return found


def rebuild_catalogue(catalogue: Catalogue, folder: Path, tape_of: Callable[[Instrument], Tape]) -> None:
    """Fill a new catalogue with the markets, tape ranges and owed trades that the store's day files show."""
    for history in _histories_in_files(folder).values():
        numbers = [catalogue.number_of(instrument, from_ns) for from_ns, instrument in history]
        number, instrument = numbers[-1], history[-1][1]
        tape = tape_of(instrument)
        stored = ranges_in_files(tape)
        owed = owed_changes([], stored, stored, numbered=instrument.numbered, now_ns=time.time_ns())
        with catalogue.transaction() as connection:
            write_ranges(connection, number, [], stored)
            write_owed(connection, number, [*owed, *_lost_days(tape, stored)])


def _lost_days(tape: Tape, stored: TapeRanges) -> list[Owed]:
    """Entries of owed trades for days with a damaged file, for the time before the first or after the last stored trade.

    Between these trades, gaps show what is missing.
    """
    edges = [Span(stored_all[0].start_ns, stored_all[-1].end_ns)] if (stored_all := list(stored)) else []
    days: set[int] = set()
    for path in tape.folder.glob("trades/*.parquet*"):
        day = day_named(path)
        if day is not None and (".corrupt" in path.name or not _is_sound(path)):
            days.add(day)
    spans = [Span(day * DAY_NS, (day + 1) * DAY_NS) for day in sorted(days)]
    now_ns = time.time_ns()
    return [Owed(0, *NO_IDS, left, OwedReason.DAMAGED_DAY, changed_ns=now_ns) for span in spans for left in span.minus(edges)]


def _is_sound(path: Path) -> bool:
    try:
        read_own_steps(path)
    except StoreError:
        return False
    return True


def markets_in_files(folder: Path) -> dict[str, Instrument]:
    """The markets that have day files with readable metadata, by id, each with the tick and lot size of its newest file.

    Files renamed as damaged count only for markets without others.
    """
    return {name: history[-1][1] for name, history in _histories_in_files(folder).items()}


def _histories_in_files(folder: Path) -> dict[str, list[tuple[int, Instrument]]]:
    """The markets that have day files with readable metadata, by id: one instrument per change, with the time from which it applies.

    Files renamed as damaged are included; a file that is in the folder of another market is left out.
    """
    markets: dict[str, list[tuple[int, Instrument]]] = {}
    moved_aside = folder.glob("*/*/trades/*.parquet.corrupt*")  # the metadata may be readable; a sound file wins
    for path in (*sorted(moved_aside), *sorted(folder.glob("*/*/trades/*.parquet"))):
        try:
            instrument = _instrument_of(read_meta(path))
            if market_folder(folder, instrument) != path.parent.parent:
                raise StoreError(f"{path}: has trades of {instrument.id!r}, which belong into another folder")
        except StoreError as error:
            _log.warning("damaged day file skipped", reason=error.detail)
            continue
        history = markets.setdefault(instrument.id, [])
        if not history or history[-1][1] != instrument:  # files are in order of their days
            history.append(((day_named(path) or 0) * DAY_NS, instrument))
    return markets


def _source_of(run: TapeRange, meta: DayMeta) -> Source:
    return next((known.source for known in meta.stretches if known.first_key <= run.first_key <= known.last_key), run.source)


def _instrument_of(meta: DayMeta) -> Instrument:
    return checked_instrument(meta.instrument, meta.tick_size, meta.lot_size, meta.multiplier, meta.numbered)
