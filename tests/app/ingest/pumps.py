"""An ingest with a feed and a history that a test controls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from app.chart.chart import Chart, build_series
from app.ingest.ingest import Ingest
from app.market.feed import FeedState, FeedStatus
from app.market.trade import TradeBatch
from app.storage.trade_store import TradeStore
from tests.app.chart.test_chart import MARKET, columns, spec
from tests.builders import SECOND_NS, START_NS, random_trades

HOUR_NS = 3600 * SECOND_NS
DAY = random_trades(11, 8000, start_ns=START_NS // HOUR_NS * HOUR_NS, seconds=6 * 3600)
"""Trades of six hours from a full hour on; ids count from 1."""


class Line:
    """A feed that yields the batches that a test puts in."""

    def __init__(self) -> None:
        self.instrument = MARKET
        self.status = FeedStatus(FeedState.LIVE)
        self.closed = False
        self._queue: asyncio.Queue[TradeBatch | None] = asyncio.Queue()

    def say(self, batch: TradeBatch | None) -> None:
        self._queue.put_nowait(batch)

    async def batches(self) -> AsyncIterator[TradeBatch]:
        try:
            while (batch := await self._queue.get()) is not None:
                yield batch
        finally:
            self.closed = True

    async def aclose(self) -> None:
        self.say(None)


class Archive:
    """A history of the given trades; each of `failures` (pages before it, error) fails one request."""

    def __init__(self, trades: TradeBatch, *, page: int = 500) -> None:
        self.trades, self.page = trades, page
        self.failures: list[tuple[int, Exception]] = []
        self.asked: list[tuple[str, int, int | None]] = []
        self.gate: asyncio.Event | None = None
        self.open = 0

    @property
    def reaches_ns(self) -> int:
        return 0

    async def between(self, first_id: int, last_id: int) -> AsyncIterator[TradeBatch]:
        self.asked.append(("between", first_id, last_id))
        ids = self.trades.trade_id
        async for page in self._pages(self.trades[(ids >= first_id) & (ids <= last_id)]):
            yield page

    async def since(self, start_ns: int, before_id: int | None = None) -> AsyncIterator[TradeBatch]:
        self.asked.append(("since", start_ns, before_id))
        wanted = self.trades.time_ns >= start_ns
        if before_id is not None:
            wanted &= self.trades.trade_id < before_id
        async for page in self._pages(self.trades[wanted]):
            yield page

    async def _pages(self, trades: TradeBatch) -> AsyncIterator[TradeBatch]:
        after, failure = self.failures.pop(0) if self.failures else (-1, None)
        self.open += 1
        try:
            for number, start in enumerate(range(0, len(trades), self.page)):
                if self.gate is not None:
                    await self.gate.wait()
                await asyncio.sleep(0)
                if number == after and failure is not None:
                    raise failure
                yield trades[start : start + self.page]
            if failure is not None:
                raise failure
        finally:
            self.open -= 1


class Pump:
    """An ingest with its feed, store and chart; its waits take no time and are recorded."""

    def __init__(self, archive: Archive | None, *, hours: int = 0, now_ns: int | None = None, limit: int = 20_000_000) -> None:
        self.line, self.archive, self.store = Line(), archive, TradeStore(limit)
        self.chart = Chart(spec())
        self.waits: list[float] = []
        self.while_waiting: Callable[[], None] = lambda: None
        now = int(DAY.time_ns[-1]) if now_ns is None else now_ns
        self.ingest = Ingest(
            self.line, archive, self.store, [self.chart], history_ns=hours * HOUR_NS, wall_ns=lambda: now, sleep=self._sleep
        )

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.while_waiting()
        await asyncio.sleep(0)

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(5):
            while not condition():
                await asyncio.sleep(0.001)

    async def __aenter__(self) -> Pump:
        self.running = asyncio.create_task(self.ingest.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.running.cancel()
        await asyncio.wait([self.running])
        assert self.line.closed
        assert self.archive is None or not self.archive.open
        assert asyncio.all_tasks() == {asyncio.current_task()}

    def assert_shows(self, trades: TradeBatch) -> None:
        assert self.store.trades().trade_id.tolist() == trades.trade_id.tolist()
        assert columns(self.chart.series) == columns(build_series([trades], self.chart.spec))
