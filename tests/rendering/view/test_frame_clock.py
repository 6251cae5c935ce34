"""The frame clock."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from rendering.view.frame_clock import FrameClock


def test_clock_ticks_until_stopped(qtbot):
    beats: list[int] = []
    clock = FrameClock(lambda: beats.append(1))
    clock.start()
    qtbot.waitUntil(lambda: len(beats) >= 3)
    clock.stop()
    count = len(beats)
    qtbot.wait(3 * clock.interval_ms)
    assert len(beats) == count == clock.frames
    assert 1 <= clock.interval_ms <= 50


def test_clock_ticks_slowly_when_the_window_is_minimised(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    clock = FrameClock(lambda: None, window)
    window.showMinimized()
    clock.start()
    assert clock.interval_ms == 250
    window.showNormal()
    qtbot.waitUntil(lambda: clock.interval_ms < 50)
    clock.stop()


def test_time_spent_in_frames_is_counted(qtbot):
    clock = FrameClock(lambda: qtbot.wait(2))
    clock._tick()
    assert clock.busy_s >= 0.002
    assert clock.frames == 1
