"""Random steps of a user at a venue with faults: symbols and bars are switched while gaps are filled and connections break."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import psutil

from app.market.bar_rule import BarRule
from app.market.feed import FeedState
from app.market.instrument import Instrument
from app.market.market import Market
from app.market.span import Span
from app.workspace import ChartChoice, Workspace
from feeds.network.rest_client import RestClient
from feeds.venues.binance.live import SPOT, BinanceHistory, fetch_instrument, wire
from feeds.venues.live_feed import LiveFeed
from tests.faults.desk import HASTY, Desk
from tests.venue_emulator import GeneratedTape, VenueEmulator

SYMBOLS = {"BTCUSDT": Decimal(60_000), "ETHUSDT": Decimal(3_000), "SOLUSDT": Decimal(150)}
_FIRST_IDS = dict(zip(SYMBOLS, (10**9, 2 * 10**9, 3 * 10**9), strict=True))
_SECOND_NS = 1_000_000_000
_BARS_S = (1, 2, 5, 60)
_ROWS = (5, 10, 100)


def three_markets(rate: float = 200.0) -> VenueEmulator:
    """An emulated venue with three symbols whose ids and prices differ widely."""
    tapes = [
        GeneratedTape(seed, rate, symbol=symbol, price=price, first_id=_FIRST_IDS[symbol], history_s=30, history_rate=100)
        for seed, (symbol, price) in enumerate(SYMBOLS.items())
    ]
    return VenueEmulator(*tapes, message_limit=False, connection_limit=None)


@dataclass
class Walk:
    """A workspace on which random steps are done; `steps` counts them by name.

    Attributes
    ----------
    most_tasks, most_sockets, most_files : int
        Maximum number at the rests, when nothing is in progress; tasks and files without those from before.
    """

    venue: VenueEmulator
    seed: int
    steps: dict[str, int] = field(default_factory=dict)
    most_tasks: int = 0
    most_sockets: int = 0
    most_files: int = 0
    looks: int = 0

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.workspace = Workspace(self._opened, ChartChoice(BarRule(_SECOND_NS), 10), sleep=lambda _: asyncio.sleep(0.01))
        self.symbol = ""
        self._tasks_before = len(asyncio.all_tasks())
        self._files_before = _open_files()

    async def run(self, n: int, *, rest_every: int = 50) -> None:
        """Do `n` random steps; every `rest_every` steps wait for rest and compare with the venue. Close everything at the end."""
        self._open()
        kinds: tuple[tuple[Callable[[], None], int], ...] = (
            (self._open, 4),
            (self._bars, 4),
            (self._rows, 3),
            (self._look_back, 3),
            (lambda: self.venue.inject(self.chance.choice(("drop", "vanish", "close"))), 3),
            (lambda: self._fault("skip", self.chance.choice((0.0, 0.02))), 1),
            (lambda: self._fault("rest_delay_s", self.chance.choice((0.0, 0.0, 0.1))), 1),
            (lambda: self.venue.inject("rest", status=503, times=2), 1),
            (lambda: self.venue.inject("handshake", status=503, times=2), 1),
            (lambda: self.venue.inject("shutdown", after_s=0.05), 1),
        )
        for number in range(1, n + 1):
            act = self.chance.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])[0]
            act()
            self.steps[act.__name__] = self.steps.get(act.__name__, 0) + 1
            await asyncio.sleep(self.chance.choice((0.0, 0.0, 0.002, 0.02)))
            if number % rest_every == 0:
                await self._come_to_rest()
        await self.close()

    async def close(self) -> None:
        """Close the workspace; fail if connections, tasks or files stay open."""
        self.venue.faults.clear()
        await self.workspace.aclose()
        await _until(lambda: not self.venue.connections and len(asyncio.all_tasks()) <= self._tasks_before)
        await _until(lambda: _open_files() <= self._files_before)

    async def _come_to_rest(self) -> None:
        """Wait until the market opened last is complete; check that it is shown, equals the venue's, and is the only one connected."""
        self.venue.faults.clear()
        workspace, market = self.workspace, None

        def at_rest() -> bool:
            nonlocal market
            market, ingest, chart, store = workspace.market, workspace.ingest, workspace.chart, workspace.store
            if market is None or ingest is None or chart is None or store is None:
                return False
            newest = self.venue.playbacks[self.symbol].emitted.last_id or 0
            reached = (store.last_id or 0) >= newest - 50 and ingest.past.asked_from_ns <= ingest.past._wanted_from_ns()
            still = not workspace._changes and not workspace._leaving and ingest.progress is None
            whole = not store.missing and chart.series.n_trades == store.n_trades
            return workspace.status.state is FeedState.LIVE and reached and still and whole

        await _until(at_rest, 30.0)
        assert market is not None and workspace.chart is not None and workspace.store is not None and workspace.ingest is not None
        assert isinstance(market.feed, LiveFeed) and isinstance(market.history, BinanceHistory)
        assert market.instrument.symbol == workspace.chart.spec.instrument.symbol == self.symbol
        Desk(market.feed, market.history, workspace.store, workspace.chart, workspace.ingest).hold_against(self.venue)
        await _until(lambda: sum(1 for _ in self.venue.listeners()) == 1)
        self.looks += 1
        self.most_sockets = max(self.most_sockets, len(self.venue.connections))
        self.most_tasks = max(self.most_tasks, len(asyncio.all_tasks()) - self._tasks_before)
        self.most_files = max(self.most_files, _open_files() - self._files_before)

    async def _opened(self, symbol: str) -> Market:
        rest = RestClient(self.venue.rest_url, weight_limit=10**8)
        try:
            instrument: Instrument = await fetch_instrument(rest, SPOT, symbol)
        except BaseException:
            await rest.aclose()
            raise
        history = BinanceHistory(instrument, SPOT, rest)
        return Market(instrument, LiveFeed(instrument, wire(instrument, SPOT, self.venue.ws_url), history, HASTY), history, 0)

    def _open(self) -> None:
        self.symbol = self.chance.choice(list(SYMBOLS))
        self.workspace.open(self.symbol)

    def _bars(self) -> None:
        self.workspace.change(bar_rule=BarRule(self.chance.choice(_BARS_S) * _SECOND_NS))

    def _rows(self) -> None:
        self.workspace.change(ticks_per_row=self.chance.choice(_ROWS))

    def _look_back(self) -> None:
        if self.workspace.chart is not None:
            now_ns = time.time_ns()
            self.workspace.chart.wanted = Span(now_ns - self.chance.randrange(1, 40) * _SECOND_NS, now_ns)

    def _fault(self, name: str, value: float) -> None:
        setattr(self.venue.faults, name, value)


async def _until(true: Callable[[], bool], limit_s: float = 5.0) -> None:
    async with asyncio.timeout(limit_s):
        while not true():
            await asyncio.sleep(0.003)


def _open_files() -> int:
    process = psutil.Process()
    return process.num_fds() if hasattr(process, "num_fds") else len(process.net_connections())
