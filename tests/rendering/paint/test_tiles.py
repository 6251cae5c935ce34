"""Tiles equal one drawing of the whole pane, and little is drawn again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QRectF

from app.settings.calculation import CellStyle
from rendering.items.bars.footprint_item import FootprintItem
from rendering.paint.raster_block import draw_block
from rendering.paint.raster_painter import RasterPainter
from rendering.paint.tiles import TILE_PX, places_in
from rendering.scene.scene import ChartScene
from rendering.style.theme import load_theme
from rendering.view.detail import Detail
from tests.rendering.charts import StillChart, random_trades, trade


def footprint_scene(chart: StillChart, dpr: float = 1.0, width: int = 1100, height: int = 700) -> tuple[ChartScene, RasterPainter]:
    scene = ChartScene(chart, load_theme(), width, height, dpr, layers=(FootprintItem,))
    item = scene.items_by_layer[0]
    assert isinstance(item, FootprintItem)
    return scene, item.raster


def shown(scene: ChartScene, painter: RasterPainter) -> np.ndarray:
    """The pane as drawn from its tiles."""
    assert scene.frame is not None and painter.layer is not None
    grid = scene.frame.pixels
    pane = np.zeros((grid.height, grid.width), np.uint32)
    for place in places_in(grid.left, grid.top, grid.width, grid.height):
        tile = painter.layer[place]
        if tile is None:
            continue
        x, y = place[0] * TILE_PX - grid.left, place[1] * TILE_PX - grid.top
        x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + TILE_PX, grid.width), min(y + TILE_PX, grid.height)
        pane[y0:y1, x0:x1] = tile.pixels[y0 - y : y1 - y, x0 - x : x1 - x]
    return pane


def drawn_at_once(scene: ChartScene, painter: RasterPainter) -> np.ndarray:
    """The pane drawn as one block."""
    assert scene.frame is not None and painter.layer is not None
    grid = scene.frame.pixels
    pane = np.empty((grid.height, grid.width), np.uint32)
    draw_block(pane, (grid.left, grid.top), scene.chart, grid, painter.layer.look)
    return pane


@pytest.mark.parametrize("dpr", [1.0, 1.5, 2.0])
@pytest.mark.parametrize(("bar_px", "row_px"), [(112.0, 17.0), (71.3, 12.9), (33.3, 7.7), (7.1, 0.7), (4.3, 3.0), (1.3, 2.0), (0.4, 1.0)])
def test_tiles_equal_one_drawing_of_the_whole_pane(qapp, dpr: float, bar_px: float, row_px: float):
    scene, painter = footprint_scene(StillChart(random_trades(120, 150), 10), dpr)
    scene.refresh()
    view = replace(scene.viewport, bar_px=bar_px, tick_px=row_px / 10)
    scene.set_viewport(view.with_bar_at(scene.chart.series.number[-1] + 1, 750).centred(float(scene.chart.series.close[-1])))
    scene.refresh()
    scene.settle()
    whole = drawn_at_once(scene, painter)
    assert whole.any()
    assert np.array_equal(shown(scene, painter), whole)


def test_a_live_trade_redraws_one_strip_and_no_tile(qapp):
    chart = StillChart(random_trades(60, 150), 10)
    scene, painter = footprint_scene(chart)
    scene.refresh()
    scene.settle()
    layer = painter.layer
    assert layer is not None
    tiles, computed = layer.tiles_drawn, chart.figures.value_areas_computed
    for lots in range(1, 6):
        chart.apply(trade(59, int(chart.series.close[-1]), lots))
        assert scene.refresh()
        assert (layer.strips_drawn, layer.tiles_drawn) == (lots, tiles)
    assert chart.figures.value_areas_computed == computed + 5
    assert np.array_equal(shown(scene, painter), drawn_at_once(scene, painter))


def test_a_live_trade_repaints_the_last_bar_only(qapp):
    chart = StillChart(random_trades(60, 150), 10)
    scene, _ = footprint_scene(chart)
    scene.refresh()
    scene.settle()
    chart.apply(trade(59, int(chart.series.close[-1])))
    scene.refresh()
    region = painter_region(scene)
    assert region.width() <= scene.viewport.bar_px + 3
    assert region.left() <= scene.viewport.x(int(chart.series.number[-1])) <= region.right()


def painter_region(scene: ChartScene) -> QRectF:
    item = scene.items_by_layer[0]
    assert isinstance(item, FootprintItem) and item._region is not None
    return item._region


def test_frame_draws_nothing_when_nothing_changed(qapp):
    scene, _ = footprint_scene(StillChart(random_trades(60, 150), 10))
    scene.refresh()
    scene.settle()
    scene.refresh()
    assert not scene.refresh()


def test_a_pan_draws_nothing_but_new_tiles(qapp):
    scene, painter = footprint_scene(StillChart(random_trades(120, 150), 10))
    scene.refresh()
    scene.settle()
    layer = painter.layer
    assert layer is not None and scene.frame is not None
    for _ in range(40):
        scene.set_viewport(scene.viewport.panned(17, -3))
        scene.refresh()
        assert painter.layer is layer
    scene.settle()
    assert layer.tiles_drawn == len(layer.places)  # each place once
    assert np.array_equal(shown(scene, painter), drawn_at_once(scene, painter))
    drawn = layer.tiles_drawn
    scene.set_viewport(scene.viewport.panned(-40, 3))
    scene.refresh()
    assert layer.tiles_drawn - drawn <= 1  # one ahead at most


def test_a_bar_that_grows_into_an_empty_tile_appears_there(qapp):
    chart = StillChart(random_trades(60, 150), 10)
    scene, painter = footprint_scene(chart)
    scene.refresh()
    scene.settle()
    far = int(scene.viewport.visible_ticks()[1]) - 5
    scene.sight.following = False
    chart.apply(trade(59, far))
    scene.refresh()
    scene.settle()
    assert np.array_equal(shown(scene, painter), drawn_at_once(scene, painter))


def test_a_new_bar_is_drawn_and_followed(qapp):
    chart = StillChart(random_trades(60, 150), 10)
    scene, painter = footprint_scene(chart)
    scene.refresh()
    x = scene.viewport.x(int(chart.series.number[-1]))
    chart.apply(trade(60, int(chart.series.close[-1]), 5))
    scene.refresh()
    scene.settle()
    assert scene.viewport.x(int(chart.series.number[-1])) == pytest.approx(x)
    assert np.array_equal(shown(scene, painter), drawn_at_once(scene, painter))


def test_a_changed_earlier_bar_redraws_all_later_bars(qapp):
    chart = StillChart(random_trades(60, 150), 10)
    scene, painter = footprint_scene(chart)
    scene.refresh()
    scene.settle()
    chart.series.truncate(55)
    chart.apply(trade(56, int(chart.series.close[-1]), 50))
    chart.apply(trade(60, int(chart.series.close[-1]), 50))
    scene.refresh()
    scene.settle()
    assert np.array_equal(shown(scene, painter), drawn_at_once(scene, painter))


def test_a_zoom_shows_old_tiles_until_the_sharp_ones_are_ready(qapp):
    ticking = iter(range(10**6))
    scene, painter = footprint_scene(StillChart(random_trades(120, 150), 10))
    painter._clock = lambda: float(next(ticking))  # each reading of the clock is one second later: no budget lasts
    scene.refresh()
    scene.settle()
    scene.set_viewport(scene.viewport.zoomed_time(300, 1.1))
    frames = 0
    scene.refresh()
    assert painter.layer is not None and painter._fallback is not None
    assert painter.layer.tiles_drawn == 1
    while painter._fallback is not None:
        assert scene.refresh()
        frames += 1
        assert frames < 20
    assert np.array_equal(shown(scene, painter), drawn_at_once(scene, painter))


def test_a_price_glitch_that_fits_the_view_is_drawn(qapp):
    chart = StillChart(random_trades(60, 150), 10)
    chart.apply(trade(59, 1, 3))
    scene, painter = footprint_scene(chart)
    scene.show_all()
    scene.refresh()
    scene.settle()
    assert scene.frame is not None and scene.frame.detail <= Detail.CELLS
    assert np.array_equal(shown(scene, painter), drawn_at_once(scene, painter))


def test_ranks_are_replaced_only_at_rest_when_they_misjudge(qapp):
    quiet, busy = random_trades(60, 40), random_trades(120, 400)
    chart = StillChart(quiet, 10)
    later = busy[busy.time_ns >= quiet.time_ns[-1] + 10**9]
    chart.apply(later)
    scene, painter = footprint_scene(chart)
    scene.refresh()
    ranks = painter.keeper.ranks
    scene.set_style(CellStyle(colouring="delta"))
    scene.refresh()
    assert painter.keeper.ranks is ranks
    scene.set_viewport(scene.viewport.with_bar_at(int(chart.series.number[0]), 0.0))
    scene.refresh()
    assert painter.keeper.ranks is ranks  # not while it moves
    for _ in range(200):
        if not scene.refresh() and painter.keeper.ranks is not ranks:
            break
    assert painter.keeper.ranks is not ranks
