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
        assert scene.refresh(lots * 10**9)
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


STYLES = {
    "digits": (CellStyle(), 112.0, 17.0),
    "ladder": (CellStyle(cells="ladder", colouring="delta"), 112.0, 17.0),
    "profile": (CellStyle(cells="profile"), 112.0, 17.0),
    "delta": (CellStyle(cells="delta", colouring="imbalance"), 60.0, 12.0),
    "cells": (CellStyle(), 25.3, 5.7),
    "low rows": (CellStyle(), 25.3, 0.4),
    "bodies": (CellStyle(), 9.0, 2.0),
    "narrow": (CellStyle(), 0.7, 2.0),
}


def live_scene(style: str, dpr: float = 1.0) -> tuple[StillChart, ChartScene, RasterPainter]:
    look, bar_px, row_px = STYLES[style]
    chart = StillChart(random_trades(60, 150), 10)
    scene, painter = footprint_scene(chart, dpr)
    scene.set_style(look)
    if style == "digits":
        scene.fixed_detail = Detail.DIGITS
    scene.refresh(0)
    view = replace(scene.viewport, bar_px=bar_px, tick_px=row_px / 10)
    scene.set_viewport(view.with_bar_at(scene.chart.series.number[-1] + 1, 750).centred(float(scene.chart.series.close[-1])))
    scene.refresh(0)
    scene.settle()
    return chart, scene, painter


@pytest.mark.parametrize("dpr", [1.0, 1.5])
@pytest.mark.parametrize("style", STYLES)
def test_rows_redrawn_after_trades_equal_one_drawing_of_the_pane(qapp, style: str, dpr: float):
    chart, scene, painter = live_scene(style, dpr)
    rng = np.random.default_rng(3)
    layer, now_ns, boxes = painter.layer, 10**12, 0
    for turn in range(60):
        close = int(chart.series.close[-1]) + int(rng.integers(-9, 10)) * (7 if turn % 10 == 9 else 1)
        bar = 59 + (turn > 40)
        chart.apply(trade(bar, close, int(rng.integers(1, 3000)), int(rng.choice([-1, 0, 1]))))
        now_ns += int(rng.integers(5, 60)) * 10**6
        boxes += scene.refresh(now_ns)
        assert painter.layer is layer
        if turn % 7 == 0 or scene.items_by_layer[0].due_ns is None:
            scene.settle()
            differ = np.argwhere(shown(scene, painter) != drawn_at_once(scene, painter))
            assert not len(differ), (turn, differ.min(axis=0), differ.max(axis=0))
    scene.settle()
    assert boxes > 30
    assert np.array_equal(shown(scene, painter), drawn_at_once(scene, painter))


def test_a_live_trade_redraws_only_rows_that_look_different(qapp):
    chart, scene, painter = live_scene("digits")
    now_ns = 10**12
    chart.apply(trade(59, int(chart.series.close[-1]), 1))
    scene.refresh(now_ns)
    close = int(chart.series.close[-1])
    for _ in range(3):
        now_ns += 10**6  # the marks rest
        chart.apply(trade(59, close, 1))
        assert scene.refresh(now_ns)
        assert painter_region(scene).height() < 3 * 17
    low, high = int(chart.series.low[-1]), int(chart.series.high[-1])
    far = low if close - low > high - close else high
    rows = abs(far - close) / 10
    assert rows > 3
    opened = int(chart.series.open[-1])
    chart.apply(trade(59, far, 1))
    assert scene.refresh(now_ns + 10**6)
    whole_bar = (far >= opened) != (close >= opened)  # the candle has another colour
    most = (high - low) / 10 + 4 if whole_bar else rows + 3
    assert rows * 17 < painter_region(scene).height() < most * 17
    assert painter.layer is not None


def test_marks_of_the_last_bar_are_updated_15_times_a_second(qapp):
    chart, scene, painter = live_scene("digits")
    figures, now_ns = chart.figures, 10**12
    chart.apply(trade(59, int(chart.series.close[-1]), 1))
    scene.refresh(now_ns)
    before = figures.value_areas_computed
    for frame in range(1, 61):  # one second
        chart.apply(trade(59, int(chart.series.close[-1]), 1 + frame))
        scene.refresh(now_ns + frame * 16_666_667)
    assert 13 <= figures.value_areas_computed - before <= 16
    assert painter.layer is not None


def test_newest_marks_are_drawn_a_fifteenth_of_a_second_after_the_last_trade(qapp):
    chart, scene, painter = live_scene("digits")
    item, now_ns = scene.items_by_layer[0], 10**12
    poc = int(chart.figures.poc_rows(59, 60)[0])
    chart.apply(trade(59, int(chart.series.close[-1]), 1))
    scene.refresh(now_ns)
    chart.apply(trade(59, int(chart.series.low[-1]), 10**6))  # a new POC
    assert int(chart.figures.poc_rows(59, 60)[0]) != poc
    now_ns += 10**6
    assert scene.refresh_if_changed(now_ns)
    assert not np.array_equal(shown(scene, painter), drawn_at_once(scene, painter))
    due_ns = item.due_ns
    assert due_ns is not None and now_ns < due_ns <= now_ns + 67 * 10**6
    for _ in range(20):  # spare time for what is around the view
        scene.refresh_if_changed(now_ns + 10**6)
    assert not scene.refresh_if_changed(due_ns - 1)
    assert scene.refresh_if_changed(due_ns)
    assert painter_region(scene).height() > 17
    assert np.array_equal(shown(scene, painter), drawn_at_once(scene, painter))
    assert item.due_ns is None


def test_a_bar_that_closes_gets_its_last_marks_when_the_next_bar_opens(qapp):
    chart, scene, painter = live_scene("digits")
    now_ns = 10**12
    chart.apply(trade(59, int(chart.series.close[-1]), 1))
    scene.refresh(now_ns)
    chart.apply(trade(59, int(chart.series.low[-1]), 10**6))
    scene.refresh(now_ns + 10**6)
    scene.sight.following = False
    chart.apply(trade(60, int(chart.series.close[-1]), 1, second=0))
    scene.refresh(now_ns + 2 * 10**6)
    assert np.array_equal(shown(scene, painter), drawn_at_once(scene, painter))


def test_a_tile_drawn_while_marks_rest_is_corrected(qapp):
    chart, scene, painter = live_scene("digits")
    now_ns, layer = 10**12, painter.layer
    assert layer is not None and scene.frame is not None
    chart.apply(trade(59, int(chart.series.close[-1]), 1))
    scene.refresh(now_ns)
    poc = int(chart.series.low[-1])
    chart.apply(trade(59, poc, 10**6))
    scene.refresh(now_ns + 10**6)
    for place in layer.places:
        layer.draw(place)  # with the newest POC
    chart.apply(trade(59, int(chart.series.high[-1]), 10**7))  # which moves on before the marks are due
    scene.refresh(now_ns + 2 * 10**6)
    scene.refresh(now_ns + 10**9)
    assert np.array_equal(shown(scene, painter), drawn_at_once(scene, painter))


def test_marks_drawn_for_an_image_are_painted_on_the_screen_when_due(qapp):
    chart, scene, _ = live_scene("digits")
    item, now_ns = scene.items_by_layer[0], 10**12
    chart.apply(trade(59, int(chart.series.close[-1]), 1))
    scene.refresh(now_ns)
    chart.apply(trade(59, int(chart.series.low[-1]), 10**6))
    scene.refresh(now_ns + 10**6)
    scene.settle()
    assert item.due_ns is not None
    assert scene.refresh(item.due_ns)
    assert painter_region(scene).height() > 17
