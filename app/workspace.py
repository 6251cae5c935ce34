"""The workspace: one open market with its feed, its store and its chart.

The screen reads `chart`, `status` and `notice` once per screen frame. The workspace does not depend on the
screen or on any venue: the function that opens a market is a parameter.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import structlog

from app.alerts.actions import AlertActions
from app.alerts.alert_store import AlertStore
from app.alerts.watch import AlertWatch
from app.chart.chart import Chart, ChartSpec
from app.errors import BadInputError, TapeprintError, VenueRefusedError
from app.ingest.ingest import Ingest
from app.ingest.lag import LagMeter
from app.ingest.retry import retry
from app.ingest.stored_feed import StoredFeed
from app.market.bar_rule import BarRule
from app.market.default_rows import default_ticks_per_row
from app.market.feed import FeedState, FeedStatus, closing
from app.market.instrument import Instrument
from app.market.market import Market
from app.market.span import Span
from app.profiles.profile_store import ProfileStore
from app.settings.calculation import CalculationSettings
from app.storage.recorder import Recorder
from app.storage.recording_status import OFF, RecordingState, RecordingStatus
from app.storage.shared_store import MarketStore
from app.storage.tape import Tape
from app.storage.trade_store import TradeStore

_log = structlog.get_logger(__name__)

_VENUE_WAIT_S = 4.0  # after this time without an answer stored trades are shown
_STORED_NS = 24 * 3_600_000_000_000  # of them at first; scrolling back loads the rest
_STORE_WAIT_S = 5.0  # a drive that does not answer must not keep a market from being shown
_STORE_AGAIN_S = 5.0
_NO_ANSWER = MarketStore(None, None, RecordingStatus(RecordingState.NOT_RECORDING, "the disk does not answer"))
_Keep = Callable[[Instrument], MarketStore]
_PRICE_AGE_NS = 2 * 3_600_000_000_000  # recent enough for a row size, even if the local clock is wrong by an hour


@dataclass(frozen=True, slots=True)
class ChartChoice:
    """The user's choice of bar type and row size; without a chosen row size, it follows from the price and the bar rule.

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
    stored : callable, optional
        The stored trades of an instrument id, which are shown while its venue is not reached; called in another thread.
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
        keep: _Keep | None = None,
        stored: Callable[[str], Tape | None] | None = None,
        alerts: AlertStore | None = None,
        profiles: ProfileStore | None = None,
        memory_trades: int = 20_000_000,
        wall_s: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._open_market = open_market
        self._choice = choice
        self._rules = rules or CalculationSettings()
        self._keep, self._stored = keep, stored
        self.alerts = AlertActions(
            alerts or AlertStore(), lambda: self.chart, lambda: self.ingest.watch if self.ingest else None, lambda: self.status
        )
        self.profiles = profiles or ProfileStore()
        self._memory_trades = memory_trades
        self._wall_s, self._sleep = wall_s, sleep
        self._opening = FeedStatus(FeedState.CONNECTING)
        self._failed: FeedStatus | None = None
        self._try_now, self._not_reached, self._reaching = asyncio.Event(), asyncio.Event(), False
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
        self._not_recorded, self._repaired = OFF, ""
        self._recorders: list[Recorder] = []  # of all markets opened so far
        self._store_openings: set[asyncio.Future[MarketStore]] = set()
        self.message = ""
        """The last error of a user action; empty if there was none."""
        self.on_change: Callable[[], object] = lambda: None
        """Called when trades have arrived or a chart was rebuilt, so that an idle screen is drawn again."""

    @property
    def status(self) -> FeedStatus:
        """The status of the feed, or of the attempt to open the market; STOPPED after an internal error."""
        if self._failed is not None:
            return self._failed
        return self.market.feed.status if self.chart is not None and self.market is not None else self._opening

    @property
    def choice(self) -> ChartChoice:
        """The bar rule and row size that the user has selected; the next chart will have them."""
        return self._choice

    @property
    def notice(self) -> str:
        """One line about errors, downloads, missing trades and a repair of the store; empty if there is nothing to show."""
        parts = (self.ingest.notice if self.ingest is not None else "", self._repaired)
        return self.message or self.profiles.trouble or "   ".join(filter(None, parts))

    @property
    def filling(self) -> str:
        """Progress of the current download of trades or candles, as text; empty while nothing is downloaded."""
        progress = self.ingest.progress if self.ingest is not None else None
        return progress.text if progress is not None else ""

    @property
    def recording(self) -> RecordingStatus:
        """The recording status: recording, off, or the reason why trades are not recorded."""
        if self.ingest is None or self._keep is None:
            return OFF
        return self.ingest.recorder.status if self.ingest.recorder is not None else self._not_recorded

    @property
    def unrecorded(self) -> list[tuple[str, int, RecordingStatus]]:
        """For each market with trades that were received but not recorded: id, number of these trades, and recording status."""
        return [(one.instrument.id, one.unrecorded, one.status) for one in self._recorders if one.unrecorded]

    @property
    def disk_hangs(self) -> bool:
        """True if the store is being opened or a write to it hangs, so that waiting for the disk may never end."""
        return bool(self._store_openings) or any(one.hangs for one in self._recorders)

    @property
    def lag(self) -> LagMeter | None:
        """The lag of the open market's trades; None while no market is open."""
        return self.ingest.lag if self.ingest is not None else None

    def stop_filling(self) -> None:
        """Cancel the current requests for older trades and for candles; scrolling further back starts new ones."""
        if self.ingest is not None:
            self.ingest.stop_filling()

    def try_now(self) -> None:
        """Try at once to reach the venue if the feed is disconnected or stopped, also after a refusal; else do nothing."""
        if self.status.state not in {FeedState.DISCONNECTED, FeedState.STOPPED}:
            return
        if self._reaching:
            self._try_now.set()
        else:
            self.open(self.instrument_id)

    def open(self, instrument_id: str) -> None:
        """Open a market; the previous one, if any, closes first, in the background."""
        if self._task is not None:
            self._task.cancel()
            self._leaving.add(self._task)
            self._task.add_done_callback(self._leaving.discard)
        self.instrument_id, self.message, self._not_recorded, self._repaired = instrument_id, "", OFF, ""
        self._opening = FeedStatus(FeedState.CONNECTING, reason=f"opening {instrument_id}")
        self.market = self.store = self.ingest = self.chart = self._wanted_spec = self._failed = None
        self._task = asyncio.ensure_future(self._watch(instrument_id))
        self._task.add_done_callback(self._ended)

    def change(self, *, bar_rule: BarRule | None = None, ticks_per_row: int | None = None) -> None:
        """Change the bar rule or the row size; the chart's bars are rebuilt from the same trades and replaced when ready.

        While no market is open, only the choice for the next chart changes.
        """
        self._choice = replace(
            self._choice,
            bar_rule=bar_rule or self._choice.bar_rule,
            ticks_per_row=ticks_per_row or self._choice.ticks_per_row,
        )
        chart, ingest = self.chart, self.ingest
        if chart is None or ingest is None:
            return
        wanted = self._wanted_spec  # the previous request may still be building
        before = wanted if wanted is not None and wanted.instrument == chart.spec.instrument else chart.spec
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
        """Change the calculation settings of the current chart and of later ones; the bars stay the same."""
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
        self._not_reached.clear()
        offline = asyncio.ensure_future(self._show_stored(instrument_id))
        try:
            market, price_ticks = await self._open_with_price(instrument_id)
        finally:
            offline.cancel()
            await asyncio.wait([offline])
        market_store, recorder, opening, late = MarketStore(None, None), None, None, None
        try:
            if self._keep is not None and market.is_real:
                found = await self._open_store(self._keep, market.instrument)
                late, market_store = (None, found) if isinstance(found, MarketStore) else (found, _NO_ANSWER)
            self._not_recorded, self._repaired = market_store.recording, market_store.repaired
            instrument = await asyncio.to_thread(_finest, market, market_store.tape)
            price_ticks *= int(market.instrument.tick_size / instrument.tick_size)
            store = TradeStore(limit=self._memory_trades, by_time=not market.instrument.numbered)
            recorder = self._recorder(market_store, store)
            if recorder is not None:
                recorder.steps = instrument.steps
            ticks = self._choice.ticks_per_row or default_ticks_per_row(price_ticks, self._choice.bar_rule)
            chart = Chart(ChartSpec(instrument, self._choice.bar_rule, ticks), self._rules)
            watch = AlertWatch(self.alerts.book, instrument)
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
            ingest.on_steps, ingest.on_change = self._scale_rows, self._changed
            async with self.profiles.autosave(market.instrument, chart.anchors, on_disk=market.is_real):
                self.market, self.store, self.ingest, self.chart = market, store, ingest, chart
                if recorder is None and self._keep is not None and market_store.recording.state is not RecordingState.OFF:
                    opening = asyncio.ensure_future(self._start_recording(self._keep, ingest, late))
                await ingest.run()
        finally:
            self.alerts.book.save()  # with the time up to which they were monitored
            if opening is not None:
                opening.cancel()
            if market_store.writer is not None and not (recorder is not None and recorder.hangs):
                market_store.writer.close()
            await market.feed.aclose()

    def _changed(self) -> None:
        self.on_change()

    def _scale_rows(self, factor: int) -> None:
        """Adjust the chosen ticks per row after a change of the tick size, so that the row height in prices stays the same."""
        if self._choice.ticks_per_row is not None:
            self._choice = replace(self._choice, ticks_per_row=self._choice.ticks_per_row * factor)

    def _recorder(self, market_store: MarketStore, store: TradeStore) -> Recorder | None:
        if market_store.writer is None:
            return None
        recorder = Recorder(market_store.writer, store.batches, keep=market_store.retention)
        self._recorders = [one for one in self._recorders if one.unrecorded] + [recorder]
        return recorder

    async def _open_store(self, keep: _Keep, instrument: Instrument) -> MarketStore | asyncio.Future[MarketStore]:
        """Open the store for a market; if its disk does not answer, return the attempt, which may never end."""
        opening = self._store_opening(keep, instrument)
        try:
            done, _ = await asyncio.wait([opening], timeout=_STORE_WAIT_S)
        except asyncio.CancelledError:
            opening.add_done_callback(_close_unused)
            raise
        return opening.result() if done else opening

    def _store_opening(self, keep: _Keep, instrument: Instrument) -> asyncio.Future[MarketStore]:
        opening = asyncio.ensure_future(asyncio.to_thread(keep, instrument))
        self._store_openings.add(opening)
        opening.add_done_callback(self._store_openings.discard)
        return opening

    async def _start_recording(self, keep: _Keep, ingest: Ingest, opening: asyncio.Future[MarketStore] | None) -> None:
        """Start recording as soon as the store can be opened, beginning with all trades loaded by then."""
        while True:
            if opening is None:
                await self._sleep(_STORE_AGAIN_S)
                opening = self._store_opening(keep, ingest.feed.instrument)
            try:
                market_store = await asyncio.shield(opening)
            except asyncio.CancelledError:
                opening.add_done_callback(_close_unused)
                raise
            opening = None
            if (recorder := self._recorder(market_store, ingest.store)) is not None:
                self._repaired = market_store.repaired
                ingest.start_recording(recorder)
                return
            self._not_recorded = market_store.recording

    async def _show_stored(self, instrument_id: str) -> None:
        """Show the stored trades of a market once its venue has failed or not answered for a while, until cancelled."""
        if self._stored is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(_VENUE_WAIT_S):
                await self._not_reached.wait()
        try:
            tape = await asyncio.to_thread(self._stored, instrument_id)
            if tape is None:
                return
            end_ns, price_ticks = await asyncio.to_thread(_end_of, tape)
        except TapeprintError as error:
            _log.warning("stored trades not shown", instrument=instrument_id, reason=error.detail)
            return
        instrument = tape.instrument
        feed = StoredFeed(instrument, lambda: self._opening)
        store = TradeStore(limit=self._memory_trades, by_time=not instrument.numbered)
        ticks = self._choice.ticks_per_row or default_ticks_per_row(price_ticks, self._choice.bar_rule)
        chart = Chart(ChartSpec(instrument, self._choice.bar_rule, ticks), self._rules)
        ingest = Ingest(feed, None, store, [chart], history_ns=_STORED_NS, tape=tape, wall_ns=lambda: end_ns)
        ingest.on_change = self._changed
        async with self.profiles.autosave(instrument, chart.anchors, on_disk=True):
            self.market = Market(instrument, feed, None, _STORED_NS)
            self.store, self.ingest, self.chart = store, ingest, chart
            ingest.past.wake()  # there is no first live trade to wait for
            await ingest.run()

    async def _open_with_price(self, instrument_id: str) -> tuple[Market, int]:
        """Open a market, retrying until it succeeds, and return it with a recent price; after a final refusal wait for `try_now`."""

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
            self._not_reached.set()

        self._reaching = True
        try:
            while True:
                self._try_now.clear()
                try:
                    return await retry(attempt, on_wait, sleep=self._pause)
                except (VenueRefusedError, BadInputError) as error:
                    self._opening = FeedStatus(FeedState.STOPPED, reason=error.user_message)
                    self._not_reached.set()
                    await self._try_now.wait()
                    self._opening = FeedStatus(FeedState.CONNECTING, reason=f"opening {instrument_id}")
        finally:
            self._reaching = False

    async def _pause(self, seconds: float) -> None:
        """Wait some seconds between two attempts, or only until `try_now` is called."""
        self._try_now.clear()
        waits = [asyncio.ensure_future(self._sleep(seconds)), asyncio.ensure_future(self._try_now.wait())]
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in done:
                wait.result()
        finally:
            for wait in waits:
                wait.cancel()


