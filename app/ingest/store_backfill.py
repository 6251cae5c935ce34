"""Backfill: the download of missing trades from the venue directly into the store on disk.

Memory use is bounded, however long the gap is.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import structlog

from app.errors import DecodeError, FeedError, StoreError, TapeprintError, VenueBusyError, VenuePausedError, VenueUnreachableError
from app.ingest.retry import retry
from app.market.coverage import Source
from app.market.feed import TimedHistory, TradeHistory, closing, steps_of
from app.market.span import Span
from app.market.steps import Steps, in_steps
from app.market.trade import TradeBatch, concatenate
from app.storage.catalogue.owed import Owed
from app.storage.epochs import raw_id
from app.storage.tape_ranges import same_epoch
from app.storage.tape_writer import TapeWriter

_log = structlog.get_logger(__name__)
_T = TypeVar("_T")

TRIES = 6
"""Consecutive failures without a new trade after which a download gives up."""
_PASSING = (VenueUnreachableError, VenueBusyError, VenuePausedError, DecodeError)
_AT_ONCE = 20_000  # trades put on the disk together
_LONGEST_WAIT_S = 60.0
_LONGEST_PAUSE_NS = 600 * 10**9  # of an entry that the venue answers wrongly, while its other answers may be right
_MILLISECOND_NS = 1_000_000  # venues report the time of a trade to the millisecond
_LATE_NS = 10 * 10**9  # a venue's history may lack the newest trades for some seconds


@dataclass(frozen=True, slots=True)
class StoreGap:
    """A time range of which the disk does not have all trades.

    Attributes
    ----------
    span : Span
    first_id, before_id : int or None
        The missing ids, `[first_id, before_id)`; None if the disk has no trades on that side, or trades are not numbered.
    by_time : bool
        Whether ids start again in the gap, or have done so since: then the venue has other trades under these ids.
    of_earlier_ids : bool
        Whether ids have started again since the trade after the gap: then a venue that is asked by id has none of its trades.
    """

    span: Span
    first_id: int | None
    before_id: int | None
    by_time: bool = False
    of_earlier_ids: bool = False


def store_gaps(writer: TapeWriter, span: Span) -> list[StoreGap]:
    """The gaps in the stored trades of a time span, except where a source has confirmed that it has no more trades.

    Oldest first, but gaps where the venue's ids restart follow the gaps between ids.
    """
    numbered = writer.instrument.numbered
    if not numbered:
        covered = [stored.span for stored in writer.intervals.covered(proven=False)]
        return [StoreGap(gap, None, None) for gap in span.minus(covered)]
    stored = list(writer.intervals)
    settled = writer.settled
    if not stored:
        return [StoreGap(left, None, None) for left in span.minus(settled.times())]
    # include the times of the first and last trade: other trades may have the same time, unless a source has said that it has none
    before = Span(span.start_ns, min(span.end_ns, stored[0].start_ns + 1))
    after = Span(max(span.start_ns, stored[-1].end_ns - 1), span.end_ns)
    earlier = not same_epoch(stored[0].first_key, stored[-1].last_key)
    found = [StoreGap(left, None, stored[0].first_id, earlier, earlier) for left in before.minus(settled.times()) if left]
    for a, b in writer.intervals.gaps():  # by ids: there may be a gap between two trades of the same time
        if a.end_ns <= span.end_ns and b.start_ns >= span.start_ns:
            time = Span(a.end_ns, max(b.start_ns, a.end_ns + 1))
            missing = Span(a.last_id + 1, b.first_id).minus(list(settled.void))
            earlier = not same_epoch(a.last_key, stored[-1].last_key)
            found += [StoreGap(time, ids.start_ns, ids.end_ns, earlier) for ids in missing]
    for a, b in writer.intervals.new_epochs():
        if a.end_ns <= span.end_ns and b.start_ns >= span.start_ns and a.end_ns < b.start_ns:
            earlier = not same_epoch(b.last_key, stored[-1].last_key)
            left_over = Span(a.end_ns - 1, b.start_ns).minus(settled.times())
            found += [StoreGap(left, None, b.first_id, True, earlier) for left in left_over if left]
    return found + [StoreGap(left, stored[-1].last_id + 1, None, True) for left in after.minus(settled.times()) if left]


def owed_gaps(writer: TapeWriter, row: Owed) -> list[StoreGap]:
    """The store gaps that remain of an entry of owed trades, to be fetched by time if the venue has reused these ids."""
    newest = writer.intervals.last
    if row.by_ids:
        earlier = newest is not None and row.last_id < newest.last_key and not same_epoch(row.last_id, newest.last_key)
        left_ids = row.left(writer.intervals, writer.settled)
        return [StoreGap(row.time_of(left, writer.intervals), left.start_ns, left.end_ns, earlier) for left in left_ids]
    if writer.instrument.numbered:
        return store_gaps(writer, row.span)
    return [StoreGap(left, None, None) for left in row.left(writer.intervals, writer.settled)]


async def fill_owed(
    writer: TapeWriter,
    history: TradeHistory,
    row: Owed,
    tell: Callable[[Span, int], None] = lambda _span, _trades: None,
    *,
    most: int | None = None,
    tries: int = TRIES,
    wall_ns: Callable[[], int] = time.time_ns,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> int:
    """Download the owed (missing) trades of one entry straight to disk; return the number of new trades. Those still missing stay owed.

    Parameters and errors are those of `fill_gaps`. The download stops after about `most` new trades, and raises an error after
    `tries` failures without a new trade between them. After a `DecodeError` and no new trade the entry is postponed, so that others
    can be fetched.
    """
    row = writer.account.attempt(row)
    gaps, fresh = owed_gaps(writer, row), 0
    try:
        for gap in reversed(gaps):
            fresh += await _fill_gap(writer, history, gap, tell, wall_ns, sleep, most, tries)
            if most is not None and fresh >= most:
                break
    except BaseException as error:
        with suppress(StoreError):  # then the entry stays marked as being fetched, which does not keep it from being fetched
            if isinstance(error, DecodeError) and owed_gaps(writer, row) == gaps:
                writer.account.postpone(row, _LONGEST_PAUSE_NS)
            else:
                writer.account.leave(row)
        raise
    if fresh:
        writer.account.leave(row._replace(tries=0, next_try_ns=0))
    else:
        writer.account.postpone(row)
    return fresh


async def fill_gaps(
    writer: TapeWriter,
    history: TradeHistory,
    span: Span,
    tell: Callable[[Span, int], None] = lambda _span, _trades: None,
    *,
    wall_ns: Callable[[], int] = time.time_ns,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> int:
    """Download the missing trades of a span into the store, newest gap first; return the number of new trades.

    Trades fetched before a kill or an error are stored, and not requested again.

    Parameters
    ----------
    writer : TapeWriter
    history : TradeHistory
    span : Span
    tell : callable
        Called with the gap being filled and the number of its trades fetched so far.
    wall_ns, sleep : callables
        The clock and the wait, for tests.

    Raises
    ------
    FeedError
        If the venue refuses, or does not answer after several tries.
    StoreError
        If the trades cannot be written to disk.
    """
    fresh = 0
    for before in reversed(store_gaps(writer, span)):  # a newer gap may have shown that ids have started again since an older one
        gap = next((gap for gap in store_gaps(writer, span) if gap.span == before.span), before)
        fresh += await _fill_gap(writer, history, gap, tell, wall_ns, sleep)
    await asyncio.to_thread(writer.tidy, wall_ns())
    return fresh


async def _fill_gap(
    writer: TapeWriter,
    history: TradeHistory,
    gap: StoreGap,
    tell: Callable[[Span, int], None],
    wall_ns: Callable[[], int],
    sleep: Callable[[float], Awaitable[None]],
    most: int | None = None,
    tries: int = TRIES,
) -> int:
    fresh = failures = 0  # failures since the last new trade
    failed = False
    by_time = writer.instrument.numbered and isinstance(history, TimedHistory)  # ids may have started again before the oldest stored trade
    gap = replace(gap, by_time=gap.by_time or (by_time and gap.first_id is None))

    async def attempt() -> None:
        nonlocal gap, fresh, failures
        if failed:
            left = store_gaps(writer, gap.span)  # trades fetched before the error are stored
            if not left:
                return
            gap = replace(left[-1], by_time=left[-1].by_time or (by_time and left[-1].first_id is None))
        tell(gap.span, fresh)
        asked_ns, reached_ns = wall_ns(), -1
        first: tuple[int, int] | None = None  # time and id of the oldest trade that came
        async with closing(_batches(history, gap, writer.instrument.numbered)) as batches:
            async for trades, complete, steps in batches:
                reached_ns = max(reached_ns, int(trades.time_ns.max()))
                oldest = int(np.argmin(trades.time_ns))
                first = min(first or (1 << 62, 0), (int(trades.time_ns[oldest]), int(trades.trade_id[oldest])))
                new = await _finished(writer.insert, trades, Source.BACKFILL, complete, steps)
                if writer.wants_sealing:
                    await _finished(writer.seal, wall_ns())
                fresh += new
                failures = 0 if new else failures
                tell(gap.span, fresh)
                if most is not None and fresh >= most:
                    return
        if writer.instrument.numbered and (gap.first_id is None or gap.before_id is None):  # that no trades came is an answer too
            # but not if the trade after the gap did not come
            if gap.by_time and reached_ns < gap.span.end_ns - _MILLISECOND_NS and _ends_at_a_trade(writer, gap):
                return
            end_ns = gap.span.end_ns if reached_ns >= 0 else min(gap.span.end_ns, asked_ns - _LATE_NS)
            start_ns = gap.span.start_ns
            if first is not None and not isinstance(history, TimedHistory) and _may_miss_older(gap, *first):
                start_ns = first[0]
            await _finished(writer.settle, Span(max(start_ns, history.reaches_ns), end_ns), Source.BACKFILL)

    def on_wait(error: TapeprintError, pause_s: float) -> None:
        nonlocal failed, failures
        failed, failures = True, failures + 1
        if failures >= tries or not isinstance(error, _PASSING):
            raise error
        _log.info("history not loaded", reason=error.detail, retry_s=pause_s)

    await retry(attempt, on_wait, longest_wait_s=_LONGEST_WAIT_S, sleep=sleep)
    return fresh


async def _finished(work: Callable[..., _T], *values: object) -> _T:
    """Run a function in another thread and return its result; if cancelled, wait for its end first, as the writer may be closed next."""
    task = asyncio.ensure_future(asyncio.to_thread(work, *values))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _pages(history: TradeHistory, gap: StoreGap) -> AsyncIterator[TradeBatch]:
    """Request the pages for a gap from the venue: by id or, if the venue has reused the ids, by time.

    Yields nothing if the ids on both sides are known but reused, and the history cannot search by time alone.
    """
    if gap.by_time and isinstance(history, TimedHistory):
        return history.through(Span(gap.span.start_ns - 1, gap.span.end_ns + 1))  # others may have the times of the trades around it
    if gap.by_time and gap.before_id is not None and (gap.first_id is not None or gap.of_earlier_ids):
        return _none()
    if gap.first_id is not None and gap.before_id is not None:
        return history.between(raw_id(gap.first_id), raw_id(gap.before_id - 1))
    return history.since(gap.span.start_ns, None if gap.before_id is None else raw_id(gap.before_id))


def _ends_at_a_trade(writer: TapeWriter, gap: StoreGap) -> bool:
    """True if a stored trade follows the gap at once; else the gap ends where the request ends."""
    return any(0 <= gap.span.end_ns - stored.start_ns <= 1 for stored in writer.intervals)


def _may_miss_older(gap: StoreGap, first_ns: int, first_id: int) -> bool:
    """True if a venue that was asked by id may have older trades of the gap than its first one, from before ids started again.

    It has none if its first trade is the one before the gap, which was requested too, or follows it by id.
    """
    if not gap.by_time or gap.first_id is None:
        return gap.by_time
    return first_id != raw_id(gap.first_id) and (first_id > raw_id(gap.first_id) or first_ns > gap.span.start_ns + _MILLISECOND_NS)


async def _none() -> AsyncIterator[TradeBatch]:
    for nothing in ():
        yield nothing


async def _batches(history: TradeHistory, gap: StoreGap, numbered: bool) -> AsyncIterator[tuple[TradeBatch, Span | None, Steps | None]]:
    """Yield the trades of a gap in large batches, each with the span for which it is complete, if known, and its tick and lot size.

    If the venue fails, the trades that came before are yielded, then the error is raised.
    """
    pages = _pages(history, gap)
    span = gap.span
    from_ns = max(span.start_ns, history.reaches_ns)
    pending: list[TradeBatch] = []
    expected_id = None if gap.first_id is None or gap.by_time else raw_id(gap.first_id)
    steps = steps_of(history)
    failure: FeedError | None = None
    async with closing(_until_failure(pages)) as came:
        async for page in came:
            if isinstance(page, FeedError):
                failure = page
                break
            inside = page[page.time_ns < span.end_ns] if gap.before_id is None else page
            if not len(inside):
                if len(page):  # after the gap
                    break
                continue
            if expected_id is not None and int(inside.trade_id.min()) != expected_id:  # the venue has left out the trades before it
                from_ns = max(from_ns, int(inside.time_ns.min()))
            expected_id = int(inside.trade_id.max()) + 1 if numbered else None
            if not numbered and not pending:
                from_ns = max(from_ns, int(inside.time_ns.min()) + 1)  # the venue may no longer have the trades before it
            now = steps_of(history)
            if steps is not None and now is not None and now != steps:  # the venue has changed its steps, and the live feed has noticed
                pending, steps = [in_steps(one, steps, now, "history") for one in pending], now
            pending.append(inside)
            if sum(map(len, pending)) >= _AT_ONCE:
                trades = concatenate(pending)
                pending, end_ns = [], int(trades.time_ns.max())
                yield trades, None if gap.by_time else Span(from_ns, end_ns), steps
                from_ns = end_ns
    if pending:
        trades = concatenate(pending)
        end_ns = span.end_ns if failure is None else int(trades.time_ns.max())
        if failure is not None and not numbered:
            trades = trades[trades.time_ns < end_ns]  # those of the last time are requested again, with the others of that time
        if len(trades):
            yield trades, None if gap.by_time else Span(from_ns, end_ns), steps
    if failure is not None:
        raise failure


async def _until_failure(pages: AsyncIterator[TradeBatch]) -> AsyncIterator[TradeBatch | FeedError]:
    """Yield the pages and, if the venue fails, its error as the last value."""
    async with closing(pages):
        try:
            async for page in pages:
                yield page
        except FeedError as error:
            yield error
