"""Measure the cost of one move of the as-of cursor with its picture, with 1 hour and with 30 days of history.

Positions are random over the bars in view, so that the moment jumps far. For comparison: the same moves of the mouse without the
as-of view (the crosshair alone), and a pan by 3 pixels.
"""

from __future__ import annotations

import statistics
import time

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication

from app.chart.chart import Chart, ChartSpec
from app.storage.trade_store import TradeStore
from rendering.items.overlays import overlays
from rendering.scene.all_layers import LAYERS
from rendering.scene.scene import ChartScene
from rendering.style.theme import load_theme
from tests.rendering.charts import INSTRUMENT, MINUTE, random_trades
from widgets.chart.chart_view import ChartView

HOUR, MONTH = 60, 30 * 1440
EVERY = frozenset(layer.name for layer in overlays(LAYERS))
USUAL = frozenset(layer.name for layer in overlays(LAYERS) if layer.shown_at_first)
_HOVERS, _PANS = 1000, 60
_PER_BAR = 60


class Hovering:
    """A chart on the screen with the mouse over it."""

    def __init__(self, minutes: int, shown: frozenset[str], in_sight: int) -> None:
        store = TradeStore()
        self.chart = Chart(ChartSpec(INSTRUMENT, MINUTE, 10))
        self.chart.apply(store.insert(random_trades(minutes, _PER_BAR)), store)
        self.scene = ChartScene(self.chart, load_theme(), 1600, 900)
        self.scene.show_only(shown)
        self.view = ChartView(self.scene, use_gl=False)
        self.view.resize(1600, 900)
        self.view.show()
        self.scene.show_last(in_sight)
        self.scene.refresh(1)
        self.scene.settle()
        self.chart.profiles.index.build()
        self.now_ns = 10**9
        for _ in range(20):
            self.frame(400.0)

    def frame(self, x: float) -> float:
        """Processor seconds from a move of the mouse to its picture; other programs do not count."""
        self.now_ns += 16_000_000
        self.scene.set_cursor((x, 300.0))
        begin = time.process_time()
        self.scene.refresh(self.now_ns)
        QApplication.processEvents()
        return time.process_time() - begin

    def panned(self, dx: float) -> float:
        """Processor seconds from a pan by `dx` pixels to its picture."""
        self.scene.set_viewport(self.scene.viewport.panned(dx, 0.0))
        return self.frame(400.0)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("names", [USUAL, EVERY], ids=["usual", "every"])
@pytest.mark.parametrize(("minutes", "in_sight"), [(HOUR, HOUR), (MONTH, HOUR), (MONTH, 1440), (MONTH, MONTH)])
def test_a_hover_costs_less_than_a_frame(qapp, minutes: int, in_sight: int, names: frozenset[str]) -> None:
    there = Hovering(minutes, names, in_sight)
    places = np.random.default_rng(1).uniform(10, there.scene.layout.price.right - 40, _HOVERS).tolist()
    pan = statistics.median(there.panned(3.0 * (-1) ** step) for step in range(_PANS)) * 1e3
    crosshair = statistics.median(there.frame(x) for x in places[:200]) * 1e3
    before = there.chart.levels.bars_taken, there.chart.profiles.index.nodes_built
    there.scene.as_of.held = True
    times = np.array([there.frame(x) for x in places]) * 1e3
    assert (there.chart.levels.bars_taken, there.chart.profiles.index.nodes_built) == before  # nothing is built anew
    assert not there.scene.failures
    median, late = np.percentile(times, [50, 99])
    what = f"{minutes:,} bars, {in_sight:,} in sight, {len(names)} overlays"
    print(f"\n{what}: {median:.2f} ms a hover, p99 {late:.2f}; a pan {pan:.2f}, the crosshair alone {crosshair:.2f}")
