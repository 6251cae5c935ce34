"""The menu and the keys that show and hide overlays."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt

from app.errors import SettingsError
from rendering.items.overlays import overlays, parse_shown
from rendering.scene.all_layers import LAYERS
from tests.rendering.charts import StillChart, random_trades
from tests.widgets.desks import looks
from tests.widgets.window.test_main_window import press, scene_of
from widgets.window.main_window import MainWindow


def test_menu_lists_every_overlay_and_checks_the_visible_ones(window):
    menu = next(action.menu() for action in window.menuBar().actions() if action.text() == "Overlays")
    known = {layer.title for layer in overlays(LAYERS)}
    listed = [action for action in menu.actions() if action.text() in known]
    assert [action.text() for action in listed] == [layer.title for layer in overlays(LAYERS)]
    shown = scene_of(window).shown
    assert [action.isChecked() for action in listed] == [layer.name in shown for layer in overlays(LAYERS)]


def test_key_hides_and_shows_an_overlay(qtbot, window):
    action = window.actions_by_name["toggle_overlay delta"]
    assert scene_of(window).layout.delta.height > 0 and action.isChecked()
    press(qtbot, window, Qt.Key.Key_1, Qt.KeyboardModifier.AltModifier)
    assert scene_of(window).layout.delta.height == 0 and not action.isChecked()
    press(qtbot, window, Qt.Key.Key_1, Qt.KeyboardModifier.AltModifier)
    assert scene_of(window).layout.delta.height > 0 and action.isChecked()


def test_another_chart_shows_the_same_overlays(window, desk):
    window.actions_by_name["toggle_overlay profile"].trigger()
    desk.chart = StillChart(random_trades(20, 50, seed=3), 10)
    window.frame()
    assert scene_of(window).chart is desk.chart
    assert "profile" not in scene_of(window).shown


def test_visible_overlays_are_saved_in_the_settings_format(qtbot, desk, tmp_path):
    told: list[str] = []
    window = MainWindow(desk, replace(looks(tmp_path), shown=parse_shown("-delta", LAYERS), remember_shown=told.append), lambda: None)
    window.clock.stop()
    qtbot.addWidget(window)
    window.frame()
    assert scene_of(window).layout.delta.height == 0
    for name in ("profile", "delta", "profile"):
        window.actions_by_name[f"toggle_overlay {name}"].trigger()
    assert told == ["-delta, -profile", "-profile", ""]


def test_choice_that_cannot_be_saved_applies_and_is_reported(qtbot, desk, tmp_path):
    def full(_shown: str) -> None:
        raise SettingsError("cannot write settings.toml: no space left")

    window = MainWindow(desk, replace(looks(tmp_path), remember_shown=full), lambda: None)
    window.clock.stop()
    qtbot.addWidget(window)
    window.frame()
    window.actions_by_name["toggle_overlay delta"].trigger()
    assert "delta" not in scene_of(window).shown
    assert window._message == "cannot write settings.toml: no space left"
