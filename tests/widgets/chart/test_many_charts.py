"""Several charts in one window: one trade repaints one bar in each that shows it, and hidden charts cost nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QImage, QPaintEvent
from PySide6.QtWidgets import QApplication, QGridLayout, QTabWidget, QWidget
from pytestqt.qtbot import QtBot

from rendering.items.chart_item import ChartItem
from rendering.paint.tile_budget import TileBudget
from rendering.scene import scene as scene_module
from rendering.scene.all_layers import LAYERS
from rendering.scene.scene import ChartScene
from rendering.style.theme import load_theme
from rendering.view.frame_turns import FrameTurns
from tests.rendering.charts import StillChart, random_trades, trade
from widgets.chart.chart_view import ChartView

ALL = frozenset(layer.name for layer in LAYERS if layer.name)


class Paints(QObject):
    """Counts the paintings of a chart, and their largest width in pixels."""

    def __init__(self, view: ChartView) -> None:
        super().__init__(view)
        self.count = self.width = 0
        view.viewport().installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if isinstance(event, QPaintEvent):
            self.count += 1
            price = [rect for rect in event.region() if rect.height() > 200]  # type: ignore[attr-defined]
            self.width = max(self.width, *(rect.width() for rect in price), 0)
        return False

    def clear(self) -> None:
        self.count = self.width = 0


class Charts:
    """Two markets, and two charts of each; only `frame` moves the time on, by 100 ms."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(scene_module, "time", SimpleNamespace(time_ns=lambda: self.now_ns))
        self.turns, self.tiles = FrameTurns(budget_s=math.inf), TileBudget()
        self.markets = [StillChart(random_trades(60, 150, seed=seed), 10) for seed in (1, 2)]
        self.now_ns = 10**18
        self.views = [self._view(market) for market in self.markets for _ in range(2)]

    def _view(self, market: StillChart) -> ChartView:
        view = ChartView(ChartScene(market, load_theme(), tiles=self.tiles))
        self.turns.add(view)
        return view

    def frame(self) -> bool:
        self.now_ns += 100_000_000
        changed = self.turns.refresh()
        QApplication.processEvents()
        return changed

    def settle(self) -> None:
        for _ in range(200):
            if not self.frame():
                return
        raise AssertionError("the charts never rest")

    def settled_picture(self, number: int) -> QImage:
        """A chart when nothing is left to do, with each layer drawn again."""
        self.settle()
        for item in self.views[number].chart_scene.items_by_layer:
            item.forget()
        self.views[number].chart_scene.refresh()
        return self.views[number].grab().toImage()

    def trade(self, market: int, lots: int = 5) -> None:
        chart = self.markets[market]
        chart.apply(trade(59, int(chart.series.close[-1]), lots))


@pytest.fixture
def grid(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[Charts]:
    """All charts side by side."""
    charts, window = Charts(monkeypatch), QWidget()
    rows = QGridLayout(window)
    for number, view in enumerate(charts.views):
        rows.addWidget(view, *divmod(number, 2))
    window.resize(1200, 900)
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    charts.settle()
    yield charts
    window.close()


@pytest.fixture
def tabs(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Charts, QTabWidget]]:
    """A tab for each chart, of which the first is shown; each was shown before."""
    charts, window = Charts(monkeypatch), QTabWidget()
    for number, view in enumerate(charts.views):
        window.addTab(view, str(number))
        view.chart_scene.show_only(ALL)
    window.resize(900, 700)
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    for number in (1, 2, 3, 0):
        window.setCurrentIndex(number)
        charts.settle()
    yield charts, window
    window.close()


def test_one_trade_repaints_one_bar_in_each_chart_of_its_market(grid: Charts):
    paints = [Paints(view) for view in grid.views]
    for market in (0, 1):
        for each in paints:
            each.clear()
        grid.trade(market)
        grid.frame()
        assert [each.count for each in paints] == ([1, 1, 0, 0] if market == 0 else [0, 0, 1, 1])
        for view, each in zip(grid.views, paints, strict=True):
            assert each.width <= view.chart_scene.viewport.bar_px + 4
        grid.settle()


