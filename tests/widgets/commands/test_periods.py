"""Profiles of periods by mouse and keys: which periods, split at a bar, merged with a neighbour, and their inputs."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu

from app.profiles.period_profiles import PeriodKind, PeriodProfiles
from app.profiles.profile_settings import Placement, VolumeDisplay
from app.settings.calculation import SessionSettings
from tests.rendering.charts import FIRST_MINUTE, MINUTE
from tests.widgets.chart.test_chart_menu import entry, open_menu
from tests.widgets.desks import N_BARS
from tests.widgets.gestures import hover
from widgets.dialogs.periods import PeriodDialog, SideDialog

LAST = FIRST_MINUTE + N_BARS - 1
EIGHT = PeriodProfiles(PeriodKind.BARS, 8)
NONE, SHIFT, CTRL, ALT = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.AltModifier,
)


@pytest.fixture
def anchors(window, desk):
    window.view.chart_scene.show_last(N_BARS)
    desk.chart.anchors.show_periods(EIGHT)
    window.frame()
    return desk.chart.anchors


def bar_x(window, bar: int) -> float:
    return window.view.chart_scene.viewport.x(bar + 0.5)


def press(qtbot, window, key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> None:
    qtbot.keyClick(window.view, key, modifiers)
    window.frame()


def pieces(desk) -> list[tuple[int, int]]:
    """First bar and end of each, the last three, counted from the first bar of the last whole period."""
    found = desk.chart.anchors.periods.segments(desk.chart.series.times, BEGIN - 8, BEGIN + 7)
    return [(piece.runs[0][0] - BEGIN, piece.runs[-1][1] - BEGIN) for piece in found]


BEGIN = LAST // 8 * 8 - 8
"""The first bar of a period of eight that is over."""


def test_x_splits_at_the_bar_under_the_mouse_and_ctrl_z_undoes_it(qtbot, window, desk, anchors):
    hover(window.view, bar_x(window, BEGIN + 3), 300)
    press(qtbot, window, Qt.Key.Key_X)
    assert pieces(desk) == [(-8, 0), (0, 3), (3, 8)]
    press(qtbot, window, Qt.Key.Key_Z, CTRL)
    assert pieces(desk) == [(-8, 0), (0, 8)]


def test_split_at_the_first_bar_is_refused(qtbot, window, desk, anchors):
    hover(window.view, bar_x(window, BEGIN), 300)
    press(qtbot, window, Qt.Key.Key_X)
    assert pieces(desk) == [(-8, 0), (0, 8)] and "starts at this bar" in window._message


def test_m_and_shift_m_merge_and_shift_x_resets(qtbot, window, desk, anchors):
    hover(window.view, bar_x(window, BEGIN + 3), 300)
    press(qtbot, window, Qt.Key.Key_M, SHIFT)
    assert pieces(desk) == [(-8, 8)] and window._message == "Merged with the previous profile (Ctrl+Z to undo)"
    press(qtbot, window, Qt.Key.Key_M)
    assert pieces(desk) == [(-8, 16)] and window._message == "Merged with the next profile (Ctrl+Z to undo)"
    press(qtbot, window, Qt.Key.Key_X, SHIFT)
    assert pieces(desk) == [(-8, 0), (0, 8)]


def test_merge_past_the_first_or_last_bar_is_refused(qtbot, window, desk, anchors):
    hover(window.view, bar_x(window, LAST), 300)
    press(qtbot, window, Qt.Key.Key_M)
    assert not anchors.periods.is_edited and "No profile on that side" in window._message


def test_context_menu_splits_merges_and_resets(window, desk, anchors):
    menu = open_menu(window, bar_x(window, BEGIN + 3), 300)
    assert isinstance(menu, QMenu)
    entry(menu, "Split profile at").trigger()
    assert pieces(desk) == [(-8, 0), (0, 3), (3, 8)]
    menu.close()
    menu = open_menu(window, bar_x(window, BEGIN + 5), 300)
    entry(menu, "Merge with previous profile").trigger()
    assert pieces(desk) == [(-8, 0), (0, 8)]
    menu.close()
    window.frame()
    menu = open_menu(window, bar_x(window, BEGIN + 5), 300)
    entry(menu, "Merge with next profile").trigger()
    menu.close()
    menu = open_menu(window, bar_x(window, BEGIN + 5), 300)
    entry(menu, "Reset 8-bar profiles").trigger()
    assert not anchors.periods.is_edited


def test_keys_without_period_profiles_show_how_to_add_them(qtbot, window, desk):
    for key in (Qt.Key.Key_X, Qt.Key.Key_M):
        press(qtbot, window, key)
        assert "P shows them" in window._message
    press(qtbot, window, Qt.Key.Key_X, SHIFT)
    assert "No splits or merges to reset" in window._message


def test_p_cycles_through_the_periods_and_none(qtbot, window, desk):
    seen = []
    for _ in range(5):
        press(qtbot, window, Qt.Key.Key_P)
        periods = desk.chart.anchors.periods
        seen.append(None if periods is None else periods.text)
    assert seen == ["daily", "weekly", "monthly", "30-bar", None]


def test_p_begins_with_sessions_if_there_are_any(qtbot, window, desk):
    desk.chart.set_rules(replace(desk.chart.rules, time=SessionSettings(session="us-rth")))
    press(qtbot, window, Qt.Key.Key_P)
    assert desk.chart.anchors.periods.text == "session"


def test_number_of_bars_and_settings_apply_to_all_periods(qtbot, window, desk):
    press(qtbot, window, Qt.Key.Key_P, ALT)
    dialog = window.findChild(PeriodDialog)
    dialog.each.setCurrentText("bars")
    dialog.bars.setValue(12)
    dialog.fields.volume.setCurrentText("total")
    periods = desk.chart.anchors.periods
    assert (periods.text, periods.inputs.volume) == ("12-bar", VolumeDisplay.TOTAL)
    desk.chart.anchors.split_period(BEGIN * MINUTE.length_ns)
    dialog.fields.percent.setValue(60)
    assert desk.chart.anchors.periods.is_edited and desk.chart.anchors.periods.inputs.percent == 60
    dialog.each.setCurrentText("week")
    assert desk.chart.anchors.periods.each is PeriodKind.WEEK
    dialog.each.setCurrentText("none")
    assert desk.chart.anchors.periods is None
    dialog.close()


def test_colour_is_a_name_or_typed_and_an_invalid_one_reported(qtbot, window, desk):
    press(qtbot, window, Qt.Key.Key_F2, ALT)
    dialog = window.findChild(SideDialog)
    dialog.fields.buy.setCurrentText("blue")
    dialog.fields.sell.setCurrentText("#ABCDEF")
    dialog.fields.placement.setCurrentText("left")
    side = desk.chart.anchors.side
    assert (side.colours.buy, side.colours.sell, side.placement) == ("#0072b2", "#abcdef", Placement.LEFT)
    dialog.fields.buy.setCurrentText("mauve")
    dialog.fields.buy.lineEdit().editingFinished.emit()
    assert "colour: found 'mauve'" in dialog.trouble.text()
    assert desk.chart.anchors.side == side
    dialog.close()
