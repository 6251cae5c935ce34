"""Tape ranges: ranges of a market's trades without a gap, on disk or in memory.

A tape range has a first and a last key, both included. If the market numbers its trades, a key is a trade id (with its epoch, see
`app.storage.epochs`), and the ranges are exactly the ids present; else a key is a time, and the source guarantees completeness.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from app.market.arrays import BoolArray, Int64Array
from app.market.coverage import CoveredSpan, Source
from app.market.span import Span
from app.market.trade import TradeBatch

EPOCH_BITS = 48
"""Ids of numbered markets below 2^48 are the venue's; higher bits count epochs (`app.storage.epochs`)."""
NO_ID = -1
"""The id in tape ranges of a market that does not number its trades."""


class TapeRange(NamedTuple):
    """A range of trades without a gap: its keys, ids, time range and source.

    `end_ns` is just after the time of the last trade.
    """

    first_key: int
    last_key: int
    first_id: int
    last_id: int
    start_ns: int
    end_ns: int
    source: Source


class TapeRanges:
    """Tape ranges of one market in order; `add` joins ranges of one source that touch."""

    def __init__(self, stretches: Iterable[TapeRange] = ()) -> None:
        self._all = sorted(stretches)
        self._edges: tuple[Int64Array, Int64Array] | None = None
        self._covered: list[CoveredSpan] = []  # cached coverage of the first ranges, as many as are unchanged

    def __iter__(self) -> Iterator[TapeRange]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    @property
    def last(self) -> TapeRange | None:
        """The tape range with the highest keys; None if there is none."""
        return self._all[-1] if self._all else None

    def holds(self, keys: Int64Array) -> BoolArray:
        """Mark the keys, int64 [shape=(n,)], that lie in one of the tape ranges; returns bool [shape=(n,)]."""
        if not self._all or not len(keys):
            return np.zeros(len(keys), bool)
        if self._edges is None:
            self._edges = (np.array([s.first_key for s in self._all]), np.array([s.last_key for s in self._all]))
        first, last = self._edges
        place = np.searchsorted(first, keys, side="right") - 1
        return (place >= 0) & (keys <= last[place])

    def within(self, first_key: int, last_key: int) -> list[TapeRange]:
        """The tape ranges that have any key from `first_key` to `last_key` (both included), in order, not cut."""
        begin = max(0, bisect_right(self._all, first_key, key=_first_key) - 1)
        end = bisect_right(self._all, last_key, key=_first_key)
        return [one for one in self._all[begin:end] if one.last_key >= first_key]

    def add(self, new: TapeRange) -> None:
        """Add a tape range; keys that are already present stay in their range, with its source."""
        begin = max(0, bisect_right(self._all, new.first_key, key=_first_key) - 1)
        parts: list[TapeRange] = []
        next_key = new.first_key
        place = begin
        while place < len(self._all) and self._all[place].first_key <= new.last_key:
            one = self._all[place]
            if one.last_key >= next_key:
                if one.first_key > next_key:
                    parts.append(_cut(new, next_key, one.first_key - 1))
                next_key = one.last_key + 1
            place += 1
        if next_key <= new.last_key:
            parts.append(_cut(new, next_key, new.last_key))
        for part in parts:
            self._insert(part)
        self._edges = None

    def remove(self, first_key: int, last_key: int, span: Span) -> None:
        """Remove the keys from `first_key` to `last_key`, both included; `span` is the time of their trades."""
        left_over: list[TapeRange] = []
        for one in self._all:
            if one.last_key < first_key or one.first_key > last_key:
                left_over.append(one)
                continue
            if one.first_key < first_key:
                left = _cut(one, one.first_key, first_key - 1)
                left_over.append(left._replace(end_ns=max(left.start_ns + 1, min(left.end_ns, span.start_ns))))
            if one.last_key > last_key:
                right = _cut(one, last_key + 1, one.last_key)
                left_over.append(right._replace(start_ns=min(right.end_ns - 1, max(right.start_ns, span.end_ns))))
        self._all, self._edges, self._covered = left_over, None, []

    def covered(self, *, proven: bool) -> list[CoveredSpan]:
        """The tape ranges as covered spans; of two without a gap between them, the first span ends where the second starts.

        `proven` is stored in each span. Only spans of ranges that changed since the last call are computed.
        """
        for place in range(len(self._covered), len(self._all)):
            one = self._all[place]
            end_ns = one.end_ns
            follower = self._all[place + 1] if place + 1 < len(self._all) else None
            if follower is not None and follower.first_key == one.last_key + 1:
                end_ns = max(end_ns, follower.start_ns)
            self._covered.append(CoveredSpan(Span(one.start_ns, end_ns), one.source, one.first_id, one.last_id, proven))
        return self._covered.copy()

    def gaps(self) -> list[tuple[TapeRange, TapeRange]]:
        """Pairs of tape ranges, before and after each gap; not where ids start again with a new epoch."""
        pairs = zip(self._all, self._all[1:], strict=False)
        return [(a, b) for a, b in pairs if b.first_key > a.last_key + 1 and (a.first_id == NO_ID or same_epoch(a.last_key, b.first_key))]

    def new_epochs(self) -> list[tuple[TapeRange, TapeRange]]:
        """Pairs of tape ranges, before and after each place where the venue's ids start again; none if trades are not numbered."""
        pairs = zip(self._all, self._all[1:], strict=False)
        return [(a, b) for a, b in pairs if a.first_id != NO_ID and not same_epoch(a.last_key, b.first_key)]

    def _insert(self, part: TapeRange) -> None:
        place = bisect_right(self._all, part.first_key, key=_first_key)
        if place and _meets(self._all[place - 1], part):
            place -= 1
            part = _joined(self._all.pop(place), part)
        if place < len(self._all) and _meets(part, self._all[place]):
            part = _joined(part, self._all.pop(place))
        self._all.insert(place, part)
        del self._covered[max(0, place - 1) :]  # the range before it may end later now


