"""Device pixels of bar and row edges."""

from __future__ import annotations

import numpy as np
import pytest

from rendering.view.pixel_grid import PixelGrid
from rendering.view.viewport import Viewport

VIEW = Viewport(first_bar=29_000_000.3, bar_px=33.3, low_ticks=600_000.7, tick_px=1.37, width_px=900, height_px=500)


@pytest.mark.parametrize("dpr", [1.0, 1.5, 2.0])
def test_single_edges_equal_edges_of_arrays(dpr: float):
    grid = PixelGrid.of(VIEW, dpr)
    bars, ticks = np.arange(29_000_000, 29_000_030), np.arange(600_000, 600_400)
    assert [grid.screen_x(int(bar)) for bar in bars] == (grid.bar_x(bars) - grid.left).tolist()
    assert [grid.screen_y(int(tick)) for tick in ticks] == (grid.price_y(ticks) - grid.top).tolist()


@pytest.mark.parametrize("dpr", [1.0, 1.5, 2.0])
def test_edges_are_less_than_a_pixel_off_the_viewports_positions(dpr: float):
    grid = PixelGrid.of(VIEW, dpr)
    for bar in range(29_000_000, 29_000_020):
        assert abs(grid.screen_x(bar) / dpr - VIEW.x(bar)) <= 1.5 / dpr
    for ticks in range(600_000, 600_100, 7):
        assert abs(grid.screen_y(ticks) / dpr - VIEW.y(ticks)) <= 1.0 / dpr


def test_a_pan_shifts_all_edges_by_the_same_whole_pixels():
    here, there = PixelGrid.of(VIEW, 1.0), PixelGrid.of(VIEW.panned(-17.4, 5.2), 1.0)
    bars = range(29_000_000, 29_000_020)
    assert {there.screen_x(bar) - here.screen_x(bar) for bar in bars} == {here.left - there.left}
    assert here.scale == there.scale


def test_bars_and_ticks_that_touch_a_rectangle_are_found():
    grid = PixelGrid.of(VIEW, 2.0)
    first, last = grid.bars_in(grid.left, grid.left + grid.width)
    assert first <= VIEW.visible_bars()[0] and last >= VIEW.visible_bars()[1]
    low, high = grid.ticks_in(grid.top, grid.top + grid.height)
    assert low <= VIEW.visible_ticks()[0] and high >= VIEW.visible_ticks()[1]
    assert last - first < 32 and high - low < 372
