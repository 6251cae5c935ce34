"""One profile of several: chosen by Ctrl+click, by key, by menu or in a list; and a profile that ends at a bar by Alt+click."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

from app.profiles.period_profiles import PeriodKind, PeriodProfiles
from rendering.items.profiles.anchor_flag_item import flags_of
from rendering.items.profiles.placed_profile_views import when_text
from tests.rendering.charts import FIRST_MINUTE, MINUTE
from tests.widgets.chart.test_chart_menu import entry, open_menu
from tests.widgets.desks import N_BARS
from tests.widgets.gestures import CTRL, LEFT, drag, hover
from widgets.dialogs.composite import CompositeDialog

LAST = FIRST_MINUTE + N_BARS - 1
BEGIN = LAST // 8 * 8 - 8
SHIFT, ALT, NONE = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.NoModifier


def minute(bar: int) -> int:
    return bar * MINUTE.length_ns


@pytest.fixture
def anchors(window, desk):
    window.view.chart_scene.show_last(N_BARS)
    desk.chart.anchors.add(minute(LAST - 9), minute(LAST - 6))
    desk.chart.anchors.add(minute(LAST - 3))
    desk.chart.anchors.select(None)
    window.frame()
    return desk.chart.anchors


def flag(window, place: int) -> tuple[float, float]:
    keys = [placed.key for placed in window.view.chart_scene.chart.anchors.profiles]
    found = next(one for one in flags_of(window.view.chart_scene.frame) if one.key == keys[place] and not one.end)
    return found.rect.center().x(), found.rect.center().y()


def click(window, place: tuple[float, float], keys: Qt.KeyboardModifier) -> None:
    drag(window.view, place, place, LEFT, keys)
    window.frame()


def bar_x(window, bar: int) -> float:
    return window.view.chart_scene.viewport.x(bar + 0.5)


def press(qtbot, window, key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> None:
    qtbot.keyClick(window.view, key, modifiers)
    window.frame()


def test_ctrl_click_selects_profiles_and_shift_j_combines_them(qtbot, window, anchors):
    before = window.view.chart_scene.viewport
    click(window, flag(window, 0), CTRL)
    click(window, flag(window, 1), CTRL)
    assert [one.name for one in anchors.chosen] == ["R1", "A2"] and anchors.selected is None
    press(qtbot, window, Qt.Key.Key_J, SHIFT)
    made = anchors.profiles[-1]
    assert made.parts == ("R1", "A2")
    assert made.stretches == ((minute(LAST - 9), minute(LAST - 6)), (minute(LAST - 3), None))
    assert window.view.chart_scene.viewport == before
    assert "C3 combines R1, A2" in window._message
    press(qtbot, window, Qt.Key.Key_Z, CTRL)
    assert len(anchors.profiles) == 2


def test_esc_clears_the_composite_selection_before_the_selection(qtbot, window, anchors):
    anchors.select(1)
    click(window, flag(window, 0), CTRL)
    press(qtbot, window, Qt.Key.Key_Escape)
    assert (anchors.chosen, anchors.selected) == ((), 1)


def test_period_profiles_can_be_selected_for_a_composite(qtbot, window, desk, anchors):
    anchors.show_periods(PeriodProfiles(PeriodKind.BARS, 8))
    window.frame()
    click(window, (bar_x(window, BEGIN - 4), 200), CTRL)
    hover(window.view, bar_x(window, BEGIN + 4), 200)
    press(qtbot, window, Qt.Key.Key_J)
    press(qtbot, window, Qt.Key.Key_J, SHIFT)
    assert anchors.profiles[-1].stretches == ((minute(BEGIN - 8), minute(BEGIN + 8)),)
    assert len(anchors.profiles[-1].parts) == 2


def test_combining_fewer_than_two_shows_how_to_select(qtbot, window, anchors):
    press(qtbot, window, Qt.Key.Key_J, SHIFT)
    assert "found 0 profiles selected" in window._message and "Ctrl+click" in window._message
    press(qtbot, window, Qt.Key.Key_J)
    assert "No profile here" in window._message


def test_j_selects_the_selected_profile_if_the_mouse_is_elsewhere(qtbot, window, anchors):
    anchors.select(1)
    press(qtbot, window, Qt.Key.Key_J)
    assert [one.name for one in anchors.chosen] == ["R1"]
    press(qtbot, window, Qt.Key.Key_J)
    assert anchors.chosen == ()


def test_list_combines_the_checked_profiles(qtbot, window, anchors):
    anchors.show_periods(PeriodProfiles(PeriodKind.BARS, 30))
    window.frame()
    press(qtbot, window, Qt.Key.Key_J, ALT)
    dialog = window.findChild(CompositeDialog)
    assert [placed.name for placed in dialog.offered[:2]] == ["R1", "A2"] and len(dialog.offered) > 2
    assert dialog.list.item(0).text() == f"R1 · {when_text(window.view.chart_scene.frame, dialog.offered[0])}"
    assert not dialog.compose.isEnabled()
    for row in (0, 1):
        dialog.list.item(row).setCheckState(Qt.CheckState.Checked)
    dialog.compose.click()
    assert anchors.profiles[-1].parts == ("R1", "A2")


def test_context_menu_offers_to_select_and_combine(window, anchors):
    for key in (1, 2):
        anchors.delete(key)
    anchors.show_periods(PeriodProfiles(PeriodKind.BARS, 8))
    window.frame()
    for bar in (BEGIN - 4, BEGIN + 4):
        menu = open_menu(window, bar_x(window, bar), 300)
        entry(menu, "Select").trigger()
        menu.close()
    menu = open_menu(window, bar_x(window, BEGIN), 300)
    assert entry(menu, "Deselect")
    entry(menu, "Combine").trigger()
    menu.close()
    assert anchors.profiles[-1].is_composite


def test_context_menu_offers_every_profile_over_the_bar(window, anchors):
    anchors.add(minute(LAST - 30))
    window.frame()
    menu = open_menu(window, bar_x(window, LAST - 7), 300)
    for name in ("A3", "R1"):
        entry(menu, f"Select {name} for a composite").trigger()
    menu.close()
    assert [one.name for one in anchors.chosen] == ["A3", "R1"]


def test_alt_click_ends_the_profile_at_the_bar_in_one_step(qtbot, window, anchors):
    before = window.view.chart_scene.viewport
    click(window, (bar_x(window, LAST - 1), 200), ALT)
    assert anchors.profiles[1].stretches == ((minute(LAST - 3), minute(LAST)),)
    assert anchors.selected == anchors.profiles[1].key
    assert window.view.chart_scene.viewport == before
    press(qtbot, window, Qt.Key.Key_Z, CTRL)
    assert anchors.profiles[1].end_ns is None


def test_alt_click_ends_the_selected_profile_even_under_others(window, anchors):
    first = anchors.add(minute(LAST - 30))
    anchors.add(minute(LAST - 20))
    anchors.select(first)
    window.frame()
    click(window, (bar_x(window, LAST - 8), 200), ALT)
    assert anchors.get(first).end_ns == minute(LAST - 7)


def test_alt_click_on_a_period_profile_adds_a_range_to_the_bar(window, anchors):
    anchors.show_periods(PeriodProfiles(PeriodKind.BARS, 8))
    window.frame()
    click(window, (bar_x(window, BEGIN - 14), 200), ALT)
    assert anchors.profiles[-1].stretches == ((minute(BEGIN - 16), minute(BEGIN - 13)),)


def test_e_and_the_context_menu_end_a_profile(qtbot, window, anchors):
    hover(window.view, bar_x(window, LAST - 1), 200)
    press(qtbot, window, Qt.Key.Key_E)
    assert anchors.profiles[1].end_ns == minute(LAST)
    menu = open_menu(window, bar_x(window, LAST - 8), 300)
    assert entry(menu, "End profile at this bar").text().endswith("\tE, Alt+click")
    entry(menu, "End profile at this bar").trigger()
    menu.close()
    assert anchors.profiles[0].end_ns == minute(LAST - 7)
    hover(window.view, bar_x(window, LAST - 40), 200)
    press(qtbot, window, Qt.Key.Key_E)
    assert "Point at the bar of a profile" in window._message


def test_alt_click_without_a_profile_pans(window, anchors):
    before = window.view.chart_scene.viewport
    drag(window.view, (bar_x(window, LAST - 12), 300), (bar_x(window, LAST - 14), 300), LEFT, ALT)
    assert window.view.chart_scene.viewport != before
    assert len(anchors.profiles) == 2
