"""Theme, palette and bar are there again at the next start, if the user chose them in the window."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt

from app.errors import BadInputError, SettingsError
from tests.widgets.desks import Desk, looks
from widgets.window.main_window import MainWindow


@pytest.fixture
def told() -> list[tuple[str, str, str]]:
    return []


@pytest.fixture
def remembering(qtbot, desk: Desk, tmp_path: Path, told) -> MainWindow:
    window = MainWindow(desk, replace(looks(tmp_path), remember=lambda *setting: told.append(setting)), lambda: None)
    window.clock.stop()
    qtbot.addWidget(window)
    frames(window)
    return window


def frames(window: MainWindow) -> None:
    """As many as it takes for all of the window to look at the chart."""
    for _ in range(13):
        window.frame()


def test_theme_palette_and_bar_are_saved_after_a_command(remembering, told):
    assert told == []
    for name in ("next_theme", "next_palette", "next_bar_rule"):
        remembering.actions_by_name[name].trigger()
    frames(remembering)
    frames(remembering)
    assert [setting[:2] for setting in told] == [("display", "theme"), ("display", "palette"), ("chart", "bar")]
    assert told[1][2] == "green-red" and told[2][2] == "3m"


def test_bar_of_the_toolbar_is_saved_unless_refused(qtbot, remembering, told, desk: Desk):
    desk.refusal = BadInputError("too fine")
    toolbar = remembering.toolbar
    for bar in ("7s", "5m"):
        toolbar.bar_rule.setEditText(bar)
        qtbot.keyClick(toolbar.bar_rule.lineEdit(), Qt.Key.Key_Return)
        toolbar.bar_rule.activated.emit(-1)
        frames(remembering)
        desk.refusal = None
    assert [*dict.fromkeys(told)] == [("chart", "bar", "5m")]


def test_setting_that_cannot_be_saved_is_reported(qtbot, desk: Desk, tmp_path: Path):
    def full(*setting: str) -> None:
        raise SettingsError("cannot write settings.toml: no space left")

    window = MainWindow(desk, replace(looks(tmp_path), remember=full), lambda: None)
    window.clock.stop()
    qtbot.addWidget(window)
    window.next_theme()
    assert window._message == "cannot write settings.toml: no space left"
