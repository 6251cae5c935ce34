"""Compare the cost of a live trade with all overlays and with none, with 1 hour and with 30 days of history.

Each frame adds one trade, and all layers update to it. Also measured: frames in which a bar opens, frames of a pan, and the share of
each layer. Compared cases run alternately in one process. Times are processor times of the window's thread, so that other programs
do not count.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication

from app.chart.chart import Chart, ChartSpec
from app.market.trade import TradeBatch
from app.storage.trade_store import TradeStore
from rendering.items import layer_stack
from rendering.items.chart_item import ChartItem
from rendering.items.overlays import overlays
from rendering.scene.all_layers import LAYERS
from rendering.scene.scene import ChartScene
from rendering.style.theme import load_theme
from tests.rendering.charts import INSTRUMENT, MINUTE, random_trades
from widgets.chart.chart_view import ChartView

_FRAMES, _BAR_FRAMES, _WARM_UP = 90, 40, 20
_PER_BAR = 60
_PAN_PX = 7.0
_HOUR, _MONTH = 60, 30 * 1440
ALL = frozenset(layer.name for layer in overlays(LAYERS))
NONE: frozenset[str] = frozenset()


class Live:
    """A visible chart that takes one trade per frame."""

    def __init__(self, minutes: int, shown: frozenset[str]) -> None:
        self.store = TradeStore()
        self.chart = Chart(ChartSpec(INSTRUMENT, MINUTE, 10))
        self.chart.apply(self.store.insert(random_trades(minutes, _PER_BAR)), self.store)
        self.scene = ChartScene(self.chart, load_theme(), 1600, 900)
        self.scene.show_only(shown)
        self.view = ChartView(self.scene, use_gl=False)
        self.view.resize(1600, 900)
        self.view.show()
        self.now_ns, self.step = 10**9, _PAN_PX
        for _ in range(_WARM_UP):
            self.trade()
        while self.scene.idle(1.0):
            pass

    def trade(self) -> float:
        """Seconds from one more trade to its picture."""
        return self._take(int(self.store.trades(int(self.chart.series.start_ns(self.chart.series.n_bars - 1))).time_ns[-1]))

    def bar(self) -> float:
        """Seconds from the first trade of another bar to its picture."""
        return self._take(int(self.chart.series.start_ns(self.chart.series.n_bars - 1)) + MINUTE.length_ns)

    def pan(self) -> float:
        """Seconds of a frame in which the view has moved."""
        self.step = -self.step if self.now_ns // 10**9 % 20 == 0 else self.step
        begin = time.thread_time()
        self.scene.set_viewport(self.scene.viewport.panned(self.step, 0))
        return self._show(begin)

    def _take(self, time_ns: int) -> float:
        close, lots = int(self.chart.series.close[-1]), 1 + self.now_ns // 10**9 % 50
        price, trade_id = close + self.now_ns // 10**9 % 3 - 1, int(self.store.last_id or 0) + 1
        trade = TradeBatch.of([time_ns], [price], [lots], [1], [trade_id])
        begin = time.thread_time()
        self.chart.apply(self.store.insert(trade), self.store)
        return self._show(begin)

    def _show(self, begin: float) -> float:
        self.now_ns += 10**9  # every layer's rest is over
        self.scene.refresh(self.now_ns)
        QApplication.processEvents()
        return time.thread_time() - begin


def measured(frames: dict[str, Callable[[], float]], count: int) -> dict[str, np.ndarray]:
    """Milliseconds of each kind of frame, measured alternately `count` times."""
    times = np.array([[frame() for frame in frames.values()] for _ in range(count)]) * 1e3
    return dict(zip(frames, times.T, strict=True))


def told(times: np.ndarray) -> str:
    median, late = np.percentile(times, (50, 99))
    return f"{median:6.2f} ms (p99 {late:6.2f})"


def ratio(one: np.ndarray, other: np.ndarray) -> str:
    return f"{np.median(one) / np.median(other):.2f}"


@pytest.mark.parametrize("kind", ["trade", "bar", "pan"])
def test_a_frame_with_every_overlay_against_none_beside_an_hour_and_beside_30_days(qapp, kind: str) -> None:
    charts = {
        "none, hour": Live(_HOUR, NONE),
        "all, hour": Live(_HOUR, ALL),
        "none, month": Live(_MONTH, NONE),
        "all, month": Live(_MONTH, ALL),
    }
    found = measured({name: getattr(live, kind) for name, live in charts.items()}, _FRAMES if kind != "bar" else _BAR_FRAMES)
    assert not any(live.scene.failures for live in charts.values())
    print(f"\n{kind}, {len(ALL)} overlays: " + ", ".join(f"{name} {told(times)}" for name, times in found.items()))
    print(
        f"{kind}: all against none {ratio(found['all, hour'], found['none, hour'])} beside an hour, "
        f"{ratio(found['all, month'], found['none, month'])} beside 30 days; 30 days against an hour "
        f"{ratio(found['all, month'], found['all, hour'])} with all, {ratio(found['none, month'], found['none, hour'])} with none"
    )


def test_a_frame_in_which_every_layer_has_its_turn(qapp, monkeypatch) -> None:
    monkeypatch.setattr(layer_stack, "_TURNS", len(LAYERS))
    charts = {"none": Live(_HOUR, NONE), "hour": Live(_HOUR, ALL), "month": Live(_MONTH, ALL)}
    found = measured({name: live.trade for name, live in charts.items()}, _FRAMES)
    print("\nevery layer's turn in one frame: " + ", ".join(f"{name} {told(times)}" for name, times in found.items()))
    print(f"all against none {ratio(found['hour'], found['none'])}, 30 days against an hour {ratio(found['month'], found['hour'])}")


@pytest.mark.parametrize("kind", ["trade", "bar", "pan"])
def test_what_each_layer_takes_of_a_frame_beside_30_days(qapp, monkeypatch, kind: str) -> None:
    monkeypatch.setattr(layer_stack, "_TURNS", len(LAYERS))
    live = Live(_MONTH, ALL)
    spent: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for item in live.scene.items_by_layer:
        for part in ("legend", "refresh", "draw"):
            _clocked(item, part, spent[type(item).__name__])
    count = _FRAMES if kind != "bar" else _BAR_FRAMES
    for _ in range(count):
        getattr(live, kind)()
    print(f"\nms of each layer in a frame ({kind})")
    for name, parts in sorted(spent.items(), key=lambda layer: -sum(layer[1].values())):
        print(f"  {name:22} {sum(parts.values()) * 1e3 / count:6.2f}  " + "  ".join(f"{p} {s * 1e3 / count:.2f}" for p, s in parts.items()))


def _clocked(item: ChartItem, part: str, spent: dict[str, float]) -> None:
    plain = getattr(item, part)

    def clocked(*arguments: object) -> object:
        begin = time.thread_time()
        try:
            return plain(*arguments)
        finally:
            spent[part] += time.thread_time() - begin

    setattr(item, part, clocked)
