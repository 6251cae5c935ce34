"""What a live trade costs with every overlay on, against none, beside an hour of history and beside 30 days.

One frame takes one trade in and lets every layer look at it and draw what it must; the layers' rest is over each time.
The ratios are taken within one run: medians of frames that alternate between the two.
"""

from __future__ import annotations

import statistics
import time

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication

from app.chart import Chart, ChartSpec
from app.market.trade import TradeBatch
from app.storage.memory import TradeStore
from rendering.layers import LAYERS
from rendering.overlays import overlays
from rendering.scene import ChartScene
from rendering.theme import load_theme
from tests.rendering.charts import INSTRUMENT, MINUTE, random_trades
from widgets.chart_view import ChartView

_FRAMES = 60
_PER_BAR = 60


class Live:
    """A chart on the screen that takes one trade a frame."""

    def __init__(self, minutes: int, shown: frozenset[str]) -> None:
        self.store = TradeStore()
        self.chart = Chart(ChartSpec(INSTRUMENT, MINUTE, 10))
        self.chart.apply(self.store.insert(random_trades(minutes, _PER_BAR)), self.store)
        self.scene = ChartScene(self.chart, load_theme(), 1600, 900)
        self.scene.show_only(shown)
        self.view = ChartView(self.scene, use_gl=False)
        self.view.resize(1600, 900)
        self.view.show()
        self.now_ns = 10**9
        for _ in range(20):
            self.frame()

    def frame(self) -> float:
        """Seconds from one more trade to its picture."""
        close, lots = int(self.chart.series.close[-1]), 1 + self.now_ns // 10**9 % 50
        newest = self.store.trades(int(self.chart.series.start_ns(self.chart.series.n_bars - 1)))
        price, trade_id = close + self.now_ns // 10**9 % 3 - 1, int(self.store.last_id or 0) + 1
        trade = TradeBatch.of([int(newest.time_ns[-1])], [price], [lots], [1], [trade_id])
        self.now_ns += 10**9  # every layer's rest is over
        begin = time.perf_counter()
        self.chart.apply(self.store.insert(trade), self.store)
        self.scene.refresh(self.now_ns)
        QApplication.processEvents()
        return time.perf_counter() - begin


@pytest.mark.parametrize("minutes", [60, 30 * 1440])
def test_a_live_trade_with_every_overlay_against_none(qapp, minutes: int) -> None:
    names = frozenset(layer.name for layer in overlays(LAYERS))
    bare, full = Live(minutes, frozenset()), Live(minutes, names)
    times = np.array([(bare.frame(), full.frame()) for _ in range(_FRAMES)])
    none, every = (statistics.median(column) * 1e3 for column in times.T.tolist())
    assert not full.scene.failures
    print(f"\n{minutes:,} bars, {len(names)} overlays: {every:.2f} ms a frame against {none:.2f} ms with none, ratio {every / none:.2f}")


def test_a_live_trade_beside_30_days_against_beside_an_hour(qapp) -> None:
    names = frozenset(layer.name for layer in overlays(LAYERS))
    short, long = Live(60, names), Live(30 * 1440, names)
    times = np.array([(short.frame(), long.frame()) for _ in range(_FRAMES)])
    hour, month = (statistics.median(column) * 1e3 for column in times.T.tolist())
    print(f"\nall overlays: {month:.2f} ms a frame beside 30 days against {hour:.2f} ms beside an hour, ratio {month / hour:.2f}")
