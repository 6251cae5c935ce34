"""What the mouse does to the chart, through Qt's own events."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication

from rendering.scene.scene import ChartScene
from tests.rendering.charts import FIRST_MINUTE, trade
from tests.widgets.desks import N_BARS, Desk
from tests.widgets.gestures import CTRL, RIGHT, SHIFT, double_click, drag, hover, wheel
from widgets.chart.chart_view import ChartView
from widgets.window.main_window import MainWindow


@pytest.fixture
def view(window: MainWindow) -> ChartView:
    assert window.view is not None
    return window.view


@pytest.fixture
def scene(view: ChartView) -> ChartScene:
    return view.chart_scene


def test_wheel_zooms_time_around_the_bar_at_the_cursor(view, scene):
    before = scene.viewport
    wheel(view, 437, 200, 2)
    after = scene.viewport
    assert after.bar_px == pytest.approx(before.bar_px * 1.15**2)
    assert after.bar_at(437) == pytest.approx(before.bar_at(437))
    assert (after.low_ticks, after.tick_px) == (before.low_ticks, before.tick_px)


def test_wheel_towards_the_user_makes_bars_narrower(view, scene):
    before = scene.viewport
    wheel(view, 437, 200, -1)
    assert scene.viewport.bar_px == pytest.approx(before.bar_px / 1.15)


def test_ctrl_wheel_zooms_price_around_the_cursor(view, scene):
    before = scene.viewport
    wheel(view, 437, 200, 1, CTRL)
    after = scene.viewport
    assert after.tick_px == pytest.approx(before.tick_px * 1.15)
    assert after.ticks_at(200) == pytest.approx(before.ticks_at(200))
    assert (after.first_bar, after.bar_px) == (before.first_bar, before.bar_px)


def test_wheel_over_the_price_axis_zooms_price(view, scene):
    before, axis = scene.viewport, scene.layout.price_axis
    wheel(view, axis.left + 5, 200, 1)
    assert scene.viewport.tick_px > before.tick_px
    assert scene.viewport.bar_px == before.bar_px


def test_shift_wheel_scrolls_in_time(view, scene):
    before = scene.viewport
    wheel(view, 437, 200, 3, SHIFT)
    after = scene.viewport
    assert after.first_bar == pytest.approx(before.first_bar - 180 / before.bar_px)
    assert after.bar_px == before.bar_px


def test_sideways_scroll_on_a_trackpad_scrolls_in_time(view, scene):
    before = scene.viewport
    wheel(view, 437, 200, 1, sideways=True)
    assert scene.viewport.first_bar < before.first_bar
    assert scene.viewport.bar_px == before.bar_px


def test_drag_moves_the_view_with_the_mouse(view, scene):
    before = scene.viewport
    bar, price = before.bar_at(400), before.ticks_at(300)
    drag(view, (400, 300), (520, 250))
    after = scene.viewport
    assert (after.bar_at(520), after.ticks_at(250)) == (pytest.approx(bar), pytest.approx(price))
    assert (after.bar_px, after.tick_px) == (before.bar_px, before.tick_px)


def test_mouse_moves_nothing_after_release(view, scene):
    drag(view, (400, 300), (520, 250))
    before = scene.viewport
    hover(view, 100, 100)
    assert scene.viewport == before


def test_right_button_drags_nothing(view, scene):
    before = scene.viewport
    drag(view, (400, 300), (520, 250), RIGHT)
    assert scene.viewport == before


def test_drag_up_on_the_price_axis_makes_rows_taller(view, scene):
    before, x = scene.viewport, scene.layout.price_axis.left + 10
    drag(view, (x, 300), (x, 140))
    after = scene.viewport
    assert after.tick_px == pytest.approx(2 * before.tick_px)
    assert after.ticks_at(after.height_px / 2) == pytest.approx(before.ticks_at(before.height_px / 2))
    assert after.first_bar == before.first_bar


def test_drag_right_on_the_time_axis_makes_bars_wider(view, scene):
    before, y = scene.viewport, scene.layout.time_axis.top + 5
    drag(view, (300, y), (460, y))
    after = scene.viewport
    assert after.bar_px == pytest.approx(2 * before.bar_px)
    assert after.bar_at(after.width_px) == pytest.approx(before.bar_at(before.width_px))
    assert after.tick_px == before.tick_px


def test_double_click_on_the_price_axis_fits_visible_prices(view, scene, desk: Desk):
    drag(view, (400, 300), (400, 3000))
    double_click(view, scene.layout.price_axis.left + 10, 200)
    series = desk.chart.series
    first, last = scene.viewport.visible_bars()
    low, high = scene.viewport.visible_ticks()
    seen = slice(series.index_of(first), series.index_of(last + 1))
    assert low <= series.low[seen].min() and series.high[seen].max() <= high


def test_double_click_on_the_time_axis_resets_to_latest_bars(view, scene):
    first_look = scene.viewport
    drag(view, (400, 300), (4000, 300))
    wheel(view, 400, 200, -8)
    double_click(view, 300, scene.layout.time_axis.top + 5)
    assert scene.following
    assert scene.viewport.bar_px == first_look.bar_px
    assert scene.viewport.first_bar == pytest.approx(first_look.first_bar)


def test_double_click_on_the_bars_changes_nothing(view, scene):
    before = scene.viewport
    double_click(view, 300, 200)
    assert scene.viewport == before


def test_following_ends_when_the_latest_bar_leaves_the_view(view, scene):
    assert scene.following
    drag(view, (100, 300), (1500, 300))
    assert not scene.following
    drag(view, (1500, 300), (100, 300))
    assert scene.following


def test_following_keeps_the_latest_bar_in_place_for_a_new_one(window: MainWindow, view, scene, desk: Desk):
    drag(view, (500, 300), (380, 300))
    x = scene.viewport.x(FIRST_MINUTE + N_BARS - 1)
    desk.trade(trade(N_BARS, int(desk.chart.series.close[-1])))
    window.frame()
    assert scene.viewport.x(FIRST_MINUTE + N_BARS) == pytest.approx(x)


def test_crosshair_follows_the_mouse(window: MainWindow, view, scene):
    hover(view, 333, 222)
    window.frame()
    assert scene.frame.cursor == (333, 222)
    QApplication.sendEvent(view, QEvent(QEvent.Type.Leave))
    window.frame()
    assert scene.frame.cursor is None


def test_smaller_window_keeps_the_latest_bar_at_the_right(qtbot, window: MainWindow, view, scene):
    right = scene.viewport.bar_at(scene.viewport.width_px)
    window.resize(900, 620)
    qtbot.waitUntil(lambda: view.viewport().width() < 1000)
    window.frame()
    assert scene.viewport.bar_at(scene.viewport.width_px) == pytest.approx(right)
    assert scene.viewport.width_px == scene.layout.price.width
