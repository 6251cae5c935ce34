"""Eight charts of four live markets in one window: frames a second, idle share, paintings for a trade, memory against one chart.

All charts share one frame clock, one budget of time and one of tiles. Times are processor time, so that a busy machine changes them
little. In `frames_per_s` every market trades in every frame and each chart is painted in each of them, whatever it takes: what the
machine could do. In `turns` the budget decides, as in the program: what the focused chart gets, and what the others get.
"""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable

from PySide6.QtCore import QEvent, QEventLoop, QObject, QTimer
from PySide6.QtWidgets import QApplication, QGridLayout, QWidget
from pytest_benchmark.fixture import BenchmarkFixture

from rendering.items.layer_cache import LayerCache
from rendering.paint.tile_budget import TileBudget
from rendering.scene.scene import ChartScene
from rendering.style.theme import load_theme
from rendering.view.frame_clock import FrameClock
from rendering.view.frame_turns import FRAME_BUDGET_S, LONGEST_WAIT, FrameTurns
from tests.benchmarks.market_of_cells import CASES, CellMarket
from widgets.chart.chart_view import ChartView

WIDTH, HEIGHT = 1920, 1080
CHARTS, MARKETS = 8, 4
FRAMES, WARM_UP, QUIET_S = 120, 20, 10.0
MOST_OF_ONE = 9.0
"""Largest ratio of the time for a frame of all charts to that of one."""
MOST_IDLE = 0.03
"""Largest share of a core that quiet charts may need."""


class Paintings(QObject):
    """Counts how often each chart is painted."""

    def __init__(self, views: list[ChartView]) -> None:
        super().__init__()
        self.of = dict.fromkeys(range(len(views)), 0)
        self._numbers = {view.viewport(): number for number, view in enumerate(views)}
        for view in views:
            view.viewport().installEventFilter(self)

    def forget(self) -> None:
        """Count from zero again."""
        self.of = dict.fromkeys(self.of, 0)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if event.type() is QEvent.Type.Paint and isinstance(watched, QWidget):
            self.of[self._numbers[watched]] += 1
        return False


