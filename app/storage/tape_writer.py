"""The writer of a market's trades: first to the catalogue, then to day files."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import structlog
from filelock import FileLock, Timeout

from app.errors import StoreBusyError, StoreError
from app.market.bar_rule import DAY_NS
from app.market.coverage import Source
from app.market.decimals import step_text
from app.market.instrument import Instrument
from app.market.span import Span
from app.market.times import timestamp_text
from app.market.trade import TradeBatch, concatenate
from app.storage.catalogue import drop_tail, write_owed, write_ranges, write_tail
from app.storage.day_file import by_day, day_of, merge_trades, read_day, read_meta, write_day
from app.storage.disk import DiskStore
from app.storage.epochs import keyed, raw_id, without_conflicts
from app.storage.minute_cells import write_minute_cells
from app.storage.owed import NO_IDS, Owed, OwedReason, OwedState, needs_settling, settled
from app.storage.rebuild import ranges_in_day, ranges_in_files, ranges_without_files
from app.storage.tape import day_name, next_part
from app.storage.tape_ranges import EPOCH_BITS, TapeRange, TapeRanges, difference, epoch_of, id_ranges, time_range

_log = structlog.get_logger(__name__)

TAIL_TRADES = 200_000  # 0.6 s to read at the start; about an hour of a busy market
_NEAR_NS = 1_000_000  # sources report the time of a trade in milliseconds or finer
_MOST_CONFLICTS = 10_000  # of one batch: a file of another market has nothing else
_MOST_IN_MEMORY = 20_000_000  # a day with more trades stays in parts: merging it would take more than 700 MB of memory


class TapeWriter:
    """Writes the trades of one market to the store; may be called from any thread, one at a time.

    Parameters
    ----------
    store : DiskStore
        Open for writing.
    instrument : Instrument
        With the venue's current tick and lot size; trades stored with others are converted on reading.

    Raises
    ------
    StoreBusyError
        If another process, or another writer in this one, records the market.
    StoreError
        If the store cannot be written.
    """

    def __init__(self, store: DiskStore, instrument: Instrument, *, wall_ns: Callable[[], int] = time.time_ns) -> None:
        self._wall_ns = wall_ns
        self.notes: list[str] = []
        """What was found about ids while storing, as text for the user."""
        self.tape = store.tape(instrument)
        self._turn = threading.Lock()
        self._lock = _locked(self.tape.folder / "writer.lock", instrument)
        try:
            self._seal_old_steps(store)
            self._number = store.catalogue.number_of(instrument)
            self._intervals = self.tape.intervals()
            self._owed: list[Owed] = []
            self._open: list[Owed] = []
            self._read_owed()
            self._begin_owed()
            self._tail_size = store.catalogue.tail_size(instrument.id)
        except BaseException:
            self._lock.release()
            raise

    @property
    def instrument(self) -> Instrument:
        """The market whose trades are written."""
        return self.tape.instrument

    @property
    def intervals(self) -> TapeRanges:
        """The market's stored tape ranges; the caller must not change them."""
        return self._intervals

    @property
    def owed(self) -> list[Owed]:
        """The entries still to be fetched, oldest first; the same object until something changes."""
        return self._open

    def insert(self, trades: TradeBatch, source: Source, complete: Span | None = None) -> int:
        """Store trades in the catalogue and return the number of new ones; on return they are safe on disk.

        Parameters
        ----------
        trades : TradeBatch
            In any order; trades already stored are skipped.
        source : Source
        complete : Span, optional
            The time that these and the stored trades fully cover. Without trade ids this is the only record of coverage.

        Raises
        ------
        StoreError
            If the trades cannot be written: then none of them is stored.
        """
        with self._turn:
            trades = self._keyed(trades)
            fresh, conflicts = self._fresh(trades)
            added = self._ranges_of(fresh, source, trades, complete)
            new = _with(self._intervals, added)
            if not len(fresh) and new is None and not conflicts:
                return 0
            owed = [*(self._settled(new, added) if new is not None else []), *conflicts]
            with self.tape.catalogue.transaction() as connection:
                write_tail(connection, self._number, fresh)
                if new is not None:
                    write_ranges(connection, self._number, *difference(self._intervals, new))
                write_owed(connection, self._number, owed)
            self._intervals = new or self._intervals
            self._after(owed)
            self._tail_size += len(fresh)
            return len(fresh)

    def insert_bulk(self, trades: TradeBatch, source: Source, complete: Span | None = None) -> int:
        """Store many older trades directly in day files; parameters and result are those of `insert`."""
        with self._turn:
            trades = self._keyed(trades)
            fresh, conflicts = self._fresh(trades)
            added = self._ranges_of(fresh, source, trades, complete)
            known = _with(self._intervals, added) or self._intervals
            count = sum(self._merge_into_day(day, part, known) for day, part in by_day(fresh))
            if (new := _with(self._intervals, added)) is not None:  # the ranges may be fewer by now, if a damaged file was renamed
                self._replace_intervals(new, more=conflicts)
            elif conflicts:
                self._replace_intervals(self._intervals, more=conflicts)
            return count

    @property
    def wants_sealing(self) -> bool:
        """True if the catalogue has `TAIL_TRADES` or more trades of the market, which would make the next start slow."""
        return self._tail_size >= TAIL_TRADES

    def seal(self, now_ns: int) -> None:
        """Move the market's trades from the catalogue to day files, and merge the files of each past day.

        Raises
        ------
        StoreError
            If the files cannot be written: then the trades stay in the catalogue.
        """
        with self._turn:
            trades, place = self.tape.catalogue.tail(self.instrument.id)
            if len(trades):
                for day, part in by_day(trades):
                    write_day(next_part(self.tape, day), part, self.instrument, ranges_in_day(self._intervals, day))
                with self.tape.catalogue.transaction() as connection:
                    drop_tail(connection, self._number, place)
                self._tail_size = 0
            self._merge_past_days(now_ns)

    def tidy(self, now_ns: int) -> None:
        """Merge the files of each past day; if the catalogue has trades of past days, first move the market's trades to files.

        Raises
        ------
        StoreError
            If a file cannot be written: then no trade is lost.
        """
        oldest_ns = self.tape.catalogue.oldest_in_tail(self.instrument.id)
        if oldest_ns is not None and day_of(oldest_ns) < day_of(now_ns):
            self.seal(now_ns)
            return
        with self._turn:
            self._merge_past_days(now_ns)

    def forget(self, days: Iterable[int]) -> None:
        """Delete all files of some days; their trades count as missing from then on."""
        with self._turn:
            for day in days:
                self._delete_day(day)

    def attempt(self, row: Owed) -> Owed:
        """Note that an entry is being fetched; return it as it stands."""
        return self._write_owed(row.at(OwedState.FETCHING, self._wall_ns()))

    def postpone(self, row: Owed) -> None:
        """Note that an attempt brought nothing for an entry: the next one is later."""
        self._write_owed(row.later(self._wall_ns()))

    def leave(self, row: Owed) -> None:
        """Note that an entry is no longer being fetched; some of its trades may have come."""
        self._write_owed(row.at(OwedState.OWED, self._wall_ns()))

    def give_up(self, span: Span) -> tuple[list[Owed], list[Owed]]:
        """Give up what is owed within a time: it no longer counts as missing, and is not fetched.

        Returns the entries given up, and those that reach beyond the time and whose ids cannot be divided by it.
        """
        with self._turn:
            now_ns = self._wall_ns()
            ended: list[Owed] = []
            parts: list[Owed] = []
            beyond: list[Owed] = []
            for row in self._owed:
                inside = row.span.intersection(span)
                if not inside or row.state is OwedState.GIVEN_UP:
                    continue
                if inside == row.span:
                    ended.append(row.at(OwedState.GIVEN_UP, now_ns))
                elif row.by_ids:
                    beyond.append(row)
                else:
                    ended.append(row._replace(span=inside).at(OwedState.GIVEN_UP, now_ns))
                    parts += [row._replace(number=0, span=part, changed_ns=now_ns) for part in row.span.minus([inside])]
            with self.tape.catalogue.transaction() as connection:
                write_owed(connection, self._number, [*ended, *parts])
            self._after([*ended, *parts])
            return ended, beyond

    def move_aside(self, path: Path, day: int) -> None:
        """Rename a damaged day file; its trades are owed from then on."""
        with self._turn:
            self._rename_damaged(path, day)

    def rebuild_accounting(self) -> None:
        """Rebuild the tape ranges in the catalogue from the stored trades."""
        with self._turn:
            self._replace_intervals(ranges_in_files(self.tape), reason=OwedReason.FETCH_AGAIN)

    def close(self) -> None:
        """Release the lock on the market."""
        self._lock.release()

    # -- private ---------------------------------------------------------------------------------

    def _keyed(self, trades: TradeBatch) -> TradeBatch:
        """The trades with keys in place of the venue's ids; where ids start again, that is reported."""
        if not self.instrument.numbered:
            return trades
        found = keyed(trades, self._intervals)
        epochs = {epoch_of(key) for one in self._intervals for key in (one.first_key,)}
        for epoch in np.unique(found.trade_id >> EPOCH_BITS).tolist() if len(found) else ():
            if epoch not in epochs and (epoch or epochs):
                first = found[found.trade_id >> EPOCH_BITS == epoch]
                text = f"ids start again at {timestamp_text(int(first.time_ns.min()))}: stored as another epoch of ids"
                self.notes.append(text)
                _log.info("ids start again", instrument=self.instrument.id, epoch=epoch, time_ns=int(first.time_ns.min()))
        return found

    def _fresh(self, trades: TradeBatch) -> tuple[TradeBatch, list[Owed]]:
        """The trades in the order of the tape, without those that are stored; and those with the id of another trade, to report."""
        if not self.instrument.numbered:
            return merge_trades([trades], numbered=False), []
        rising = len(trades) < 2 or bool(np.all(trades.trade_id[1:] > trades.trade_id[:-1]))
        known = self._intervals.holds(trades.trade_id)
        if rising and not known.any():
            return trades, []
        same_ids, comparable = self._stored_with_ids_of(trades[known])
        if not comparable:
            return merge_trades([trades[~known]], numbered=True), []
        unique, conflicts = without_conflicts(trades, same_ids)
        moved = unique[self._intervals.holds(unique.trade_id)]  # stored with another time: not where it was looked for
        return unique[~self._intervals.holds(unique.trade_id)], self._conflicts(concatenate([conflicts, moved]))

    def _stored_with_ids_of(self, trades: TradeBatch) -> tuple[TradeBatch, bool]:
        """The stored trades with the same ids at about the same times; False if a file cannot be read."""
        found: list[TradeBatch] = []
        try:
            for _, part in by_day(trades):
                near = self.tape.trades(Span(int(part.time_ns.min()) - _NEAR_NS, int(part.time_ns.max()) + _NEAR_NS))
                found.append(near[np.isin(near.trade_id, part.trade_id)])
        except StoreError as error:
            _log.warning("stored trades not compared", reason=error.detail)
            return TradeBatch.empty(), False
        return merge_trades(found, numbered=True), True

    def _conflicts(self, trades: TradeBatch) -> list[Owed]:
        """Entries that keep trades whose ids others have; ones that are kept already are left out."""
        told = {row.detail for row in self._owed if row.reason is OwedReason.CONFLICT}
        found: list[Owed] = []
        grid, step = self.instrument.tick_size, self.instrument.lot_size
        for time_ns, price, lots, side, key in zip(*(column.tolist() for column in trades.columns), strict=True):
            word = {1: "buy", -1: "sell"}.get(side, "unknown side")
            what = f"{step_text(lots, step)} at {step_text(price, grid)}, {word}, {time_ns} ns"
            detail = f"id {raw_id(key)} is stored for another trade than {what}"
            if detail not in told and len(found) < _MOST_CONFLICTS:
                told.add(detail)
                found.append(Owed(0, key, key, Span(time_ns, time_ns + 1), OwedReason.CONFLICT, changed_ns=self._wall_ns(), detail=detail))
        if len(trades):
            n = len(trades)
            _log.info("ids of other trades", instrument=self.instrument.id, trades=n)
            if found:
                self.notes.append(f"{n:,} trade{'' if n == 1 else 's'} with the id of another trade: listed by verify, not counted")
        return found

    def _ranges_of(self, fresh: TradeBatch, source: Source, given: TradeBatch, complete: Span | None) -> list[TapeRange]:
        if self.instrument.numbered:
            return id_ranges(fresh, source, given, complete)
        return [time_range(complete, source)] if complete else []

    def _merge_past_days(self, now_ns: int) -> None:
        for day in self.tape.days():
            if day < day_of(now_ns) and [path.name for path in self.tape.files(day)] != [f"{day_name(day)}.parquet"]:
                self._merge_into_day(day, TradeBatch.empty(), self._intervals)

    def _merge_into_day(self, day: int, trades: TradeBatch, known: TapeRanges) -> int:
        """Merge trades and all files of a day into one file; return the number of new trades.

        Nothing is written if the day is one file already and no trade is new. A day too large for memory gets another part instead.
        """
        whole = self.tape.folder / "trades" / f"{day_name(day)}.parquet"
        parts = self._sound_parts(day)
        if parts is None:
            if len(trades):
                write_day(next_part(self.tape, day), trades, self.instrument, ranges_in_day(known, day))
            return len(trades)
        before = merge_trades(list(parts.values()), numbered=self.instrument.numbered)
        together = merge_trades([before, trades], numbered=self.instrument.numbered)
        if not len(together):  # all files were damaged, and renamed
            return 0
        if list(parts) != [whole] or len(together) > len(parts[whole]):
            write_day(whole, together, self.instrument, ranges_in_day(known, day))
            for path in parts:
                if path != whole:
                    path.unlink()
            write_minute_cells(self.tape, day, together)
        return len(together) - len(before)

    def _sound_parts(self, day: int) -> dict[Path, TradeBatch] | None:
        """Read the undamaged files of a day and rename damaged ones; None if there are too many trades for memory."""
        found: dict[Path, TradeBatch] = {}
        count = 0
        for path in self.tape.files(day):
            try:
                count += read_meta(path).sums.trades
                if count > _MOST_IN_MEMORY:
                    return None
                found[path] = read_day(path, self.instrument)
            except StoreError as error:
                _log.warning("damaged day file moved aside", reason=error.detail)
                self._rename_damaged(path, day)
        return found

    def _rename_damaged(self, path: Path, day: int) -> None:
        span = Span(day * DAY_NS, (day + 1) * DAY_NS)
        known = [one.span for one in self._intervals.covered(proven=False)] + [row.span for row in self._owed]
        unlisted = [] if any(one.intersection(span) for one in known) else [Owed(0, *NO_IDS, span, OwedReason.DAMAGED_DAY)]
        left = ranges_without_files(self.tape, self._intervals, {path}, day)
        # other damaged days are taken away with it, and no id can be told to be of one of them
        alone = all(other == day or _is_in(other, left) for other in self.tape.days())
        self._replace_intervals(left, day=span if alone else None, more=unlisted)
        path.replace(_free_name(path.with_name(path.name + ".corrupt")))

    def _delete_day(self, day: int) -> None:
        files = self.tape.files(day)
        self._replace_intervals(ranges_without_files(self.tape, self._intervals, set(files), day), reason=None)
        old = [row for row in self._owed if row.is_open and row.span.end_ns <= (day + 1) * DAY_NS]
        for row in old:  # fetched again they would only be deleted again
            self._write_owed(row._replace(detail="deleted by the limits of the store").at(OwedState.GIVEN_UP, self._wall_ns()))
        for path in (*files, self.tape.cells_file(day)):
            with suppress(FileNotFoundError):
                path.unlink()

    def _replace_intervals(
        self,
        new: TapeRanges,
        *,
        reason: OwedReason | None = OwedReason.DAMAGED_DAY,
        day: Span | None = None,
        more: Sequence[Owed] = (),
    ) -> None:
        """Replace the tape ranges; what is no longer there is owed, unless `reason` is None."""
        now_ns = self._wall_ns()
        owed = settled(self._owed, self._intervals, new, numbered=self.instrument.numbered, now_ns=now_ns, reason=reason, day=day)
        owed += [row._replace(changed_ns=now_ns) for row in more]
        with self.tape.catalogue.transaction() as connection:
            write_ranges(connection, self._number, *difference(self._intervals, new))
            write_owed(connection, self._number, owed)
        self._intervals = new
        self._after(owed)

    def _settled(self, new: TapeRanges, added: Sequence[TapeRange]) -> list[Owed]:
        """The entries that change when trades are stored."""
        if not needs_settling(self._owed, self._intervals, new, added):
            return []
        return settled(self._owed, self._intervals, new, numbered=self.instrument.numbered, now_ns=self._wall_ns())

    def _begin_owed(self) -> None:
        """Owe the gaps of a store of an earlier version, and what a killed process was fetching."""
        now_ns = self._wall_ns()
        rows = settled(self._owed, self._intervals, self._intervals, numbered=self.instrument.numbered, now_ns=now_ns)
        changed = {row.number for row in rows}
        rows += [row.at(OwedState.OWED, now_ns) for row in self._owed if row.state is OwedState.FETCHING and row.number not in changed]
        if rows:
            with self.tape.catalogue.transaction() as connection:
                write_owed(connection, self._number, rows)
            self._after(rows)

    def _write_owed(self, row: Owed) -> Owed:
        if row.number not in {one.number for one in self._owed}:  # filled meanwhile
            return row
        with self.tape.catalogue.transaction() as connection:
            write_owed(connection, self._number, [row])
        self._after([row])
        return row

    def _after(self, written: Sequence[Owed]) -> None:
        """Read the entries again if some were written: new ones have got their numbers."""
        if written:
            self._read_owed()

    def _read_owed(self) -> None:
        self._owed = [row for row in self.tape.catalogue.owed(self.instrument.id) if row.state is not OwedState.FILLED]
        self._open = [row for row in self._owed if row.is_open]

    def _seal_old_steps(self, store: DiskStore) -> None:
        """Move trades with an older tick or lot size from the catalogue to day files.

        Each file has the steps of its trades in its metadata.
        """
        before = store.catalogue.instrument(self.instrument.id)
        if before is None or (before.tick_size, before.lot_size) == (self.instrument.tick_size, self.instrument.lot_size):
            return
        number = store.catalogue.number_of(before)
        old = store.tape(before)
        trades, place = store.catalogue.tail(before.id)
        known = old.intervals()
        for day, part in by_day(trades):
            write_day(next_part(old, day), part, before, ranges_in_day(known, day))
        with store.catalogue.transaction() as connection:
            drop_tail(connection, number, place)


def _with(intervals: TapeRanges, added: Iterable[TapeRange]) -> TapeRanges | None:
    """Copy tape ranges and add others to the copy; None if there are none to add."""
    added = list(added)
    if not added:
        return None
    new = TapeRanges(intervals)
    for one in added:
        new.add(one)
    return new


def _is_in(day: int, ranges: TapeRanges) -> bool:
    return any(one.start_ns < (day + 1) * DAY_NS and day * DAY_NS < one.end_ns for one in ranges)


def _free_name(path: Path) -> Path:
    """The path itself, or with a number where a file of this name was moved aside before."""
    number = 1
    free = path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.name}.{number}")
    return free


def _locked(path: Path, instrument: Instrument) -> FileLock:
    """Lock a market for writing; the system releases the lock when the process ends."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, timeout=0, thread_local=False)
        lock.acquire()
    except Timeout:
        raise StoreBusyError(f"{instrument.id} is being recorded by another program") from None
    except (OSError, NotImplementedError) as error:
        raise StoreError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from None
    return lock
