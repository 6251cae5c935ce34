"""Verification of a market's stored trades: day files, minute cells, the ids in the catalogue, and what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from app.errors import StoreError
from app.market.bar_rule import DAY_NS
from app.market.coverage import Source
from app.market.span import Span
from app.market.times import fine_clock_text, iso_date_text
from app.market.trade import TradeBatch
from app.storage.catalogue.owed import Owed, OwedReason, OwedState, owed_changes
from app.storage.checked_parquet import UnavailableFileError
from app.storage.day_file import DayTotals, TradesInSteps, merge_trades, read_own_steps
from app.storage.epochs import raw_id
from app.storage.minute_cells import cells_of, read_minute_cells, write_minute_cells
from app.storage.tape import Tape, day_name
from app.storage.tape_ranges import TapeRanges, id_ranges
from app.storage.tape_writer import TapeWriter


@dataclass(frozen=True, slots=True)
class StoreFinding:
    """A problem that `verify` found in the store.

    Attributes
    ----------
    text : str
        The problem and its place, in one line.
    mended : bool
        True if the problem has been repaired.
    gap : Span or None
        Time of missing trades, which can be downloaded again; None for other problems.
    """

    text: str
    mended: bool = False
    gap: Span | None = None


def verify(tape: Tape, writer: TapeWriter | None = None) -> Iterator[StoreFinding]:
    """Check all stored trades of a market, one day at a time, and yield the problems found, including owed trades.

    Without a writer nothing is changed on disk. With the market's writer, repair what is possible: a damaged file is renamed, which
    leaves a gap; minute cells are rebuilt; the catalogue's tape ranges are corrected.
    """
    numbered = tape.instrument.numbered
    found, all_read = TapeRanges(), True
    for day in tape.days():
        sound: list[TradesInSteps] = []
        for path in tape.files(day):
            try:
                sound.append(read_own_steps(path, within=tape.open_folder))
            except StoreError as error:
                all_read = all_read and not isinstance(error, UnavailableFileError)
                moves = writer is not None and not isinstance(error, UnavailableFileError)
                if writer is not None and moves:
                    writer.move_aside(path, day)
                # what the file had is owed from now on, and listed below
                yield StoreFinding(f"{error.user_message}{', moved aside' if moves else ''}", mended=moves)
        trades = merge_trades([part.trades for part in sound], numbered=numbered)  # in any steps: only ids, times and signs count
        yield from _invalid_trades(trades, tape, day)
        if numbered:
            for stretch in id_ranges(trades, Source.ARCHIVE):
                found.add(stretch)
        if sound and [path.name for path in tape.files(day)] == [f"{day_name(day)}.parquet"]:
            yield from _minute_cells(tape, day, sound[0], writer)
    if numbered:
        yield from _catalogue_ids(tape, found, writer if all_read else None)  # what could not be read is not lost
    yield from _owed(tape)


def _invalid_trades(trades: TradeBatch, tape: Tape, day: int) -> Iterator[StoreFinding]:
    """Yield findings for trades with a price or quantity of 0 or less, a time on another day, or an invalid side."""
    if not len(trades):
        return
    where = f"{tape.instrument.id} {day_name(day)}"
    if n := int(np.count_nonzero((trades.price_ticks <= 0) | (trades.quantity_lots <= 0))):
        yield StoreFinding(f"{where}: {n:,} trades with a zero price or quantity")
    if n := int(np.count_nonzero(trades.time_ns // DAY_NS != day)):
        yield StoreFinding(f"{where}: {n:,} trades of other days")
    if n := int(np.count_nonzero(np.abs(trades.side) > 1)):
        yield StoreFinding(f"{where}: {n:,} trades with an invalid side")


def _minute_cells(tape: Tape, day: int, stored: TradesInSteps, writer: TapeWriter | None) -> Iterator[StoreFinding]:
    trades, steps = stored
    try:
        cells, meta = read_minute_cells(tape.cells_file(day), tape.open_folder)
        if meta.sums == DayTotals.of(trades) and Decimal(meta.tick_size) == steps.tick_size:
            true = cells_of(trades, meta.ticks_per_row)
            if all(np.array_equal(getattr(cells, name), getattr(true, name)) for name in ("minute", "row", "buy", "sell", "unknown")):
                return
        why = "do not match the trades"
    except StoreError:
        why = "are missing or damaged"
    if writer is not None:
        write_minute_cells(tape, day, trades, steps.tick_size)
    yield StoreFinding(
        f"{tape.instrument.id} {day_name(day)}: the cells {why}{', rebuilt' if writer is not None else ''}", mended=writer is not None
    )


def _catalogue_ids(tape: Tape, found: TapeRanges, writer: TapeWriter | None) -> Iterator[StoreFinding]:
    """Compare the ids in the catalogue's tape ranges with those of the stored trades; yield a finding if they differ.

    With a writer, also rebuild the tape ranges.
    """
    for one in id_ranges(tape.catalogue.tail(tape.instrument.id)[0], Source.LIVE):
        found.add(one)
    claimed, there = _ids(tape.intervals()), _ids(found)
    if claimed == there:
        return
    missing = sum(b - a for a, b in _minus(claimed, there))
    more = sum(b - a for a, b in _minus(there, claimed))
    if writer is not None:
        writer.rebuild_accounting()
    text = f"{tape.instrument.id}: {missing:,} trades listed in the catalogue are missing on disk; {more:,} on disk are not listed"
    yield StoreFinding(text + ("; catalogue repaired" if writer is not None else ""), mended=writer is not None)


def _owed(tape: Tape) -> Iterator[StoreFinding]:
    """Yield findings for owed trades and id conflicts that are not given up, and for gaps that no writer has listed as owed yet."""
    stored, numbered = tape.intervals(), tape.instrument.numbered
    rows, settled = tape.catalogue.owed(tape.instrument.id), tape.catalogue.settled(tape.instrument.id)
    unlisted = [row for row in owed_changes(rows, stored, stored, numbered=numbered, now_ns=0, settled=settled) if not row.number]
    for row in sorted([*rows, *unlisted], key=lambda row: row.span):
        if row.reason is OwedReason.CONFLICT and row.state is not OwedState.GIVEN_UP:
            yield StoreFinding(f"{tape.instrument.id}: {row.reason.value}: {row.detail}")
        elif row.is_open:
            yield from (_missing(tape, row, left, stored) for left in row.left(stored, settled))


def _missing(tape: Tape, row: Owed, left: Span, stored: TapeRanges) -> StoreFinding:
    gap = row.time_of(left, stored)
    begin, end = (f"{iso_date_text(ns)}T{fine_clock_text(ns)}" for ns in (gap.start_ns, gap.end_ns))
    why = "" if row.reason is OwedReason.GAP else f" ({row.reason.value})"
    if row.by_ids:
        n, ids = left.length_ns, f"ids {raw_id(left.start_ns)} to {raw_id(left.end_ns - 1)}"
        text = f"{n:,} trade{'s' if n > 1 else ''} missing, {ids}, {begin} to {end}{why}"
    else:
        text = f"trades may be missing, {begin} to {end}{why}"
    return StoreFinding(f"{tape.instrument.id}: {text}", gap=gap)


def _ids(intervals: TapeRanges) -> list[tuple[int, int]]:
    """The ids in tape ranges as pairs `(first, end)` without the end; touching ranges of different sources are joined."""
    runs: list[tuple[int, int]] = []
    for one in intervals:
        if runs and runs[-1][1] == one.first_key:
            runs[-1] = (runs[-1][0], one.last_key + 1)
        else:
            runs.append((one.first_key, one.last_key + 1))
    return runs


def _minus(runs: list[tuple[int, int]], others: list[tuple[int, int]]) -> list[tuple[int, int]]:
    taken = [Span(*other) for other in others]
    return [(left.start_ns, left.end_ns) for run in runs for left in Span(*run).minus(taken)]
