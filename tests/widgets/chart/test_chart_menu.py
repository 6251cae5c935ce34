"""A right click on the chart offers what can be done with the bar and the price under the mouse."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QApplication, QMenu

from rendering.scene.chart_point import ChartPoint, chart_point_at
from tests.rendering.charts import FIRST_MINUTE
from tests.widgets.desks import N_BARS
from widgets.chart.chart_menu import MenuEntry, build_chart_menu

LAST = FIRST_MINUTE + N_BARS - 1


def open_menu(window, x: float, y: float, reason=QContextMenuEvent.Reason.Mouse) -> QMenu | None:
    place = QPoint(round(x), round(y))
    QApplication.sendEvent(window.view.viewport(), QContextMenuEvent(reason, place, window.view.viewport().mapToGlobal(place)))
    menus = [menu for menu in window.findChildren(QMenu) if menu.isVisible()]
    return menus[-1] if menus else None


def entry(menu: QMenu, beginning: str):
    return next(action for action in menu.actions() if action.text().startswith(beginning))


def place_of(window, bar: int, ticks: int) -> tuple[float, float]:
    viewport = window.view.chart_scene.viewport
    return viewport.x(bar + 0.5), viewport.y(ticks + 0.5)


@pytest.fixture
def spot_ticks(window) -> int:
    return int(window.view.chart_scene.chart.series.close[-1])


def test_right_click_adds_an_anchored_profile_at_the_bar(window, spot_ticks):
    menu = open_menu(window, *place_of(window, LAST - 3, spot_ticks))
    assert menu is not None
    entry(menu, "Anchored profile from").trigger()
    chart = window.view.chart_scene.chart
    (placed,) = chart.anchors.profiles
    assert chart.series.times.number(placed.start_ns) == LAST - 3
    assert "anchored" in window.overlays.shown


def test_right_click_sets_an_alert_at_the_price(window, desk, spot_ticks):
    menu = open_menu(window, *place_of(window, LAST - 3, spot_ticks + 7))
    assert menu is not None
    entry(menu, "Alert at").trigger()
    assert [line.ticks for line in desk.chart.alert_lines] == [spot_ticks + 7]


def test_price_and_time_are_copied_as_shown(window, spot_ticks):
    x, y = place_of(window, LAST - 3, spot_ticks)
    menu = open_menu(window, x, y)
    assert menu is not None
    entry(menu, "Copy price").trigger()
    scene = window.view.chart_scene
    assert QApplication.clipboard().text() == scene.chart.series.grid.text(spot_ticks)
    entry(menu, "Copy time").trigger()
    assert QApplication.clipboard().text().endswith(" UTC")


def test_menu_key_opens_the_menu_at_the_cursor(window, spot_ticks):
    x, y = place_of(window, LAST - 5, spot_ticks)
    window.view.chart_scene.set_cursor((x, y))
    menu = open_menu(window, 0, 0, QContextMenuEvent.Reason.Keyboard)
    assert menu is not None
    price = window.view.chart_scene.chart.series.grid.text(spot_ticks)
    assert entry(menu, "Copy price").text() == f"Copy price {price}\tCtrl+C"


def test_point_after_the_latest_bar_has_a_price_but_no_bar(window, spot_ticks):
    x, y = place_of(window, LAST, spot_ticks)
    scene = window.view.chart_scene
    spot = chart_point_at(scene.frame, x + scene.viewport.bar_px / 2 + 4, y)
    assert (spot.bar, spot.time_ns, spot.price_ticks) == (None, None, spot_ticks)


def test_ctrl_c_copies_the_price_at_the_cursor(qtbot, window, spot_ticks):
    window.view.chart_scene.set_cursor(place_of(window, LAST - 3, spot_ticks + 2))
    qtbot.keyClick(window.view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QApplication.clipboard().text() == window.view.chart_scene.chart.series.grid.text(spot_ticks + 2)


def test_menu_separates_owners_and_skips_those_without_entries(window):
    class Some:
        def menu_entries(self, spot: ChartPoint) -> list[MenuEntry]:
            return [MenuEntry("one", list)]

    class Nothing:
        def menu_entries(self, spot: ChartPoint) -> list[MenuEntry]:
            return []

    menu = build_chart_menu(window, ChartPoint(0, 0, None, None, None), [Nothing(), Some(), Some()])
    assert [action.isSeparator() or action.text() for action in menu.actions()] == ["one", True, "one"]
