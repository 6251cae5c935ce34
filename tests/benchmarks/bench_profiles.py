"""Measure placing a profile and dragging its anchor in a month of 1-minute bars, against recomputing it from 30 million trades.

The trades are invented (a random walk, 694 per minute). Recomputing is what a program without cells does: it adds up the trades
after the anchor by price row, with numpy, once per frame. Times are processor times, so that other programs do not count.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pytest
from PySide6.QtGui import QImage, QPainter

from app.analytics.profile import profile_of_trades
from app.analytics.value_area import value_area
from app.chart.chart import Chart, ChartSpec
from app.market.bar_rule import NS_PER_S, BarRule
from app.market.instrument import Instrument
from app.market.trade import TradeBatch, concatenate
from rendering.scene.scene import ChartScene
from rendering.style.theme import load_theme
from widgets.chart.profile_tool import PendingPlacement, ProfileTool

DAYS, PER_MINUTE, TICKS_PER_ROW = 30, 694, 100
MINUTE = BarRule(60 * NS_PER_S)
FIRST = 29_000_160
DRAGS = 200


class Month(Chart):
    """A month of invented trades in a chart without a store."""

    def __init__(self) -> None:
        super().__init__(ChartSpec(Instrument("bench", "BTCUSDT", Decimal("0.1"), Decimal("0.001")), MINUTE, TICKS_PER_ROW))
        rng = np.random.default_rng(4)
        price, self.days = 640_000.0, []
        for day in range(DAYS):
            n = 1440 * PER_MINUTE
            time_ns = (FIRST + day * 1440) * MINUTE.length_ns + np.arange(n) * (MINUTE.length_ns // PER_MINUTE)
            walk = price + np.cumsum(rng.normal(0, 12, n))
            price = float(walk[-1])
            trades = TradeBatch.of(
                time_ns, np.maximum(walk.astype(np.int64), 1), rng.integers(1, 5000, n), rng.choice((-1, 1), n), np.arange(n)
            )
            self.days.append(trades)
            self.series.append(trades)

    def live(self) -> None:
        """Add 20 trades to the bar in progress."""
        last = self.series.start_ns(self.series.n_bars - 1) + MINUTE.length_ns - 1
        close = int(self.series.close[-1])
        self.series.append(TradeBatch.of(np.full(20, last), np.full(20, close), np.full(20, 3), np.tile((1, -1), 10), np.arange(20)))


def _ms(seconds: list[float]) -> str:
    p50, p99 = np.percentile(seconds, (50, 99)) * 1e3
    return f"{p50:.1f} (p99 {p99:.1f}, worst {max(seconds) * 1e3:.1f})"


@pytest.fixture(scope="module")
def month() -> Month:
    return Month()


def test_click_to_drawn_profile_and_dragging_its_anchor(qapp, month: Month) -> None:
    scene = ChartScene(month, load_theme(), 1920, 1080)
    scene.refresh()
    scene.show_all()
    scene.refresh()
    scene.settle()
    started = time.perf_counter()
    while month.profiles.index.build(0.004):
        pass
    built = time.perf_counter() - started
    image = QImage(1920, 1080, QImage.Format.Format_ARGB32_Premultiplied)
    tool, rng = ProfileTool(scene), np.random.default_rng(5)
    places = rng.uniform(5, scene.layout.price.width - 60, DRAGS)

    layers = [item for item in scene.items_by_layer if item.name == "anchored"]

    def seconds_of(work: Callable[[], None]) -> tuple[float, float]:
        """Processor seconds of `work` with the full frame after it, and of drawing the profile layers alone."""
        begun = time.process_time()
        work()
        scene.refresh()
        painter = QPainter(image)
        scene.render(painter)
        painter.end()
        whole = time.process_time() - begun
        begun = time.process_time()
        assert scene.frame is not None
        painter = QPainter(image)
        for layer in layers:
            layer.changed(scene.frame, scene.frame)
            layer.draw(painter, scene.frame, scene.sceneRect())
        painter.end()
        return whole, time.process_time() - begun

    def click(x: float) -> None:
        tool.arm(PendingPlacement.ANCHOR)
        tool.press(x, 300.0)
        tool.release()

    def drag(x: float) -> None:
        month.anchors.move(month.anchors.profiles[0].key, month.series.times.start_ns(int(scene.viewport.bar_at(x))), None)

    seconds_of(lambda: None)
    without = [seconds_of(month.live)[0] for _ in range(40)]
    clicks = []
    for x in places[:40]:
        clicks.append(seconds_of(lambda x=x: click(float(x))))
        month.anchors.undo()
    click(900.0)
    drags = []
    for x in places:
        month.live()
        drags.append(seconds_of(lambda x=x: drag(float(x))))
    asks = []
    for bar in rng.integers(0, month.series.n_bars, DRAGS):
        begun = time.process_time()
        value_area(month.profiles.index.profile(int(bar), month.series.n_bars))
        asks.append(time.process_time() - begun)
    naive = []
    for day in (0, DAYS // 3, 2 * DAYS // 3, DAYS - 1):
        begun = time.process_time()
        profile_of_trades(concatenate(month.days[day:]), month.series.grid)
        naive.append(f"{DAYS - day} days {1e3 * (time.process_time() - begun):.0f}")
    rows = month.profiles.index.profile(0, month.series.n_bars).n_rows
    print(
        f"\nmonth: {month.series.n_trades / 1e6:.1f} M trades, {month.series.n_bars:,} bars, {rows:,} rows, "
        f"{len(month.series.cell_buy):,} cells; index built in {built * 1e3:.0f} ms of spare time"
        f"\nms for profile and value area alone, any anchor: {_ms(asks)}; rows from trades: {', '.join(naive)} ms"
        f"\nms of a whole frame, every layer painted anew over 1920x1080 with the whole month in sight: without a profile {_ms(without)}, "
        f"\n  click to drawn {_ms([whole for whole, _ in clicks])}, of which drawing the profile {_ms([ours for _, ours in clicks])}"
        f"\n  dragging beside live trades {_ms([whole for whole, _ in drags])}, of which drawing it {_ms([ours for _, ours in drags])}"
    )
    assert np.median(asks) < 0.016
