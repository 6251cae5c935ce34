"""Positions of bars and prices on the screen."""

from __future__ import annotations

import pytest

from rendering.view.viewport import BAR_PX_LIMITS, Viewport

VIEW = Viewport(first_bar=100.0, bar_px=50.0, low_ticks=1000.0, tick_px=2.0, width_px=800.0, height_px=600.0)


def test_a_bar_number_begins_at_its_pixel():
    assert VIEW.x(100) == 0.0
    assert VIEW.x(102.5) == 125.0
    assert VIEW.bar_at(125.0) == 102.5


def test_prices_grow_upwards_from_the_lower_edge():
    assert VIEW.y(1000) == 600.0
    assert VIEW.y(1300) == 0.0
    assert VIEW.ticks_at(0.0) == 1300.0


def test_visible_bars_and_ticks_include_partly_visible_ones():
    assert VIEW.visible_bars() == (100, 115)
    assert VIEW.visible_ticks() == (1000, 1299)
    moved = VIEW.panned(-1, 1)
    assert moved.visible_bars() == (100, 116)
    assert moved.visible_ticks() == (1000, 1300)


def test_a_drag_right_and_down_shows_bars_left_and_prices_above():
    moved = VIEW.panned(100, 60)
    assert moved.first_bar == 98.0
    assert moved.low_ticks == 1030.0
    assert moved.x(100) == 100.0


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.25, 3.0])
def test_the_bar_under_the_cursor_stays_when_time_is_zoomed(factor: float):
    zoomed = VIEW.zoomed_time(333.0, factor)
    assert zoomed.bar_px == 50.0 * factor
    assert zoomed.bar_at(333.0) == pytest.approx(VIEW.bar_at(333.0), abs=1e-9)


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.25, 3.0])
def test_the_price_under_the_cursor_stays_when_prices_are_zoomed(factor: float):
    zoomed = VIEW.zoomed_price(111.0, factor)
    assert zoomed.tick_px == 2.0 * factor
    assert zoomed.ticks_at(111.0) == pytest.approx(VIEW.ticks_at(111.0), abs=1e-9)


def test_zooming_stops_at_the_limits_in_place():
    zoomed = VIEW.zoomed_time(200.0, 1e9)
    assert zoomed.bar_px == BAR_PX_LIMITS[1]
    assert zoomed.bar_at(200.0) == VIEW.bar_at(200.0)


def test_a_resize_keeps_the_right_edge_and_the_middle_price():
    resized = VIEW.resized(400.0, 300.0)
    assert resized.bar_at(400.0) == VIEW.bar_at(800.0)
    assert resized.ticks_at(150.0) == VIEW.ticks_at(300.0)
    assert (resized.bar_px, resized.tick_px) == (50.0, 2.0)


def test_following_keeps_the_newest_bar_in_its_place():
    followed = VIEW.following(110, 113)
    assert followed.x(113) == VIEW.x(110)


def test_a_fitted_range_leaves_a_margin_on_both_sides():
    fitted = VIEW.fitted(2000, 2100, margin=0.1)
    assert fitted.y(2100) == pytest.approx(60.0)
    assert fitted.y(2000) == pytest.approx(540.0)
