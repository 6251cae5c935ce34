"""Loads missing trades from the disk or the venue, newest first, while live trades arrive.

Everything is loaded in one way: the first start, scrolling left, a far anchor and a gap after a reconnect are all time
ranges that a chart requests and the store does not cover, or ids that the store skipped. Stored trades are read first, the
rest is requested from the venue. What the venue does not have stays a gap, and the charts draw it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress

import structlog

from app.chart.chart import Chart
from app.errors import FeedError, GridTooFineError, StoreError, TapeprintError, VenueRefusedError
from app.ingest.disk_history import DiskHistory, span_of
from app.ingest.gap_queue import GapQueue, OwedQueue
from app.ingest.load_progress import LoadProgress
from app.ingest.range_request import request_range
from app.ingest.retry import retry
from app.ingest.store_backfill import fill_owed
from app.market.bar_rule import DAY_NS
from app.market.coverage import Source
from app.market.feed import TimedHistory, TradeHistory, closing
from app.market.span import Span
from app.market.times import timestamp_text
from app.market.trade import TradeBatch
from app.storage.catalogue.owed import Owed
from app.storage.epochs import raw_id
from app.storage.recorder import Recorder
from app.storage.tape import Tape
from app.storage.tape_ranges import TapeRange, same_epoch
from app.storage.trade_store import Gap, TradeStore

_log = structlog.get_logger(__name__)

_SHOW_EVERY_S = 2.0  # while a long gap is filled, the chart is updated at this interval
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 5.0  # a page every five seconds is no load for a venue, but a gap on the chart disturbs the trader
_PATIENCE_S = 2.0  # time that history waits for the first live trade, where it ends
_LOOK_EVERY_S = 1.0  # in a market without trades, a request for more history is noticed this soon
_OWED_AT_ONCE = 100_000  # trades of what is owed, before newer gaps are looked at again
_TRIES = 4  # answers without the requested trades, before those count as not available

_MINUTE_NS, _HOUR_NS = 60_000_000_000, 3_600_000_000_000
_BEARABLE_NS = 48 * _HOUR_NS  # as far back as futures deliver; on spot some 5,000 pages of a busy market
_FIRST_RANGE_NS = 2 * _MINUTE_NS  # shows something at once; later ranges are as long as a few seconds can fetch
_FIRST_DISK_RANGE_NS = 30 * _MINUTE_NS  # the same, from the disk
_FIRST_DEEP_NS = 24 * _HOUR_NS
_SHORT_FETCH_S, _LONG_FETCH_S = 1.5, 6.0

IngestCallback = Callable[[Sequence[TradeBatch], Source, Span | None, bool, int], Awaitable[int]]
"""Takes pages, their source, the time they fully cover, True to store them, and `HistoryLoader.grid` when they were requested.

