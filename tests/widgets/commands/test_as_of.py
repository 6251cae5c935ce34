"""The as-of cursor by key: held, let go, lost with the focus, kept."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent
from pytestqt.qtbot import QtBot

from rendering.scene.chart_point import chart_point_at
from rendering.scene.scene import ChartScene
from rendering.style.theme import load_theme
from tests.rendering.charts import StillChart, random_trades
from widgets.chart.chart_view import ChartView
from widgets.commands.as_of import AsOfCommands
from widgets.window.main_window import MainWindow


@pytest.fixture
def view(qtbot: QtBot) -> ChartView:
    scene = ChartScene(StillChart(random_trades(60, 20)), load_theme(), 1200, 800)
    view = ChartView(scene)
    qtbot.addWidget(view)
    view.resize(1200, 800)
    scene.refresh(1)
    scene.set_cursor((300.0, 200.0))
    return view


def key(view: ChartView, kind: QEvent.Type, *, repeat: bool = False) -> None:
    event = QKeyEvent(kind, Qt.Key.Key_K, Qt.KeyboardModifier.NoModifier, "k", repeat)
    (view.keyPressEvent if kind is QEvent.Type.KeyPress else view.keyReleaseEvent)(event)


def moment(view: ChartView) -> int | None:
    view.chart_scene.refresh(1)
    assert view.chart_scene.frame is not None
    return view.chart_scene.frame.as_of


def test_as_of_view_lasts_while_the_key_is_held_down(view: ChartView) -> None:
    key(view, QEvent.Type.KeyPress)
    assert moment(view) == view.chart_scene.pointed_bar()
    for _ in range(3):  # a key that repeats itself is still held
        key(view, QEvent.Type.KeyRelease, repeat=True)
        key(view, QEvent.Type.KeyPress, repeat=True)
        assert moment(view) is not None
    key(view, QEvent.Type.KeyRelease)
    assert moment(view) is None


def test_as_of_view_ends_when_focus_or_mouse_leaves(view: ChartView) -> None:
    key(view, QEvent.Type.KeyPress)
    view.leaveEvent(QEvent(QEvent.Type.Leave))
    assert moment(view) is None
    view.chart_scene.set_cursor((300.0, 200.0))
    view.focusOutEvent(QFocusEvent(QEvent.Type.FocusOut, Qt.FocusReason.ActiveWindowFocusReason))
    assert moment(view) is None


def test_chart_handles_the_key_before_the_menu(view: ChartView) -> None:
    for modifiers, taken in ((Qt.KeyboardModifier.NoModifier, True), (Qt.KeyboardModifier.ShiftModifier, False)):
        event = QKeyEvent(QEvent.Type.ShortcutOverride, Qt.Key.Key_K, modifiers)
        event.ignore()
        view.event(event)
        assert event.isAccepted() is taken


def test_same_command_pins_and_unpins_the_as_of_view(view: ChartView) -> None:
    scene, said = view.chart_scene, list[str]()
    commands = AsOfCommands(lambda: scene, said.append)
    commands.keep_moment()
    bar = scene.pointed_bar()
    scene.set_cursor((700.0, 200.0))
    assert moment(view) == bar
    assert said[-1].startswith("As of ") and said[-1].endswith(" UTC (Shift+K to return to live)")
    commands.keep_moment()
    assert moment(view) is None
    assert said[-1] == "Back to live"


def test_bar_that_cannot_be_pinned_is_reported(view: ChartView) -> None:
    scene, said = view.chart_scene, list[str]()
    commands = AsOfCommands(lambda: scene, said.append)
    scene.set_cursor(None)
    commands.keep_moment()
    assert said[-1] == "Point at a bar first"
    scene.set_cursor((scene.viewport.x(int(scene.chart.series.number[-1]) + 0.5), 200.0))
    commands.keep_moment()
    assert said[-1] == "The current bar has not closed. Point at an earlier bar."
    commands.hold_moment()
    assert "Hold K" in said[-1]
    AsOfCommands(lambda: None, said.append).keep_moment()
    assert moment(view) is None


def test_context_menu_offers_the_as_of_view_and_the_way_back(view: ChartView) -> None:
    scene = view.chart_scene
    commands = AsOfCommands(lambda: scene, lambda _text: None)
    assert scene.frame is not None
    spot = chart_point_at(scene.frame, 300.0, 200.0)
    (entry,) = commands.menu_entries(spot)
    entry.run()
    assert moment(view) == spot.bar
    (entry,) = commands.menu_entries(spot)
    entry.run()
    assert moment(view) is None
    assert commands.menu_entries(chart_point_at(scene.frame, 300.0, 200.0)._replace(bar=int(scene.chart.series.number[-1]))) == []
    assert AsOfCommands(lambda: None, lambda _text: None).menu_entries(spot) == []


def test_esc_returns_to_live(view: ChartView) -> None:
    AsOfCommands(lambda: view.chart_scene, lambda _text: None).keep_moment()
    assert moment(view) is not None
    assert view.anchors.step_back()
    assert moment(view) is None
    assert not view.anchors.step_back()


def test_window_shows_the_as_of_view_by_key_and_pins_it_with_shift(window: MainWindow, qtbot: QtBot) -> None:
    view = window.view
    assert view is not None
    view.chart_scene.set_cursor((300.0, 200.0))
    bar = view.chart_scene.pointed_bar()
    qtbot.keyPress(view, Qt.Key.Key_K)
    window.frame()
    assert view.chart_scene.frame is not None and view.chart_scene.frame.as_of == bar
    qtbot.keyRelease(view, Qt.Key.Key_K)
    window.frame()
    assert view.chart_scene.frame.as_of is None
    qtbot.keyClick(view, Qt.Key.Key_K, Qt.KeyboardModifier.ShiftModifier)
    window.frame()
    assert view.chart_scene.frame.as_of == bar
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    window.frame()
    assert view.chart_scene.frame.as_of is None
