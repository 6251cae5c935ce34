"""A timer that requests frames at the screen's refresh rate, and less often while nothing changes."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtGui import QGuiApplication

_HIDDEN_MS = 250
"""Time between two frames while the window is minimised: nothing is drawn, but alerts still fire."""
_REST_MS = 100
"""Time between two frames at rest: texts that count seconds stay current, and a change without a `wake` is shown soon enough."""
_REST_AFTER_S = 0.25
"""Time without a change after which the clock rests."""


class FrameClock(QObject):
    """Calls `on_frame` at the screen's refresh rate; missed frames are skipped.

    After a quarter of a second without a change the clock rests: it calls `on_frame` ten times a second, until a frame finds a change
    or `wake` is called.

    Parameters
    ----------
    on_frame : callable
        Called once per frame; must return False if nothing has changed.
    parent : QObject
        Owner of the clock; a minimised widget gets four frames a second.

    Attributes
    ----------
    frames : int
        Number of frames so far.
    busy_s : float
        Time spent in `on_frame` so far, s.
    """

    def __init__(self, on_frame: Callable[[], bool], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._on_frame = on_frame
        self.frames = 0
        self.busy_s = 0.0
        self._changed_s = 0.0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    @property
    def interval_ms(self) -> int:
        """The current time between two frames, ms."""
        return self._timer.interval()

    @property
    def resting(self) -> bool:
        """True while the clock rests: nothing has changed for more than a quarter of a second."""
        return time.perf_counter() - self._changed_s > _REST_AFTER_S

    def start(self) -> None:
        """Start calling `on_frame` for each frame."""
        self._changed_s = time.perf_counter()
        self._timer.start(self._wanted_ms())

    def wake(self) -> None:
        """Request a frame at once if the clock rests, and continue at the screen's rate; called after new data and user input."""
        rested, self._changed_s = self.resting, time.perf_counter()
        if rested and self._timer.isActive():
            self._timer.start(0)

    def stop(self) -> None:
        """Stop the calls of `on_frame`."""
        self._timer.stop()

    def _tick(self) -> None:
        started = time.perf_counter()
        interval = self._timer.interval()
        self.frames += 1
        if self._on_frame():
            self._changed_s = started
        self.busy_s += time.perf_counter() - started
        if (wanted := self._wanted_ms()) != interval and self._timer.isActive():
            self._timer.setInterval(wanted)

    def _wanted_ms(self) -> int:
        owner = self.parent()
        if owner is not None and owner.isWidgetType() and owner.isMinimized():  # type: ignore[attr-defined]
            return _HIDDEN_MS
        if self.resting:
            return _REST_MS
        screen = QGuiApplication.primaryScreen()
        rate = screen.refreshRate() if screen is not None else 60.0  # pyright: ignore[reportUnnecessaryComparison]
        return max(1, int(1000 / rate)) if rate > 1 else 16
