"""Owed trades: trades that were lost or never received, and are still to be fetched.

Each entry is a row of the catalogue, written in the transaction that causes it: a gap in the stream, a day that was moved aside,
an id that two different trades claim. Collector, window and `tapeprint verify` work from these rows, so that nothing depends on
what memory happens to have. An entry ends when its trades are stored, or when the user gives it up by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import NamedTuple

from app.market.span import Span
from app.storage.catalogue.settled import NOTHING_SETTLED, Settled
from app.storage.tape_ranges import TapeRange, TapeRanges

NO_IDS = (0, -1)
"""First and last id of an entry whose ids are unknown; then its time counts."""
_FIRST_PAUSE_NS = 10 * 10**9  # before the venue is asked again for trades it did not have
LONGEST_PAUSE_NS = 6 * 3_600 * 10**9
"""The longest pause between two attempts to fetch trades that the venue does not have."""


class OwedReason(Enum):
    """The reasons why trades are owed; the value is the text shown and stored."""

    GAP = "gap in the stream"
    DAMAGED_DAY = "damaged day"
    FETCH_AGAIN = "to fetch again"
    NEW_EPOCH = "ids start again"
    """The trades between the last one of an epoch of ids and the first one of the next; their number is unknown."""
    CONFLICT = "id conflict"
    """Not to be fetched: another trade with the id of a stored one; `detail` describes it."""


class OwedState(Enum):
    """The states of an entry of owed trades; the value is the text shown and stored."""

    OWED = "owed"
    FETCHING = "being fetched"
    FILLED = "filled"
    GIVEN_UP = "given up"


class Owed(NamedTuple):
    """An entry of owed trades: a range of ids, or, if `first_id` is after `last_id`, a time span whose missing ids are unknown.

    Attributes
    ----------
    number : int
        Number of the row; 0 for a new one.
    first_id, last_id : int
    span : Span
        Time of the missing trades: from the trade before them to the trade after them.
    reason : OwedReason
    state : OwedState
    tries : int
        Number of consecutive attempts that brought nothing.
    next_try_ns, changed_ns : int
        Times of the next attempt, and of the last change of this row.
    detail : str
        More about the reason; may be empty.
    """

    number: int
    first_id: int
    last_id: int
    span: Span
    reason: OwedReason
    state: OwedState = OwedState.OWED
    tries: int = 0
    next_try_ns: int = 0
    changed_ns: int = 0
    detail: str = ""

    @property
    def by_ids(self) -> bool:
        """True if the ids of the entry's trades are known; else only their time span is."""
        return self.first_id <= self.last_id

    @property
    def is_open(self) -> bool:
        """True if the entry's trades are still to be fetched; False if it is filled, given up or an id conflict."""
        return self.state in (OwedState.OWED, OwedState.FETCHING) and self.reason is not OwedReason.CONFLICT

    @property
    def runs(self) -> Span:
        """The entry's range of ids or, if they are unknown, its time span, as `[start, end)`."""
        return Span(self.first_id, self.last_id + 1) if self.by_ids else self.span

    def left(self, stored: TapeRanges, settled: Settled = NOTHING_SETTLED) -> list[Span]:
        """The parts of `runs` that are still missing: neither stored, nor known to be complete or without trades."""
        if self.by_ids:
            missing = missing_keys(stored, self.first_id, self.last_id)
            return [part for run in missing for part in run.minus(list(settled.void))] if settled.void else missing
        return self.span.minus([*(one.span for one in stored.covered(proven=False)), *settled.times()])

    def time_of(self, left: Span, stored: TapeRanges) -> Span:
        """The time span of `left`, a part of `runs` that is not stored: between the stored trades around it, within `span`.

        At least 1 ns, as trades may be missing between two trades with the same time.
        """
        if not self.by_ids:
            return left
        older = [one.end_ns for one in stored.within(self.first_id, left.start_ns) if one.last_key < left.start_ns]
        newer = [one.start_ns for one in stored.within(left.end_ns - 1, self.last_id) if one.first_key >= left.end_ns]
        start_ns = max([self.span.start_ns, *older[-1:]])
        return Span(start_ns, max(start_ns + 1, min([self.span.end_ns, *newer[:1]])))

    def at(self, state: OwedState, now_ns: int) -> Owed:
        """A copy of the entry in another state, changed at `now_ns`."""
        return self._replace(state=state, changed_ns=now_ns)

    def later(self, now_ns: int, longest_ns: int = LONGEST_PAUSE_NS) -> Owed:
        """A copy of the entry after a fetch that brought no trades; the pause before the next attempt doubles, up to `longest_ns`."""
        pause_ns = min(longest_ns, _FIRST_PAUSE_NS << min(self.tries, 20))
        return self._replace(state=OwedState.OWED, tries=self.tries + 1, next_try_ns=now_ns + pause_ns, changed_ns=now_ns)


def missing_keys(stored: TapeRanges, first: int, last: int) -> list[Span]:
    """The keys (trade ids, or times) from `first` to `last`, both included, that are in no tape range, as ranges `[first, end)`."""
    found: list[Span] = []
    for one in stored.within(first, last):
        if one.first_key > first:
            found.append(Span(first, one.first_key))
        first = max(first, one.last_key + 1)
    return [*found, Span(first, last + 1)] if first <= last else found