class Window:
    """Charts side by side, which share one frame clock; chart `n` shows market `n % n_markets`."""

    def __init__(self, app: QApplication, n_charts: int, n_markets: int) -> None:
        self.app, self.tiles, self.turns = app, TileBudget(), FrameTurns()
        self.markets = [CellMarket(CASES["detail"], seed=seed) for seed in range(n_markets)]
        self.widget = QWidget()
        grid = QGridLayout(self.widget)
        grid.setContentsMargins(0, 0, 0, 0)
        self.views: list[ChartView] = []
        for number in range(n_charts):
            scene = ChartScene(self.markets[number % n_markets], load_theme(), WIDTH // 4, HEIGHT // 2, tiles=self.tiles)
            view = ChartView(scene)
            self.turns.add(view)
            self.views.append(view)
            grid.addWidget(view, *divmod(number, 4))
        self.turns.focus(self.views[0])
        self.clock = FrameClock(self.turns.refresh, self.widget)
        self.widget.resize(WIDTH, HEIGHT)
        self.widget.show()
        for _ in range(WARM_UP):
            self.frame()
        self.paintings = Paintings(self.views)

    def trade(self) -> None:
        """Let every market trade."""
        for market in self.markets:
            market.trade()

    def frame(self) -> bool:
        """Give the charts their turns, and let Qt paint."""
        changed = self.turns.refresh()
        self.app.processEvents()
        return changed

    def live(self) -> None:
        """Draw a frame after a trade in every market."""
        self.trade()
        self.frame()

    def settle(self) -> None:
        """Draw frames until nothing is left to do."""
        while self.frame():
            pass

    def close(self) -> None:
        """Stop the clock and close the window."""
        self.clock.stop()
        self.widget.close()

    def picture_bytes(self) -> int:
        """Memory of tiles, and of the cached images of overlays."""
        pictures = [item for view in self.views for item in view.chart_scene.items() if isinstance(item, LayerCache)]
        return self.tiles.n_bytes + sum(picture._image.sizeInBytes() for picture in pictures if picture._image is not None)


def run_loop(seconds: float) -> None:
    """Run Qt's event loop, as the program does."""
    loop = QEventLoop()
    QTimer.singleShot(round(1e3 * seconds), loop.quit)
    loop.exec()


def cpu_s(work: Callable[[], object], n: int) -> float:
    """Processor time of a call, on average of `n`."""
    started = time.process_time()
    for _ in range(n):
        work()
    return (time.process_time() - started) / n


def live_frame_s(window: Window) -> float:
    """Processor time of a frame after a trade in every market, in which each chart is painted."""
    trades_s = cpu_s(window.trade, FRAMES)
    window.turns.budget_s = math.inf
    window.paintings.forget()
    frame_s = cpu_s(window.live, FRAMES) - trades_s
    assert set(window.paintings.of.values()) == {FRAMES}, window.paintings.of
    window.turns.budget_s = FRAME_BUDGET_S
    return frame_s


def test_live_markets_in_many_charts(qapp, benchmark: BenchmarkFixture) -> None:
    one = Window(qapp, 1, 1)
    one_s = live_frame_s(one)
    one.close()
    window = Window(qapp, CHARTS, MARKETS)
    frame_s = benchmark.pedantic(live_frame_s, args=(window,), rounds=1)
    window.paintings.forget()
    turn_s = cpu_s(window.live, FRAMES)
    focused, *others = (count / FRAMES for count in window.paintings.of.values())
    window.close()
    figures = {
        "frames_per_s": round(1 / frame_s, 1),
        "ms_per_frame": round(1e3 * frame_s, 2),
        "of_one_chart": round(frame_s / one_s, 2),
        "turns_ms": round(1e3 * turn_s, 2),
        "turns_focused": round(focused, 2),
        "turns_others": [round(share, 2) for share in others],
    }
    benchmark.extra_info.update(figures)
    print(f"\n{CHARTS} charts of {MARKETS} live markets: {figures}")
    assert focused == 1 and round(min(others) * FRAMES) >= FRAMES // LONGEST_WAIT - 1
    assert frame_s / one_s <= MOST_OF_ONE


def test_quiet_charts(qapp, benchmark: BenchmarkFixture) -> None:
    shares = {}
    for n_charts, n_markets in ((1, 1), (CHARTS, MARKETS)):
        window = Window(qapp, n_charts, n_markets)
        window.settle()
        frames = [view.chart_scene.frames for view in window.views]
        window.paintings.forget()
        window.clock.start()
        run_loop(0.5)  # the clock rests after a quarter of a second
        started, cpu = time.perf_counter(), time.process_time()
        run_loop(QUIET_S)
        shares[n_charts] = (time.process_time() - cpu) / (time.perf_counter() - started)
        assert window.clock.resting and [view.chart_scene.frames for view in window.views] == frames
        assert not any(window.paintings.of.values())
        window.close()
    benchmark.pedantic(lambda: None, rounds=1)
    figures = {f"idle_share_{n_charts}": round(share, 5) for n_charts, share in shares.items()}
    benchmark.extra_info.update(figures)
    print(f"\nquiet charts, share of a core: {figures}")
    assert shares[CHARTS] <= MOST_IDLE and shares[1] <= MOST_IDLE / 3


def test_one_trade_in_many_charts(qapp, benchmark: BenchmarkFixture) -> None:
    window = Window(qapp, CHARTS, MARKETS)
    window.settle()
    window.turns.budget_s = math.inf
    window.paintings.forget()
    window.markets[1].trade()
    benchmark.pedantic(window.frame, rounds=1)
    painted = [number for number, count in window.paintings.of.items() if count]
    window.close()
    print(f"\na trade in one of {MARKETS} markets paints {len(painted)} of {CHARTS} charts")
    assert painted == [number for number in range(CHARTS) if number % MARKETS == 1]


def test_memory_of_many_charts(qapp, benchmark: BenchmarkFixture) -> None:
    figures = {}
    for n_charts, n_markets in ((1, 1), (CHARTS, MARKETS)):
        window = Window(qapp, n_charts, n_markets)
        window.settle()
        gc.collect()
        figures[f"{n_charts}_charts_mb"] = round(window.picture_bytes() / 1e6, 1)
        assert window.tiles.n_bytes <= window.tiles.max_bytes
        window.close()
    benchmark.pedantic(lambda: None, rounds=1)
    benchmark.extra_info.update(figures)
    print(f"\nmemory of tiles and cached images in a window of {WIDTH} x {HEIGHT}: {figures}")
