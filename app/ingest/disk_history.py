"""A market's history on disk; files are read in another thread."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import NamedTuple

from app.market.coverage import Source
from app.market.span import Span
from app.market.trade import TradeBatch
from app.storage.tape import Tape
from app.storage.tape_ranges import TapeRange, TapeRanges
from app.storage.trade_store import TradeStore


class DiskBatch(NamedTuple):
    """Trades read from disk, their original source, and the span of their tape range, in which no trade is missing."""

    trades: TradeBatch
    source: Source
    complete: Span


class DiskHistory:
    """Reads the stored trades of one market, to load them into memory.

    Raises
    ------
    StoreError
        By every method, if the disk cannot be read.
    """

    def __init__(self, tape: Tape, store: TradeStore) -> None:
        self._tape, self._store = tape, store

    async def oldest_ns(self) -> int | None:
        """Start time of the oldest stored tape range; None if nothing is stored."""
        ranges = await asyncio.to_thread(_stored_ranges, self._tape)
        return min((stored.start_ns for stored in ranges), default=None)

    async def newest_before(self, time_ns: int) -> TapeRange | None:
        """The newest stored tape range that starts before a time; None if there is none."""
        older = [stored for stored in await asyncio.to_thread(_stored_ranges, self._tape) if stored.start_ns < time_ns]
        return max(older, key=lambda stored: stored.end_ns, default=None)

    async def ranges_in(self, span: Span, before_id: int | None) -> list[TapeRange]:
        """The stored tape ranges that overlap a span, cut to it; with `before_id`, only those that begin before that id.

        A range up to the trade just before `before_id` reaches the end of the span: no trade is missing there.
        """
        found: list[TapeRange] = []
        for stored in await asyncio.to_thread(_stored_ranges, self._tape):
            if before_id is not None and stored.first_id < before_id <= stored.last_id + 1:
                stored = stored._replace(end_ns=max(stored.end_ns, span.end_ns))
            if (inside := span_of(stored).intersection(span)) and (before_id is None or stored.first_id < before_id):
                found.append(stored._replace(start_ns=inside.start_ns, end_ns=inside.end_ns))
        return found

    async def count_in(self, span: Span) -> int:
        """Estimate the number of stored trades in a span.

        Assumes that the trades of each tape range are spread evenly. 0 if trades are not numbered: ranges do not count them.
        """
        count = 0.0
        for stored in await asyncio.to_thread(_stored_ranges, self._tape):
            whole = span_of(stored)
            count += (stored.last_id - stored.first_id) * whole.intersection(span).length_ns / max(1, whole.length_ns)
        return round(count)

    async def parts(self, span: Span, ranges: list[TapeRange]) -> list[DiskBatch]:
        """Read the stored trades of a span that belong to the given tape ranges, newest day first."""
        batches = await asyncio.to_thread(lambda: list(self._tape.batches(span))) if ranges else []
        return [part for batch in reversed(batches) for part in self._cut(batch, ranges)]

    def _cut(self, batch: TradeBatch, ranges: list[TapeRange]) -> Iterator[DiskBatch]:
        keys = self._store.keys(batch)
        for stored in ranges:
            inside = (keys >= stored.first_key) & (keys <= stored.last_key)
            yield DiskBatch(batch[inside], stored.source, span_of(stored))


def span_of(one: TapeRange) -> Span:
    """The time span of a tape range."""
    return Span(one.start_ns, one.end_ns)


def _stored_ranges(tape: Tape) -> list[TapeRange]:
    """The stored tape ranges, each extended to the start of the next one if no trade is missing between them."""
    intervals: TapeRanges = tape.intervals()
    covered = intervals.covered(proven=True)
    return [one._replace(end_ns=coverage.span.end_ns) for one, coverage in zip(intervals, covered, strict=True)]
