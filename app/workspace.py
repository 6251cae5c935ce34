"""The workspace: one open market with its feed, its store and its chart.

The screen reads `chart`, `status` and `notice` once per frame. The workspace does not depend on the
screen or on any venue: the function that opens a market is a parameter.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import structlog

from app.alerts.actions import AlertActions
from app.alerts.alert_store import AlertStore
from app.alerts.watch import AlertWatch
from app.chart.chart import Chart, ChartSpec
from app.errors import BadInputError, TapeprintError, VenueRefusedError
from app.ingest.ingest import Ingest
from app.ingest.retry import retry
from app.market.bar_rule import BarRule
from app.market.default_rows import default_ticks_per_row
from app.market.feed import FeedState, FeedStatus, closing
from app.market.instrument import Instrument
from app.market.market import Market
from app.profiles.profile_store import ProfileStore
from app.settings.calculation import CalculationSettings
from app.storage.recorder import Recorder
from app.storage.recording_status import OFF, RecordingStatus
from app.storage.shared_store import MarketStore
from app.storage.trade_store import TradeStore

_log = structlog.get_logger(__name__)

_PRICE_AGE_NS = 2 * 3_600_000_000_000  # recent enough for a row size, even if the local clock is wrong by an hour


@dataclass(frozen=True, slots=True)
class ChartChoice:
    """The user's selection of bars and rows; by default the price and the bar rule set the row size.

    Attributes
    ----------
    bar_rule : BarRule
    ticks_per_row : int or None
        None: from the price and the bar rule, see `app.market.default_rows`.
    """

    bar_rule: BarRule
    ticks_per_row: int | None = None


class Workspace:
    """The open market, and the actions that open, change and close it.

    Parameters
    ----------
    open_market : callable
        Opens the market of an instrument id; raises `TapeprintError`s.
    choice : ChartChoice
        Bar rule and row size of the first chart.
    rules : CalculationSettings, optional
        Calculation settings of the first chart.
    keep : callable, optional
        Opens the store on disk for an instrument; called in another thread. Without it nothing is recorded.
    alerts : AlertStore, optional
        The user's alerts; without it they last only as long as the program runs.
    profiles : ProfileStore, optional
        The profiles of each market; without it they last only as long as the program runs.
    memory_trades : int
        Maximum number of trades in memory.
    wall_s, sleep : callables
        Clock and pause, replaced in tests.
    """

    def __init__(
        self,
        open_market: Callable[[str], Awaitable[Market]],
        choice: ChartChoice,
        rules: CalculationSettings | None = None,
        *,
        keep: Callable[[Instrument], MarketStore] | None = None,
        alerts: AlertStore | None = None,
        profiles: ProfileStore | None = None,
        memory_trades: int = 20_000_000,
        wall_s: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._open_market = open_market
        self._choice = choice
        self._rules = rules or CalculationSettings()
        self._keep = keep
        self.alerts = AlertActions(
            alerts or AlertStore(), lambda: self.chart, lambda: self.ingest.watch if self.ingest else None, lambda: self.status
        )
        self.profiles = profiles or ProfileStore()
        self._memory_trades = memory_trades
        self._wall_s, self._sleep = wall_s, sleep
        self._opening = FeedStatus(FeedState.CONNECTING)
        self._failed: FeedStatus | None = None
        self._task: asyncio.Task[None] | None = None
        self._leaving: set[asyncio.Task[None]] = set()  # markets that are closing
        self._changes: set[asyncio.Task[None]] = set()
        self._wanted_spec: ChartSpec | None = None
        self.instrument_id = ""
        self.market: Market | None = None
        self.store: TradeStore | None = None
        self.ingest: Ingest | None = None
        self.chart: Chart | None = None
        """None until the market is open and a first price is known."""
        self._not_recorded = OFF
        self.message = ""
        """The last error of a user action; empty if there was none."""

    @property
    def status(self) -> FeedStatus:
        """The status of the feed, or of the attempt to open the market."""
        if self._failed is not None:
            return self._failed
        return self.market.feed.status if self.chart is not None and self.market is not None else self._opening

    @property
    def choice(self) -> ChartChoice:
        """The selected bar rule and row size, which the next chart will have."""
        return self._choice

    @property
    def notice(self) -> str:
        """One line about downloads or errors; empty if there is nothing to show."""
        return self.message or self.profiles.trouble or (self.ingest.notice if self.ingest is not None else "")

    @property
    def filling(self) -> str:
        """Progress of the history download as text; empty while nothing is downloaded."""
        progress = self.ingest.progress if self.ingest is not None else None
        return progress.text if progress is not None else ""

    @property
    def recording(self) -> RecordingStatus:
        """The recording status: recording, or the reason why trades are not recorded."""
        if self.ingest is None or self._keep is None:
            return OFF
        return self.ingest.recorder.status if self.ingest.recorder is not None else self._not_recorded

    def stop_filling(self) -> None:
        """Stop the history download; scrolling further back starts it again."""
        if self.ingest is not None:
            self.ingest.stop_filling()

    def open(self, instrument_id: str) -> None:
        """Open another market; the previous one closes in the background."""
        if self._task is not None:
            self._task.cancel()
            self._leaving.add(self._task)
            self._task.add_done_callback(self._leaving.discard)
        self.instrument_id, self.message, self._not_recorded = instrument_id, "", OFF
        self._opening = FeedStatus(FeedState.CONNECTING, reason=f"opening {instrument_id}")
        self.market = self.store = self.ingest = self.chart = self._wanted_spec = self._failed = None
        self._task = asyncio.ensure_future(self._watch(instrument_id))
        self._task.add_done_callback(self._ended)

    def change(self, *, bar_rule: BarRule | None = None, ticks_per_row: int | None = None) -> None:
        """Change bars or rows; the chart is rebuilt from the same trades and replaced when ready."""
        self._choice = replace(
            self._choice,
            bar_rule=bar_rule or self._choice.bar_rule,
            ticks_per_row=ticks_per_row or self._choice.ticks_per_row,
        )
        chart, ingest = self.chart, self.ingest
        if chart is None or ingest is None:
            return
        before = self._wanted_spec or chart.spec  # the previous request may still be building
        if bar_rule is not None and self._choice.ticks_per_row is None and chart.series.n_bars:
            ticks_per_row = default_ticks_per_row(int(chart.series.close[-1]), bar_rule)
        spec = replace(before, bar_rule=bar_rule or before.bar_rule, ticks_per_row=ticks_per_row or before.ticks_per_row)
        self._wanted_spec = spec
        task = asyncio.ensure_future(self._change(ingest, chart, spec))
        self._changes.add(task)
        task.add_done_callback(self._changes.discard)

    @property
    def rules(self) -> CalculationSettings:
        """The calculation settings of the current chart and of later ones."""
        return self._rules

    def set_rules(self, rules: CalculationSettings) -> None:
        """Change the calculation settings; the bars stay the same."""
        self._rules = rules
        if self.chart is not None:
            self.chart.set_rules(rules)

    async def aclose(self) -> None:
        """Close the market, and wait until all of its tasks have ended."""
        tasks = {*self._changes, *self._leaving, *([self._task] if self._task else [])}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        self._task = None

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Set the feed status to STOPPED if the market's task failed with an error.

        A market that no longer updates must not look live.
        """
        if task.cancelled() or (error := task.exception()) is None:
            return
        _log.error("market task failed", instrument=self.instrument_id, error=repr(error), exc_info=error)
        if task is self._task:
            self._failed = FeedStatus(FeedState.STOPPED, reason="stopped by an internal error, see the log")

    async def _change(self, ingest: Ingest, chart: Chart, spec: ChartSpec) -> None:
        try:
            await ingest.change_spec(chart, spec)
            self.message = ""
        except TapeprintError as error:
            self.message, self._wanted_spec = error.user_message, None

    async def _watch(self, instrument_id: str) -> None:
        if self._leaving:
            await asyncio.wait(self._leaving)
        opened = await self._open_with_price(instrument_id)
        if opened is None:
            return
        market, price_ticks = opened
        market_store = MarketStore(None, None)
        try:
            if self._keep is not None and market.is_real:
                market_store = await asyncio.to_thread(self._keep, market.instrument)
            self._not_recorded = market_store.recording
            store = TradeStore(limit=self._memory_trades, by_time=not market.instrument.numbered)
            recorder = (
                Recorder(market_store.writer, store.batches, keep=market_store.retention) if market_store.writer is not None else None
            )
            ticks = self._choice.ticks_per_row or default_ticks_per_row(price_ticks, self._choice.bar_rule)
            chart = Chart(ChartSpec(market.instrument, self._choice.bar_rule, ticks), self._rules)
            watch = AlertWatch(self.alerts.book, market.instrument)
            ingest = Ingest(
                market.feed,
                market.history,
                store,
                [chart],
                history_ns=market.history_ns,
                tape=market_store.tape,
                recorder=recorder,
                watch=watch,
                candles=market.candles,
            )
            async with self.profiles.autosave(market.instrument, chart.anchors, on_disk=market.is_real):
                self.market, self.store, self.ingest, self.chart = market, store, ingest, chart
                await ingest.run()
        finally:
            self.alerts.book.save()  # with the time up to which they were monitored
            if market_store.writer is not None:
                market_store.writer.close()
            await market.feed.aclose()

    async def _open_with_price(self, instrument_id: str) -> tuple[Market, int] | None:
        """Open a market, retrying until it succeeds, and get a recent price; None if the venue refuses permanently."""

        async def attempt() -> tuple[Market, int]:
            market = await self._open_market(instrument_id)
            try:
                return market, await _any_price(market)
            except BaseException:
                await market.feed.aclose()
                raise

        def on_wait(error: TapeprintError, pause_s: float) -> None:
            _log.warning("market not opened", instrument=instrument_id, reason=error.detail, retry_s=pause_s)
            self._opening = FeedStatus(FeedState.DISCONNECTED, error.user_message, retry_at_s=self._wall_s() + pause_s)

        try:
            return await retry(attempt, on_wait, sleep=self._sleep)
        except (VenueRefusedError, BadInputError) as error:
            self._opening = FeedStatus(FeedState.STOPPED, reason=error.user_message)
            return None


async def _any_price(market: Market) -> int:
    """A recent price in ticks for the default row size; the market's usual price if no recent trade is known."""
    if market.history is None:
        return market.usual_price_ticks
    async with closing(market.history.since(time.time_ns() - _PRICE_AGE_NS)) as pages:  # only the first page is requested
        async for page in pages:
            return int(page.price_ticks[0]) if len(page) else market.usual_price_ticks
    return market.usual_price_ticks
