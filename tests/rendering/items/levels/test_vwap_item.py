"""The lines of VWAP over the bars."""

from __future__ import annotations

import numpy as np
import pytest

from app.analytics.vwap import vwap_of_trades
from app.market.trade import TradeBatch
from app.storage.trade_store import Gap
from rendering.items.levels.vwap_item import AnchoredVwapItem, VwapItem, heights
from rendering.scene.scene import ChartScene
from rendering.style.theme import load_theme
from tests.rendering.charts import FIRST_MINUTE, MINUTE, StillChart, random_trades, trade

TRADES = random_trades(60, 60)


@pytest.fixture
def scene(qapp) -> ChartScene:
    scene = ChartScene(StillChart(TRADES), load_theme(), 1200, 700)
    scene.show("vwap-day")
    scene.show("vwap-anchored")
    scene.show_last(40)
    scene.refresh()
    return scene


def item_of(scene: ChartScene, kind: type) -> VwapItem:
    return next(item for item in scene.items_by_layer if type(item) is kind)


def first_of_day(trades: TradeBatch) -> TradeBatch:
    day = trades.time_ns // 86_400_000_000_000
    return trades[day == day[-1]]


def test_vwap_line_ends_at_the_vwap_of_the_days_trades(scene):
    item, expected = item_of(scene, VwapItem), vwap_of_trades(first_of_day(TRADES))
    (line,) = item._lines(scene.frame)
    price, deviation = line.figures.values(59, 60)
    assert (price[0], deviation[0]) == expected
    assert heights(scene.frame, price)[0] == scene.viewport.y(expected.price_ticks + 0.5)


def test_anchored_vwap_starts_with_the_bar_of_its_anchor(scene):
    item = item_of(scene, AnchoredVwapItem)
    assert item._lines(scene.frame) == () and item.legend(scene.frame) == ""
    at = (FIRST_MINUTE + 50) * MINUTE.length_ns
    scene.chart.anchors.add(at + 17)
    scene.refresh()
    (line,) = item._lines(scene.frame)
    assert line.bars(scene.frame) == (50, 60) and line.label == "VWAP A1"
    price, deviation = line.figures.values(59, 60)
    assert (price[0], deviation[0]) == vwap_of_trades(TRADES[at <= TRADES.time_ns])
    assert item.legend(scene.frame) == "anchored VWAP ± 1, 2 σ"


def test_moving_an_anchor_moves_its_vwap(scene):
    key = scene.chart.anchors.add((FIRST_MINUTE + 50) * MINUTE.length_ns)
    scene.refresh()
    item, before = item_of(scene, AnchoredVwapItem), scene.frame
    item.changed(before, before)
    scene.chart.anchors.move(key, (FIRST_MINUTE + 40) * MINUTE.length_ns, None)
    frame = scene._build_frame(before.now_ns)
    (line,) = item._lines(frame)
    assert line.bars(frame)[0] == 40
    assert item.changed(before, frame) is not None


def test_legend_shows_start_of_data_and_number_of_gaps(scene):
    item = item_of(scene, VwapItem)
    start = scene.chart.series.start_ns(0)
    assert item.legend(scene.frame).startswith("VWAP day ± 1, 2 σ, data from ")
    scene.chart.holes = (Gap(1, 5, start + 10, start + 20),)
    assert item.legend(scene.frame).endswith(", ⚠ 1 gap")


def test_trade_repaints_line_ends_only_when_they_move(scene):
    item, before = item_of(scene, VwapItem), scene.frame
    item.changed(before, before)
    scene.chart.apply(trade(59, round(float(item._lines(before)[0].figures.values(59, 60).price_ticks[0])), lots=1))
    scene.refresh()
    assert item.changed(before, scene.frame) is None
    scene.chart.apply(trade(59, 600_400, lots=900_000))
    regions = item.changed(before, scene.frame)
    assert isinstance(regions, list) and len(regions) == 5 + 2 * 3  # lines, and three names where they were and are
    assert all(region.left() > scene.viewport.x(FIRST_MINUTE + 57) for region in regions[:5])
    assert all(region.height() <= 24 for region in regions[5:])


def test_line_and_bands_are_drawn_in_their_colours(scene):
    image, theme = scene.render_image(), scene.theme
    pane = scene.layout.price
    pixels = np.array([image.pixel(x, y) for x in range(pane.left, pane.right) for y in range(0, pane.height)])
    assert (pixels == theme.vwap.argb).any()
