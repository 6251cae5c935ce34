"""Passes live and historical trades to the store in memory, the charts and the recorder.

Live trades never wait for history: missing trades are fetched in parallel (`Ingest.past`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial

from app.alerts.watch import AlertWatch
from app.analytics.footprint import FootprintSeries
from app.chart.chart import Chart, ChartSpec, build_series
from app.errors import StepsChangedError, StoreError, TapeprintError
from app.ingest.candle_loader import CandleLoader
from app.ingest.disk_bars import DiskBars, MemoryFloor
from app.ingest.history_loader import HistoryLoader, LoadProgress
from app.market.coverage import CoveredSpan, Source
from app.market.feed import CandleHistory, TradeFeed, TradeHistory, closing
from app.market.instrument import Instrument
from app.market.span import Span
from app.market.trade import TradeBatch, concatenate
from app.storage.epochs import keyed
from app.storage.recorder import Recorder
from app.storage.tape import Tape
from app.storage.tape_ranges import TapeRanges, id_ranges, time_range
from app.storage.trade_store import TradeStore

_SMALL = 20_000  # trades that can be added to bars between two frames, 3 ms; more are built in another thread
_PIECE = 50_000  # trades put into the store at once, 3 ms


class Ingest:
    """Adds the trades of one market to its store, charts and recorder, and scans them for alerts.

    Parameters
    ----------
    feed : TradeFeed
    history : TradeHistory or None
        None if the venue has no history: then skipped ids stay gaps.
    store : TradeStore
    charts : sequence of Chart
        Their `wanted` time ranges are fetched during `run`. May be empty: then trades are only collected.
    history_ns : int
        Length of history that is always fetched; it starts on a full bar and a full hour.
    tape : Tape or None
        The stored trades, read before the venue is asked.
    recorder : Recorder or None
        Writes new trades to disk.
    watch : AlertWatch or None
        Scans live trades for alerts, with the bars of the first chart.
    candles : CandleHistory or None
        Source of the candles that the charts' profiles request.
    wall_ns, monotonic_s, sleep : callables
        Clocks and the wait, for tests.
    """

    def __init__(
        self,
        feed: TradeFeed,
        history: TradeHistory | None,
        store: TradeStore,
        charts: Sequence[Chart],
        *,
        history_ns: int = 0,
        tape: Tape | None = None,
        recorder: Recorder | None = None,
        watch: AlertWatch | None = None,
        candles: CandleHistory | None = None,
        wall_ns: Callable[[], int] = time.time_ns,
        monotonic_s: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.feed, self.store, self.charts, self.recorder, self.watch = feed, store, list(charts), recorder, watch
        self.held = TapeRanges()
        """The tape ranges that the store has loaded."""
        self.past = HistoryLoader(
            self.charts,
            store,
            history,
            tape,
            self._take_in,
            self._deepen,
            history_ns=history_ns,
            wall_ns=wall_ns,
            monotonic_s=monotonic_s,
            sleep=sleep,
            recorder=recorder,
        )
        self._ids = _stored_ranges(tape, recorder)
        self._has_own_ids = not store.by_time and (history is not None or recorder is not None)
        """False for a replay, whose ids are keys already."""
        self._deep = DiskBars(tape) if tape is not None else None
        self._tape = tape
        self.steps = feed.instrument.steps
        """Tick and lot size of store and charts."""
        self.went_over = ""
        """The last change of tick or lot size since the start, in words; empty if there was none."""
        self.on_steps: Callable[[int], object] = lambda _factor: None
        """Called after a change of tick or lot size, with the number of new ticks in an old one."""
        self.on_change: Callable[[], object] = lambda: None
        """Called after a change of the charts' bars or coverage, so that an idle screen is drawn again."""
        self.candle_past = CandleLoader(self.charts, candles, sleep=sleep) if candles is not None else None
        self._building = asyncio.Lock()
        self._meanwhile: list[TradeBatch] | None = None
        self._live_from_ns: int | None = None
        self._gaps: tuple[Span, ...] = ()
        self._recording: asyncio.Task[None] | None = None

    @property
    def progress(self) -> LoadProgress | None:
        """Progress of the current fetch of trades, or else of candles; None if nothing is fetched."""
        return self.past.progress or (self.candle_past.progress if self.candle_past is not None else None)

    @property
    def notice(self) -> str:
        """One line for the status bar: problems, progress and missing trades; empty if there is nothing to show."""
        parts = [chart.refused for chart in self.charts if chart.refused]
        if self.went_over:
            parts.append(self.went_over)
        parts += [loader.trouble for loader in (self.past, self.candle_past) if loader is not None and loader.trouble]
        if self.progress is not None:
            parts.append(self.progress.text)
        if self.store.missing:
            parts.append(f"{self.store.missing:,} trades missing")
        if self.owed_text:
            parts.append(self.owed_text)
        if self.store.by_time and self.store.gaps():
            parts.append(f"possible gaps: {len(self.store.gaps())}")
        if self.watch is not None and self.watch.pending:
            parts.append(self.watch.pending)
        if self.store.forgotten and self._deep is None:  # else the disk has them
            parts.append(f"dropped the oldest {self.store.forgotten:,} trades (memory limit)")
        return "   ".join(parts)

    @property
    def owed_text(self) -> str:
        """One line about owed trades (missing on disk, still to be fetched) outside the trades in memory; empty if there are none."""
        return self.past.owed.text if self.past.owed is not None else ""

    async def run(self) -> None:
        """Receive live trades and load history until the feed ends or the task is cancelled.

        On return no task is left running, and all received trades are recorded.
        """
        tasks = [asyncio.create_task(each.fill()) for each in (self.past, self.candle_past) if each is not None]
        if self.recorder is not None:
            self._recording = asyncio.create_task(self.recorder.run())
        try:
            async with closing(self.feed.batches()) as batches:
                async for batch in batches:
                    if self.feed.instrument.steps != self.steps:
                        await self.go_over(self.feed.instrument)
                    self.receive(batch)
        finally:
            tasks += [self._recording] if self._recording is not None else []
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            if self.recorder is not None:
                await self.recorder.aclose()

    def receive(self, batch: TradeBatch) -> TradeBatch:
        """Add live trades to store, charts and recorder, and scan them for alerts; return those that the store did not have."""
        batch = self._keyed(batch)
        fresh = self.store.insert(batch)
        self._record_aside(Source.LIVE)
        if len(fresh):
            self._record(fresh, fresh, Source.LIVE, self._live_span(fresh))
            self._show(fresh)
            self._scan_for_alerts(fresh)
            self.past.wake()
        return fresh

    async def go_over(self, instrument: Instrument) -> None:
        """Switch store, charts, alerts and recorder to the finer tick and lot size of an instrument.

        Raises
        ------
        StoreError
            If a price or quantity in memory cannot be counted in the new tick and lot size.
        """
        async with self._building:
            old, new = self.steps, instrument.steps
            self.store.convert(old, new)
            self.steps = new
            self.past.grid += 1
            self.went_over = f"{instrument.id}: steps changed from {old.text} to {new.text}"
            factor = int(old.tick_size / new.tick_size)
            if self._tape is not None:
                self._tape.instrument = self._tape.instrument.on_steps(new)
            if self.recorder is not None:
                self.recorder.steps = new
            if self.watch is not None:
                self.watch.use(instrument)
            for chart in self.charts:  # no trade is added to bars on the old grid
                chart.refused = self.went_over
            self.on_steps(factor)
            for chart in self.charts:
                spec = replace(chart.spec, instrument=instrument, ticks_per_row=chart.spec.ticks_per_row * factor)
                try:
                    await self._rebuild(chart, spec)
                except TapeprintError as error:
                    chart.refused = error.user_message
            self._update_coverage()

    def start_recording(self, recorder: Recorder) -> None:
        """Record from now on, beginning with all loaded trades; used when the store on disk could not be opened before."""
        recorder.steps = self.steps
        self.recorder = recorder
        recorder.take_all_loaded()
        self._recording = asyncio.create_task(recorder.run())

    def stop_filling(self) -> None:
        """Cancel the current requests for trades and candles."""
        self.past.cancel()
        if self.candle_past is not None:
            self.candle_past.cancel()

    async def change_spec(self, chart: Chart, spec: ChartSpec) -> None:
        """Change a chart's bar rule or row size, and rebuild its bars; live trades continue to arrive.

        Raises
        ------
        GridTooFineError
            If the rows are too fine for a bar; the chart stays as it was.
        StoreError
            If older trades cannot be read from the disk; the chart stays as it was.
        """
        async with self._building:
            if chart.refused or spec != chart.spec:
                await self._rebuild(chart, spec)

    # -- coverage --------------------------------------------------------------------------------

    def _live_span(self, fresh: TradeBatch) -> Span | None:
        """Pass the feed's gaps to the store and return the gap-free time up to these trades; for numbered trades return None."""
        if not self.store.by_time:
            return None
        gaps = self.feed.status.gaps
        if gaps != self._gaps:
            self._gaps = gaps
            self.store.set_gaps(gaps)
            if gaps:
                self._live_from_ns = max(self._live_from_ns or 0, gaps[-1].end_ns)
        if self._live_from_ns is None:
            self._live_from_ns = int(fresh.time_ns[0])
        begin_ns, self._live_from_ns = self._live_from_ns, max(self._live_from_ns, int(fresh.time_ns[-1]) + 1)
        return Span(begin_ns, self._live_from_ns)

    def _keyed(self, batch: TradeBatch) -> TradeBatch:
        """Replace the venue's ids, which may restart, by the store's keys; do nothing if ids are not consecutive, or are keys already."""
        return keyed(batch, self._ids) if self._has_own_ids and self.store.contiguous else batch

    def _record_aside(self, source: Source) -> None:
        """Pass to the recorder the trades that were not loaded into memory: too old, or with the id of another trade."""
        aside = self.store.take_aside()
        if len(aside) and self.recorder is not None:
            self.recorder.take(aside, source, None)

    def _record(self, fresh: TradeBatch, given: TradeBatch, source: Source, complete: Span | None, *, on_disk: bool = True) -> None:
        """Add new trades to the coverage and, with `on_disk`, pass them to the recorder."""
        for tape_range in id_ranges(fresh, source, given, complete) if not self.store.by_time else ():
            self.held.add(tape_range)
            self._ids.add(tape_range)
        if self.store.by_time and complete:
            self.held.add(time_range(complete, source))
        if on_disk and self.recorder is not None:
            self.recorder.take(fresh, source, complete)

    def _show(self, fresh: TradeBatch) -> None:
        if self._meanwhile is not None:
            self._meanwhile.append(fresh)
        for chart in self.charts:
            chart.apply(fresh, self.store)
        if not self._building.locked():
            self._update_coverage()
        self.on_change()

    def _update_coverage(self) -> None:
        """Update the gaps and coverage of all charts.

        Not called during a rebuild: the charts would not show the newest trades yet.
        """
        if not self.charts:
            return
        gaps, covered = self.store.gaps(), self._covered()
        if self._deep is not None:
            gaps, covered = self._deep.gaps(gaps), self._deep.covered(covered)
        for chart in self.charts:
            chart.holes, chart.covered, chart.asked_from_ns = gaps, covered, self.past.asked_from_ns

    def _covered(self) -> Sequence[CoveredSpan]:
        return self.held.covered(proven=not self.store.by_time)

    # -- building in another thread --------------------------------------------------------------

    async def _rebuild(self, chart: Chart, spec: ChartSpec, *, deep_from_ns: int | None = None) -> None:
        """Rebuild a chart's bars in another thread, then replace the old ones.

        Trades come from the store; older bars are reused or built from the disk. Trades that arrive meanwhile are added at
        the end.
        """
        if self.recorder is not None and self.store.floor_ns:
            await self.recorder.flush()  # trades dropped from memory are read from the disk
        self._meanwhile = []
        try:
            last_key = self.store.last_key
            series = await asyncio.to_thread(self._builder(chart, spec, deep_from_ns))
            chart.replace_series(spec, series, -1 if last_key is None else last_key)
            chart.apply(self.store.in_order(concatenate(self._meanwhile)), self.store)
            self.on_change()
        finally:
            self._meanwhile = None

    def _builder(self, chart: Chart, spec: ChartSpec, deep_from_ns: int | None) -> Callable[[], FootprintSeries]:
        """Return a function, to run in another thread, that builds a chart's bars from the store and, if needed, the disk."""
        store, from_ns = self.store, chart.complete_from_ns(self.store, spec.bar_rule)
        if not store.floor_ns:
            return partial(build_series, store.batches(), spec)
        same = spec == chart.spec
        if same and deep_from_ns is None and from_ns == spec.bar_rule.period_start_ns(from_ns):
            return partial(build_series, store.batches(from_ns), spec, chart.series.before(from_ns))
        if self._deep is not None:
            floor = MemoryFloor(store.floor_key, store.floor_ns)
            return partial(
                self._deep.build, spec, self.past.asked_from_ns if deep_from_ns is None else deep_from_ns, floor, store.batches()
            )
        return partial(build_series, store.batches(from_ns), spec)

    async def _deepen(self, from_ns: int) -> None:
        """Rebuild the charts with older bars from the disk; from now on the store refuses trades older than the oldest loaded one."""
        async with self._building:
            self.store.reject_older_than(self.past.asked_from_ns)
            for chart in self.charts:
                await self._rebuild(chart, chart.spec, deep_from_ns=from_ns)
            self._update_coverage()

    async def _take_in(self, pages: Sequence[TradeBatch], source: Source, complete: Span | None, on_disk: bool, grid: int) -> int:
        """Add fetched trades to store and charts; return the number of new ones.

        Many trades are built into bars in another thread. `complete` is the time that these and the loaded trades fully
        cover; with `on_disk` they are recorded too.
        """
        trades = concatenate(pages)
        if not len(trades) and not complete:
            return 0
        if on_disk:  # from the venue
            trades = self._keyed(trades)
        if self._work(trades) <= _SMALL:
            self._require_grid(grid)
            fresh = self.store.insert(trades)
            self._record_aside(source)
            self._record(fresh, trades, source, complete, on_disk=on_disk)
            self._show(fresh)
            self._scan_for_alerts()
            return len(fresh)
        async with self._building:
            self._require_grid(grid)
            taken: list[TradeBatch] = []
            for start in range(0, len(trades), _PIECE):
                taken.append(self.store.insert(trades[start : start + _PIECE]))
                self._record_aside(source)
                await asyncio.sleep(0)  # let live trades and the screen go first
            fresh = self.store.in_order(concatenate(taken))
            self._record(fresh, trades, source, complete, on_disk=on_disk)
            for chart in self.charts:
                try:
                    await self._rebuild(chart, chart.spec)
                except TapeprintError as error:
                    chart.refused = error.user_message
            self._update_coverage()
        self._scan_for_alerts()
        return len(fresh)

    def _require_grid(self, grid: int) -> None:
        """Raise an error if the tick or lot size has changed since trades were requested, or is changing now."""
        if grid != self.past.grid or self.feed.instrument.steps != self.steps:
            raise StepsChangedError("tick or lot size changed during the fetch")

    def _scan_for_alerts(self, fresh: TradeBatch | None = None) -> None:
        """Scan live trades for alerts at once, and missed trades unless a chart is being rebuilt."""
        if self.watch is None or not self.charts:
            return
        if fresh is not None:
            self.watch.scan(fresh, self.charts[0], self.store, self.feed.status.connects)
        if not self._building.locked():
            self.watch.catch_up(self.charts[0], self.store)

    def _work(self, trades: TradeBatch) -> int:
        """An upper limit of the number of trades that a chart has to process to show the given ones."""
        if not len(trades):
            return 0
        oldest_ns = int(trades.time_ns.min())
        rules = [chart.spec.bar_rule for chart in self.charts]
        starts_ns = [rule.period_start_ns(oldest_ns) for rule in rules]
        return len(trades) + (self.store.count_since(min(starts_ns)) if starts_ns else 0)


def _stored_ranges(tape: Tape | None, recorder: Recorder | None) -> TapeRanges:
    """The stored tape ranges, from which the epoch of a venue's ids is found; empty if none are stored or they cannot be read."""
    if recorder is not None:
        return TapeRanges(recorder.writer.intervals)
    try:
        return TapeRanges() if tape is None else tape.intervals()
    except StoreError:  # reported by the loader of history
        return TapeRanges()
