"""Compare each painter with one QPainter call per cell on the same surface, for pans and live updates.

Run by `make bench`; each comparison prints its ratio. Both draw into the same window of 1920 x 1080 that shows only
cells; the OpenGL painter runs under Xvfb, where software replaces a graphics card. Sizes are those of
the cases "text_1200" (30 bars of 40 rows with numbers) and "cells_100000" (500 of 200).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtWidgets import QApplication

from rendering.items.bars.footprint_item import FootprintItem
from rendering.items.guides.axes import GridItem
from rendering.scene.scene import ChartScene
from rendering.style.theme import load_theme
from tests.benchmarks.frames import FORCED, HEIGHT, PAN_PX, WIDTH
from tests.benchmarks.market_of_cells import CASES, FIRST_BAR, LOW_ROW, CellMarket
from tests.benchmarks.naive_painter import NaiveItem
from widgets.chart.chart_view import ChartView

WANTED = {("text_1200", "pan"): 4, ("cells_100000", "pan"): 50}
"""Minimum ratio of the naive drawing's time to the raster painter's."""
NAIVE_FRAMES, FRAMES = 8, 150


class Window:
    """A chart of one case in a window, drawn by one of our painters or by `NaiveItem`."""

    def __init__(self, app: QApplication, case: str, painter: str, *, naive: bool = False) -> None:
        self.app, self.case = app, CASES[case]
        self.market = CellMarket(self.case)
        scene = ChartScene(self.market, load_theme(), WIDTH, HEIGHT, layers=(GridItem, NaiveItem if naive else FootprintItem))
        self.scene = scene
        scene.fixed_detail = FORCED[case]
        scene.show("profile", False)
        self.view = ChartView(scene, use_gl=painter == "gl")
        if painter == "gl" and not naive:
            scene.install_gl(pytest.fail)
            scene.set_painter("gl")
        self.view.resize(WIDTH, HEIGHT)
        self.view.show()
        scene.refresh()
        pane = scene.layout.price
        view = replace(scene.viewport, bar_px=pane.width / self.case.bars, tick_px=pane.height / self.case.rows, low_ticks=float(LOW_ROW))
        scene.set_viewport(view.with_bar_at(FIRST_BAR, 0.0))

    def pan(self) -> None:
        """Draw one frame, panned a little to the right."""
        self.scene.set_viewport(self.scene.viewport.panned(-PAN_PX, 0))
        self.paint()

    def live(self) -> None:
        """Draw one frame after 20 more trades."""
        self.market.trade()
        self.paint()

    def paint(self) -> None:
        """Refresh the scene and let Qt paint it."""
        self.scene.refresh()
        self.app.processEvents()

    def go_to_newest(self) -> None:
        """Draw one frame at the newest bars."""
        self.scene.set_viewport(self.scene.viewport.with_bar_at(FIRST_BAR + self.case.spare_bars, 0.0))
        self.paint()


def mean_ms(action: Callable[[], None], n: int) -> float:
    """Mean milliseconds of `n` calls after a few to warm up; the mean, because only few of many frames draw tiles."""
    for _ in range(5):
        action()
    started = time.perf_counter()
    for _ in range(n):
        action()
    return (time.perf_counter() - started) * 1000 / n


@pytest.mark.parametrize("change", ["pan", "live"])
@pytest.mark.parametrize("case", ["text_1200", "cells_100000"])
@pytest.mark.parametrize("painter", ["raster", pytest.param("gl", marks=pytest.mark.gl)])
def test_a_painter_beats_a_call_per_cell(qapp, benchmark, capsys, painter: str, case: str, change: str):
    figures = {}
    for naive in (True, False):
        window = Window(qapp, case, painter, naive=naive)
        if change == "live":
            window.go_to_newest()
        action = getattr(window, change)
        figures[naive] = mean_ms(action, NAIVE_FRAMES if naive else FRAMES)
        if not naive:
            benchmark.pedantic(action, rounds=60)
        window.view.use_gl(False)
        window.view.close()
    ratio = figures[True] / figures[False]
    benchmark.extra_info.update({"naive_ms": figures[True], "ours_ms": figures[False], "ratio": ratio})
    with capsys.disabled():
        print(f"\n{case} {change}: {painter} {figures[False]:.2f} ms, QPainter per cell {figures[True]:.2f} ms, ratio {ratio:.1f}")
    if painter == "raster":
        assert ratio >= WANTED.get((case, change), 0)
