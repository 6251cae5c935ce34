"""The lag that the program shows is the age of trades by the venue's own clock."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from app.ingest.ingest import Ingest
from app.ingest.lag import Lag, LagMeter
from app.market.instrument import Instrument
from app.storage.disk import DiskStore
from app.storage.recorder import Recorder
from app.storage.tape_writer import TapeWriter
from app.storage.trade_store import TradeStore
from feeds.network.rest_client import RestClient
from feeds.network.venue_clock import VenueClock
from feeds.venues.binance.live import SPOT, BinanceHistory, wire
from feeds.venues.live_feed import LiveFeed
from tests.faults.desk import HASTY, run
from tests.journeys.desks import live
from tests.journeys.stories import at_the_window, tell, until
from tests.journeys.test_live import frame_of
from tests.venue_emulator import GeneratedTape, VenueEmulator
from widgets.window.main_window import MainWindow

WITHIN = 0.05


class Truth:
    """The ages of trades by the venue's clock: taken from its tape by the numbers of the trades, not from what the program measures."""

    def __init__(self, venue: VenueEmulator, store: TradeStore) -> None:
        self.venue, self.store = venue, store
        self.shown = self.framed = store.last_id
        self.ages_ms: list[float] = []
        self._late_ms: list[float] = []

    @property
    def n(self) -> int:
        """Number of trades whose age is known."""
        return len(self.ages_ms)

    def begin(self) -> None:
        """What is loaded now is in the frame."""
        self.framed = self.store.last_id

    def end(self, measure: Callable[[], object]) -> None:
        """The frame is on the screen: the program measures it, between two looks at the venue's clock, as this machine may be busy."""
        before_us = self.venue.now_us()
        measure()
        after_us = self.venue.now_us()
        if self.framed is None or self.shown is None or self.framed <= self.shown:
            return
        trades = self.venue.trades(None, self.shown + 1, self.framed)
        for ages, now_us in ((self.ages_ms, before_us), (self._late_ms, after_us)):
            ages += ((1_000 * now_us - trades.time_ns) / 1e6).tolist()
        self.shown = self.framed

    def assert_true(self, found: Lag, error_ms: float = 0.0) -> None:
        """The program's three values are those of the venue's clock."""
        for ours, soonest, latest in zip(found, _lag(self.ages_ms), _lag(self._late_ms), strict=True):
            assert soonest * (1 - WITHIN) - error_ms <= ours <= latest * (1 + WITHIN) + error_ms, f"{found}, expected {_lag(self.ages_ms)}"


def _lag(ages_ms: list[float]) -> Lag:
    """Percentiles by the nearest rank, and the worst."""
    ages = np.sort(ages_ms)
    return Lag(*(float(ages[math.ceil(percent / 100 * len(ages)) - 1]) for percent in (50, 99, 100)))


def tape(rate: float = 300) -> GeneratedTape:
    return GeneratedTape(4, rate, history_s=3.0, history_rate=200)


@pytest.mark.parametrize("painter", ["raster", pytest.param("gl", marks=pytest.mark.gl)])
def test_the_lag_in_the_status_bar_is_that_of_the_venues_clock(qtbot: QtBot, tmp_path: Path, painter: str) -> None:
    """From the trade to the end of the painting, or with OpenGL to the swap of the buffers."""

    async def story() -> None:
        async with VenueEmulator(tape()) as venue:
            options = live(tmp_path, venue)
            display = msgspec.structs.replace(options.settings.display, painter=painter)
            async with at_the_window(replace(options, settings=msgspec.structs.replace(options.settings, display=display))) as window:
                await until(lambda: window.status_bar.state.text() == "● LIVE" and not frame_of(window).chart.holes, 20.0)
                truth = watched(window, venue)
                await until(lambda: truth.n > 900, 30.0)
                meter = window._workspace.lag
                assert meter is not None and meter.n == truth.n and meter.not_shown == 0
                truth.assert_true(meter.session)
                parts = meter.to_socket.p50, meter.to_series.p50, meter.to_end.p50
                assert min(parts) > 0 and sum(parts) == pytest.approx(meter.session.p50, rel=0.5)
                await until(lambda: meter.n > truth.n - 900 and window.status_bar.lag.text() == f"lag {meter.session.text}", 20.0)

    tell(story())


