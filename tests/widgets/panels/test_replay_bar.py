"""The replay bar: there in a replay and only then; each control does one thing to the recording."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from app.market.bar_rule import BarRule
from app.market.feed import FeedState, FeedStatus
from app.market.span import Span
from rendering.scene.scene import ChartScene
from tests.rendering.charts import FIRST_MINUTE, MINUTE, StillChart, random_trades
from tests.widgets.desks import Desk, looks
from widgets.panels.playback import SPEEDS, next_speed, speed_text
from widgets.window.main_window import MainWindow

MINUTE_NS = MINUTE.length_ns
START_NS = FIRST_MINUTE * MINUTE_NS  # 19 February 2025, 21:20 UTC
CTRL, SHIFT, ALT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier


class Tape:
    """A playback of an hour that writes down what it is told."""

    def __init__(self) -> None:
        self.instrument_id = "replay:TAPE"
        self.speed = 1.0
        self.paused = self.ended = False
        self.span = Span(START_NS, START_NS + 60 * MINUTE_NS + 1)
        self.now_ns = START_NS + 15 * MINUTE_NS
        self.told: list[object] = []

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False

    def step_trade(self) -> None:
        self.told.append("trade")

    def step_bar(self, rule: BarRule) -> None:
        self.told.append(rule.text)

    def jump(self, time_ns: int) -> bool:
        self.told.append((time_ns - START_NS) / MINUTE_NS)
        return time_ns >= self.now_ns


@pytest.fixture
def tape() -> Tape:
    return Tape()


@pytest.fixture
def window(qtbot: QtBot, desk: Desk, tape: Tape, tmp_path: Path) -> Iterator[MainWindow]:
    """A window that shows the recording."""
    desk.instrument_id, desk.status = tape.instrument_id, FeedStatus(FeedState.REPLAY)
    window = MainWindow(desk, looks(tmp_path), lambda: None, tape)  # type: ignore[arg-type]
    window.clock.stop()
    qtbot.addWidget(window)
    window.resize(1280, 760)
    with qtbot.waitExposed(window):
        window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    frames(window)
    yield window
    window.close()


def frames(window: MainWindow) -> None:
    for _ in range(12):
        window.frame()


def press(qtbot: QtBot, window: MainWindow, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    qtbot.keyClick(window.view, key, modifiers)
    frames(window)


def scene_of(window: MainWindow) -> ChartScene:
    assert window.view is not None
    return window.view.chart_scene


def test_bar_is_shown_in_a_replay_only(window, desk: Desk):
    assert window.replay_bar.isVisible()
    desk.instrument_id, desk.status = "binance:BTCUSDT", FeedStatus(FeedState.LIVE)
    frames(window)
    assert not window.replay_bar.isVisible()
    assert not window.actions_by_name["play_or_pause"].isEnabled()


def test_replay_keys_do_nothing_without_a_replay(qtbot, window, desk: Desk, tape: Tape):
    desk.instrument_id, desk.status = "binance:BTCUSDT", FeedStatus(FeedState.LIVE)
    frames(window)
    for key, modifiers in ((Qt.Key.Key_Space, Qt.KeyboardModifier.NoModifier), (Qt.Key.Key_Right, SHIFT), (Qt.Key.Key_Right, CTRL)):
        press(qtbot, window, key, modifiers)
    assert (tape.paused, tape.told) == (False, [])


def test_window_without_a_recording_has_no_bar(qtbot, desk: Desk, tmp_path: Path):
    window = MainWindow(desk, looks(tmp_path), lambda: None)  # type: ignore[arg-type]
    window.clock.stop()
    qtbot.addWidget(window)
    window.show()
    frames(window)
    assert not window.replay_bar.isVisible()
    window.close()


def test_bar_shows_recorded_time_speed_and_progress(window, tape: Tape):
    bar = window.replay_bar
    assert bar.state.text() == "▶ REPLAY"
    assert (bar.time.text(), bar.speed.currentText(), bar.progress.text()) == ("2025-02-19 21:35:00.000", "1x", "25 %")
    assert bar.track.value() == 2500
    tape.speed, tape.now_ns = 30.0, START_NS + 45 * MINUTE_NS + 123_000_000
    frames(window)
    assert bar.time.text() == "2025-02-19 22:05:00.123"
    assert (bar.speed.currentIndex(), bar.speed.placeholderText()) == (-1, "30x")


def test_space_pauses_and_continues_with_word_and_shape(qtbot, window, tape: Tape):
    press(qtbot, window, Qt.Key.Key_Space)
    assert tape.paused
    assert window.replay_bar.state.text() == "‖ PAUSED"
    assert window.actions_by_name["play_or_pause"].iconText() == "Play"
    press(qtbot, window, Qt.Key.Key_Space)
    assert not tape.paused
    assert window.actions_by_name["play_or_pause"].iconText() == "Pause"


def test_steps_pause_and_play_a_trade_or_a_bar(qtbot, window, desk: Desk, tape: Tape):
    press(qtbot, window, Qt.Key.Key_Right, SHIFT)
    assert tape.paused
    desk.change(bar_rule=BarRule(5 * MINUTE_NS))
    press(qtbot, window, Qt.Key.Key_Right, CTRL)
    assert tape.told == ["trade", "5m"]


def test_keys_change_the_speed_within_the_list(qtbot, window, tape: Tape):
    seen = []
    for _ in range(12):
        press(qtbot, window, Qt.Key.Key_Up, CTRL)
        seen.append(tape.speed)
    assert seen == [*SPEEDS[4:], *[math.inf] * 2]
    assert window.replay_bar.speed.currentText() == "max"
    press(qtbot, window, Qt.Key.Key_Down, CTRL)
    assert tape.speed == 1000.0
    assert window.replay_bar.speed.currentText() == "1,000x"


def test_typed_time_is_jumped_to(qtbot, window, desk: Desk, tape: Tape):
    press(qtbot, window, Qt.Key.Key_G, ALT)
    qtbot.keyClicks(window.replay_bar.time, "21:50")
    qtbot.keyClick(window.replay_bar.time, Qt.Key.Key_Return)
    assert tape.told == [30.0]
    assert desk.opened == []
    assert window.view.hasFocus()


def test_earlier_time_opens_the_recording_again(qtbot, window, desk: Desk, tape: Tape):
    press(qtbot, window, Qt.Key.Key_G, ALT)
    qtbot.keyClicks(window.replay_bar.time, "2025-02-19 21:25")
    qtbot.keyClick(window.replay_bar.time, Qt.Key.Key_Return)
    assert tape.told == [5.0]
    assert desk.opened == ["replay:TAPE"]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("half past", "time: found 'half past'"),
        ("23:30", "expected a time in the recording, 2025-02-19 21:20:00.000 to 2025-02-19 22:20:00.000"),
    ],
)
def test_invalid_time_is_reported_and_the_current_one_restored(qtbot, window, tape: Tape, typed: str, told: str):
    press(qtbot, window, Qt.Key.Key_G, ALT)
    qtbot.keyClicks(window.replay_bar.time, typed)
    qtbot.keyClick(window.replay_bar.time, Qt.Key.Key_Return)
    frames(window)
    assert told in window.status_bar.notice.text()
    assert (tape.told, window.replay_bar.time.text()) == ([], "2025-02-19 21:35:00.000")


def test_esc_restores_the_time_field(qtbot, window, tape: Tape):
    press(qtbot, window, Qt.Key.Key_G, ALT)
    qtbot.keyClicks(window.replay_bar.time, "1")
    qtbot.keyClick(window.replay_bar.time, Qt.Key.Key_Escape)
    frames(window)
    assert (tape.told, window.replay_bar.time.text()) == ([], "2025-02-19 21:35:00.000")
    assert window.view.hasFocus()


def test_slider_stays_while_pressed_and_jumps_on_release(qtbot, window, tape: Tape):
    track = window.replay_bar.track
    place = QPoint(round(track.width() * 0.75), track.height() // 2)
    qtbot.mousePress(track, Qt.MouseButton.LeftButton, pos=place)
    frames(window)
    assert track.value() == pytest.approx(7500, abs=60)
    assert window.replay_bar.time.text().startswith("2025-02-19 22:0")
    assert tape.told == []
    qtbot.mouseRelease(track, Qt.MouseButton.LeftButton, pos=place)
    assert tape.told == [pytest.approx(45, abs=0.4)]


def test_end_is_shown_and_space_plays_again(qtbot, window, desk: Desk, tape: Tape):
    tape.ended, tape.paused = True, True
    frames(window)
    bar = window.replay_bar
    assert (bar.state.text(), bar.progress.text()) == ("■ REPLAY ENDED", "100 %")
    assert not window.actions_by_name["step_bar"].isEnabled()
    press(qtbot, window, Qt.Key.Key_Space)
    assert (tape.told, tape.paused, desk.opened) == ([0.0], False, ["replay:TAPE"])


def test_view_stays_while_the_recording_is_opened_again(qtbot, window, desk: Desk):
    press(qtbot, window, Qt.Key.Key_Minus)
    before = scene_of(window).viewport
    desk.chart, desk.status = None, FeedStatus(FeedState.CONNECTING)
    frames(window)
    assert window.pages.currentWidget() is window.view
    earlier = StillChart(random_trades(40, 150), 10)
    desk.chart, desk.status = earlier, FeedStatus(FeedState.REPLAY)
    frames(window)
    scene = scene_of(window)
    assert scene.chart is earlier
    assert scene.viewport.bar_px == before.bar_px
    assert scene.viewport.x(FIRST_MINUTE + 40) == pytest.approx(before.x(FIRST_MINUTE + 60))
    close = int(earlier.series.close[-1])
    assert 0 < scene.viewport.y(close) < scene.viewport.height_px


def test_speed_text_is_readable():
    assert [speed_text(speed) for speed in (0.1, 1.0, 30.0, 1000.0, math.inf)] == ["0.1x", "1x", "30x", "1,000x", "max"]


def test_next_speed_from_between_two_is_the_nearest():
    assert (next_speed(30.0, 1), next_speed(30.0, -1), next_speed(math.inf, 1), next_speed(0.1, -1)) == (50.0, 20.0, math.inf, 0.1)
