"""A visible window without a loop; its clock is stopped, so that a test decides when a frame is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from tests.widgets.desks import Desk, looks
from widgets.window.main_window import MainWindow


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def window(qtbot: QtBot, desk: Desk, tmp_path: Path) -> Iterator[MainWindow]:
    window = MainWindow(desk, looks(tmp_path), lambda: None)
    window.clock.stop()
    qtbot.addWidget(window)
    window.resize(1280, 760)
    with qtbot.waitExposed(window):
        window.show()
    window.frame()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    window.frame()
    yield window
    window.close()
