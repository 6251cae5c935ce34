"""Measure a chart over five years of 1-minute bars: 100 million trades in the store.

Prints the time to the first chart, of a pan back by a month, to the middle and to the start of the stored history, of an anchored
profile from three years ago, of a live trade compared with one in a chart of a month, and the peak of the memory after each. Times
until a chart is complete are by the clock; those of live trades are processor times, so that other programs do not count. The store
is written first, which takes some minutes; TAPEPRINT_LONG_STORE names a folder for it to stay in. The first run computes the bars
of each day, later ones read them.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtGui import QImage, QPainter

from app.chart.chart import Chart, ChartSpec
from app.ingest.ingest import Ingest
from app.ingest.stored_feed import StoredFeed
from app.market.bar_rule import DAY_NS, BarRule
from app.market.feed import FeedState, FeedStatus
from app.market.span import Span
from app.market.trade import TradeBatch
from app.storage.disk import DiskStore, stored_instrument
from app.storage.trade_store import TradeStore
from rendering.scene.scene import ChartScene
from rendering.style.theme import load_theme
from tests.benchmarks.long_store import FIRST_DAY, MARKET, write_store

_DAYS, _PER_MINUTE = 1826, 38
_MONTH_DAYS, _ANCHOR_DAYS = 30, 3 * 365
_LIVE = 60
_MEMORY_TRADES = 20_000_000  # the default
_TICKS_PER_ROW = 50  # the default of the market's price
_MINUTE = BarRule(60 * 10**9)


class LongChart:
    """A chart of the market in a store, with its ingest and its scene; the clock stands at the end of the stored trades."""

    def __init__(self, folder: Path, days: int) -> None:
        self.end_ns = (FIRST_DAY + days) * DAY_NS
        self.disk = DiskStore(folder)
        instrument = stored_instrument(self.disk, MARKET.id)
        tape = self.disk.tape(instrument)
        self.store, self.chart = TradeStore(_MEMORY_TRADES), Chart(ChartSpec(instrument, _MINUTE, _TICKS_PER_ROW))
        feed = StoredFeed(instrument, lambda: FeedStatus(FeedState.CONNECTING))
        self.ingest = Ingest(feed, None, self.store, [self.chart], history_ns=DAY_NS, tape=tape, wall_ns=lambda: self.end_ns)
        self.scene: ChartScene | None = None
        self._image = QImage(1600, 900, QImage.Format.Format_ARGB32_Premultiplied)
        self._rng = np.random.default_rng(3)

    async def shown_from(self, days_ago: float) -> None:
        """Pan to a time, wait until its bars are there, and draw."""
        start_ns = self.end_ns - round(days_ago * DAY_NS)
        self.chart.wanted = Span(start_ns, self.end_ns)
        self.ingest.past.wake()
        while self.ingest.past.asked_from_ns > start_ns:
            await asyncio.sleep(0.002)
        if self.scene is None:
            self.scene = ChartScene(self.chart, load_theme(), 1600, 900)
            self.scene.show_last(120)
        else:
            self.scene.set_viewport(self.scene.viewport.with_bar_at(_MINUTE.number(start_ns), 0.0))
        self.draw()
        self.scene.sight.fit_price()
        self.draw()

    def draw(self) -> None:
        """Draw a frame as the screen would, and leave what spare time would do."""
        assert self.scene is not None
        self.scene.refresh(self.end_ns)
        painter = QPainter(self._image)
        self.scene.render(painter)
        painter.end()
        assert not self.scene.failures

    def settle(self) -> None:
        """Do what the layers and the index of profiles do in the spare time of later frames."""
        assert self.scene is not None
        self.scene.settle()
        self.chart.profiles.index.build()

    def show_newest(self) -> None:
        """Show the newest two hours, as before a live trade."""
        assert self.scene is not None
        self.scene.show_last(120)
        self.draw()

    def live(self) -> float:
        """Add 20 live trades; returns the processor time until the frame that shows them is refreshed, s."""
        assert self.scene is not None
        last_id, n = self.store.last_id or 0, 20
        price = int(self.chart.series.close[-1]) + np.cumsum(self._rng.integers(-1, 2, n))
        now_ns = max(self.end_ns, int(self.store.span.end_ns)) + 1000 * np.arange(n)
        trades = TradeBatch.of(now_ns, price, np.full(n, 5), np.tile((1, -1), n // 2), last_id + 1 + np.arange(n))
        begun = time.process_time()
        self.ingest.receive(trades)
        self.scene.refresh(self.end_ns)
        return time.process_time() - begun

    def anchor(self, days_ago: float) -> int:
        """Anchor a profile some days ago and draw it; returns its volume in lots."""
        assert self.scene is not None
        self.chart.anchors.add(self.end_ns - round(days_ago * DAY_NS))
        self.draw()
        placed = self.chart.anchors.profiles[-1]
        found = self.chart.profiles.of(placed.stretches, placed.inputs.rows, placed.inputs.percent, placed.inputs.method)
        assert found is not None
        return int(found.rows.profile.volume)

    async def __aenter__(self) -> LongChart:
        self._task = asyncio.create_task(self.ingest.run())
        self.ingest.past.wake()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])
        self.disk.close()


async def measure(folder: Path, report: Callable[[str], None]) -> None:
    """Go through the day of a user who looks far back, and report what each step costs."""
    begun = time.perf_counter()

    def step(what: str) -> None:
        nonlocal begun
        report(f"{what:<34} {time.perf_counter() - begun:8.2f} s   peak memory {peak_mb():6.0f} MB")
        begun = time.perf_counter()

    async with LongChart(folder, _DAYS) as chart:
        await chart.shown_from(0.9)
        step("first chart, a day")
        await chart.shown_from(_MONTH_DAYS)
        step(f"pan back {_MONTH_DAYS} days")
        chart.settle()
        step("what spare time does after it")
        await chart.shown_from(_DAYS / 2)
        step("pan to the middle")
        await chart.shown_from(_DAYS - 1)
        step("pan to the start")
        chart.settle()
        step("what spare time does after it")
        volume = chart.anchor(_ANCHOR_DAYS)
        step(f"an anchor {_ANCHOR_DAYS:,} days ago")
        assert volume > 0
        chart.chart.anchors.undo()
        async with LongChart(folder, _DAYS) as short:
            await short.shown_from(_MONTH_DAYS)
            report(live_by_turns(chart, short))


def live_by_turns(far: LongChart, near: LongChart) -> str:
    """The processor time of a live trade in two charts, each in turn; as text."""
    times: dict[LongChart, list[float]] = {far: [], near: []}
    for chart in times:
        chart.show_newest()
        chart.settle()
    for _ in range(_LIVE):
        for chart, seconds in times.items():
            seconds.append(chart.live())
    far_ms, near_ms = (1e3 * float(np.median(seconds)) for seconds in times.values())
    bars = far.chart.series.n_bars, near.chart.series.n_bars
    return f"a live trade: {far_ms:.2f} ms with {bars[0]:,} bars, {far_ms / near_ms:.2f} of that with {bars[1]:,}"


def peak_mb() -> float:
    """The largest amount of memory that this process has had so far, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def test_a_chart_over_five_years(qapp, tmp_path: Path) -> None:
    kept = os.environ.get("TAPEPRINT_LONG_STORE")
    folder = Path(kept) if kept else tmp_path
    if not (folder / "catalogue.sqlite3").exists():
        write_store(folder, _DAYS, _PER_MINUTE)
    print(f"\n{_DAYS:,} days of {1440 * _PER_MINUTE:,} trades")
    asyncio.run(measure(folder, print))
