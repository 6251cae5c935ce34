"""The measuring of the window's frames: the lag of the trades that they show, and a trace of what they do."""

from __future__ import annotations

import shiboken6
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QWidget

from app.workspace import Workspace
from rendering.scene.frame_trace import FrameTrace
from rendering.scene.scene import ChartScene
from rendering.view.frame_clock import FrameClock


class FrameMeter(QObject):
    """Measures the frames of one window.

    Parameters
    ----------
    workspace : Workspace
        Has the lag of the open market.
    clock : FrameClock
        Has the causes of each frame.

    Attributes
    ----------
    trace : FrameTrace
        Off until it is started.
    """

    def __init__(self, workspace: Workspace, clock: FrameClock) -> None:
        super().__init__(clock)
        self._workspace, self._clock = workspace, clock
        self.trace = FrameTrace()
        self._filtered: QWidget | None = None

    def draw(self, scene: ChartScene, surface: QWidget) -> bool:
        """Refresh a scene on a surface if it has changed; return False if nothing has changed."""
        if (lag := self._workspace.lag) is not None:
            lag.begin()
        if self.trace.on:
            self._filter(surface)
            changed = self.trace.frame(scene, self._clock.woken_by)
        else:
            self._filter(None)
            changed = scene.refresh_if_changed()
        if lag is not None and not changed:
            lag.rest()
        return changed

    def painted(self) -> None:
        """Count the trades of the frame, which is on the screen now."""
        if (lag := self._workspace.lag) is not None:
            lag.end()
        if self.trace.on:
            self.trace.end_paint()

    def skip(self) -> None:
        """Leave out the newest trades, as a minimised window shows none."""
        if (lag := self._workspace.lag) is not None:
            lag.skip()

    def _filter(self, surface: QWidget | None) -> None:
        """Get the events of a surface from now on, to record when its painting begins, and of no other."""
        if surface is self._filtered:
            return
        if self._filtered is not None and shiboken6.isValid(self._filtered):
            self._filtered.removeEventFilter(self)
        self._filtered = surface
        if surface is not None:
            surface.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Record when the painting of the chart begins; leave all events to the surface."""
        if event.type() is QEvent.Type.Paint and self.trace.on:
            self.trace.begin_paint()
        return False