def owed_changes(
    rows: Iterable[Owed],
    before: TapeRanges,
    after: TapeRanges,
    *,
    numbered: bool,
    now_ns: int,
    reason: OwedReason | None = OwedReason.DAMAGED_DAY,
    day: Span | None = None,
    settled: Settled = NOTHING_SETTLED,
) -> list[Owed]:
    """The entries of owed trades to write when the tape ranges of a market change.

    Entries whose trades are stored now become filled. Trades that were stored before and are missing now are owed, and so is each
    gap between tape ranges that has no entry yet.

    Parameters
    ----------
    rows : iterable of Owed
        All entries of the market.
    before, after : TapeRanges
    numbered : bool
        True if the keys of the tape ranges are ids; else they are times.
    now_ns : int
    reason : OwedReason or None
        Reason why trades that were stored before are missing; None if they were deleted on purpose, and are given up.
    day : Span or None
        The day whose file was renamed, to which the time spans of its lost ids are cut.
    settled : Settled
        The times and ids that need not be fetched again.
    """
    rows = list(rows)
    written = [
        row.at(OwedState.FILLED, now_ns)
        for row in rows
        if row.reason is not OwedReason.CONFLICT and row.state is not OwedState.FILLED and not row.left(after, settled)
    ]
    taken = [
        row.runs for row in rows if row.by_ids is numbered and row.state is not OwedState.FILLED and row.reason is not OwedReason.CONFLICT
    ]
    gaps = {(a.last_key + 1, b.first_key): _between(a, b) for a, b in after.gaps()}
    taken += settled.void
    lost = [run for one in before for run in missing_keys(after, one.first_key, one.last_key)]
    for run in (part for one in lost for part in one.minus(taken)):
        state = OwedState.GIVEN_UP if reason is None else OwedState.OWED
        span = _time_of(run, before, after, day) if numbered else run
        written.append(_entry(run, span, reason or OwedReason.FETCH_AGAIN, now_ns, numbered).at(state, now_ns))
    taken += lost
    known = [*(row.span for row in rows if row.reason is OwedReason.NEW_EPOCH), *settled.times()]
    for a, b in after.new_epochs():
        if a.end_ns < b.start_ns:
            left = Span(a.end_ns, b.start_ns).minus(known)
            written += [Owed(0, *NO_IDS, span, OwedReason.NEW_EPOCH, changed_ns=now_ns) for span in left]
    for (first, end), span in gaps.items():
        written += [_entry(run, span if numbered else run, OwedReason.GAP, now_ns, numbered) for run in Span(first, end).minus(taken)]
    return written


def changes_owed(rows: Sequence[Owed], before: TapeRanges, after: TapeRanges, added: Sequence[TapeRange]) -> bool:
    """True if added tape ranges may change the entries of owed trades; a fast check, False while trades arrive without gaps."""
    if len(after) > len(before):
        return True
    return any(
        one.first_key <= row.runs.end_ns and row.runs.start_ns <= one.last_key
        if row.by_ids
        else bool(row.span.intersection(Span(one.start_ns, one.end_ns)))
        for row in rows
        for one in added
    )


def owed_text(rows: Iterable[Owed], stored: TapeRanges, settled: Settled = NOTHING_SETTLED) -> str:
    """A text for a status line with the number of owed trades and time ranges; empty if there are none."""
    text = _amount([row for row in rows if row.is_open], stored, settled)
    return f"owed: {text}" if text else ""


def given_up_text(rows: Iterable[Owed], stored: TapeRanges) -> str:
    """A text with what is given up: the number of trades, of time ranges with an unknown number of trades, and of id conflicts.

    If all of it is stored by now: "trades that came later".
    """
    rows = list(rows)
    conflicts = sum(row.reason is OwedReason.CONFLICT for row in rows)
    parts = [
        _amount([row for row in rows if row.reason is not OwedReason.CONFLICT], stored, NOTHING_SETTLED),
        f"{conflicts:,} id conflicts" if conflicts else "",
    ]
    return " and ".join(part for part in parts if part) or "trades that came later"


def _amount(rows: Sequence[Owed], stored: TapeRanges, settled: Settled) -> str:
    pieces = [(row.by_ids, left) for row in rows for left in row.left(stored, settled)]
    n = sum(left.length_ns for by_ids, left in pieces if by_ids)
    spans = sum(1 for by_ids, _ in pieces if not by_ids)
    parts = [f"{n:,} trade{'' if n == 1 else 's'}"] if n else []
    if spans:
        parts.append(f"{spans:,} time range{'' if spans == 1 else 's'}")
    return " and ".join(parts)


def _entry(run: Span, span: Span, reason: OwedReason, now_ns: int, numbered: bool) -> Owed:
    ids = (run.start_ns, run.end_ns - 1) if numbered else NO_IDS
    return Owed(0, *ids, span, reason, changed_ns=now_ns)


def _between(a: TapeRange, b: TapeRange) -> Span:
    """The time between two tape ranges; at least 1 ns, as trades may be missing between two trades with the same time."""
    return Span(a.end_ns, max(a.end_ns + 1, b.start_ns))


def _time_of(run: Span, before: TapeRanges, after: TapeRanges, day: Span | None) -> Span:
    """The time span of ids that are no longer stored: between the stored trades on either side, inside their former tape ranges.

    With `day`, cut to the day if they overlap.
    """
    held = before.within(run.start_ns, run.end_ns - 1)
    start_ns, end_ns = min(one.start_ns for one in held), max(one.end_ns for one in held)
    older = [one.end_ns for one in after if one.last_key < run.start_ns]
    newer = [one.start_ns for one in after if one.first_key >= run.end_ns]
    start_ns, end_ns = max([start_ns, *older[-1:]]), min([end_ns, *newer[:1]])
    span = Span(start_ns, max(end_ns, start_ns + 1))
    return (day is not None and span.intersection(day)) or span
