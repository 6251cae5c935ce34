"""The writer of a market's trades: first to the catalogue, then to day files."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

import structlog

from app.errors import StoreError
from app.market.bar_rule import DAY_NS
from app.market.coverage import Source
from app.market.instrument import Instrument
from app.market.span import Span
from app.market.steps import Steps, common_steps, in_steps
from app.market.trade import TradeBatch
from app.storage.atomic import remove_leftovers
from app.storage.catalogue.catalogue import drop_tail
from app.storage.catalogue.owed import NO_IDS, Owed, OwedReason
from app.storage.catalogue.settled import Settled
from app.storage.checked_parquet import UnavailableFileError
from app.storage.day_file import TradesInSteps, by_day, day_of, joined_steps, merge_trades, read_meta, read_own_steps, write_day
from app.storage.disk import DiskStore
from app.storage.epochs import keys_of_ids
from app.storage.market_lock import MarketLock
from app.storage.minute_cells import write_minute_cells
from app.storage.new_trades import NewTrades, new_trades, with_keys
from app.storage.open_folder import OpenFolder
from app.storage.rebuild import ranges_in_day, ranges_in_files, ranges_without_files, rebuild_catalogue
from app.storage.tape import Tape, day_name, next_part
from app.storage.tape_account import TapeAccount, with_ranges
from app.storage.tape_ranges import TapeRange, TapeRanges, id_ranges, time_range
from app.storage.undo_journal import UndoJournal, undo_unfinished

_log = structlog.get_logger(__name__)

TAIL_TRADES = 200_000  # 0.6 s to read at the start; about an hour of a busy market
_MOST_IN_MEMORY = 20_000_000  # a day with more trades stays in parts: merging it would take more than 700 MB of memory


class TapeWriter:
    """Writes the trades of one market to the store; any thread may call it, one at a time.

    Parameters
    ----------
    store : DiskStore
        Open for writing.
    instrument : Instrument
        The market, with the venue's current tick and lot size; trades stored with others are converted on reading.

    Raises
    ------
    StoreBusyError
        If another process, or another writer in this one, records the market.
    StoreError
        If the store cannot be written.
    """

    def __init__(self, store: DiskStore, instrument: Instrument, *, wall_ns: Callable[[], int] = time.time_ns) -> None:
        self.notes: list[str] = []
        """Texts for the user about ids that start again and id conflicts, found while storing."""
        self.tape = store.tape(instrument)
        self._turn = threading.Lock()
        self._openings = store.catalogue.openings
        self._lock = MarketLock(self.tape)
        self._journal: UndoJournal | None = None
        self._failed = False
        try:
            for folder in (self.tape.folder / "trades", self.tape.folder / "cells", *self.tape.folder.glob("bars/*")):
                remove_leftovers(folder)
            undo_unfinished(self._lock.folder, self.tape.intervals())
            self._seal_old_steps()
            self.account = TapeAccount(self.tape, wall_ns)
            """Which trades are stored, which are settled, and which are owed."""
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
        """The market's tape ranges, as stored in the catalogue; the caller must not change them."""
        return self.account.ranges

    @property
    def settled(self) -> Settled:
        """The times and ids of the market that need not be fetched again."""
        return self.account.settled

    @property
    def owed(self) -> list[Owed]:
        """The entries of owed trades that are still to be fetched, oldest first; the same object until something changes."""
        return self.account.owed

    def settle(self, span: Span, source: Source, void: Iterable[Span] = ()) -> None:
        """Record that all of a source's trades in a span are stored, and which of the venue's ids have no trade.

        If trades are not numbered, the span becomes a tape range, and `void` is ignored.

        Raises
        ------
        StoreError
            If the catalogue cannot be written.
        """
        if not self.instrument.numbered:
            self.insert_bulk(TradeBatch.empty(), source, span if span else None)
            return
        with self._turn:
            void = keys_of_ids(void, span, self.intervals)
            self.account.settle(self.settled.with_time(span, source).with_void(void))

    def reconnect(self) -> bool:
        """Open the store again if it was removed or replaced or a write failed; return True if trades recorded before are gone.

        Raises
        ------
        StoreBusyError
            If another process has taken the market meanwhile.
        StoreError
            If the store cannot be opened or created.
        """
        with self._turn:
            catalogue, folder = self.tape.catalogue, self.tape.folder.parent.parent
            catalogue.reopen(lambda: rebuild_catalogue(catalogue, folder, lambda instrument: Tape(catalogue, folder, instrument)))
            if catalogue.openings == self._openings and self._lock.is_valid:
                if self._failed:
                    self._lock.reopen_folder()
                    self._failed = False
                return False
            before, tail_size = self.intervals, self._tail_size
            self._lock.release()
            self._lock = MarketLock(self.tape)
            self._seal_old_steps()
            if catalogue.openings == self._openings:  # the folder alone was removed or replaced
                self.account.replace(ranges_in_files(self.tape), reason=OwedReason.FETCH_AGAIN)
            self.account.load_again()
            self._tail_size = catalogue.tail_size(self.instrument.id)
            self._openings = catalogue.openings
            return bool(set(before) - set(self.intervals)) or self._tail_size < tail_size

    def insert(self, trades: TradeBatch, source: Source, complete: Span | None = None, steps: Steps | None = None) -> int:
        """Store trades in the catalogue, and return the number of new ones; on return they are flushed to disk.

        Parameters
        ----------
        trades : TradeBatch
            Trades in any order; those already stored are skipped.
        source : Source
        complete : Span, optional
            The time that these and the stored trades fully cover. If trades are not numbered, this is the only record of coverage.
        steps : Steps, optional
            Tick and lot size of the trades; the market switches to `common_steps` of these and its own.

        Raises
        ------
        StoreError
            If the trades cannot be written: then none of them is stored.
        """
        with self._at_work():
            if steps is not None and steps != self.instrument.steps:
                trades = self._go_over(trades, steps)
            trades = self._keyed(trades)
            fresh, conflicts = self._sorted_out(trades, self.instrument.steps)
            added = self._ranges_of(fresh, source, trades, complete)
            if not len(fresh) and not added and not conflicts:
                return 0
            self.account.add_to_tail(fresh, added, conflicts)
            self._tail_size += len(fresh)
            return len(fresh)

    def insert_bulk(self, trades: TradeBatch, source: Source, complete: Span | None = None, steps: Steps | None = None) -> int:
        """Store many historical trades directly in day files, and return the number of new ones; parameters as in `insert`.

        With `steps` the market does not switch: the day files have these or the common tick and lot size, and the catalogue records
        `steps` for the time of the trades. Raises `StoreError` if a file cannot be written; a part of the trades may be stored then.
        """
        with self._at_work():
            trades, own = self._keyed(trades), steps or self.instrument.steps
            fresh, conflicts = self._sorted_out(trades, own)
            added = self._ranges_of(fresh, source, trades, complete)
            known = with_ranges(self.intervals, added) or self.intervals
            count = sum(self._merge_into_day(day, TradesInSteps(part, own), known) for day, part in by_day(fresh))
            noted = []
            if own != self.instrument.steps and len(trades):
                noted = [(own, Span(int(trades.time_ns.min()), int(trades.time_ns.max()) + 1))]
            if added or noted or conflicts:  # the ranges may be fewer by now, if a damaged file was renamed
                self.account.replace(with_ranges(self.intervals, added) or self.intervals, noted, more=conflicts)
            return count

    @contextmanager
    def atomically(self) -> Generator[None]:
        """Context in which `insert_bulk` and `settle` store all or nothing, even if the disk fails or the process is killed.

        Other methods must not be called within it.

        Raises
        ------
        StoreError
            If the disk fails: then nothing is stored.
        """
        journal = self._journal = UndoJournal(self._lock.folder, self.intervals)
        try:
            with self.account.deferred():
                yield
        except BaseException:
            try:
                journal.undo()
            except OSError as error:
                _log.warning("import not undone, the next start tries again", reason=str(error))
            raise
        finally:
            self._journal = None
        journal.close()

    @property
    def wants_sealing(self) -> bool:
        """True if the catalogue has `TAIL_TRADES` or more trades of the market, which would make the next start slow."""
        return self._tail_size >= TAIL_TRADES

    def seal(self, now_ns: int) -> None:
        """Move the market's trades from the catalogue to day files, and merge the files of each past UTC day into one.

        A day with more than 20 million trades, or with numbers too large for its common tick and lot size, stays in several files.

        Raises
        ------
        StoreError
            If the files cannot be written: then the trades stay in the catalogue.
        """
        with self._at_work():
            trades, place = self.tape.catalogue.tail(self.instrument.id)
            if len(trades):
                for day, part in by_day(trades):
                    self._write_day(next_part(self.tape, day), part, self.instrument, ranges_in_day(self.intervals, day))
                with self.tape.catalogue.transaction() as connection:
                    drop_tail(connection, self.account.number, place)
                self._tail_size = 0
            self._merge_past_days(now_ns)

    def tidy(self, now_ns: int) -> None:
        """Merge the files of each past UTC day into one, except as in `seal`, which is called if the catalogue has trades of past days.

        Raises
        ------
        StoreError
            If a file cannot be written: then no trade is lost.
        """
        oldest_ns = self.tape.catalogue.oldest_in_tail(self.instrument.id)
        if oldest_ns is not None and day_of(oldest_ns) < day_of(now_ns):
            self.seal(now_ns)
            return
        with self._at_work():
            self._merge_past_days(now_ns)

    def forget(self, days: Iterable[int]) -> None:
        """Delete all files of some days (days since 1970-01-01); their trades count as given up, not as missing."""
        with self._at_work():
            for day in days:
                self._delete_day(day)

    def move_aside(self, path: Path, day: int) -> None:
        """Rename a damaged day file to `….corrupt`; its trades are owed from then on."""
        with self._at_work():
            self._rename_damaged(path, day)

    def rebuild_accounting(self) -> None:
        """Rebuild the market's tape ranges in the catalogue from the stored trades; trades missing on disk become owed."""
        with self._turn:
            self.account.replace(ranges_in_files(self.tape), reason=OwedReason.FETCH_AGAIN)

    def close(self) -> None:
        """Release the lock on the market, so that another process may record it."""
        self._lock.release()

    # -- private ---------------------------------------------------------------------------------

    @contextmanager
    def _at_work(self) -> Generator[None]:
        """Context for work on the market's files, by one thread at a time."""
        with self._turn:
            try:
                yield
            except (OSError, StoreError):
                self._failed = True
                raise

    def _write_day(self, path: Path, trades: TradeBatch, instrument: Instrument, ranges: list[TapeRange]) -> None:
        write_day(path, trades, instrument, ranges, self._folder)

    @property
    def _folder(self) -> OpenFolder:
        return self._lock.folder

    def _go_over(self, trades: TradeBatch, steps: Steps) -> TradeBatch:
        """Switch the market to the common tick and lot size (see `common_steps`) with some trades; return these trades converted.

        If the market's tick or lot size changes, its trades in the catalogue first move to day files.
        """
        common = common_steps([self.instrument.steps, steps])
        if common != self.instrument.steps:
            tail, place = self.tape.catalogue.tail(self.instrument.id)
            for day, part in by_day(tail):
                self._write_day(next_part(self.tape, day), part, self.instrument, ranges_in_day(self.intervals, day))
            with self.tape.catalogue.transaction() as connection:
                drop_tail(connection, self.account.number, place)
            self._tail_size = 0
            self.tape.catalogue.number_of(self.instrument.on_steps(common))
            self.tape.instrument = self.instrument.on_steps(common)
        return in_steps(trades, steps, common, self.instrument.id)

    def _keyed(self, trades: TradeBatch) -> TradeBatch:
        if not self.instrument.numbered:
            return trades
        found, notes = with_keys(trades, self.account.epochs())
        self.notes += notes
        return found

    def _sorted_out(self, trades: TradeBatch, steps: Steps) -> NewTrades:
        found = new_trades(trades, steps, self.tape, self.intervals, self.account.conflicts)
        if n := len(found.conflicts):
            self.notes.append(f"{n:,} trade{'' if n == 1 else 's'} with the id of another trade: listed by verify, not counted")
            _log.info("ids of other trades", instrument=self.instrument.id, trades=n)
        return found

    def _ranges_of(self, fresh: TradeBatch, source: Source, given: TradeBatch, complete: Span | None) -> list[TapeRange]:
        if self.instrument.numbered:
            return id_ranges(fresh, source, given, complete)
        return [time_range(complete, source)] if complete else []

    def _merge_past_days(self, now_ns: int) -> None:
        for day in self.tape.days():
            if day < day_of(now_ns) and [path.name for path in self.tape.files(day)] != [f"{day_name(day)}.parquet"]:
                self._merge_into_day(day, TradesInSteps(TradeBatch.empty(), self.instrument.steps), self.intervals)

    def _merge_into_day(self, day: int, given: TradesInSteps, known: TapeRanges) -> int:
        """Merge trades and all files of a day into one file; return the number of new trades.

        Nothing is written if the day is one file already and no trade is new. A day too large for memory, or with numbers too large
        for the common tick and lot size of its parts, gets another part instead.
        """
        whole = self.tape.folder / "trades" / f"{day_name(day)}.parquet"
        trades, parts = given.trades, self._sound_parts(day)
        if parts is not None and not len(trades) and not any(len(part.trades) for part in parts.values()):
            return 0  # all files were damaged, and renamed
        joined = None if parts is None else _joined([*parts.values(), given], whole)
        if parts is None or joined is None:
            if len(trades):
                part = next_part(self.tape, day)
                self._guard(part)
                self._write_day(part, trades, self.instrument.on_steps(given.steps), ranges_in_day(known, day))
            return len(trades)
        (*stored, trades), steps = joined
        before = merge_trades(stored, numbered=self.instrument.numbered)
        together = merge_trades([before, trades], numbered=self.instrument.numbered)
        if list(parts) != [whole] or len(together) > len(before):
            self._guard(whole, *parts, self.tape.cells_file(day))
            write_minute_cells(self.tape, day, together, steps.tick_size)  # first: if the file fails, all of this is done again
            self._write_day(whole, together, self.instrument.on_steps(steps), ranges_in_day(known, day))
            for path in parts:
                if path != whole:
                    self._folder.unlink(path)
        return len(together) - len(before)

    def _sound_parts(self, day: int) -> dict[Path, TradesInSteps] | None:
        """The trades of each sound file of a day, in the file's tick and lot size; None if there are more than 20 million.

        Damaged files are renamed.
        """
        found: dict[Path, TradesInSteps] = {}
        count = 0
        for path in self.tape.files(day):
            try:
                count += read_meta(path, self._folder).sums.trades
                if count > _MOST_IN_MEMORY:
                    return None
                found[path] = read_own_steps(path, within=self._folder)
            except UnavailableFileError:
                raise
            except StoreError as error:
                _log.warning("damaged day file moved aside", reason=error.detail)
                self._rename_damaged(path, day)
        return found

    def _guard(self, *paths: Path) -> None:
        """Save files, before they change, in the journal of the import in progress, if there is one."""
        if self._journal is not None:
            for path in paths:
                self._journal.guard(path)

    def _rename_damaged(self, path: Path, day: int) -> None:
        cells = self.tape.cells_file(day)
        self._guard(path, cells)
        self._folder.unlink(cells)  # they count the trades that are lost now
        span = Span(day * DAY_NS, (day + 1) * DAY_NS)
        self.account.settle(self.settled.without_time(span))
        unlisted = [] if self.account.covers(span) else [Owed(0, *NO_IDS, span, OwedReason.DAMAGED_DAY)]
        left = ranges_without_files(self.tape, self.intervals, {path}, day)
        # other damaged days are taken away with it, and no id can be told to be of one of them
        alone = all(other == day or _is_in(other, left) for other in self.tape.days())
        self.account.replace(left, day=span if alone else None, more=unlisted)
        self._folder.replace(path, self._free_name(path.with_name(path.name + ".corrupt")))

    def _delete_day(self, day: int) -> None:
        files = self.tape.files(day)
        self.account.settle(self.settled.without_time(Span(day * DAY_NS, (day + 1) * DAY_NS)))
        self.account.replace(ranges_without_files(self.tape, self.intervals, set(files), day), reason=None)
        self.account.forget_before((day + 1) * DAY_NS)
        for path in (*files, self.tape.cells_file(day), *self.tape.bar_files(day)):
            self._folder.unlink(path)

    def _free_name(self, path: Path) -> Path:
        """The path itself if it does not exist; else with the first number from 2 on, e.g. `name.2`, that is free."""
        number, free = 1, path
        while self._folder.exists(free):
            number += 1
            free = path.with_name(f"{path.name}.{number}")
        return free

    def _seal_old_steps(self) -> None:
        """If the tick or lot size has changed, move the trades with the older one from the catalogue to day files.

        Each file has the tick and lot size of its trades in its metadata.
        """
        catalogue = self.tape.catalogue
        before = catalogue.instrument(self.instrument.id)
        if before is None or (before.tick_size, before.lot_size) == (self.instrument.tick_size, self.instrument.lot_size):
            return
        number = catalogue.number_of(before)
        old = Tape(catalogue, self.tape.folder.parent.parent, before)
        old.open_folder = self._folder
        trades, place = catalogue.tail(before.id)
        known = old.intervals()
        for day, part in by_day(trades):
            self._write_day(next_part(old, day), part, before, ranges_in_day(known, day))
        with catalogue.transaction() as connection:
            drop_tail(connection, number, place)


def _joined(parts: list[TradesInSteps], where: Path) -> tuple[list[TradeBatch], Steps] | None:
    """Convert trades to their common tick and lot size (see `joined_steps`); return both, or None if a number is too large."""
    try:
        return joined_steps(parts, str(where))
    except StoreError as error:
        _log.warning("day stays in parts", reason=error.detail)
        return None


def _is_in(day: int, ranges: TapeRanges) -> bool:
    return any(one.start_ns < (day + 1) * DAY_NS and day * DAY_NS < one.end_ns for one in ranges)
