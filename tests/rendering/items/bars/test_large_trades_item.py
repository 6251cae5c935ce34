"""Bubbles of large trades."""

from __future__ import annotations

import pytest

from app.settings.calculation import CalculationSettings, LargeTradeSettings
from app.storage.trade_store import TradeStore
from rendering.items.bars.large_trades_item import LargeTradesItem
from rendering.scene.scene import ChartScene
from rendering.style.theme import load_theme
from tests.rendering.charts import StillChart, random_trades, trade


@pytest.fixture
def store() -> TradeStore:
    store = TradeStore()
    store.insert(random_trades(60, 60))
    return store


@pytest.fixture
def scene(qapp, store) -> ChartScene:
    chart = StillChart(store.trades())
    chart.trades = store.trades
    scene = ChartScene(chart, load_theme(), 1200, 700)
    scene.show("large-trades")
    scene.show_last(40)
    scene.refresh()
    return scene


def item_of(scene: ChartScene) -> LargeTradesItem:
    return next(item for item in scene.items_by_layer if isinstance(item, LargeTradesItem))


def test_largest_trades_in_view_have_bubbles_sized_by_quantity(scene):
    bubbles = item_of(scene).bubbles(scene.frame)
    assert bubbles is not None and len(bubbles) == 30
    assert bubbles[0].radius == pytest.approx(24)
    assert [bubble.radius for bubble in bubbles] == sorted((bubble.radius for bubble in bubbles), reverse=True)
    assert all(0 <= bubble.x <= scene.viewport.width_px + 24 for bubble in bubbles)


def test_only_a_large_trade_repaints_the_pane(scene, store):
    item, before = item_of(scene), scene.frame
    item.changed(before, before)
    for lots, repainted in ((1, False), (900_000, True)):
        fresh = trade(59, int(scene.chart.series.close[-1]), lots=lots)
        fresh = replace_id(fresh, int(store.last_id or 0) + 1)
        store.insert(fresh)
        scene.chart.apply(fresh)
        assert (item.changed(before, before) is not None) is repainted


def replace_id(batch, trade_id: int):
    columns = [*batch.columns]
    columns[4] = [trade_id]
    return type(batch).of(*columns)


def test_the_legend_names_the_rule(scene):
    assert item_of(scene).legend(scene.frame) == "large trades: top 30 in view"
    scene.chart.set_rules(CalculationSettings(large_trades=LargeTradeSettings(trades="2.5")))
    scene.refresh()
    assert item_of(scene).legend(scene.frame) == "large trades ≥ 2.5"


def test_bubbles_are_drawn_in_the_colour_of_their_side(scene):
    image, bubbles = scene.render_image(), item_of(scene).bubbles(scene.frame)
    ground = scene.theme.background
    largest = bubbles[0]
    pixel = image.pixelColor(int(largest.x), int(largest.y - largest.radius * 0.7))
    assert (pixel.red(), pixel.green(), pixel.blue()) != ground[:3]


def test_chart_without_a_trade_store_has_no_bubbles(qapp):
    scene = ChartScene(StillChart(random_trades(5, 5)), load_theme(), 900, 600)
    scene.show("large-trades")
    scene.refresh()
    assert item_of(scene).bubbles(scene.frame) == ()
