"""Profiles by mouse and keys, through Qt's own events: each gesture does one thing, and one step takes it back."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QApplication

from app.analytics.row_layout import RowMode
from app.profiles.profile_settings import Placement, VolumeDisplay
from rendering.items.profiles.anchor_flag_item import flags_of
from rendering.items.profiles.placed_profile_views import time_text
from rendering.scene.scene import ChartScene
from tests.rendering.charts import FIRST_MINUTE, MINUTE
from tests.widgets.desks import N_BARS, Desk
from tests.widgets.gestures import double_click, drag, hover
from widgets.chart.chart_view import ChartView
from widgets.chart.profile_tool import PendingPlacement
from widgets.dialogs.profile import ProfileDialog
from widgets.window.main_window import MainWindow

LAST = FIRST_MINUTE + N_BARS - 1
NONE, SHIFT, CTRL, ALT = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.AltModifier,
)


@pytest.fixture
def view(window: MainWindow) -> ChartView:
    assert window.view is not None
    return window.view


@pytest.fixture
def scene(view: ChartView) -> ChartScene:
    return view.chart_scene


def press(qtbot, window: MainWindow, key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> None:
    qtbot.keyClick(window.view, key, modifiers)
    window.frame()


def x_of(scene: ChartScene, bar: int) -> float:
    """The middle of a bar counted back from the newest."""
    return scene.viewport.x(LAST - bar + 0.5)


def click(view: ChartView, x: float, y: float = 300) -> None:
    drag(view, (x, y), (x, y))


def start_of(desk: Desk, place: int = -1) -> int:
    """How many bars before the newest a profile begins."""
    assert desk.chart is not None
    return LAST - desk.chart.anchors.profiles[place].start_ns // MINUTE.length_ns


def flag_place(scene: ChartScene, *, end: bool = False) -> tuple[float, float]:
    flag = next(flag for flag in flags_of(scene.frame) if flag.end is end)
    return flag.rect.center().x(), flag.rect.center().y()


def anchored(qtbot, window: MainWindow, view: ChartView, scene: ChartScene, bar: int = 4) -> None:
    press(qtbot, window, Qt.Key.Key_A)
    click(view, x_of(scene, bar))
    window.frame()


def test_a_then_click_adds_an_anchored_profile(qtbot, window, view, scene, desk: Desk):
    before = scene.viewport
    anchored(qtbot, window, view, scene, 4)
    placed = desk.chart.anchors.profiles[0]
    assert (start_of(desk), placed.end_ns, desk.chart.anchors.selected) == (4, None, placed.key)
    assert scene.viewport == before
    click(view, x_of(scene, 2))
    assert len(desk.chart.anchors.profiles) == 1  # the tool is put away after one


def test_mouse_cursor_shows_the_effect_of_the_next_click(qtbot, window, view, scene):
    press(qtbot, window, Qt.Key.Key_A)
    assert view.cursor().shape() is Qt.CursorShape.PointingHandCursor
    press(qtbot, window, Qt.Key.Key_Escape)
    assert view.cursor().shape() is Qt.CursorShape.CrossCursor
    anchored(qtbot, window, view, scene)
    hover(view, *flag_place(scene))
    assert view.cursor().shape() is Qt.CursorShape.SizeHorCursor


def test_same_key_or_esc_cancels_the_tool(qtbot, window, view, desk: Desk):
    for key in (Qt.Key.Key_A, Qt.Key.Key_Escape):
        press(qtbot, window, Qt.Key.Key_A)
        assert view.anchors.armed is PendingPlacement.ANCHOR
        press(qtbot, window, key)
        assert view.anchors.armed is PendingPlacement.NOTHING
    assert desk.chart.anchors.profiles == ()


def test_esc_cancels_the_tool_before_the_selection(qtbot, window, view, scene, desk: Desk):
    anchored(qtbot, window, view, scene)
    press(qtbot, window, Qt.Key.Key_A)
    press(qtbot, window, Qt.Key.Key_Escape)
    assert (view.anchors.armed, desk.chart.anchors.selected) == (PendingPlacement.NOTHING, desk.chart.anchors.profiles[0].key)
    press(qtbot, window, Qt.Key.Key_Escape)
    assert desk.chart.anchors.selected is None
    press(qtbot, window, Qt.Key.Key_Escape)
    assert len(desk.chart.anchors.profiles) == 1 and window.isVisible()


def test_shift_a_then_drag_adds_a_range_in_either_direction(qtbot, window, view, scene, desk: Desk):
    for begin, end in ((6, 2), (2, 6)):
        press(qtbot, window, Qt.Key.Key_A, SHIFT)
        drag(view, (x_of(scene, begin), 300), (x_of(scene, end), 350))
        placed = desk.chart.anchors.profiles[-1]
        assert start_of(desk) == 6
        assert placed.end_ns == (LAST - 2 + 1) * MINUTE.length_ns
    assert desk.chart.anchors.undo()
    assert len(desk.chart.anchors.profiles) == 1  # a drag is one step


def test_dragging_a_flag_moves_the_profile_and_not_the_view(qtbot, window, view, scene, desk: Desk):
    anchored(qtbot, window, view, scene, 4)
    before = scene.viewport
    x, y = flag_place(scene)
    drag(view, (x, y), (x_of(scene, 7), y - 200))
    assert start_of(desk) == 7
    assert scene.viewport == before
    drag(view, (x_of(scene, 2), 200), (x_of(scene, 1), 200))
    assert scene.viewport != before  # elsewhere the mouse pans as ever


def test_profile_follows_a_dragged_flag_within_the_frame(qtbot, window, view, scene, desk: Desk):
    anchored(qtbot, window, view, scene, 4)
    x, y = flag_place(scene)
    send = [
        (QEvent.Type.MouseButtonPress, (x, y)),
        *((QEvent.Type.MouseMove, (x_of(scene, bar), y)) for bar in (5, 6, 7)),
        (QEvent.Type.MouseButtonRelease, (x_of(scene, 7), y)),
    ]
    from tests.widgets.gestures import LEFT, _mouse

    seen = []
    for kind, place in send:
        _mouse(view, kind, place, LEFT, LEFT)
        window.frame()
        seen.append(start_of(desk))
        assert flag_place(scene)[0] == pytest.approx(scene.viewport.x(LAST - seen[-1]) + (x - scene.viewport.x(LAST - 4)), abs=1)
    assert seen == [4, 5, 6, 7, 7]
    desk.chart.anchors.undo()
    assert start_of(desk) == 4


def test_flag_at_the_end_of_a_range_moves_only_the_end(qtbot, window, view, scene, desk: Desk):
    press(qtbot, window, Qt.Key.Key_A, SHIFT)
    drag(view, (x_of(scene, 6), 300), (x_of(scene, 4), 300))
    window.frame()
    x, y = flag_place(scene, end=True)
    drag(view, (x, y), (x_of(scene, 2), y))
    assert desk.chart.anchors.profiles[0].end_ns == (LAST - 2 + 1) * MINUTE.length_ns
    window.frame()
    drag(view, flag_place(scene, end=True), (x_of(scene, 9), y))
    assert desk.chart.anchors.profiles[0].end_ns == (LAST - 6 + 1) * MINUTE.length_ns
    window.frame()
    drag(view, flag_place(scene), (x_of(scene, 1), y))
    assert start_of(desk) == 6


def test_arrows_move_the_selected_profile_or_else_the_view(qtbot, window, view, scene, desk: Desk):
    anchored(qtbot, window, view, scene, 4)
    before = scene.viewport
    press(qtbot, window, Qt.Key.Key_Left)
    press(qtbot, window, Qt.Key.Key_Left)
    press(qtbot, window, Qt.Key.Key_Right)
    assert (start_of(desk), scene.viewport) == (5, before)
    press(qtbot, window, Qt.Key.Key_Escape)
    press(qtbot, window, Qt.Key.Key_Left)
    assert start_of(desk) == 5 and scene.viewport != before


def test_alt_arrows_move_the_end_of_a_range(qtbot, window, view, scene, desk: Desk):
    press(qtbot, window, Qt.Key.Key_A, SHIFT)
    drag(view, (x_of(scene, 6), 300), (x_of(scene, 4), 300))
    press(qtbot, window, Qt.Key.Key_Right, ALT)
    assert desk.chart.anchors.profiles[0].end_ns == (LAST - 3 + 1) * MINUTE.length_ns
    assert start_of(desk) == 6


def test_anchored_profile_cannot_start_after_the_latest_bar(qtbot, window, view, scene, desk: Desk):
    anchored(qtbot, window, view, scene, 1)
    for _ in range(3):
        press(qtbot, window, Qt.Key.Key_Right)
    assert start_of(desk) == 0


def test_del_deletes_a_profile_and_ctrl_z_restores_it(qtbot, window, view, scene, desk: Desk):
    anchored(qtbot, window, view, scene, 4)
    press(qtbot, window, Qt.Key.Key_Delete)
    assert desk.chart.anchors.profiles == ()
    press(qtbot, window, Qt.Key.Key_Z, CTRL)
    assert start_of(desk) == 4
    press(qtbot, window, Qt.Key.Key_Z, CTRL)
    assert desk.chart.anchors.profiles == ()
    press(qtbot, window, Qt.Key.Key_Y, CTRL)
    assert start_of(desk) == 4


def test_n_selects_the_next_profile(qtbot, window, view, scene, desk: Desk):
    anchored(qtbot, window, view, scene, 6)
    anchored(qtbot, window, view, scene, 3)
    anchors = desk.chart.anchors
    first, second = (placed.key for placed in anchors.profiles)
    assert anchors.selected == second
    press(qtbot, window, Qt.Key.Key_N)
    assert anchors.selected == first


def test_double_click_on_a_flag_opens_its_settings(qtbot, window, view, scene, desk: Desk):
    anchored(qtbot, window, view, scene, 4)
    double_click(view, *flag_place(scene))
    dialog = window.findChild(ProfileDialog)
    assert dialog is not None and dialog.name.text() == "A1"
    dialog.close()


def test_settings_apply_at_once_and_invalid_ones_are_reported(qtbot, window, view, scene, desk: Desk):
    anchored(qtbot, window, view, scene, 4)
    press(qtbot, window, Qt.Key.Key_F2)
    dialog = window.findChild(ProfileDialog)
    assert dialog is not None
    dialog.fields.volume.setCurrentText("delta")
    dialog.fields.rows_by.setCurrentText("number of rows")
    dialog.fields.row_size.setValue(24)
    dialog.fields.percent.setValue(68)
    dialog.fields.placement.setCurrentText("right")
    dialog.fields.extend_poc.setChecked(True)
    dialog.name.setText("London open")
    dialog.start.setText("2025-02-20 05:50")
    dialog.start.editingFinished.emit()
    placed = desk.chart.anchors.profiles[0]
    inputs = placed.inputs
    assert (inputs.volume, inputs.rows.by, inputs.rows.size) == (VolumeDisplay.DELTA, RowMode.ROWS, 24)
    assert (inputs.percent, inputs.placement, inputs.extend_poc, placed.name) == (68, Placement.RIGHT, True, "London open")
    assert placed.start_ns == 1_740_030_600 * 10**9
    dialog.start.setText("yesterday")
    dialog.start.editingFinished.emit()
    assert "time: found 'yesterday'" in dialog.trouble.text()
    assert desk.chart.anchors.profiles[0].start_ns == placed.start_ns
    dialog.start.setText("05:00")
    dialog.end.setText("04:00")
    dialog.end.editingFinished.emit()
    assert "the end must be after the start" in dialog.trouble.text()
    dialog.close()
    QApplication.processEvents()


def test_adding_a_profile_shows_hidden_profiles(qtbot, window, view, scene):
    window.overlays.toggle_overlay("anchored")
    assert "anchored" not in scene.shown
    press(qtbot, window, Qt.Key.Key_A)
    assert "anchored" in scene.shown


def test_keys_without_a_profile_show_how_to_add_one(qtbot, window, desk: Desk):
    for key in (Qt.Key.Key_N, Qt.Key.Key_F2, Qt.Key.Key_Delete):
        press(qtbot, window, key)
    assert "Press A and click" in window._message


def test_result_of_the_tool_replaces_its_hint(qtbot, window, view, scene, desk: Desk):
    assert scene.frame is not None
    press(qtbot, window, Qt.Key.Key_A)
    assert window._message == PendingPlacement.ANCHOR.value
    click(view, x_of(scene, 4))
    first = desk.chart.anchors.profiles[0]
    assert window._message == f"A1 from {time_text(scene.frame, first.start_ns)}"
    press(qtbot, window, Qt.Key.Key_A, SHIFT)
    drag(view, (x_of(scene, 6), 300), (x_of(scene, 2), 300))
    second = desk.chart.anchors.profiles[1]
    assert second.end_ns is not None
    assert window._message == f"R2 from {time_text(scene.frame, second.start_ns)} to {time_text(scene.frame, second.end_ns)}"


def test_hint_disappears_when_the_tool_is_cancelled(qtbot, window, view, desk: Desk):
    for key in (Qt.Key.Key_A, Qt.Key.Key_Escape):
        press(qtbot, window, Qt.Key.Key_A)
        press(qtbot, window, key)
        assert window._message == ""


def test_dragged_flag_shows_its_time_and_a_clicked_one_nothing(qtbot, window, view, scene, desk: Desk):
    anchored(qtbot, window, view, scene, 4)
    window.show_message("")
    click(view, *flag_place(scene))
    assert window._message == ""
    x, y = flag_place(scene)
    drag(view, (x, y), (x_of(scene, 8), y))
    assert start_of(desk) == 8 and window._message == f"A1 from {time_text(scene.frame, desk.chart.anchors.profiles[0].start_ns)}"


def test_undo_and_redo_show_what_they_did(qtbot, window, view, scene, desk: Desk):
    anchored(qtbot, window, view, scene, 4)
    press(qtbot, window, Qt.Key.Key_Z, CTRL)
    assert window._message == "Undid: add A1 (Ctrl+Y to redo)"
    press(qtbot, window, Qt.Key.Key_Y, CTRL)
    assert window._message == "Redid: add A1"
