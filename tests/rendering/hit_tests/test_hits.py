"""Each layer returns hit targets for what it draws under the mouse, and for nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from app.explain.answer import find_trades
from rendering.hit_tests.hit_target import HitTarget
from rendering.items.bars.footprint_item import FootprintItem
from rendering.items.bars.large_trades_item import LargeTradesItem
from rendering.items.chart_item import ChartItem
from rendering.items.levels.developing_item import DevelopingItem
from rendering.items.levels.level_items import NakedLevelsItem, StackedImbalancesItem, UnfinishedAuctionsItem
from rendering.items.levels.vwap_item import VwapItem, heights
from rendering.items.panes.cvd_item import CvdItem, DivergenceItem
from rendering.items.panes.delta_item import DeltaItem
from rendering.items.panes.statistics_item import ROW_PX, StatisticsItem
from rendering.items.profiles.tpo_item import TpoItem
from rendering.items.profiles.visible_profile_item import VisibleProfileItem
from rendering.scene.all_layers import LAYERS
from rendering.scene.scene import ChartScene
from rendering.style.theme import load_theme
from tests.rendering.charts import FIRST_MINUTE, StillChart, random_trades
from tests.rendering.items.levels.test_level_items import two_days

NAMES = ("cvd", "statistics", "developing", "large-trades", "naked", "stacked", "unfinished", "tpo", "vwap-day", "profile")


@pytest.fixture(scope="module")
def scene(qapp) -> ChartScene:
    chart = two_days()
    trades = random_trades(1440 - FIRST_MINUTE % 1440, 60, volatility=9)
    chart.trades = lambda start_ns, end_ns: trades[(trades.time_ns >= start_ns) & (trades.time_ns < end_ns)]
    scene = ChartScene(chart, load_theme("dark"), 1600, 1000)
    scene.show_only(frozenset((*NAMES, "delta")))
    scene.show_last(40)
    scene.sight.fit_price()
    for now in (1, 2):
        scene.refresh(now)
        scene.settle()
    return scene


def item_of(scene: ChartScene, kind: type[ChartItem]) -> ChartItem:
    return next(item for item in scene.items_by_layer if type(item) is kind)


def asked(scene: ChartScene, kind: type[ChartItem], x: float, y: float) -> list[HitTarget]:
    assert scene.frame is not None
    return list(item_of(scene, kind).hits(scene.frame, x, y))


def bar_x(scene: ChartScene, before_last: int) -> tuple[int, float]:
    series = scene.chart.series
    bar = series.n_bars - before_last
    return bar, scene.viewport.x(int(series.number[bar]) + 0.5)


def test_every_hit_anywhere_has_an_explanation(scene):
    layout, rng = scene.layout, np.random.default_rng(3)
    titles = set()
    for x, y in zip(rng.uniform(0, layout.width, 150), rng.uniform(0, layout.height, 150), strict=True):
        questions = scene.layers.hits(scene.frame, float(x), float(y))
        marked = [question.marked for question in questions]
        assert marked == sorted(marked, reverse=True)
        for question in questions:
            told = find_trades(scene.chart, question.ask())
            assert told.explanation.title
            assert told.explanation.lines
            titles.add(question.text.partition(" ")[0])
    assert not scene.failures
    assert {"No", "POC", "Value", "Delta", "CVD"} <= titles


def test_a_cell_hit_includes_its_bars_poc_and_value_area(scene):
    bar, x = bar_x(scene, 5)
    row = int(scene.chart.series.first_row[bar]) + 1
    y = scene.viewport.y((row + 0.5) * 50)
    texts = [question.text for question in asked(scene, FootprintItem, x, y)]
    assert set(texts) >= {"POC of the bar", "Value area of the bar"}
    assert len(texts) == 3
    assert not asked(scene, FootprintItem, x, scene.viewport.y(0))


def test_vwap_is_hit_where_its_line_is_drawn(scene):
    item = item_of(scene, VwapItem)
    assert isinstance(item, VwapItem)
    bar, x = bar_x(scene, 10)
    (line,) = item._lines(scene.frame)
    price, deviation = line.figures.values(bar, bar + 1)
    y = float(heights(scene.frame, price)[0])
    (question,) = asked(scene, VwapItem, x, y)
    assert question.text == "VWAP day"
    assert float(question.ask().lines[2].text.rpartition(" ")[2]) == pytest.approx(float(price[0]) * 0.1)
    assert not asked(scene, VwapItem, x, y + 30) or deviation[0] > 0


def test_visible_range_lines_are_hit_in_the_profile_strip(scene):
    item = item_of(scene, VisibleProfileItem)
    assert isinstance(item, VisibleProfileItem)
    for line in item.lines(scene.frame):
        y = scene.frame.pixels.screen_y(line.ticks) / scene.frame.dpr
        texts = [question.text for question in asked(scene, VisibleProfileItem, scene.layout.profile.left + 30, y)]
        assert f"{line.name} of visible range" in texts
        told = next(
            question for question in asked(scene, VisibleProfileItem, scene.layout.profile.left + 30, y) if line.name in question.text
        )
        assert told.ask().title.startswith(line.name)


def test_values_under_the_bars_are_hit_in_their_rows(scene):
    bar, x = bar_x(scene, 4)
    middle = scene.layout.delta.top + scene.layout.delta.height / 2
    (question,) = asked(scene, DeltaItem, x, middle)
    assert not question.marked
    strip, rows = scene.layout.strip_of("statistics"), scene.frame.rules.statistics.rows
    titles = {}
    for index, statistic in enumerate(rows):
        (question,) = asked(scene, StatisticsItem, x, strip.top + (index + 0.5) * ROW_PX)
        titles[statistic.value] = question.ask().title
    assert titles["cvd"].startswith("CVD ")
    assert titles["poc"].startswith("POC ")
    assert titles["volume"].startswith("Delta ")
    pane = scene.layout.strip_of("cvd")
    assert asked(scene, CvdItem, x, pane.top + pane.height / 2)[-1].text == "CVD"
    assert bar


def test_a_bubble_hit_explains_its_trade(scene):
    item = item_of(scene, LargeTradesItem)
    assert isinstance(item, LargeTradesItem)
    bubbles = item.bubbles(scene.frame)
    if bubbles:
        (question,) = asked(scene, LargeTradesItem, bubbles[0].x, bubbles[0].y)
        assert question.ask().listed is not None


def test_levels_are_hit_after_their_start_and_not_before(scene):
    levels = scene.chart.levels.columns((0, 1, 2), 0, scene.chart.series.n_bars)
    scene.show_all()
    scene.refresh(3)
    try:
        for kind, bottom, start in zip(*(levels[name].tolist() for name in ("kind", "bottom", "start")), strict=True):
            y = scene.frame.pixels.screen_y(bottom + 0.5) / scene.frame.dpr + 0.5
            born = scene.viewport.x(int(scene.chart.series.number[start]))
            found = asked(scene, NakedLevelsItem, born + 20, y)
            assert found, kind
            assert not asked(scene, NakedLevelsItem, born - 20, y)
    finally:
        scene.show_last(40)
        scene.sight.fit_price()
        scene.refresh(4)


def test_developing_lines_and_tpo_letters_are_hit(scene):
    bar, x = bar_x(scene, 6)
    item = item_of(scene, DevelopingItem)
    assert isinstance(item, DevelopingItem)
    poc = int(item._of(scene.frame).columns(bar, bar + 1)[0][0])
    y = scene.frame.pixels.screen_y((poc + 0.5) * 50) / scene.frame.dpr
    assert [question.text for question in asked(scene, DevelopingItem, x, y)] == ["POC of developing day"]
    (question,) = asked(scene, TpoItem, x, y)
    assert "letter" in question.ask().title


def test_a_divergence_is_hit_at_its_line(qapp):
    chart = StillChart(random_trades(400, 60, volatility=6, seed=5), 50)
    scene = ChartScene(chart, load_theme("dark"), 1600, 1000)
    scene.show_only(frozenset(("cvd",)))
    scene.show_all()
    for now in (1, 2):
        scene.refresh(now)
    item = item_of(scene, DivergenceItem)
    assert isinstance(item, DivergenceItem)
    assert scene.frame is not None
    marks = item._marks(scene.frame)
    assert marks
    for mark in marks:
        x, y = (mark.left + mark.right) / 2, sum(mark.price) / 2
        told = [question.ask() for question in asked(scene, DivergenceItem, x, y)]
        assert ((mark.bars[0], mark.bars[1] + 1),) in [one.bars for one in told]
        assert all(line.met is not False for one in told for line in one.lines)


def test_layers_without_hit_tests_return_no_hits(scene):
    silent = [layer for layer in LAYERS if layer.hits is ChartItem.hits]
    assert silent
    assert all(not item_of(scene, layer).hits(scene.frame, 10, 10) for layer in silent)
    assert asked(scene, StackedImbalancesItem, -5, -5) == asked(scene, UnfinishedAuctionsItem, -5, -5) == []