def watched(window: MainWindow, venue: VenueEmulator) -> Truth:
    """Measure anew from now on, by the program and by the venue's clock."""
    assert window.view is not None and window._workspace.ingest is not None and window._workspace.store is not None
    truth = Truth(venue, window._workspace.store)
    window._workspace.ingest.lag = LagMeter()
    scene, painted = window.view.chart_scene, window.view.on_painted
    refresh = scene.refresh_if_changed

    def refreshed(now_ns: int | None = None) -> bool:
        truth.begin()
        return refresh(now_ns)

    scene.refresh_if_changed, window.view.on_painted = refreshed, lambda: truth.end(painted)
    return truth


@pytest.mark.parametrize("ahead_s", [0.0, 600.0, -600.0])
def test_the_lag_is_right_with_a_wrong_clock_to_within_the_error_that_is_shown(ahead_s: float) -> None:
    def wall_ns() -> int:
        return time.time_ns() + round(ahead_s * 1e9)

    async def story() -> None:
        async with VenueEmulator(tape()) as venue:
            instrument = Instrument(SPOT.venue, "BTCUSDT", venue.market.facts.tick_size, venue.market.facts.lot_size)
            rest = RestClient(venue.rest_url, weight_limit=10**7)
            rest.clock = VenueClock(wall_ns)
            history = BinanceHistory(instrument, SPOT, rest, wall_ns=wall_ns)
            feed = LiveFeed(instrument, wire(instrument, SPOT, venue.ws_url), history, HASTY, clock=rest.clock, wall_ns=wall_ns)
            for _ in range(12):
                await history.recent()
                await asyncio.sleep(0.13)
            store = TradeStore()
            ingest = Ingest(feed, None, store, [], wall_ns=wall_ns)
            pump = asyncio.create_task(ingest.run())
            await until(lambda: store.n_trades, 10.0)
            truth, ingest.lag = Truth(venue, store), LagMeter(wall_ns)
            errors_ns: list[int] = []  # smaller with each answer and trade
            while truth.n < 900:
                error_ns = feed.status.clock_error_ns
                assert error_ns is not None
                errors_ns.append(error_ns)
                truth.begin()
                ingest.lag.begin()
                truth.end(ingest.lag.end)
                await asyncio.sleep(0.016)
            assert max(errors_ns) < 600_000_000
            truth.assert_true(ingest.lag.session, max(errors_ns) / 1e6 if ahead_s else 0.0)
            pump.cancel()
            await asyncio.wait([pump])
            await feed.aclose()

    run(story())


def test_the_lag_to_the_disk_is_that_of_the_venues_clock(tmp_path: Path) -> None:
    async def story() -> None:
        async with VenueEmulator(tape()) as venue:
            instrument = Instrument(SPOT.venue, "BTCUSDT", venue.market.facts.tick_size, venue.market.facts.lot_size)
            history = BinanceHistory(instrument, SPOT, RestClient(venue.rest_url, weight_limit=10**7))
            feed = LiveFeed(instrument, wire(instrument, SPOT, venue.ws_url), history, HASTY)
            disk, store = DiskStore(tmp_path / "store"), TradeStore()
            recorder = Recorder(TapeWriter(disk, instrument), store.batches)
            ingest = Ingest(feed, None, store, [], recorder=recorder)
            pump = asyncio.create_task(ingest.run())
            await until(lambda: store.n_trades, 10.0)
            truth, ingest.lag = Truth(venue, store), LagMeter()
            recorder.before_write = lambda: (truth.begin(), ingest.lag.begin())
            recorder.after_write = lambda: truth.end(ingest.lag.end)
            await until(lambda: truth.n > 900, 30.0)
            assert ingest.lag.n == truth.n
            truth.assert_true(ingest.lag.session)
            pump.cancel()
            await asyncio.wait([pump])
            recorder.writer.close()
            disk.close()
            await feed.aclose()

    run(story())
