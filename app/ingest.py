"""The one pump: trades of a feed and of the past go into the store, and from there into the charts.

Live trades never wait for the past. What is missing, the hours before the start or ids that were
skipped, is fetched beside them, by id, again and again until the venue has delivered it or has said
that it has not got it; then the hole stays, and the charts draw it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from app.chart import Chart, ChartSpec, build
from app.errors import FeedError, TapeprintError, VenueBusyError
from app.market.feed import TradeFeed, TradeHistory
from app.market.span import Span
from app.market.trade import TradeBatch, concatenate
from app.storage.memory import Hole, TradeStore

_log = structlog.get_logger(__name__)

_SMALL = 20_000  # trades that may be folded again between two frames; more are built in another thread
_SHOW_EVERY_S = 2.0  # while hours of the past come in, the chart is rebuilt this often
_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 30.0
_PATIENCE_S = 3.0  # how long the past waits for a first live trade to end at
_TRIES = 3  # answers without the trades asked for, before they count as not to be had


@dataclass(frozen=True, slots=True)
class Progress:
    """What is being fetched.

    Attributes
    ----------
    what : str
        In words: `"4 h of history"`, `"37 missing trades"`.
    share : float
        Done, 0 to 1.
    """

    what: str
    share: float


class Ingest:
    """Keeps charts up to date with one market.

    Parameters
    ----------
    feed : TradeFeed
    history : TradeHistory or None
        None where the past cannot be asked for: then skipped ids stay holes.
    store : TradeStore
    charts : sequence of Chart
    history_ns : int
        How much of the past is fetched at the start.
    wall_ns, sleep : callables
        The clock and the wait, for tests.
    """

    def __init__(
        self,
        feed: TradeFeed,
        history: TradeHistory | None,
        store: TradeStore,
        charts: Sequence[Chart],
        *,
        history_ns: int = 0,
        wall_ns: Callable[[], int] = time.time_ns,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.feed, self.history, self.store, self.charts = feed, history, store, list(charts)
        self.progress: Progress | None = None
        self.trouble = ""
        """Why the past cannot be fetched at the moment; live trades go on."""
        self._history_ns = history_ns
        self._wall_ns, self._sleep = wall_ns, sleep
        self._given_up: set[tuple[int, int]] = set()
        self._arrived = asyncio.Event()
        self._building = asyncio.Lock()
        self._meanwhile: list[TradeBatch] | None = None

    @property
    def notice(self) -> str:
        """One line for the status bar: what stands still, what is being fetched, what is missing."""
        parts = [chart.refused for chart in self.charts if chart.refused]
        if self.trouble:
            parts.append(self.trouble)
        if self.progress is not None:
            parts.append(f"fetching {self.progress.what}, {100 * self.progress.share:.0f} %")
        if self.store.missing:
            parts.append(f"{self.store.missing:,} trades missing")
        if self.store.forgotten:
            parts.append(f"{self.store.forgotten:,} oldest trades let go of to stay within memory")
        return "   ".join(parts)

    async def run(self) -> None:
        """Pump until the feed ends or the task is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            filling = tasks.create_task(self._fill())
            async for batch in self.feed.batches():
                self.receive(batch)
            filling.cancel()

    def receive(self, batch: TradeBatch) -> TradeBatch:
        """Take a batch into store and charts; returns what of it was new."""
        fresh = self.store.insert(batch)
        if len(fresh):
            if self._meanwhile is not None:
                self._meanwhile.append(fresh)
            for chart in self.charts:
                chart.apply(fresh, self.store)
                chart.holes = self.store.holes()
            self._arrived.set()
        return fresh

    async def change_spec(self, chart: Chart, spec: ChartSpec) -> None:
        """Show other bars or rows, built from the trades in the store; live trades go on meanwhile.

        Raises
        ------
        GridTooFineError
            If the rows are too fine for a bar; the chart stays as it was.
        """
        async with self._building:
            await self._rebuild(chart, spec)

    # -- building beside the loop ----------------------------------------------------------------

    async def _rebuild(self, chart: Chart, spec: ChartSpec) -> None:
        self._meanwhile = []
        try:
            batches, last_id = self.store.batches(), self.store.last_id
            series = await asyncio.to_thread(build, batches, spec)
            chart.adopt(spec, series, -1 if last_id is None else last_id)
            for fresh in self._meanwhile:
                chart.apply(fresh, self.store)
        finally:
            self._meanwhile = None

    async def _take_in(self, pages: list[TradeBatch]) -> None:
        """Put fetched trades into store and charts, in another thread when there are many."""
        if sum(map(len, pages)) <= _SMALL and self._trades_after(pages) <= _SMALL:
            for page in pages:
                self.receive(page)
            return
        async with self._building:
            self.store.insert(concatenate(pages))
            for chart in self.charts:
                try:
                    await self._rebuild(chart, chart.spec)
                except TapeprintError as error:
                    chart.refused = error.user_message
                chart.holes = self.store.holes()

    def _trades_after(self, pages: list[TradeBatch]) -> int:
        """How many trades would be folded again if these pages came one by one."""
        oldest = min((int(page.trade_id[0]) for page in pages if len(page)), default=None)
        last = self.store.last_id
        return 0 if oldest is None or last is None else max(0, last - oldest)

    # -- the past --------------------------------------------------------------------------------

    async def _fill(self) -> None:
        if self.history is None:
            return
        start_ns = self._wall_ns() - self._history_ns
        if self._history_ns:
            for chart in self.charts:
                chart.wanted = Span(start_ns, self._wall_ns())
            await self._persist(lambda history: self._fetch_start(history, start_ns))
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while hole := self._next_hole():
                await self._persist(lambda history, hole=hole: self._fetch_hole(history, hole))

    def _next_hole(self) -> Hole | None:
        """The newest hole that the venue has not been found unable to fill."""
        holes = [hole for hole in self.store.holes() if (hole.first_id, hole.last_id) not in self._given_up]
        return holes[-1] if holes else None

    async def _persist(self, fetch: Callable[[TradeHistory], Awaitable[None]]) -> None:
        """Try until it succeeds; the pause doubles, or is what the venue asks for."""
        assert self.history is not None
        wait_s = _FIRST_WAIT_S
        while True:
            try:
                await fetch(self.history)
            except FeedError as error:
                pause_s = max(wait_s, error.retry_after_s if isinstance(error, VenueBusyError) else 0.0)
                self.trouble = f"history: {error.user_message}, next try in {pause_s:.0f} s"
                _log.warning("history not fetched", reason=error.detail, retry_s=pause_s)
                self.progress = None
                await self._sleep(pause_s)
                wait_s = min(_LONGEST_WAIT_S, 2 * wait_s)
            else:
                self.trouble = ""
                return
            finally:
                self.progress = None

    async def _fetch_start(self, history: TradeHistory, start_ns: int) -> None:
        """The hours before the first live trade; resumes behind what an earlier attempt has brought."""
        before_id = await self._first_live_id()
        hours = self._history_ns / 3.6e12
        what = f"{hours:.0f} h of history" if hours >= 1 else f"{60 * hours:.0f} min of history"
        end_ns = self._wall_ns()
        self.progress = Progress(what, 0.0)
        pages: list[TradeBatch] = []
        shown = time.monotonic()
        async for page in history.since(start_ns, before_id):
            pages.append(page)
            if len(page):
                share = (int(page.time_ns[-1]) - start_ns) / max(1, end_ns - start_ns)
                self.progress = Progress(what, min(1.0, max(0.0, share)))
            if time.monotonic() - shown > _SHOW_EVERY_S:
                await self._take_in(pages)
                pages, shown = [], time.monotonic()
        await self._take_in(pages)

    async def _first_live_id(self) -> int | None:
        """Where the past ends: the oldest trade of the feed, or None when none comes soon."""
        try:
            await asyncio.wait_for(self._arrived.wait(), _PATIENCE_S)
        except TimeoutError:
            return None
        return self.store.first_id

    async def _fetch_hole(self, history: TradeHistory, hole: Hole) -> None:
        """The trades of one hole; what the venue has not got after several answers stays missing."""
        for _ in range(_TRIES):
            pages: list[TradeBatch] = []
            done = 0
            self.progress = Progress(f"{hole.missing:,} missing trades", 0.0)
            async for page in _closing(history.between(hole.first_id, hole.last_id)):
                pages.append(page)
                done += len(page)
                self.progress = Progress(f"{hole.missing:,} missing trades", min(1.0, done / hole.missing))
            before = self.store.missing
            await self._take_in(pages)
            if self.store.missing < before:
                return  # what is left is another hole, and gets its own tries
            await self._sleep(_FIRST_WAIT_S)
        self._given_up.add((hole.first_id, hole.last_id))
        _log.warning("the venue does not have these trades", first_id=hole.first_id, last_id=hole.last_id)


async def _closing(pages: AsyncIterator[TradeBatch]) -> AsyncIterator[TradeBatch]:
    """The same pages; a generator behind them is closed when we stop early."""
    try:
        async for page in pages:
            yield page
    finally:
        aclose = getattr(pages, "aclose", None)
        if aclose is not None:
            await aclose()
