"""The parts of the program between a venue and the chart, open to a test, and comparisons of them with the true trades."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from app.analytics.bar_values import BarValues
from app.chart.chart import Chart, ChartSpec, build_series
from app.ingest.ingest import Ingest
from app.market.bar_rule import BarRule
from app.market.feed import FeedState, FeedStatus
from app.market.instrument import Instrument
from app.market.trade import TradeBatch
from app.storage.trade_store import TradeStore
from feeds.network.backoff import Timeouts
from feeds.network.rest_client import RestClient
from feeds.venues.binance.live import SPOT, USDM, BinanceHistory, wire
from feeds.venues.live_feed import LiveFeed
from tests.app.chart.test_chart import columns
from tests.faults.elsewhere import VenueElsewhere
from tests.feeds.lines import QUICK
from tests.venue_emulator import GeneratedTape, Market, VenueEmulator, digest_of

MARKETS = {Market.SPOT: SPOT, Market.USDM: USDM}
HASTY = replace(QUICK, silent_after=0.4, answer_within=0.3, fruitless_connects=10_000, connects=10_000)
"""The program's timeouts, about 20 times as short and without a limit of connections."""
BUSY = 1_000.0
"""Trades a second of a busy market."""

_SHORTER = 0.02  # factor for the pauses between attempts to load history
_SECOND = BarRule(1_000_000_000)


def live_venue(rate: float = BUSY, market: Market = Market.SPOT, seed: int = 7, **options: Any) -> VenueEmulator:
    """An emulated venue with a generated tape."""
    tape = GeneratedTape(seed, rate, market=market, history_s=2.0, history_rate=200)
    return VenueEmulator(tape, **{"message_limit": False, "connection_limit": None, "seed": seed} | options)


def run(story: Coroutine[Any, Any, None], limit_s: float = 60.0) -> None:
    """Run a coroutine of a test; fail if it leaves tasks running or takes longer than `limit_s`."""

    async def watched() -> None:
        async with asyncio.timeout(limit_s):
            await story
        for _ in range(100):  # the server's side of a socket ends a little later
            if not (left := asyncio.all_tasks() - {asyncio.current_task()}):
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"left running: {left}")

    asyncio.run(watched())


@dataclass
class Desk:
    """Feed, history, store, ingest and chart of one market, connected as in the program.

    Attributes
    ----------
    states : list of (float, FeedStatus)
        Each change of the feed's state, with the time when it was noticed (monotonic seconds).
    """

    feed: LiveFeed
    history: BinanceHistory
    store: TradeStore
    chart: Chart
    ingest: Ingest
    states: list[tuple[float, FeedStatus]] = field(default_factory=list)

    @property
    def status(self) -> FeedStatus:
        """The status of the feed."""
        return self.feed.status

    @property
    def well(self) -> bool:
        """Whether no trade is missing, nothing is being filled, and the feed is live, also in `states`."""
        noted = bool(self.states) and self.states[-1][1].state is FeedState.LIVE
        return noted and self.status.state is FeedState.LIVE and not self.store.missing and self.ingest.progress is None

    def seen(self, since_s: float = 0.0) -> set[FeedState]:
        """The states that the feed has had since `since_s`, with the state at that time."""
        later = [status.state for at_s, status in self.states if at_s >= since_s]
        before = [status.state for at_s, status in self.states if at_s < since_s][-1:]
        return {*before, *later}

    async def until(self, true: Callable[[], object], limit_s: float = 20.0) -> float:
        """Wait until `true` returns true; return the seconds that it took. Fail after `limit_s`."""
        begun_s = time.monotonic()
        try:
            async with asyncio.timeout(limit_s):
                while not true():
                    await asyncio.sleep(0.002)
        except TimeoutError:
            raise AssertionError(f"not so after {limit_s} s: {self.status}, {self.ingest.notice or 'no notice'}") from None
        return time.monotonic() - begun_s

    async def watch(self) -> None:
        """Record each change of state until cancelled."""
        while True:
            status = self.status
            if not self.states or self.states[-1][1].state is not status.state:
                self.states.append((time.monotonic(), status))
            await asyncio.sleep(0.003)

    async def caught_up(self, venue: VenueEmulator, *, lost: bool = False, limit_s: float = 20.0) -> float:
        """Wait until all trades up to now are loaded and in the chart, with `lost` except those that the venue has lost; return seconds."""
        newest = venue.playbacks[self.feed.instrument.symbol].emitted.last_id or 0

        def so() -> bool:
            missing = lost_ids(venue, self.store) if lost else 0
            reached = self.store.last_id is not None and self.store.last_id >= newest
            shown = self.chart.series.n_trades == self.store.n_trades
            return reached and shown and self.store.missing == missing and self.status.state is FeedState.LIVE

        return await self.until(so, limit_s)

    def hold_against(self, venue: VenueEmulator) -> dict[str, int]:
        """Assert that store and chart equal the venue's trades; return the numbers of the comparison.

        The trades are compared one by one, their sums with the venue's own, and every column and value of the chart with
        a chart built at once from the venue's tape.
        """
        first_id, last_id = self.store.first_id, self.store.last_id
        assert first_id is not None and last_id is not None
        which = (self.feed.instrument.symbol, first_id, last_id)
        truth, totals = venue.trades(*which), venue.totals(*which)
        held = self.store.trades()
        found = {
            "trades": len(held),
            "missing": len(np.setdiff1d(truth.trade_id, held.trade_id)),
            "double": len(held) - len(np.unique(held.trade_id)),
            "invented": len(np.setdiff1d(held.trade_id, truth.trade_id)),
        }
        assert (found["missing"], found["double"], found["invented"]) == (0, 0, 0), found
        assert all(np.array_equal(ours, theirs) for ours, theirs in zip(held.columns, truth.columns, strict=True))
        assert sums(held) == (totals.count, totals.lots, totals.buy_lots, totals.sell_lots)
        self.hold_chart_against(truth)
        return found

    async def hold_against_elsewhere(self, venue: VenueElsewhere) -> dict[str, int]:
        """Do the same with a venue in another process: compare a hash of all trades, sums, and the chart with one built again."""
        held = self.store.trades()  # the chart must be compared before more trades arrive
        assert self.chart.series.n_trades == len(held)
        self.hold_chart_against(held)
        first_id, last_id = int(held.trade_id[0]), int(held.trade_id[-1])
        theirs = await venue.totals(first_id, last_id)
        found = {
            "trades": len(held),
            "missing": theirs["count"] - len(np.unique(held.trade_id)),
            "double": len(held) - len(np.unique(held.trade_id)),
        }
        assert (found["missing"], found["double"]) == (0, 0), found
        assert sums(held) == tuple(theirs[name] for name in ("count", "lots", "buy_lots", "sell_lots"))
        assert digest_of(held) == theirs["digest"]
        return found

    def hold_chart_against(self, truth: TradeBatch) -> None:
        """Assert that every bar, cell, POC and value area of the chart equals that of a chart built again."""
        fresh = build_series([truth], self.chart.spec)
        assert columns(self.chart.series) == columns(fresh)
        kept = self.chart.figures
        assert figures(kept) == figures(BarValues(fresh, kept.method, kept.percent, kept.rule))


