"""The memory for tiles is shared by charts, and bounded."""

from __future__ import annotations

import gc
from dataclasses import replace

import numpy as np
import pytest

from rendering.items.bars.footprint_item import FootprintItem
from rendering.paint.raster_painter import RasterPainter
from rendering.paint.tile_budget import MAX_TILE_BYTES, TileBudget
from rendering.paint.tiles import TILE_BYTES, Tile, places_in
from rendering.scene.scene import ChartScene
from rendering.style.theme import load_theme
from rendering.view.pixel_grid import PixelGrid
from tests.rendering.charts import StillChart, random_trades, trade
from tests.rendering.paint.test_tiles import drawn_at_once, shown

WIDTH, HEIGHT = 900, 600


def chart_with(budget: TileBudget, chart: StillChart | None = None) -> tuple[ChartScene, RasterPainter]:
    """A chart drawn completely, with the tiles around its view."""
    chart = chart or StillChart(random_trades(240, 150), 10)
    scene = ChartScene(chart, load_theme(), WIDTH, HEIGHT, layers=(FootprintItem,), tiles=budget)
    item = scene.items_by_layer[0]
    assert isinstance(item, FootprintItem)
    settle(scene)
    return scene, item.raster


def settle(scene: ChartScene) -> None:
    """Draw frames until nothing is left to do; fail if there is always more."""
    scene.refresh()
    scene.settle()
    for _ in range(500):
        if not scene.refresh_if_changed(10**18):
            return
    raise AssertionError("the chart never rests")


def seen(grid: PixelGrid) -> set[tuple[int, int]]:
    return places_in(grid.left, grid.top, grid.width, grid.height)


def in_memory(painters: list[RasterPainter]) -> int:
    """Bytes of the tiles that these painters hold, counted at the tiles themselves."""
    layers = [layer for painter in painters for layer in (painter.layer, painter._fallback) if layer is not None]
    tiles = [layer._tiles[place] for layer in layers for place in layer.places]
    return sum(tile.pixels.nbytes for tile in tiles if tile is not None)


def pan(scene: ChartScene, frames: int, dx: float = 60, dy: float = 0) -> None:
    for _ in range(frames):
        scene.set_viewport(scene.viewport.panned(dx, dy))
        scene.refresh()


def test_charts_share_one_limit_and_every_tile_counts(qapp):
    budget = TileBudget(48 * TILE_BYTES)
    charts = [chart_with(budget) for _ in range(4)]
    painters = [painter for _, painter in charts]
    for turn in range(12):
        scene, painter = charts[turn % 4]
        pan(scene, 25, 60 if turn < 8 else -90, 7)
        if turn % 3 == 0:
            scene.set_viewport(scene.viewport.zoomed_time(300, 0.9))
            scene.refresh()
        assert in_memory(painters) == budget.n_bytes <= budget.max_bytes
        assert scene.frame is not None and painter.layer is not None
        scene.settle()
        assert np.array_equal(shown(scene, painter), drawn_at_once(scene, painter))


def test_no_tile_outlives_its_layer(qapp):
    budget = TileBudget()
    scene, painter = chart_with(budget)
    for _ in range(6):
        scene.set_viewport(scene.viewport.zoomed_time(300, 0.9))
        settle(scene)
    gc.collect()
    assert painter.layer is not None
    ours = {id(tile) for place in painter.layer.places if (tile := painter.layer._tiles[place]) is not None}
    assert in_memory([painter]) == budget.n_bytes == len(ours) * TILE_BYTES
    del scene, painter
    gc.collect()
    assert budget.n_bytes == 0
    assert not [tile for tile in gc.get_objects() if isinstance(tile, Tile) and id(tile) in ours]