def test_quiet_charts_ask_no_layer_and_paint_nothing(grid: Charts, monkeypatch: pytest.MonkeyPatch):
    paints, asked = [Paints(view) for view in grid.views], []
    monkeypatch.setattr(ChartItem, "refresh", lambda item, frame: asked.append(item))
    assert not any(grid.frame() for _ in range(20))
    assert asked == [] and [each.count for each in paints] == [0, 0, 0, 0]


def test_the_chart_that_was_clicked_last_has_the_focus(grid: Charts, qtbot: QtBot):
    for view in grid.views:
        view.on_focus = lambda view=view: grid.turns.focus(view)
    for view in (grid.views[2], grid.views[1]):
        view.setFocus()
        assert grid.turns.focused is view


def test_painting_is_timed(grid: Charts):
    view = grid.views[0]
    view.paint_s = 0.0
    view.viewport().repaint()
    assert 0 < view.paint_s < 5


def test_a_hidden_tab_asks_and_paints_nothing(tabs: tuple[Charts, QTabWidget]):
    charts, _ = tabs
    assert [view.on_screen for view in charts.views] == [True, False, False, False]
    paints, frames = [Paints(view) for view in charts.views], [view.chart_scene.frames for view in charts.views]
    for _ in range(10):
        charts.trade(0)
        charts.trade(1)
        charts.frame()
    after = [view.chart_scene.frames for view in charts.views]
    assert after[0] > frames[0] and after[1:] == frames[1:]
    assert paints[0].count and [each.count for each in paints[1:]] == [0, 0, 0]


def test_a_tab_is_right_at_once_when_it_is_shown(tabs: tuple[Charts, QTabWidget]):
    charts, window = tabs
    for _ in range(10):
        charts.trade(0, 300)
        charts.frame()
    charts.settle()
    window.setCurrentIndex(1)  # the other chart of the same market; no frame from here on
    at_once = charts.views[1].grab().toImage()
    assert at_once == charts.settled_picture(1)


def test_a_tab_whose_tiles_were_discarded_is_complete_at_once(tabs: tuple[Charts, QTabWidget]):
    charts, window = tabs
    before = charts.tiles.n_bytes
    charts.tiles.max_bytes = 0
    charts.tiles.free()
    assert charts.tiles.n_bytes < before / 2
    charts.tiles.max_bytes = 10**9
    window.setCurrentIndex(1)
    at_once = charts.views[1].grab().toImage()
    assert at_once == charts.settled_picture(1)


def test_a_minimised_window_is_right_at_once_when_it_is_restored(tabs: tuple[Charts, QTabWidget], qtbot: QtBot):
    charts, window = tabs
    shown = charts.views[0]
    window.showMinimized()
    qtbot.waitUntil(window.isMinimized)
    frames, paints = shown.chart_scene.frames, Paints(shown)
    for _ in range(5):
        charts.trade(0, 300)
        assert not charts.frame()
    assert (shown.chart_scene.frames, paints.count) == (frames, 0)
    window.showNormal()
    qtbot.waitUntil(lambda: not window.isMinimized() and paints.count > 0)
    at_once = shown.grab().toImage()
    assert at_once == charts.settled_picture(0)
    assert shown.chart_scene.frame.revision == charts.markets[0].revision  # type: ignore[union-attr]


def test_a_replaced_scene_gives_its_tiles(grid: Charts):
    view, before = grid.views[0], grid.views[0].chart_scene
    view.show_scene(ChartScene(grid.markets[0], load_theme(), tiles=grid.tiles))
    grid.settle()
    held = grid.tiles.n_bytes
    grid.tiles.max_bytes = 0
    grid.tiles.free()
    assert grid.tiles.n_bytes < held
    assert before._footprints[0].raster.layer is not None
    assert before._footprints[0].raster.layer.n_bytes == 0
