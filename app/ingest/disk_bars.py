"""Bars older than the trades in memory, from the disk one day at a time.

A trade takes 33 bytes in memory, and next to nothing as part of a bar: so bars reach back as far as the stored trades, however many
they are. Time bars of complete days are not in memory either: they are read when they are needed (see `OlderBars`). All others are
built from the trades, which are dropped once they are in bars. Gaps on disk are reported like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from app.analytics.footprint import FootprintSeries
from app.analytics.older.older_bars import OlderBars
from app.chart.chart import ChartSpec, build_series, empty_series, split_by_period
from app.ingest.day_bars import DayBars
from app.market.bar_rule import DAY_NS
from app.market.coverage import CoveredSpan
from app.market.span import Span
from app.market.trade import TradeBatch, concatenate
from app.storage.day_file import day_of
from app.storage.tape import Tape
from app.storage.tape_ranges import NO_ID
from app.storage.trade_store import Gap

_LATE_NS = 60_000_000_000  # a trade may be reported this long after one with a later time, or longer


class MemoryFloor(NamedTuple):
    """The boundary between older trades, read from the disk, and trades in memory.

    Attributes
    ----------
    key : int
        The key just before that of the first trade in memory.
    time_ns : int
        All trades from this time on are loaded.
    """

    key: int
    time_ns: int


@dataclass(frozen=True, slots=True)
class _Account:
    """The covered spans and the gaps on disk within a time span."""

    span: Span
    covered: tuple[CoveredSpan, ...] = ()
    holes: tuple[Gap, ...] = ()


class DiskBars:
    """Builds a market's bars from the disk, with the coverage and gaps of their time."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self._account = _Account(Span(0, 0))
        self._merged: tuple[_Account, tuple[Gap, ...], tuple[Gap, ...]] = self._account, (), ()

    def build(self, spec: ChartSpec, from_ns: int, floor: MemoryFloor, in_memory: Sequence[TradeBatch]) -> FootprintSeries:
        """Build the bars of all trades since a time, from disk and memory; afterwards `covered` and `gaps` include those of the disk.

        Trades up to the floor come from the disk, later ones from `in_memory`. They are separated by key, so that each
        trade counts once and in the order of the tape. May run in another thread.

        Raises
        ------
        GridTooFineError
            If the rows are too fine for a bar.
        StoreError
            If the disk cannot be read.
        """
        before = self._before(spec, Span(from_ns, min(floor.time_ns, min(int(batch.time_ns.min()) for batch in in_memory))))
        older = empty_series(spec, before)
        held_back: list[TradeBatch] = []
        # bars of a period with trades in memory are built from both sources together: a bar may have trades of both
        shared_ns = spec.bar_rule.period_start_ns(min(int(batch.time_ns.min()) for batch in in_memory))
        begin_ns = from_ns if before is None else before.end_ns
        for batch in self._tape.batches(Span(begin_ns, floor.time_ns + _LATE_NS)):  # by UTC day: no batch starts before the end of another
            found = batch[(batch.trade_id if self._tape.instrument.numbered else batch.time_ns) <= floor.key]
            whole = found.time_ns < shared_ns
            older.append(split_by_period(found[whole], spec.bar_rule))
            held_back.append(found[~whole])
        self._account = self._account_of(Span(from_ns, floor.time_ns))
        return build_series([concatenate(held_back), *in_memory], spec, older)

    def _before(self, spec: ChartSpec, span: Span) -> OlderBars | None:
        """The bars of the complete UTC days in a span whose trades are all in day files; None if there are no such days.

        None as well for bars that are longer than a day, or begin at other times on each day.
        """
        rule = spec.bar_rule
        if not rule.is_time or DAY_NS % rule.length_ns:
            return None
        oldest_ns = self._tape.catalogue.oldest_in_tail(self._tape.instrument.id)
        end_ns = span.end_ns if oldest_ns is None else min(span.end_ns, oldest_ns)
        stamps = self._tape.stamps(range(-(-span.start_ns // DAY_NS), day_of(end_ns)))
        files = DayBars(self._tape, spec)
        found = files.summaries(stamps, stamps)
        if not found:
            return None
        return OlderBars(found, files.read)

    def covered(self, from_memory: Sequence[CoveredSpan]) -> Sequence[CoveredSpan]:
        """The time ranges whose trades are all in memory or in bars built from the disk."""
        account = self._account
        if not account.span:
            return from_memory
        after = Span(account.span.end_ns, 1 << 62)
        return [*account.covered, *(clipped for one in from_memory if (clipped := _within(one, after)) is not None)]

    def gaps(self, from_memory: tuple[Gap, ...]) -> tuple[Gap, ...]:
        """The gaps on disk and in memory; the same object until they change."""
        account = self._account
        if not account.holes:
            return from_memory
        if self._merged[0] is not account or self._merged[1] is not from_memory:
            after = tuple(gap for gap in from_memory if gap.end_ns > account.span.end_ns)
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