def test_the_least_recently_used_tiles_of_all_charts_go_first(qapp):
    budget = TileBudget()
    old = chart_with(budget)
    pan(old[0], 30)
    new = chart_with(budget)
    pan(new[0], 30)
    n_new = len(around(*new))
    used, *unused = around(*old)
    assert old[1].layer is not None and old[1].layer[used] is not None
    assert len(unused) > 3 and n_new > 3
    for discarded in (3, len(unused)):
        budget.max_bytes = budget.n_bytes - TILE_BYTES * (discarded - len(unused) + len(around(*old)) - 1)
        assert budget.free()
        assert (len(around(*old)) - 1, len(around(*new))) == (len(unused) - discarded, n_new)
    assert around(*old) == [used]
    budget.max_bytes -= n_new * TILE_BYTES
    assert budget.free()
    assert (around(*old), len(around(*new))) == ([used], 0)


def around(scene: ChartScene, painter: RasterPainter) -> list[tuple[int, int]]:
    """The places out of view whose tiles need memory."""
    assert scene.frame is not None and painter.layer is not None
    held = painter.layer
    return [place for place in held.places if place not in seen(scene.frame.pixels) and held._tiles[place] is not None]


def test_tiles_in_view_stay_even_beyond_the_limit(qapp):
    budget = TileBudget(2 * TILE_BYTES)
    charts = [chart_with(budget) for _ in range(3)]
    for scene, painter in charts:
        assert scene.frame is not None and painter.layer is not None
        assert set(painter.layer.places) >= seen(scene.frame.pixels)
        assert not around(scene, painter)
        assert np.array_equal(shown(scene, painter), drawn_at_once(scene, painter))
    assert budget.n_bytes > budget.max_bytes


def test_charts_at_the_limit_come_to_rest(qapp):
    budget = TileBudget()
    charts = [chart_with(budget) for _ in range(3)]
    n_around = sum(len(around(*each)) for each in charts)
    budget.max_bytes = budget.n_bytes - n_around // 2 * TILE_BYTES
    assert n_around > 3 and budget.free()
    for scene, painter in charts:
        assert isinstance(scene.chart, StillChart) and painter.layer is not None
        drawn = [other.layer.tiles_drawn for _, other in charts if other.layer is not None]
        for _ in range(20):  # a trade draws no tile around the view, for which another chart would lose one
            scene.chart.apply(trade(239, int(scene.chart.series.close[-1])))
            settle(scene)
        assert [other.layer.tiles_drawn for _, other in charts if other.layer is not None] == drawn
        pan(scene, 3)
        settle(scene)


def test_a_hidden_chart_gives_its_tiles_and_is_complete_when_it_returns(qapp):
    budget = TileBudget()
    scene, painter = chart_with(budget)
    whole = shown(scene, painter)
    scene.leave_screen()
    budget.max_bytes = 0
    assert budget.free() and budget.n_bytes == 0
    budget.max_bytes = MAX_TILE_BYTES
    scene.return_to_screen()
    assert np.array_equal(shown(scene, painter), whole)
    assert isinstance(scene.chart, StillChart)
    scene.chart.apply(trade(239, int(scene.chart.series.close[-1]), 900))
    scene.return_to_screen()
    assert not np.array_equal(shown(scene, painter), whole)
    assert np.array_equal(shown(scene, painter), drawn_at_once(scene, painter))


def test_a_picture_needs_no_tiles_in_view_afterwards(qapp):
    budget = TileBudget()
    scene, _ = chart_with(budget)
    scene.render_image(2.0)
    scene.leave_screen()
    budget.max_bytes = 0
    assert budget.free()


@pytest.mark.parametrize("bar_px", [90.0, 7.1])
def test_old_tiles_shown_during_a_zoom_are_kept(qapp, bar_px: float):
    budget = TileBudget()
    scene, painter = chart_with(budget)
    painter._clock = iter(range(10**6)).__next__  # no budget of time lasts
    scene.set_viewport(replace(scene.viewport, bar_px=bar_px).with_bar_at(int(scene.chart.series.number[-1]), 700))
    scene.refresh()
    assert painter._fallback is not None and painter._fallback.places
    places = painter._fallback.places
    budget.max_bytes = 0
    budget.free()
    assert painter._fallback.places == places
