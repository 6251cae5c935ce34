"""The frame clock."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from rendering.view.frame_clock import FrameClock


def test_clock_ticks_until_stopped(qtbot):
    beats: list[int] = []
    clock = FrameClock(lambda: not beats.append(1))
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
    clock = FrameClock(lambda: True, window)
    window.showMinimized()
    clock.start()
    assert clock.interval_ms == 250
    window.showNormal()
    qtbot.waitUntil(lambda: clock.interval_ms < 50)
    clock.stop()


def test_time_spent_in_frames_is_counted(qtbot):
    clock = FrameClock(lambda: qtbot.wait(2) is None)
    clock._tick()
    assert clock.busy_s >= 0.002
    assert clock.frames == 1


def test_clock_rests_without_changes_until_one_is_found(qtbot):
    changed = [False]
    clock = FrameClock(lambda: changed[0])
    clock.start()
    qtbot.waitUntil(lambda: clock.interval_ms == 100)
    changed[0] = True
    qtbot.waitUntil(lambda: clock.interval_ms < 50)
    assert not clock.resting
    clock.stop()


def test_wake_draws_the_next_frame_at_once_while_the_clock_rests(qtbot):
    clock = FrameClock(lambda: False)
    clock.start()
    qtbot.waitUntil(lambda: clock.interval_ms == 100)
    frames = clock.frames
    clock.wake()
    assert clock.interval_ms == 0
    qtbot.waitUntil(lambda: clock.frames > frames)
    assert 0 < clock.interval_ms < 50
    clock.wake()
    assert 0 < clock.interval_ms < 50  # awake: the rhythm stays
    clock.stop()


def test_a_stopped_clock_cannot_be_woken(qtbot):
    clock = FrameClock(lambda: True)
    clock.wake()
    qtbot.wait(40)
    assert clock.frames == 0


def test_clock_does_not_rest_after_a_slow_frame_that_found_a_change(qtbot):
    clock = FrameClock(lambda: qtbot.wait(300) is None)
    clock._tick()
    assert not clock.resting
