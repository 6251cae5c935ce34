"""The account of a market's tape: which trades are stored, which need not be fetched, and which are owed.

It is stored in the catalogue. Every change is one transaction, together with the trades that cause it; the changes of an import are
written together at its end.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager

from app.market.coverage import Source
from app.market.span import Span
from app.market.steps import Steps
from app.market.trade import TradeBatch
from app.storage.catalogue.catalogue import write_owed, write_ranges, write_settled, write_tail
from app.storage.catalogue.facts import note_earlier_steps
from app.storage.catalogue.owed import LONGEST_PAUSE_NS, Owed, OwedReason, OwedState, changes_owed, owed_changes
from app.storage.catalogue.settled import Settled
from app.storage.tape import Tape
from app.storage.tape_ranges import TapeRange, TapeRanges, difference, epoch_of


class TapeAccount:
    """The account of one market's tape: which trades are stored, need not be fetched, or are owed; any thread may use it.

    Parameters
    ----------
    tape : Tape
        The tape, in a catalogue open for writing.
    wall_ns : callable
        Returns the time of changes.

    Attributes
    ----------
    number : int
        The market's number in the catalogue.
    ranges : TapeRanges
        The stored tape ranges; the caller must not change them.
    settled : Settled
        The times and ids that need not be fetched again.
    rows : list of Owed
        All entries of owed trades that are not filled, also those given up and id conflicts.
    owed : list of Owed
        The entries still to be fetched, oldest first; the same object until something changes.
    """

    number: int
    ranges: TapeRanges
    settled: Settled
    rows: list[Owed]
    owed: list[Owed]

    def __init__(self, tape: Tape, wall_ns: Callable[[], int]) -> None:
        self._tape, self._wall_ns = tape, wall_ns
        self._turn = threading.RLock()
        self._deferred = False
        self._noted: list[tuple[Steps, Span]] = []
        self._found: list[Owed] = []
        self.load()

    def load(self) -> None:
        """Read the account from the catalogue; gaps without an entry, and entries that a killed process was fetching, become owed.

        Entries whose trades are stored become filled.
        """
        with self._turn:
            catalogue, name = self._tape.catalogue, self._tape.instrument.id
            self.number = catalogue.number_of(self._tape.instrument)
            self.ranges = self._tape.intervals()
            self.settled = catalogue.settled(name)
            self._set_rows(catalogue.owed(name))
            rows = self._changes(self.ranges)
            changed, now_ns = {row.number for row in rows}, self._wall_ns()
            rows += [row.at(OwedState.OWED, now_ns) for row in self.rows if row.state is OwedState.FETCHING and row.number not in changed]
            self._write_owed(rows)

    def load_again(self) -> None:
        """Read the account again from a catalogue that may have lost rows; lost trades become owed, lost entries are written again."""
        with self._turn:
            before, rows = self.ranges, self.rows
            self.load()
            known = {row[1:5] for row in self.rows}  # what was being fetched is owed by now
            carried = [row._replace(number=0) for row in rows if row[1:5] not in known]
            after, listed = self.ranges, self.rows
            self.ranges, self.rows = before, [*listed, *carried]
            lost = self._changes(after, OwedReason.FETCH_AGAIN)
            self.ranges, self.rows = after, listed
            self._write_owed([*carried, *lost])

    def conflicts(self) -> set[str]:
        """Collect the texts (`Owed.detail`) of all listed id conflicts: trades with the id of another trade."""
        return {row.detail for row in [*self.rows, *self._found] if row.reason is OwedReason.CONFLICT}

    def epochs(self) -> TapeRanges:
        """The tape ranges that decide the epoch of an id: the stored ones, and owed ids of epochs of which nothing is left."""
        stored = {epoch_of(one.first_key) for one in self.ranges}
        lost = [row for row in self.rows if row.by_ids and row.reason is not OwedReason.CONFLICT and epoch_of(row.first_id) not in stored]
        if not lost:
            return self.ranges
        owed = [
            TapeRange(row.first_id, row.last_id, row.first_id, row.last_id, row.span.start_ns, row.span.end_ns, Source.ARCHIVE)
            for row in lost
        ]
        return with_ranges(self.ranges, owed) or self.ranges

    def covers(self, span: Span) -> bool:
        """True if a tape range or an entry of owed trades overlaps a span."""
        known = [*(one.span for one in self.ranges.covered(proven=False)), *(row.span for row in [*self.rows, *self._found])]
        return any(one.intersection(span) for one in known)

    def add_to_tail(self, trades: TradeBatch, added: Sequence[TapeRange], more: Sequence[Owed]) -> None:
        """Store new trades in the catalogue, with their tape ranges and the entries `more`; update the entries of owed trades."""
        with self._turn:
            new, owed = with_ranges(self.ranges, added), [*more]
            if new is not None and changes_owed(self.rows, self.ranges, new, added):
                owed += self._changes(new)
            with self._tape.catalogue.transaction() as connection:
                write_tail(connection, self.number, trades)
                if new is not None:
                    write_ranges(connection, self.number, *difference(self.ranges, new))
                owed = write_owed(connection, self.number, owed)
            self.ranges = new or self.ranges
            self._after(owed)

    def replace(
        self,
        new: TapeRanges,
        noted: Iterable[tuple[Steps, Span]] = (),
        *,
        reason: OwedReason | None = OwedReason.DAMAGED_DAY,
        day: Span | None = None,
        more: Sequence[Owed] = (),
    ) -> None:
        """Replace the tape ranges; stored trades in none of the new ones become owed, or given up if `reason` is None.

        Also store the entries `more`, and earlier tick and lot sizes with their time spans (`noted`).
        """
        with self._turn:
            now_ns = self._wall_ns()
            more = [row._replace(changed_ns=now_ns) for row in more]
            if self._deferred:
                self.ranges = new
                self._noted += noted
                self._found += more
                return
            owed = [*self._changes(new, reason, day), *more]
            with self._tape.catalogue.transaction() as connection:
                write_ranges(connection, self.number, *difference(self.ranges, new))
                owed = write_owed(connection, self.number, owed)
                for steps, span in noted:
                    note_earlier_steps(connection, self.number, steps, span)
            self.ranges = new
            self._after(owed)

    def settle(self, new: Settled) -> None:
        """Replace the times and ids that need not be fetched again; entries with nothing left to fetch become filled."""
        with self._turn:
            if new == self.settled:
                return
            self.settled = new
            if self._deferred:
                return
            owed = self._changes(self.ranges)
            with self._tape.catalogue.transaction() as connection:
                write_settled(connection, self.number, new)
                owed = write_owed(connection, self.number, owed)
            self._after(owed)

    @contextmanager
    def deferred(self) -> Generator[None]:
        """Context in which `replace` and `settle` collect changes; one transaction at its end writes all, or none after an error."""
        before, settled = self.ranges, self.settled
        self._deferred, self._noted, self._found = True, [], []
        try:
            yield
            after, self.ranges = self.ranges, before
            owed = [*self._changes(after), *self._found]
            with self._tape.catalogue.transaction() as connection:
                write_ranges(connection, self.number, *difference(before, after))
                owed = write_owed(connection, self.number, owed)
                for steps, span in self._noted:
                    note_earlier_steps(connection, self.number, steps, span)
                if self.settled != settled:
                    write_settled(connection, self.number, self.settled)
        except BaseException:
            self.ranges, self.settled = before, settled
            raise
        finally:
            self._deferred, self._noted, self._found = False, [], []
        self.ranges = after
        self._after(owed)

    def attempt(self, row: Owed) -> Owed:
        """Mark an entry of owed trades as being fetched, unless it has been filled meanwhile; return the changed entry."""
        return self._write_one(row.at(OwedState.FETCHING, self._wall_ns()))

    def postpone(self, row: Owed, longest_ns: int = LONGEST_PAUSE_NS) -> None:
        """Mark an entry as owed after a fetch that brought no trades; the pause before the next attempt doubles, up to `longest_ns`.

        Does nothing if it has been filled meanwhile.
        """
        self._write_one(row.later(self._wall_ns(), longest_ns))

    def leave(self, row: Owed) -> None:
        """Mark an entry as owed after a fetch that may have brought some of its trades, without a longer pause before the next one.

        Does nothing if it has been filled meanwhile.
        """
        self._write_one(row.at(OwedState.OWED, self._wall_ns()))

    def give_up(self, span: Span) -> tuple[list[Owed], list[Owed]]:
        """Give up the owed trades of a span: they no longer count as missing, and are not fetched.

        Returns the entries given up, and those that stay owed: they reach beyond the span, and ids cannot be divided by time.
        """
        with self._turn:
            now_ns = self._wall_ns()
            ended: list[Owed] = []
            parts: list[Owed] = []
            beyond: list[Owed] = []
            for row in self.rows:
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
            self._write_owed([*ended, *parts])
            return ended, beyond

    def forget_before(self, end_ns: int) -> None:
        """Give up the entries of owed trades that end by `end_ns`: the limits of the store would delete them again after a fetch."""
        with self._turn:
            old = [row for row in self.owed if row.span.end_ns <= end_ns]
            now_ns = self._wall_ns()
            self._write_owed([row._replace(detail="deleted by the limits of the store").at(OwedState.GIVEN_UP, now_ns) for row in old])

    def _changes(self, new: TapeRanges, reason: OwedReason | None = OwedReason.DAMAGED_DAY, day: Span | None = None) -> list[Owed]:
        """The entries of owed trades to write when the tape ranges become `new`; see `owed_changes`."""
        numbered, now_ns = self._tape.instrument.numbered, self._wall_ns()
        return owed_changes(self.rows, self.ranges, new, numbered=numbered, now_ns=now_ns, reason=reason, day=day, settled=self.settled)

    def _write_one(self, row: Owed) -> Owed:
        with self._turn:
            if row.number in {one.number for one in self.rows}:  # else filled meanwhile
                self._write_owed([row])
            return row

    def _write_owed(self, rows: Sequence[Owed]) -> None:
        if rows:
            with self._tape.catalogue.transaction() as connection:
                rows = write_owed(connection, self.number, rows)
            self._after(rows)

    def _after(self, written: Sequence[Owed]) -> None:
        """Update the entries in memory with those that were written, without reading the disk again, which may fail."""
        if written:
            self._set_rows([*{row.number: row for row in [*self.rows, *written]}.values()])

    def _set_rows(self, rows: Iterable[Owed]) -> None:
        self.rows = sorted((row for row in rows if row.state is not OwedState.FILLED), key=lambda row: row.number)
        self.owed = [row for row in self.rows if row.is_open]


def with_ranges(ranges: TapeRanges, added: Iterable[TapeRange]) -> TapeRanges | None:
    """Copy tape ranges and add others to the copy; return None if there are none to add."""
    added = list(added)
    if not added:
        return None
    new = TapeRanges(ranges)
    for one in added:
        new.add(one)
    return new
