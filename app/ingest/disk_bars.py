"""Bars older than the trades in memory: read from the disk a day at a time, folded, and let go of again.

A trade takes 33 bytes in memory, and in a bar next to nothing: so bars reach back as far as the disk does, however many trades
that are. What the disk lacks there is told as any other hole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from app.analytics.footprint import FootprintSeries
from app.chart.chart import ChartSpec, build_series, empty_series, split_by_period
from app.market.coverage import CoveredSpan
from app.market.span import Span
from app.market.trade import TradeBatch, concatenate
from app.storage.tape import Tape
from app.storage.tape_ranges import NO_ID
from app.storage.trade_store import Gap

_LATE_NS = 60_000_000_000  # a trade may be reported so much after another of a later time, and more


class MemoryFloor(NamedTuple):
    """Where the trades in memory begin: the key before the first, and a time from which on all are there."""

    key: int
    time_ns: int


@dataclass(frozen=True, slots=True)
class _Account:
    """What the disk has of a span, and what it lacks there."""

    span: Span
    covered: tuple[CoveredSpan, ...] = ()
    holes: tuple[Gap, ...] = ()


class DiskBars:
    """The bars of one market that were made from the disk, and what is known of their time."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self._account = _Account(Span(0, 0))
        self._merged: tuple[_Account, tuple[Gap, ...], tuple[Gap, ...]] = self._account, (), ()

    def build(self, spec: ChartSpec, from_ns: int, floor: MemoryFloor, in_memory: Sequence[TradeBatch]) -> FootprintSeries:
        """The bars of all trades from a time on: up to the floor from the disk, then of these; may run in another thread.

        The two are told apart by their keys, so that each trade is there once, and in the order of the tape.

        Raises
        ------
        GridTooFineError
            If the rows are too fine for a bar.
        StoreError
            If the disk cannot be read.
        """
        older, held_back = empty_series(spec), []
        # of a period that memory has trades of too, the bars are built together: a late trade may belong before one of memory's
        shared_ns = spec.bar_rule.period_start_ns(min(int(batch.time_ns.min()) for batch in in_memory))
        for batch in self._tape.batches(Span(from_ns, floor.time_ns + _LATE_NS)):  # by UTC days: none reaches back behind another
            found = batch[(batch.trade_id if self._tape.instrument.numbered else batch.time_ns) <= floor.key]
            whole = found.time_ns < shared_ns
            older.append(split_by_period(found[whole], spec.bar_rule))
            held_back.append(found[~whole])
        self._account = self._account_of(Span(from_ns, floor.time_ns))
        return build_series([concatenate(held_back), *in_memory], spec, older)

    def covered(self, from_memory: Sequence[CoveredSpan]) -> Sequence[CoveredSpan]:
        """The times of which all trades are held or folded: of the deep past, then of what memory adds to it."""
        account = self._account
        if not account.span:
            return from_memory
        after = Span(account.span.end_ns, 1 << 62)
        return [*account.covered, *(clipped for one in from_memory if (clipped := _within(one, after)) is not None)]

    def gaps(self, from_memory: tuple[Gap, ...]) -> tuple[Gap, ...]:
        """The same of what is missing; the same object until something changes."""
        account = self._account
        if not account.holes:
            return from_memory
        if self._merged[0] is not account or self._merged[1] is not from_memory:
            after = tuple(hole for hole in from_memory if hole.end_ns > account.span.end_ns)
            self._merged = account, from_memory, (*account.holes, *after)
        return self._merged[2]

    def _account_of(self, span: Span) -> _Account:
        intervals = self._tape.intervals()
        found = intervals.covered(proven=self._tape.instrument.numbered)
        covered = tuple(clipped for one in found if (clipped := _within(one, span)) is not None)
        holes = tuple(
            Gap(*((0, -1) if a.first_id == NO_ID else (a.last_id + 1, b.first_id - 1)), a.end_ns - 1, b.start_ns)
            for a, b in intervals.gaps()
            if b.start_ns > span.start_ns and a.end_ns <= span.end_ns
        )
        return _Account(span, covered, holes)


def _within(one: CoveredSpan, span: Span) -> CoveredSpan | None:
    inside = one.span.intersection(span)
    return replace(one, span=inside) if inside else None