def _end_of(tape: Tape) -> tuple[int, int]:
    """The end time of the stored trades, and the last price in ticks; price 0 if their last two hours have no trades."""
    last = tape.covered()[-1].span
    trades = tape.trades(Span(last.end_ns - _PRICE_AGE_NS, last.end_ns))
    return last.end_ns, int(trades.price_ticks[-1]) if len(trades) else 0


def _close_unused(opening: asyncio.Future[MarketStore]) -> None:
    """Close the writer that a late opening of the store has returned, because nothing uses it."""
    if not opening.cancelled() and opening.exception() is None and (writer := opening.result().writer) is not None:
        writer.close()


def _finest(market: Market, tape: Tape | None) -> Instrument:
    """The instrument with the tick and lot size that fit the venue and all stored trades; feed, history and tape switch to these sizes."""
    use = getattr(market.feed, "use", None)
    if tape is None or use is None:
        return market.instrument
    finest = tape.finest().instrument
    if finest.steps != market.instrument.steps:
        use(finest)
        tape.instrument = finest
    return finest


async def _any_price(market: Market) -> int:
    """A recent price in ticks for the default row size; the market's usual price if no recent trade is known."""
    if market.history is None:
        return market.usual_price_ticks
    async with closing(market.history.since(time.time_ns() - _PRICE_AGE_NS)) as pages:  # only the first page is requested
        async for page in pages:
            return int(page.price_ticks[0]) if len(page) else market.usual_price_ticks
    return market.usual_price_ticks