Returns the number of new trades.
"""


class HistoryLoader:
    """Fetches older trades that charts request, missing trades in gaps, and owed trades (missing on disk, still to be fetched).

    Parameters
    ----------
    charts : sequence of Chart
    store : TradeStore
    history : TradeHistory or None
    tape : Tape or None
    take_in : callable
        Called with fetched trades; see `IngestCallback`.
    deepen : callable
        Shows stored bars from a time on, when memory has no room for their trades.
    history_ns, wall_ns, monotonic_s, sleep
        See `app.ingest.ingest.Ingest`.
    """

    def __init__(
        self,
        charts: Sequence[Chart],
        store: TradeStore,
        history: TradeHistory | None,
        tape: Tape | None,
        take_in: IngestCallback,
        deepen: Callable[[int], Awaitable[None]],
        *,
        history_ns: int,
        wall_ns: Callable[[], int],
        monotonic_s: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        recorder: Recorder | None = None,
    ) -> None:
        self.progress: LoadProgress | None = None
        self.grid = 0
        """Number of changes of tick or lot size so far; pages requested before a change are fetched again."""
        self._grid_asked = 0
        self._not_fetched = self._not_read = ""
        self._charts, self._store, self._history, self._take_in, self._deepen = charts, store, history, take_in, deepen
        self._disk = DiskHistory(tape, store) if tape is not None else None
        self._sleep = sleep
        self._gaps = GapQueue(store, monotonic_s)
        self._recorder = recorder
        self.owed = OwedQueue(recorder.writer, store, wall_ns) if recorder is not None else None
        self._arrived = asyncio.Event()
        self.asked_from_ns = self._now_ns = wall_ns()
        """Everything from this time until now has been requested."""
        self._cancelled_ns: int | None = None
        self._wanted = self._at_the_start(history_ns)
        self._deep_ns = _FIRST_DEEP_NS
        self._range_ns: int = _FIRST_RANGE_NS if tape is None else _FIRST_DISK_RANGE_NS

    @property
    def trouble(self) -> str:
        """The reason why history cannot be fetched or read now; empty if it can."""
        return self._not_fetched or self._not_read

    def wake(self) -> None:
        """Wake the loader to check for missing trades again, because new live trades have arrived."""
        self._arrived.set()

    def cancel(self) -> None:
        """Cancel the charts' current requests for older trades; scrolling further back starts a new one. Gaps are still filled."""
        self._cancelled_ns = self._wanted_from_ns()

    async def fill(self) -> None:
        """Fetch missing trades until the task is cancelled; end early if the venue refuses or a bug occurs (see `trouble`).

        Returns at once if there is neither a venue history nor a stored tape.
        """
        try:
            await self._fill()
        except Exception as error:  # a bug in loading history must not stop live trades: show it and do without history
            self.progress = None
            self._not_fetched = "history: stopped by an internal error, see the log"
            _log.error("loading history failed", error=repr(error), exc_info=error)

    async def _fill(self) -> None:
        """Fetch missing trades until the task is cancelled or the venue refuses; retry with growing pauses after venue errors."""
        if self._history is None and self._disk is None:
            for chart in self._charts:
                chart.oldest_ns = self._now_ns  # there is no source of older trades
            return
        await self._set_oldest()
        if self._wanted:
            self.progress = LoadProgress(f"{_duration(self._wanted.length_ns)} of history", 0.0)
        await self._until_something_arrived(_PATIENCE_S)
        while True:
            try:
                fetched = await retry(
                    self._fetch_next_part, self._on_wait, first_wait_s=_FIRST_WAIT_S, longest_wait_s=_LONGEST_WAIT_S, sleep=self._sleep
                )
            except VenueRefusedError as error:
                self.progress, self._not_fetched = None, f"history: {error.user_message}"
                _log.warning("history refused", reason=error.detail)
                return
            self.progress, self._not_fetched = None, ""
            if not fetched:
                await self._until_something_arrived(_LOOK_EVERY_S)

    def _on_wait(self, error: TapeprintError, pause_s: float) -> None:
        self.progress, self._not_fetched = None, f"history: {error.user_message}, retrying in {pause_s:.0f} s"
        _log.warning("history not loaded", reason=error.detail, retry_s=pause_s)

    async def _fetch_next_part(self) -> bool:
        """Fetch the next missing trades; return False if none can be requested now. If the disk cannot be read, it is no longer used."""
        try:
            return await self._fetch_next()
        except StoreError as error:
            self.progress, self._not_read, self._disk = None, f"store: {error.user_message}", None
            _log.warning("stored trades not read", reason=error.detail)
            return await self._fetch_next()

    async def _set_oldest(self) -> None:
        """Set the earliest time that each chart may request.

        That is 48 h before the loader was made (as far as a venue delivers in acceptable time), or the start of the stored trades if
        that is earlier.
        """
        oldest_ns = self._now_ns - _BEARABLE_NS
        if self._disk is not None:
            try:
                stored_ns = await self._disk.oldest_ns()
                oldest_ns = oldest_ns if stored_ns is None else min(oldest_ns, stored_ns)
            except StoreError as error:
                self._not_read, self._disk = f"store: {error.user_message}", None
                _log.warning("stored trades not read", reason=error.detail)
        for chart in self._charts:
            chart.oldest_ns = oldest_ns

    async def _until_something_arrived(self, timeout_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):  # not wait_for, which under Python 3.11 can swallow a cancellation
                await self._arrived.wait()
        self._arrived.clear()

    async def _fetch_next(self) -> bool:
        """Fetch the most urgent missing trades; return False if none can be requested now."""
        self._grid_asked = self.grid
        if self._history is not None and (gaps := self._gaps.next()):
            await self._fetch_gaps(self._history, gaps)
        elif self._wanted_from_ns() < self.asked_from_ns:
            await (self._fetch_deep() if self._store.floor_ns else self._fetch_range())
        elif self._history is not None and self.owed is not None and (row := self.owed.next()) is not None:
            await self._fetch_owed(self._history, self.owed, row)
        else:
            return False
        return True

    # -- what is owed on disk --------------------------------------------------------------------

    async def _fetch_owed(self, history: TradeHistory, owed: OwedQueue, row: Owed) -> None:
        """Fetch some owed trades (missing on disk) straight into the store on disk: memory has no trades of their time."""
        if self._recorder is not None:
            await self._recorder.flush()  # trades that wait to be written would be fetched again
        before = sum(left.length_ns for left in row.left(owed.writer.intervals, owed.writer.settled))

        def show(_span: Span, trades: int) -> None:
            what = f"{before:,} owed trades" if row.by_ids else f"what is owed since {timestamp_text(row.span.start_ns)}"
            self.progress = LoadProgress(what, min(1.0, trades / max(1, before)) if row.by_ids else 0.0)

        try:
            await fill_owed(owed.writer, history, row, show, most=_OWED_AT_ONCE, tries=1, sleep=self._sleep)
        except (StoreError, OSError) as error:  # the recorder reports it: what is owed waits for the disk
            owed.pause()
            _log.info("owed trades not stored", reason=error.detail if isinstance(error, StoreError) else str(error))

    # -- gaps ------------------------------------------------------------------------------------

    async def _fetch_gaps(self, history: TradeHistory, gaps: list[Gap]) -> None:
        """Fill gaps from the disk if it has their trades, or else from the venue.

        Trades that the venue does not have after several tries stay missing and are requested again after a pause.
        """
        first_id, last_id = gaps[-1].first_id, gaps[0].last_id
        missing = sum(gap.missing for gap in gaps)
        what = f"{missing:,} missing trade{'s' if missing > 1 else ''}"
        around = Span(gaps[-1].start_ns, gaps[0].end_ns + 1)
        stored = [part for part in await self._stored_in(around, None) if part.first_id <= last_id and first_id <= part.last_id]
        if stored and await self._take_stored(around, stored):
            return

        def share(page: TradeBatch) -> float:
            return (int(page.trade_id[-1]) - raw_id(first_id) + 1) / (last_id - first_id + 1)

        for attempt in range(_TRIES):
            if attempt:
                await self._sleep(_FIRST_WAIT_S * 2 ** (attempt - 1))  # a venue's archive may lag behind its stream
            if self._store.last_id is None or same_epoch(last_id, self._store.last_id):
                pages = history.between(raw_id(first_id), raw_id(last_id))
            elif isinstance(history, TimedHistory):  # the venue has other trades under these ids by now
                pages = history.through(Span(around.start_ns, around.end_ns + 1))
            else:
                break
            if await self._fetch(pages, what, share):
                return  # what is left is a gap of its own, with its own tries
        self._gaps.ask_later(gaps)
        _log.warning("the venue no longer has these trades", first_id=first_id, last_id=last_id, missing=missing)

    async def _fetch(self, pages: AsyncIterator[TradeBatch], what: str, share: Callable[[TradeBatch], float]) -> int:
        """Add fetched pages to the store and return the number of new trades; after a venue error, add the pages before it and raise it."""
        self.progress = LoadProgress(what, 0.0)
        waiting: list[TradeBatch] = []
        fresh, shown_s, failure = 0, time.monotonic(), None
        try:
            async with closing(pages):
                async for page in pages:
                    if not len(page):
                        continue
                    waiting.append(page)
                    self.progress = LoadProgress(what, min(1.0, max(0.0, share(page))))
                    if time.monotonic() - shown_s > _SHOW_EVERY_S:
                        fresh += await self._take_in(waiting, Source.BACKFILL, None, True, self._grid_asked)
                        waiting, shown_s = [], time.monotonic()
        except FeedError as error:
            failure = error
        fresh += await self._take_in(waiting, Source.BACKFILL, None, True, self._grid_asked)
        if failure is not None:
            raise failure
        return fresh

    # -- time ranges -----------------------------------------------------------------------------

    def _at_the_start(self, history_ns: int) -> Span:
        if not history_ns:
            return Span(self._now_ns, self._now_ns)
        whole_ns = max([_HOUR_NS, *(chart.spec.bar_rule.length_ns for chart in self._charts)])
        wanted = Span((self._now_ns - history_ns) // whole_ns * whole_ns, self._now_ns)
        for chart in self._charts:
            chart.wanted = wanted
        return wanted

    def _wanted_from_ns(self) -> int:
        """The earliest time from which a chart requests trades.

        Cancelled requests do not count. While memory is full and there is no stored tape, no request counts. Without a request, this is
        `asked_from_ns`.
        """
        if self._store.floor_ns and self._disk is None:
            return self.asked_from_ns
        wanted_ns = min([self._wanted.start_ns, *(chart.wanted.start_ns for chart in self._charts if chart.wanted)])
        if self._cancelled_ns is not None and wanted_ns >= self._cancelled_ns:
            return self.asked_from_ns
        return wanted_ns

    async def _fetch_range(self) -> None:
        """Fetch the trades of a time range just before the loaded trades, from the disk and the venue.

        The range is as long as a few seconds can fetch, and is shown all at once, so that a loading chart has no gap in it. If memory has
        no room for its stored trades, only bars are loaded (`_fetch_deep`).
        """
        wanted_ns = self._wanted_from_ns()
        end_ns = self.asked_from_ns
        part = Span(max(wanted_ns, end_ns - self._range_ns), end_ns)
        what = _duration(self._now_ns - wanted_ns) + " of history"
        begun_s = time.monotonic()

        def on_progress(reached_ns: int) -> None:
            done_ns = self._now_ns - end_ns + max(0, min(end_ns, reached_ns) - part.start_ns)
            self.progress = LoadProgress(what, min(1.0, done_ns / max(1, self._now_ns - wanted_ns)))

        on_progress(part.start_ns)
        if self._disk is not None and self._store.n_trades and not await self._has_room(self._disk, part):
            await self._fetch_deep()
            return
        before_id = None if self._store.by_time else self._store.first_id
        first_known = None if before_id is None else (before_id, self._store.span.start_ns)
        ranges = await self._stored_in(part, before_id)
        fetched: list[tuple[list[TradeBatch], Span]] = []
        try:
            for gap in reversed(part.minus([span_of(stored) for stored in ranges])):
                older = None if self._disk is None else await self._disk.newest_before(gap.start_ns)
                follower = next(((stored.first_id, stored.start_ns) for stored in ranges if stored.start_ns >= gap.end_ns), first_known)
                pages, complete = await request_range(
                    self._history, gap, older, follower, self._store.last_id, on_progress, by_time=self._store.by_time
                )
                if self._cancelled_ns is not None and self._wanted_from_ns() == self.asked_from_ns:
                    return
                fetched.append((pages, complete))
        except FeedError:
            self._range_ns = max(_MINUTE_NS, self._range_ns // 2)
            raise
        fetching_s = time.monotonic() - begun_s
        await self._take_stored(part, ranges)
        for pages, complete in fetched:
            await self._take_in(pages, Source.BACKFILL, complete, True, self._grid_asked)
        self.asked_from_ns = part.start_ns
        if fetching_s < _SHORT_FETCH_S:
            self._range_ns *= 2
        elif fetching_s > _LONG_FETCH_S:
            self._range_ns = max(_MINUTE_NS, self._range_ns // 2)

    async def _fetch_deep(self) -> None:
        """Show older bars from the disk without loading their trades, for which memory has no room.

        Each step begins with a UTC day, and builds the bars of the trades in memory again; therefore each step covers 32 times as much
        time as the one before.
        """
        wanted_ns = self._wanted_from_ns()
        from_ns = max(wanted_ns, self.asked_from_ns - self._deep_ns) // DAY_NS * DAY_NS
        self._deep_ns *= 32
        self.progress = LoadProgress(
            f"{_duration(self._now_ns - wanted_ns)} of history", min(1.0, 1 - (from_ns - wanted_ns) / (self._now_ns - wanted_ns))
        )
        try:
            if await self._stored_in(Span(from_ns, self.asked_from_ns), None):
                await self._deepen(from_ns)
        except GridTooFineError as error:  # the chart stays as it is
            self._not_read = f"older bars: {error.user_message}"
            self.cancel()
        else:
            self.asked_from_ns = from_ns

    async def _has_room(self, stored: DiskHistory, span: Span) -> bool:
        """True if memory has room for the stored trades of a span in addition to the loaded ones.

        If not all of the stored trades that charts request fit, a quarter of the memory is for older trades: only their bars are shown.
        """
        limit, loaded = self._store.limit, self._store.n_trades
        more = await stored.count_in(span)
        if more and loaded + await stored.count_in(Span(self._wanted_from_ns(), span.end_ns)) > limit:
            limit //= 4
        return loaded + more <= limit

    # -- trades on disk --------------------------------------------------------------------------

    async def _stored_in(self, span: Span, before_id: int | None) -> list[TapeRange]:
        return [] if self._disk is None else await self._disk.ranges_in(span, before_id)

    async def _take_stored(self, span: Span, ranges: list[TapeRange]) -> int:
        """Load the trades of these tape ranges from the disk; return the number of new trades.

        The days of a range are taken in at once: each time the charts are built again.
        """
        parts = [] if self._disk is None else await self._disk.parts(span, ranges)
        by_range: dict[tuple[Source, Span], list[TradeBatch]] = {}
        for part in parts:
            by_range.setdefault((part.source, part.complete), []).insert(0, part.trades)  # the newest day comes first
        return sum([await self._take_in(days, source, span, False, self._grid_asked) for (source, span), days in by_range.items()])


def _duration(length_ns: int) -> str:
    minutes = round(length_ns / _MINUTE_NS)
    return f"{minutes} min" if minutes < 60 else f"{round(minutes / 60)} h"