def figures(bars: BarValues) -> list[bytes]:
    """POC, value area and imbalances of all bars, as bytes for comparison."""
    n = bars.series.n_bars
    return [array.tobytes() for array in (bars.poc_rows(0, n), *bars.value_areas(0, n), *bars.imbalances(0, n))]


def sums(trades: TradeBatch) -> tuple[int, int, int, int]:
    """Count, lots, lots bought and lots sold."""
    lots, side = trades.quantity_lots, trades.side
    return len(trades), int(lots.sum()), int(lots[side == 1].sum()), int(lots[side == -1].sum())


def lost_ids(venue: VenueEmulator, store: TradeStore) -> int:
    """Number of ids between the first and the last loaded trade that the venue has lost for good."""
    if store.first_id is None or store.last_id is None:
        return 0
    return sum(store.first_id < each < store.last_id for each in venue.playbacks[venue.tape.symbol].lost_ids)


@asynccontextmanager
async def desk(
    venue: VenueEmulator | VenueElsewhere,
    patience: Timeouts = HASTY,
    *,
    ws_url: str = "",
    rest_url: str = "",
    history_s: float = 0.0,
    weight_limit: int = 10**7,
    wall_ns: Callable[[], int] = time.time_ns,
    pauses: float = _SHORTER,
    ends: bool = False,
) -> AsyncIterator[Desk]:
    """The program running on a venue, over other addresses if given; it stops at the end of the block.

    With `ends`, the feed must have ended by itself by then.
    """
    market = MARKETS[venue.market]
    facts = venue.market.facts
    symbol = venue.symbol if isinstance(venue, VenueElsewhere) else venue.tape.symbol
    instrument = Instrument(market.venue, symbol, facts.tick_size, facts.lot_size)
    rest = RestClient(rest_url or venue.rest_url, weight_limit=weight_limit)
    history = BinanceHistory(instrument, market, rest, wall_ns=wall_ns)
    feed = LiveFeed(instrument, wire(instrument, market, ws_url or venue.ws_url), history, patience, wall_ns=wall_ns)
    store, chart = TradeStore(), Chart(ChartSpec(instrument, _SECOND, 10))

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(pauses * seconds)

    clocks = {"wall_ns": wall_ns, "sleep": sleep, "monotonic_s": lambda: time.monotonic() / pauses}
    ingest = Ingest(feed, history, store, [chart], history_ns=0, **clocks)
    if history_s:
        now_ns = wall_ns()
        chart.wanted = type(chart.wanted)(now_ns - round(history_s * 1e9), now_ns)
    there = Desk(feed, history, store, chart, ingest)
    tasks = [asyncio.create_task(ingest.run()), asyncio.create_task(there.watch())]
    try:
        yield there
        assert [task.done() for task in tasks] == [ends, False], "the pump runs as long as it should"
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await feed.aclose()
