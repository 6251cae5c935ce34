"""The one pump: trades of a feed and of the past go into the store, and from there into the charts.

Live trades never wait for the past. What is missing is fetched beside them, newest first: ids that
were skipped, then the hours that somebody wants to see. What the venue has not got stays a hole,
and the charts draw it. This is the one place that tries again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import structlog

from app.chart import Chart, ChartSpec, build
from app.errors import FeedError, TapeprintError, VenueBusyError, VenueRefusedError
from app.market.feed import TradeFeed, TradeHistory
from app.market.span import Span
from app.market.trade import TradeBatch, concatenate
from app.storage.memory import Hole, TradeStore

_log = structlog.get_logger(__name__)

_SMALL = 20_000  # trades that may be folded between two frames, 3 ms; more are built in another thread
_PIECE = 50_000  # trades put into the store at once, 3 ms
_SHOW_EVERY_S = 2.0  # while a long hole fills, the chart is brought up to date this often
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 5.0  # a page every five seconds troubles no venue, a hole on the chart does the trader
_PATIENCE_S = 2.0  # how long the past waits for a first live trade to end at
_LOOK_EVERY_S = 1.0  # in a market without trades, a wish for more of the past is noticed this soon
_TRIES = 4  # answers without the trades asked for, before they count as not to be had
_TOGETHER = 1_000  # trades between two holes that are fetched once more rather than asking twice
_AT_ONCE = 100_000  # ids asked for at once when holes are put together

_MINUTE_NS, _HOUR_NS = 60_000_000_000, 3_600_000_000_000
_FIRST_STRETCH_NS = 2 * _MINUTE_NS  # something to see at once; later stretches take what a few seconds bring
_SHORT_FETCH_S, _LONG_FETCH_S = 1.5, 6.0


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
        Whatever their `wanted` says is fetched, for as long as the pump runs. May be none: then trades are only collected.
    history_ns : int
        How much of the past is wanted in any case; begins with a whole bar, and a whole hour.
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
        self._wall_ns, self._sleep = wall_ns, sleep
        self._given_up: set[Hole] = set()
        self._arrived = asyncio.Event()
        self._building = asyncio.Lock()
        self._meanwhile: list[TradeBatch] | None = None
        self._asked_from_ns = self._now_ns = wall_ns()
        self._wanted = self._at_the_start(history_ns)
        self._stretch_ns = _FIRST_STRETCH_NS

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
        """Pump until the feed ends or the task is cancelled; nothing of it is left running then."""
        filling = asyncio.create_task(self._fill_beside(self.history)) if self.history is not None else None
        try:
            async with _closed_after(self.feed.batches()) as batches:
                async for batch in batches:
                    self.receive(batch)
        finally:
            if filling is not None:
                filling.cancel()
                await asyncio.wait([filling])

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
            before = chart.spec
            if not chart.refused and (spec.bar_rule, spec.ticks_per_row) == (before.bar_rule, before.ticks_per_row):
                chart.adopt(spec, chart.series, chart.last_key)
            else:
                await self._rebuild(chart, spec)

    # -- building beside the loop ----------------------------------------------------------------

    async def _rebuild(self, chart: Chart, spec: ChartSpec) -> None:
        """Build in another thread from what the store holds, put it in place, then add what arrived meanwhile."""
        self._meanwhile = []
        try:
            last_key = self.store.last_key
            batches = self.store.batches(chart.whole_from_ns(self.store, spec.bar_rule))
            series = await asyncio.to_thread(build, batches, spec)
            chart.adopt(spec, series, -1 if last_key is None else last_key)
            chart.apply(self.store.in_order(concatenate(self._meanwhile)), self.store)
        finally:
            self._meanwhile = None

    async def _take_in(self, pages: Sequence[TradeBatch]) -> int:
        """Put fetched trades into store and charts, in another thread when there are many; how many were new."""
        trades = concatenate(pages)
        if not len(trades):
            return 0
        if self._work(trades) <= _SMALL:
            return len(self.receive(trades))
        async with self._building:
            fresh = 0
            for start in range(0, len(trades), _PIECE):
                fresh += len(self.store.insert(trades[start : start + _PIECE]))
                await asyncio.sleep(0)  # live trades and the screen come first
            for chart in self.charts:
                try:
                    await self._rebuild(chart, chart.spec)
                except TapeprintError as error:
                    chart.refused = error.user_message
                chart.holes = self.store.holes()
        return fresh

    def _work(self, trades: TradeBatch) -> int:
        """At most how many trades a chart would fold to show these."""
        oldest_ns = int(trades.time_ns.min())
        rules = [chart.spec.bar_rule for chart in self.charts]
        starts_ns = [rule.start_ns(rule.number(oldest_ns)) for rule in rules]
        return len(trades) + (self.store.count_since(min(starts_ns)) if starts_ns else 0)

    # -- the past --------------------------------------------------------------------------------

    async def _fill_beside(self, history: TradeHistory) -> None:
        try:
            await self._fill(history)
        except Exception as error:  # a mistake of ours in fetching the past must not stop live trades: say so and stay without
            self.progress = None
            self.trouble = "history: stopped by a fault in the program, see the log"
            _log.error("fetching the past failed", error=repr(error), exc_info=error)

    async def _fill(self, history: TradeHistory) -> None:
        """Fetch what is missing, for ever; after an error the pause doubles, or is what the venue asks for."""
        if self._wanted:
            self.progress = Progress(f"{_duration(self._wanted.length_ns)} of history", 0.0)
        await self._something_arrived(_PATIENCE_S)
        wait_s = _FIRST_WAIT_S
        while True:
            try:
                fetched = await self._fetch_next(history)
            except VenueRefusedError as error:
                self.progress, self.trouble = None, f"history: {error.user_message}"
                _log.warning("history refused", reason=error.detail)
                return
            except FeedError as error:
                pause_s = max(wait_s, error.retry_after_s if isinstance(error, VenueBusyError) else 0.0)
                self.progress, self.trouble = None, f"history: {error.user_message}, next try in {pause_s:.0f} s"
                _log.warning("history not fetched", reason=error.detail, retry_s=pause_s)
                wait_s = min(_LONGEST_WAIT_S, 2 * wait_s)
                await self._sleep(pause_s)
            else:
                self.progress, self.trouble, wait_s = None, "", _FIRST_WAIT_S
                if not fetched:
                    await self._something_arrived(_LOOK_EVERY_S)

    async def _something_arrived(self, timeout_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):  # not wait_for, which under Python 3.11 can swallow a cancellation
                await self._arrived.wait()
        self._arrived.clear()

    async def _fetch_next(self, history: TradeHistory) -> bool:
        """Fetch the most urgent of what is missing; False when nothing is."""
        if holes := self._next_holes():
            await self._fetch_holes(history, holes)
        elif self._wanted_from_ns() < self._asked_from_ns:
            await self._fetch_stretch(history)
        else:
            return False
        return True

    # holes

    def _next_holes(self) -> list[Hole]:
        """The newest hole that the venue may fill, and those so near that one question serves all; newest first."""
        group: list[Hole] = []
        for hole in reversed(self.store.holes()):
            if hole.first_id <= self.store.floor_key:
                break
            if hole in self._given_up:
                continue
            if group and (group[-1].first_id - hole.last_id > _TOGETHER or group[0].last_id - hole.first_id >= _AT_ONCE):
                break
            group.append(hole)
        return group

    async def _fetch_holes(self, history: TradeHistory, holes: list[Hole]) -> None:
        """Fetch what the holes lack; what the venue has not got after several answers stays missing."""
        first_id, last_id = holes[-1].first_id, holes[0].last_id
        missing = sum(hole.missing for hole in holes)
        what = f"{missing:,} missing trade{'s' if missing > 1 else ''}"

        def share(page: TradeBatch) -> float:
            return (int(page.trade_id[-1]) - first_id + 1) / (last_id - first_id + 1)

        for attempt in range(_TRIES):
            if attempt:
                await self._sleep(_FIRST_WAIT_S * 2 ** (attempt - 1))  # a venue's archive may lag behind its stream
            if await self._fetch(history.between(first_id, last_id), what, share):
                return  # what is left is another hole, with tries of its own
        self._given_up.update(holes)
        _log.warning("the venue does not have these trades", first_id=first_id, last_id=last_id, missing=missing)

    async def _fetch(self, pages: AsyncIterator[TradeBatch], what: str, share: Callable[[TradeBatch], float]) -> int:
        """Take in pages as they come, and keep those that came before an error; how many trades were new."""
        self.progress = Progress(what, 0.0)
        waiting: list[TradeBatch] = []
        fresh, shown_s, failure = 0, time.monotonic(), None
        try:
            async with _closed_after(pages):
                async for page in pages:
                    if not len(page):
                        continue
                    waiting.append(page)
                    self.progress = Progress(what, min(1.0, max(0.0, share(page))))
                    if time.monotonic() - shown_s > _SHOW_EVERY_S:
                        fresh += await self._take_in(waiting)
                        waiting, shown_s = [], time.monotonic()
        except FeedError as error:
            failure = error
        fresh += await self._take_in(waiting)
        if failure is not None:
            raise failure
        return fresh

    # hours

    def _at_the_start(self, history_ns: int) -> Span:
        if not history_ns:
            return Span(self._now_ns, self._now_ns)
        whole_ns = max([_HOUR_NS, *(chart.spec.bar_rule.length_ns for chart in self.charts)])
        wanted = Span((self._now_ns - history_ns) // whole_ns * whole_ns, self._now_ns)
        for chart in self.charts:
            chart.wanted = wanted
        return wanted

    def _wanted_from_ns(self) -> int:
        """The earliest time that somebody wants; none while memory is full."""
        if self.store.forgotten:
            return self._asked_from_ns
        return min([self._wanted.start_ns, *(chart.wanted.start_ns for chart in self.charts if chart.wanted)])

    async def _fetch_stretch(self, history: TradeHistory) -> None:
        """Fetch the stretch of time before what is there, as long as a few seconds' fetching allows.

        It is shown as a whole, so that a chart which is being filled has no hole in it.
        """
        wanted_ns = self._wanted_from_ns()
        end_ns = self._asked_from_ns
        start_ns = max(wanted_ns, end_ns - self._stretch_ns)
        what = _duration(self._now_ns - wanted_ns) + " of history"
        self.progress = Progress(what, (self._now_ns - end_ns) / max(1, self._now_ns - wanted_ns))
        pages: list[TradeBatch] = []
        begun_s = time.monotonic()
        try:
            async with _closed_after(history.since(start_ns, self.store.first_id)) as stretch:
                async for page in stretch:
                    if len(page):
                        pages.append(page)
                        done_ns = self._now_ns - end_ns + max(0, min(end_ns, int(page.time_ns[-1])) - start_ns)
                        self.progress = Progress(what, done_ns / max(1, self._now_ns - wanted_ns))
        except FeedError:
            self._stretch_ns = max(_MINUTE_NS, self._stretch_ns // 2)
            raise
        fetching_s = time.monotonic() - begun_s
        await self._take_in(pages)
        self._asked_from_ns = start_ns
        if fetching_s < _SHORT_FETCH_S:
            self._stretch_ns *= 2
        elif fetching_s > _LONG_FETCH_S:
            self._stretch_ns = max(_MINUTE_NS, self._stretch_ns // 2)


@asynccontextmanager
async def _closed_after(pages: AsyncIterator[TradeBatch]) -> AsyncIterator[AsyncIterator[TradeBatch]]:
    """The same pages; a generator behind them is closed when we stop early."""
    try:
        yield pages
    finally:
        aclose = getattr(pages, "aclose", None)
        if aclose is not None:
            await aclose()


def _duration(length_ns: int) -> str:
    minutes = round(length_ns / _MINUTE_NS)
    return f"{minutes} min" if minutes < 60 else f"{round(minutes / 60)} h"
