"""Candles are fetched on request, and no venue error affects trades."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from structlog.testing import LogCapture

from app.analytics.candle_fallback import CandleRange
from app.chart.chart import Chart
from app.errors import VenueBusyError, VenueRefusedError, VenueUnreachableError
from app.ingest import candle_loader as candle_past
from app.ingest.candle_loader import CandleLoader, length_text
from app.ingest.ingest import Ingest
from app.market.span import Span
from app.storage.trade_store import TradeStore
from tests.app.chart.test_chart import spec
from tests.app.ingest.pumps import Line
from tests.builders import random_trades
from tests.candles import MINUTE_NS, CandleVenue

LENGTHS_NS = (MINUTE_NS, 3 * MINUTE_NS)
BEGIN_NS = 30_000_000 * MINUTE_NS
TAPE = random_trades(3, 500, start_ns=BEGIN_NS, seconds=3600)


def piece(start: int, end: int, minutes: int = 1) -> CandleRange:
    return CandleRange(minutes * MINUTE_NS, Span(BEGIN_NS + start * MINUTE_NS, BEGIN_NS + end * MINUTE_NS))


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candle_past, "_LOOK_EVERY_S", 0.001)


class Desk:
    """Two charts and a venue; waits take no time and are written down."""

    def __init__(self, **venue) -> None:
        self.charts = [Chart(spec()), Chart(spec())]
        self.venue = CandleVenue(TAPE, LENGTHS_NS, **venue)
        self.waits: list[float] = []
        self.past = CandleLoader(self.charts, self.venue, sleep=self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)

    async def until(self, condition) -> None:
        async with asyncio.timeout(5):
            while not condition():
                await asyncio.sleep(0.001)

    def want(self, *wishes: CandleRange, chart: int = 0) -> None:
        self.charts[chart].candles.wishes = wishes

    def has(self, wish: CandleRange) -> bool:
        return self.past.held.asked(*wish) == [wish.span]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        task = asyncio.create_task(self.past.fill())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.wait([task])
            assert not self.venue.open


def test_candles_are_fetched_once_for_all_charts() -> None:
    async def story() -> None:
        desk = Desk()
        desk.want(piece(10, 30))
        desk.want(piece(10, 30), piece(0, 9, 3), chart=1)
        async with desk.running():
            await desk.until(lambda: desk.has(piece(10, 30)) and desk.has(piece(0, 9, 3)))
            await asyncio.sleep(0.01)
        assert desk.venue.asked == [(3 * MINUTE_NS, piece(0, 9).span), (MINUTE_NS, piece(10, 30).span)]
        assert desk.charts[0].candles.candle_store is desk.charts[1].candles.candle_store is desk.past.held
        assert desk.past.held.of(*piece(10, 30)).volume.tolist() == desk.venue.page_of(*piece(10, 30)).volume.tolist()
        assert desk.past.progress is None

    asyncio.run(story())


def test_requests_are_split_newest_first_and_near_ones_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candle_past, "_AT_ONCE", 20)
    monkeypatch.setattr(candle_past, "_TOGETHER", 5)

    async def story() -> None:
        desk = Desk()
        desk.want(piece(52, 60), piece(12, 48), piece(0, 2))
        async with desk.running():
            await desk.until(lambda: desk.has(piece(0, 2)))
        assert [CandleRange(*asked) for asked in desk.venue.asked] == [piece(40, 60), piece(20, 40), piece(12, 20), piece(0, 2)]

    asyncio.run(story())


def test_progress_shows_candles_and_share_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candle_past, "_AT_ONCE", 15)
    told: list[str] = []

    async def story() -> None:
        desk = Desk()
        page_of = desk.venue.page_of

        def looked(length_ns: int, span: Span):
            assert desk.past.progress is not None
            told.append(desk.past.progress.text)
            return page_of(length_ns, span)

        desk.venue.page_of = looked  # type: ignore[method-assign]
        desk.want(piece(0, 60, 3))
        async with desk.running():
            await desk.until(lambda: desk.has(piece(0, 60, 3)))

    asyncio.run(story())
    assert told == ["loading 20 candles (3 m), 0 %", "loading 20 candles (3 m), 75 %"]


def test_an_error_is_retried_after_a_doubling_or_requested_pause(logged: LogCapture) -> None:
    async def story() -> None:
        desk = Desk()
        desk.venue.failures = [VenueUnreachableError("no line"), VenueUnreachableError("no line"), VenueBusyError("busy", retry_after_s=7)]
        desk.want(piece(0, 10))
        said: list[str] = []
        async with desk.running():
            await desk.until(lambda: said.append(desk.past.trouble) or desk.has(piece(0, 10)))
            await desk.until(lambda: not desk.past.trouble)
        assert desk.waits == [0.5, 1.0, 7]
        assert len(desk.venue.asked) == 4

    asyncio.run(story())
    assert [entry["event"] for entry in logged.entries] == ["candles not loaded"] * 3


def test_a_refusal_is_shown_and_not_retried(logged: LogCapture) -> None:
    async def story() -> None:
        desk = Desk()
        desk.venue.failures = [VenueRefusedError("not from here")]
        desk.want(piece(0, 10))
        async with desk.running() as task:
            await asyncio.wait_for(task, 5)
        assert desk.past.trouble == "candles: not from here"
        assert len(desk.venue.asked) == 1

    asyncio.run(story())
    assert len(logged.entries) == 1


def test_an_internal_error_is_shown_and_stops_only_candles(logged: LogCapture) -> None:
    async def story() -> None:
        desk = Desk()
        desk.venue.failures = [ZeroDivisionError()]
        desk.want(piece(0, 10))
        async with desk.running() as task:
            await asyncio.wait_for(task, 5)
        assert "internal error" in desk.past.trouble

    asyncio.run(story())
    assert len(logged.entries) == 1


def test_cancelled_requests_are_not_fetched_but_later_ones_are() -> None:
    async def story() -> None:
        desk = Desk()
        desk.want(piece(10, 30))
        desk.past.cancel()
        async with desk.running():
            await asyncio.sleep(0.01)
            assert desk.venue.asked == []
            desk.want(piece(12, 30), piece(0, 5))
            await desk.until(lambda: desk.has(piece(0, 5)))
        assert [CandleRange(*asked) for asked in desk.venue.asked] == [piece(0, 5)]

    asyncio.run(story())


def test_a_candle_in_progress_is_requested_again_after_a_pause() -> None:
    async def story() -> None:
        desk = Desk(now_ns=BEGIN_NS + 8 * MINUTE_NS + 1)
        desk.want(piece(5, 9))
        async with desk.running():
            await desk.until(lambda: desk.past.held.asked(*piece(5, 9)) == [piece(5, 8).span])
            desk.venue.now_ns = BEGIN_NS + 9 * MINUTE_NS
            await desk.until(lambda: desk.has(piece(5, 9)))
        assert len(desk.venue.asked) == len(desk.waits) + 1 and {*desk.waits} == {2.0}

    asyncio.run(story())


def test_the_pump_loads_candles_while_live_trades_arrive(logged: LogCapture) -> None:
    async def story() -> None:
        line, chart, store, venue = Line(), Chart(spec()), TradeStore(), CandleVenue(TAPE, LENGTHS_NS)
        venue.failures = [VenueRefusedError("not from here")]
        pump = Ingest(line, None, store, [chart], candles=venue)
        chart.candles.wishes = [piece(0, 10)]
        running = asyncio.create_task(pump.run())
        async with asyncio.timeout(5):
            while not pump.notice:
                await asyncio.sleep(0.001)
        assert pump.notice == "candles: not from here"
        line.say(TAPE[:5])
        async with asyncio.timeout(5):
            while not chart.series.n_trades:
                await asyncio.sleep(0.001)
        running.cancel()
        await asyncio.wait([running])
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(story())


@pytest.mark.parametrize(("minutes", "text"), [(1, "1 m"), (15, "15 m"), (60, "1 h"), (240, "4 h"), (1440, "1 d"), (90, "90 m")])
def test_candle_lengths_are_named_as_traders_do(minutes: int, text: str) -> None:
    assert length_text(minutes * MINUTE_NS) == text
