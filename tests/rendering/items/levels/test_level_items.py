"""Levels and developing lines on the chart: their positions, and their repaints."""

from __future__ import annotations

import numpy as np
import pytest

from app.analytics.level_detection import LevelKind
from app.market.trade import TradeBatch
from rendering.items.chart_item import ChartItem
from rendering.items.levels.developing_item import DevelopingItem
from rendering.items.levels.level_items import (
    LevelItem,
    NakedLevelsItem,
    SinglePrintsItem,
    StackedImbalancesItem,
    UnfinishedAuctionsItem,
    VolumeNodesItem,
)
from rendering.scene.all_layers import LAYERS
from rendering.scene.scene import ChartScene
from rendering.style.theme import load_theme
from rendering.view.frame_coords import line_y
from tests.rendering.charts import FIRST_MINUTE, MINUTE, StillChart, random_trades, trade

ITEMS: tuple[type[ChartItem], ...] = (
    NakedLevelsItem,
    VolumeNodesItem,
    SinglePrintsItem,
    StackedImbalancesItem,
    UnfinishedAuctionsItem,
    DevelopingItem,
)


def two_days() -> StillChart:
    """The end of a day and the start of the next, at much higher prices."""
    first = random_trades(1440 - FIRST_MINUTE % 1440, 60, volatility=9)
    later = random_trades(90, 60, volatility=9, seed=9, start_ticks=int(first.price_ticks.max()) + 900)
    columns = [np.concatenate((getattr(first, name), getattr(later, name))) for name in ("price_ticks", "quantity_lots", "side")]
    behind = later.time_ns + (first.time_ns[-1] // MINUTE.length_ns + 1 - FIRST_MINUTE) * MINUTE.length_ns
    return StillChart(TradeBatch.of(np.concatenate((first.time_ns, behind)), *columns, np.arange(len(columns[0]))), 50)


def scene_of(chart: StillChart, item: type[ChartItem], name: str = "dark") -> ChartScene:
    scene = ChartScene(chart, load_theme(name), layers=[item])
    scene.show(item.name)
    scene.show_all()
    scene.refresh(1)
    scene.settle()
    scene.refresh(2)
    return scene


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.name)
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_each_overlay_draws_only_while_shown(qapp, item: type[ChartItem], theme: str):
    chart = two_days()
    scene = scene_of(chart, item, theme)
    shown = scene.render_image()
    scene.show(item.name, False)
    assert shown != scene.render_image()
    assert item in LAYERS
    assert not item.shown_at_first


def test_naked_level_runs_from_the_new_day_to_the_right_edge(qapp):
    chart = two_days()
    scene = scene_of(chart, NakedLevelsItem)
    (item,) = scene.items_by_layer
    assert isinstance(item, LevelItem) and scene.frame is not None
    drawn = {level.kind: level for level in item._drawn(scene.frame)}
    levels = {level.kind: level for level in chart.levels.active() if level.kind <= LevelKind.VAL}
    assert set(drawn) == set(levels) == {LevelKind.POC, LevelKind.VAH, LevelKind.VAL}
    for kind, level in levels.items():
        assert drawn[kind].top == drawn[kind].bottom == line_y(scene.frame, level.bottom_ticks)
        assert drawn[kind].right == scene.viewport.width_px
        assert drawn[kind].left == scene.viewport.x(level.born_ns // MINUTE.length_ns)
        assert drawn[kind].text == f"n{kind.name} day"


def test_trade_repaints_levels_only_when_it_reaches_one(qapp):
    chart = two_days()
    scene = scene_of(chart, NakedLevelsItem)
    last = int(chart.series.number[-1]) - FIRST_MINUTE
    chart.apply(trade(last, int(chart.series.close[-1])))
    assert not scene.refresh(10**12)
    (poc,) = (level for level in chart.levels.active() if level.kind is LevelKind.POC)
    chart.apply(trade(last, int(poc.bottom_ticks)))
    assert scene.refresh(2 * 10**12)


def test_trade_recomputes_one_bar_of_the_developing_lines(qapp):
    chart = two_days()
    scene = scene_of(chart, DevelopingItem)
    (item,) = scene.items_by_layer
    assert isinstance(item, DevelopingItem) and item._developing is not None
    before = item._developing.bars_computed
    chart.apply(trade(int(chart.series.number[-1]) - FIRST_MINUTE, int(chart.series.close[-1])))
    assert not scene.refresh(10**12)
    assert item._developing.bars_computed == before + 1
    chart.apply(trade(int(chart.series.number[-1]) - FIRST_MINUTE, int(chart.series.close[-1]), lots=10**9))
    assert scene.refresh(2 * 10**12)
    assert item._developing.bars_computed == before + 2


def test_the_legend_names_the_rules(qapp):
    chart = two_days()
    told = {item.name: scene_of(chart, item).frame.told for item in ITEMS}  # type: ignore[union-attr]
    assert told["stacked"] == ("stacked 3 until touched",)
    assert told["unfinished"] == ("unfinished auctions (rows of 50 ticks)",)
    assert told["naked"] == ("naked levels by day, week, month",)
    assert told["nodes"] == ("HVN and LVN by peaks",)
    assert told["developing"] == ("developing day",)