def id_ranges(fresh: TradeBatch, source: Source, given: TradeBatch | None = None, complete: Span | None = None) -> list[TapeRange]:
    """Group numbered trades, in ascending order of id and without duplicates, into tape ranges of consecutive ids.

    `fresh` are the new trades among `given`. If `given` are all trades of the time `complete`, the first range starts with that
    time if it has the first id of `given`, and the last range ends with that time if it has the last id.
    """
    ids, times = fresh.trade_id, fresh.time_ns
    if not len(ids):
        return []
    cuts = np.flatnonzero(np.diff(ids) != 1) + 1
    starts, ends = np.concatenate(([0], cuts)), np.concatenate((cuts, [len(ids)]))
    found = [
        TapeRange(int(ids[a]), int(ids[b - 1]), int(ids[a]), int(ids[b - 1]), int(times[a:b].min()), int(times[a:b].max()) + 1, source)
        for a, b in zip(starts.tolist(), ends.tolist(), strict=True)
    ]
    if complete and given is not None:
        if found[0].first_id == given.trade_id.min():
            found[0] = found[0]._replace(start_ns=min(found[0].start_ns, complete.start_ns))
        if found[-1].last_id == given.trade_id.max():
            found[-1] = found[-1]._replace(end_ns=max(found[-1].end_ns, complete.end_ns))
    return found


def time_range(span: Span, source: Source) -> TapeRange:
    """Make the tape range of a time span, for a market that does not number its trades."""
    return TapeRange(span.start_ns, span.end_ns - 1, NO_ID, NO_ID, span.start_ns, span.end_ns, source)


def epoch_of(key: int) -> int:
    """The epoch of trade ids in a key of a numbered market: its upper bits; 0 for the epoch that was stored first."""
    return key >> EPOCH_BITS


def same_epoch(one: int, other: int) -> bool:
    """True if two keys of a numbered market are of one epoch of ids, so that ids between them are missing if not stored."""
    return one >> EPOCH_BITS == other >> EPOCH_BITS


def difference(old: TapeRanges, new: TapeRanges) -> tuple[list[TapeRange], list[TapeRange]]:
    """The tape ranges to delete, and those to write, to turn the ranges `old` into `new`."""
    before, after = set(old), set(new)
    return [one for one in old if one not in after], [one for one in new if one not in before]


def _first_key(stretch: TapeRange) -> int:
    return stretch.first_key


def _meets(a: TapeRange, b: TapeRange) -> bool:
    return a.last_key + 1 == b.first_key and a.source is b.source


def _joined(a: TapeRange, b: TapeRange) -> TapeRange:
    return TapeRange(a.first_key, b.last_key, a.first_id, b.last_id, min(a.start_ns, b.start_ns), max(a.end_ns, b.end_ns), a.source)


def _cut(new: TapeRange, first_key: int, last_key: int) -> TapeRange:
    """The part of a tape range from `first_key` to `last_key`; the time range is cut only if the keys are times."""
    if new.first_id != NO_ID:
        return new._replace(first_key=first_key, last_key=last_key, first_id=first_key, last_id=last_key)
    return new._replace(first_key=first_key, last_key=last_key, start_ns=first_key, end_ns=last_key + 1)
