"""The beat of the screen: a call per frame, as often as the screen can show one."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtGui import QGuiApplication

_HIDDEN_MS = 250
"""Between frames while there is nothing to be seen: figures stay warm, the processor cool."""
_LATE = 1.5
"""A frame that begins this many intervals after the one before it was late."""


class FrameClock(QObject):
    """Calls `on_frame` at the screen's rate; never twice for frames that were missed.

    Parameters
    ----------
    on_frame : callable
        What is done each frame.
    parent : QObject
        Its owner; a widget that is minimised is drawn four times a second.

    Attributes
    ----------
    frames, late_frames : int
        Frames so far, and how many began more than half an interval late.
    busy_s : float
        Time spent in `on_frame` so far.
    """

    def __init__(self, on_frame: Callable[[], object], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._on_frame = on_frame
        self.frames = self.late_frames = 0
        self.busy_s = 0.0
        self._last = 0.0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    @property
    def interval_ms(self) -> int:
        """Time between two frames as it is set now."""
        return self._timer.interval()

    def start(self) -> None:
        """Begin to beat."""
        self._last = 0.0
        self._timer.start(self._wanted_ms())

    def stop(self) -> None:
        """Beat no more."""
        self._timer.stop()

    def _tick(self) -> None:
        started = time.perf_counter()
        interval = self._timer.interval()
        if self._last and (started - self._last) * 1000 > _LATE * interval:
            self.late_frames += 1
        self._last = started
        self.frames += 1
        self._on_frame()
        self.busy_s += time.perf_counter() - started
        if (wanted := self._wanted_ms()) != interval and self._timer.isActive():
            self._timer.setInterval(wanted)

    def _wanted_ms(self) -> int:
        owner = self.parent()
        if owner is not None and owner.isWidgetType() and owner.isMinimized():  # type: ignore[attr-defined]
            return _HIDDEN_MS
        screen = QGuiApplication.primaryScreen()
        rate = screen.refreshRate() if screen is not None else 60.0
        return max(1, int(1000 / rate)) if rate > 1 else 16
