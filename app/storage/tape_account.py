"""The account of a market's tape: which trades are stored, which need not be fetched, and which are owed.

It is kept in the catalogue. Every change is one transaction, together with the trades or files that cause it; within an import all
changes are written at its end.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager

from app.market.coverage import Source
from app.market.span import Span
from app.market.steps import Steps
from app.market.trade import TradeBatch
from app.storage.catalogue import write_owed, write_ranges, write_settled, write_tail
from app.storage.facts import note_earlier_steps
from app.storage.owed import Owed, OwedReason, OwedState, changes_owed, owed_changes
from app.storage.settled import Settled
from app.storage.tape import Tape
from app.storage.tape_ranges import TapeRange, TapeRanges, difference, epoch_of


class TapeAccount:
    """The account of one market's tape; may be used from any thread.

    Parameters
    ----------
    tape : Tape
        Of a catalogue open for writing.
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
        What is owed, was given up, or is in conflict.
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
        """Read what the catalogue has; gaps of an earlier version's store, and what a killed process was fetching, are owed."""
        with self._turn:
            catalogue, name = self._tape.catalogue, self._tape.instrument.id
            self.number = catalogue.number_of(self._tape.instrument)
            self.ranges = self._tape.intervals()
            self.settled = catalogue.settled(name)
            self._read_owed()
            rows = self._changes(self.ranges)
            changed, now_ns = {row.number for row in rows}, self._wall_ns()
            rows += [row.at(OwedState.OWED, now_ns) for row in self.rows if row.state is OwedState.FETCHING and row.number not in changed]
            self._write_owed(rows)

    def load_again(self) -> None:
        """Read a catalogue that may have lost something: what was owed, and what was stored and is gone, is owed."""
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

    @property
    def conflicts(self) -> set[str]:
        """The trades with the id of another trade that are known, as texts."""
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
        """Whether anything is stored or listed of a time."""
        known = [*(one.span for one in self.ranges.covered(proven=False)), *(row.span for row in [*self.rows, *self._found])]
        return any(one.intersection(span) for one in known)

    def add_to_tail(self, trades: TradeBatch, added: Sequence[TapeRange], more: Sequence[Owed]) -> None:
        """Store new trades in the catalogue, with their tape ranges and more entries."""
        with self._turn:
            new, owed = with_ranges(self.ranges, added), [*more]
            if new is not None and changes_owed(self.rows, self.ranges, new, added):
                owed += self._changes(new)
            with self._tape.catalogue.transaction() as connection:
                write_tail(connection, self.number, trades)
                if new is not None:
                    write_ranges(connection, self.number, *difference(self.ranges, new))
                write_owed(connection, self.number, owed)
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
        """Replace the tape ranges, and note earlier steps and their times; what they lose is owed, unless `reason` is None."""
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
                write_owed(connection, self.number, owed)
                for steps, span in noted:
                    note_earlier_steps(connection, self.number, steps, span)
            self.ranges = new
            self._after(owed)

    def settle(self, new: Settled) -> None:
        """Replace the times and ids that need not be fetched again; entries that are settled by it end."""
        with self._turn:
            if new == self.settled:
                return
            self.settled = new
            if self._deferred:
                return
            owed = self._changes(self.ranges)
            with self._tape.catalogue.transaction() as connection:
                write_settled(connection, self.number, new)
                write_owed(connection, self.number, owed)
            self._after(owed)

    @contextmanager
    def deferred(self) -> Generator[None]:
        """Context in which changes are collected, and written in one transaction at its end; after an error, none is made."""
        before, settled = self.ranges, self.settled
        self._deferred, self._noted, self._found = True, [], []
        try:
            yield
            after, self.ranges = self.ranges, before
            owed = [*self._changes(after), *self._found]
            with self._tape.catalogue.transaction() as connection:
                write_ranges(connection, self.number, *difference(before, after))
                write_owed(connection, self.number, owed)
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
        """Note that an entry is being fetched; return it as it stands."""
        return self._write_one(row.at(OwedState.FETCHING, self._wall_ns()))

    def postpone(self, row: Owed) -> None:
        """Note that an attempt brought nothing for an entry: the next one is later."""
        self._write_one(row.later(self._wall_ns()))

    def leave(self, row: Owed) -> None:
        """Note that an entry is no longer being fetched; some of its trades may have come."""
        self._write_one(row.at(OwedState.OWED, self._wall_ns()))

    def give_up(self, span: Span) -> tuple[list[Owed], list[Owed]]:
        """Give up what is owed within a time: it no longer counts as missing, and is not fetched.

        Returns the entries given up, and those that reach beyond the time and whose ids cannot be divided by it.
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
        """Give up what is owed of a time whose days are deleted: fetched again it would only be deleted again."""
        with self._turn:
            old = [row for row in self.owed if row.span.end_ns <= end_ns]
            now_ns = self._wall_ns()
            self._write_owed([row._replace(detail="deleted by the limits of the store").at(OwedState.GIVEN_UP, now_ns) for row in old])

    def _changes(self, new: TapeRanges, reason: OwedReason | None = OwedReason.DAMAGED_DAY, day: Span | None = None) -> list[Owed]:
        """The entries that change when the tape ranges become `new`."""
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
                write_owed(connection, self.number, rows)
            self._after(rows)

    def _after(self, written: Sequence[Owed]) -> None:
        """Read the entries again if some were written: new ones have got their numbers."""
        if written:
            self._read_owed()

    def _read_owed(self) -> None:
        self.rows = [row for row in self._tape.catalogue.owed(self._tape.instrument.id) if row.state is not OwedState.FILLED]
        self.owed = [row for row in self.rows if row.is_open]


def with_ranges(ranges: TapeRanges, added: Iterable[TapeRange]) -> TapeRanges | None:
    """Copy tape ranges and add others to the copy; None if there are none to add."""
    added = list(added)
    if not added:
        return None
    new = TapeRanges(ranges)
    for one in added:
        new.add(one)
    return new
