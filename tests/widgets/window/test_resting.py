"""A window at rest: woken by trades, mouse, keys and commands, and costing next to nothing until then."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from tests.rendering.charts import trade
from tests.widgets.desks import Desk
from tests.widgets.gestures import hover, wheel
from widgets.window.main_window import MainWindow


@pytest.fixture
def resting(qtbot: QtBot, window: MainWindow) -> MainWindow:
    window.clock.start()
    qtbot.waitUntil(lambda: window.clock.interval_ms == 100, timeout=10_000)
    return window


def test_a_window_at_rest_asks_no_layer(qtbot: QtBot, resting: MainWindow, monkeypatch: pytest.MonkeyPatch):
    scene = resting.view.chart_scene
    refreshed: list[int] = []
    monkeypatch.setattr(scene, "refresh", lambda *_: refreshed.append(1))
    frames = resting.clock.frames
    qtbot.waitUntil(lambda: resting.clock.frames >= frames + 6)
    assert refreshed == [] and resting.clock.resting


WAKERS: dict[str, Callable[[QtBot, MainWindow], object]] = {
    "trades": lambda qtbot, window: window._workspace.on_change(),
    "mouse": lambda qtbot, window: hover(window.view, 300, 200),
    "wheel": lambda qtbot, window: wheel(window.view, 300, 200, 1),
    "key": lambda qtbot, window: qtbot.keyClick(window.view, Qt.Key.Key_K),
    "command": lambda qtbot, window: window.actions_by_name["go_to_newest"].trigger(),
}


@pytest.mark.parametrize("what", WAKERS)
def test_a_window_at_rest_is_woken(qtbot: QtBot, resting: MainWindow, what: str):
    WAKERS[what](qtbot, resting)
    assert not resting.clock.resting and resting.clock.interval_ms < 50


def test_a_change_without_a_wake_is_drawn_at_the_next_frame_at_rest(qtbot: QtBot, resting: MainWindow, desk: Desk):
    scene = resting.view.chart_scene
    close = int(desk.chart.series.close[-1])
    desk.trade(trade(59, close + 1))
    qtbot.waitUntil(lambda: scene.frame.revision == desk.chart.revision, timeout=1000)
    assert not resting.clock.resting


def test_a_minimised_window_draws_nothing_until_it_is_restored(qtbot: QtBot, window: MainWindow, desk: Desk):
    scene = window.view.chart_scene
    window.showMinimized()
    qtbot.waitUntil(window.isMinimized)
    frames = scene.frames
    desk.trade(trade(59, int(desk.chart.series.close[-1]) + 1))
    assert not window.frame()
    assert scene.frames == frames
    window.showNormal()
    qtbot.waitUntil(lambda: not window.isMinimized())
    assert window.frame() and scene.frame.revision == desk.chart.revision


def test_a_closed_window_is_no_longer_woken(window: MainWindow, desk: Desk):
    window.close()
    assert desk.on_change() is None
    assert window.clock.interval_ms and not window.clock._timer.isActive()
