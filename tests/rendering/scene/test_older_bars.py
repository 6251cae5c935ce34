"""A chart whose older bars are read when they are needed looks the same, bit for bit, as one with all bars in memory."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtGui import QImage

from app.analytics.footprint import FootprintSeries
from app.analytics.older.older_bars import DayColumns, OlderBars
from app.chart.chart import Chart, ChartSpec
from app.errors import StoreError
from app.market.bar_rule import NS_PER_S, BarRule
from rendering.scene.all_layers import LAYERS
from rendering.scene.scene import ChartScene
from rendering.style.theme import load_theme
from tests.app.analytics.older.test_older_bars import FIRST_DAY, pair
from tests.benchmarks.long_store import MARKET

SPEC = ChartSpec(MARKET, BarRule(60 * NS_PER_S), 10)
MIDDLE = FIRST_DAY * 1440 + 3 * 1440 + 700


def scene_of(series: FootprintSeries) -> ChartScene:
    chart = Chart(SPEC)
    chart.replace_series(SPEC, series, 1 << 40)
    scene = ChartScene(chart, load_theme(), 900, 600)
    scene.show_only(frozenset(layer.name for layer in LAYERS if layer.name))
    return scene


def in_the_middle(scene: ChartScene) -> None:
    scene.set_viewport(scene.viewport.with_bar_at(MIDDLE, 300.0))
    scene.sight.fit_price()


def with_an_anchor(scene: ChartScene) -> None:
    in_the_middle(scene)
    scene.chart.anchors.add((MIDDLE - 2000) * SPEC.bar_rule.length_ns)
    scene.chart.anchors.add((MIDDLE - 90) * SPEC.bar_rule.length_ns, (MIDDLE + 30) * SPEC.bar_rule.length_ns)


def picture(scene: ChartScene) -> QImage:
    found = scene.render_image()
    assert not scene.failures
    return found


@pytest.mark.parametrize("look", [ChartScene.show_last, ChartScene.show_all, in_the_middle, with_an_anchor])
def test_pictures_are_equal(qapp, look: Callable[[ChartScene], object]) -> None:
    whole, lazy = (scene_of(series) for series in pair(5, "1m", 10))
    for scene in (whole, lazy):
        look(scene)
        scene.refresh(10**18)
    assert lazy.viewport == whole.viewport
    assert picture(lazy) == picture(whole)


def test_older_bars_that_cannot_be_read_are_dropped_and_reported(qapp, logged) -> None:
    _, series = pair(5, "1m", 10)
    older = series.older
    assert older is not None

    def read(day: int) -> DayColumns:
        raise StoreError(f"cannot read the bars of day {day}")

    broken = FootprintSeries(series.rule, series.grid, older=OlderBars(older.days, read))
    n_bars = len(series.without_older().number)
    broken._use(series._own_bars.copy(), series._own_cells.copy())
    scene = scene_of(broken)
    generation = scene.chart.generation
    scene.set_viewport(scene.viewport.with_bar_at(MIDDLE, 300.0))
    scene.refresh(10**18)
    assert scene.chart.series.older is None
    assert scene.chart.series.n_bars == n_bars
    assert scene.chart.generation == generation + 1
    assert "cannot read the bars of day" in scene.chart.older_trouble
    assert not scene.failures
    assert [entry["event"] for entry in logged.entries] == ["older bars dropped"]
