"""Shapes drawn into pixels, compared with a slow and obvious way."""

from __future__ import annotations

import numpy as np
import pytest

from app.settings.calculation import CELLS, COLOURINGS, Cells, CellStyle, Colouring
from rendering.paint.bar_zones import BarZones
from rendering.paint.cell_colouring import VolumeRanks
from rendering.paint.cell_fill import CellFill, fill_of_cells
from rendering.paint.geometry import bar_geometry, cell_geometry
from rendering.paint.raster import fill_cells, fill_quads, over, squeezed, write_texts
from rendering.paint.shapes import CellTexts, Quads, cell_fill_quads
from rendering.view.detail import Detail
from rendering.view.pixel_grid import PixelGrid
from rendering.view.viewport import Viewport
from tests.rendering.charts import FIRST_MINUTE, StillChart, random_trades

RAMP = np.arange(1, 18, dtype=np.uint32) | 0xFF000000


def quads(*rects: tuple[int, int, int, int, int]) -> Quads:
    left, top, right, bottom, colour = (np.array(column) for column in zip(*rects, strict=True))
    return Quads(left, top, right, bottom, colour.astype(np.uint32))


def test_rectangles_are_filled_in_order_and_clipped():
    block = np.zeros((4, 5), np.uint32)
    fill_quads(block, (100, 200), quads((98, 199, 102, 202, 1), (101, 201, 103, 203, 2), (104, 203, 999, 999, 3), (90, 90, 95, 95, 4)))
    assert block.tolist() == [[1, 1, 0, 0, 0], [1, 2, 2, 0, 0], [0, 2, 2, 0, 0], [0, 0, 0, 0, 3]]


def test_empty_and_reversed_rectangles_draw_nothing():
    block = np.zeros((4, 4), np.uint32)
    fill_quads(block, (0, 0), quads((1, 1, 1, 3, 9), (3, 0, 1, 2, 9)))
    assert not block.any()


@pytest.mark.parametrize("style", CELLS)
@pytest.mark.parametrize("colouring", COLOURINGS)
@pytest.mark.parametrize("dpr", [1.0, 1.5, 2.0])
@pytest.mark.parametrize("tick_px", [0.2, 0.31, 1.7])
def test_filled_cells_equal_the_rectangles_of_the_cells(style: Cells, colouring: Colouring, dpr: float, tick_px: float):
    chart = StillChart(random_trades(30, 200), 10)
    view = Viewport(FIRST_MINUTE + 3.2, 41.3, float(chart.series.low.min()), tick_px, 600, 400)
    grid = PixelGrid.of(view, dpr)
    column = BarZones.of(grid.bar_pitch, 10 * grid.tick_pitch, dpr, Detail.CELLS)
    bars, cells = bar_geometry(chart, 2, 20, heaviest=True), cell_geometry(chart, 2, 20, 0, 10**6)
    gathered, drawn = np.zeros((grid.height, grid.width), np.uint32), np.zeros((grid.height, grid.width), np.uint32)
    origin = (grid.left, grid.top)
    ground = fill_of_cells(bars, cells, CellStyle(cells=style, colouring=colouring), VolumeRanks(cells.volume), grid, column)
    fill_cells(gathered, origin, ground, RAMP, grid, 10, column.row_gap)
    fill_quads(drawn, origin, cell_fill_quads(ground, RAMP, grid, 10, column.row_gap))
    assert drawn.any()
    assert np.array_equal(gathered, drawn)


def test_rows_lower_than_a_pixel_show_the_heaviest_of_each_pixel():
    chart = StillChart(random_trades(3, 400), 1)
    low = int(chart.series.low.min())
    grid = PixelGrid.of(Viewport(FIRST_MINUTE, 8.0, low, 0.25, 24, 400), 1.0)
    bars, cells = bar_geometry(chart, 0, 3), cell_geometry(chart, 0, 3, 0, 10**6)
    small, fine = squeezed(cells, grid, 1)
    block = np.zeros((400, 24), np.uint32)
    ramp = np.arange(1, cells.volume.max() + 2, dtype=np.uint32)  # a colour for each volume
    ground = CellFill(grid.bar_x(bars.number), grid.bar_x(bars.number + 1), small.bar, small.row, small.volume)
    fill_cells(block, (grid.left, grid.top), ground, ramp, fine, 1, 0)
    expected = np.zeros((400, 24), np.uint32)
    for bar, row, volume in zip(cells.bar.tolist(), cells.row.tolist(), cells.volume.tolist(), strict=True):
        y = int(grid.price_y(row + 1)) - grid.top
        if 0 <= y < 400:
            place = expected[y, bar * 8 : bar * 8 + 8]
            place[:] = np.maximum(place, volume + 1)
    assert np.array_equal(block, expected)
    assert small.buy.sum() + small.sell.sum() == cells.volume.sum()


def test_glyphs_are_blended_over_the_fill_and_clipped():
    glyphs = np.zeros((1, 3, 2, 2), np.uint32)
    glyphs[0, 1], glyphs[0, 2] = 0xFFFFFFFF, 0x80808080
    block = np.full((3, 5), 0xFF000000, np.uint32)
    texts = CellTexts(np.array([9, 9]), np.array([20, 22]), np.array([[1, 2], [2, 1]], np.uint8), np.zeros((2, 2), np.uint8))
    write_texts(block, (10, 20), texts, glyphs)
    white, grey, black = 0xFFFFFFFF, 0xFF808080, 0xFF000000
    assert block.tolist() == [[white, grey, grey, black, black]] * 2 + [[grey, white, white, black, black]]


def test_blending_is_exact_to_eight_bits():
    rng = np.random.default_rng(3)
    alpha = rng.integers(0, 256, 5000, dtype=np.uint32)
    channels = [rng.integers(0, 256, 5000, dtype=np.uint32) * alpha // 255 for _ in range(3)]
    upper = alpha << 24 | channels[0] << 16 | channels[1] << 8 | channels[2]
    lower = rng.integers(0, 1 << 24, 5000, dtype=np.uint32) | 0xFF000000
    shown = over(upper, lower)
    for shift, channel in zip((24, 16, 8, 0), (alpha, *channels), strict=True):
        exact = channel + (lower >> shift & 255) * (255 - alpha) / 255
        assert np.abs((shown >> shift & 255) - exact).max() <= 0.51
