"""Moves a price alert when its tag on the price axis is dragged.

The change applies when the button is released.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from app.alerts.actions import AlertActions
from rendering.items.guides.axis_tags import TAG_HEIGHT_PX
from rendering.scene.scene import ChartScene
from rendering.view.frame_coords import line_y

_CLICK_PX = 3.0  # a click may move this much


class AlertDrag:
    """Mouse handling that moves a price alert when its tag on the price axis is dragged.

    Parameters
    ----------
    desk : AlertActions
    scene : callable
        Returns the chart in view, None if there is none.
    say : callable
        Called with the result as text.
    """

    def __init__(self, desk: AlertActions, scene: Callable[[], ChartScene | None], say: Callable[[str], None]) -> None:
        self._desk, self._scene, self._say = desk, scene, say
        self._number: int | None = None
        self._pressed_y = 0.0

    def at(self, x: float, y: float) -> int | None:
        """Number of the fixed-price alert whose tag on the price axis is at a point; None if there is none.

        If several tags are there, the nearest counts. Tags of computed levels, e.g. a POC, cannot be dragged.
        """
        scene = self._scene()
        if scene is None or scene.frame is None or not scene.layout.price_axis.holds(x, y):
            return None
        frame = scene.frame
        tags = ((abs(line_y(frame, line.ticks) - y), line.alert) for line in scene.chart.alert_lines if not line.moves)
        return min((tag for tag in tags if tag[0] <= TAG_HEIGHT_PX / 2), default=(0.0, None))[1]

    def press(self, x: float, y: float) -> bool:
        """Handle a button press at a point; return True if it was on the tag of an alert that can be dragged."""
        self._number, self._pressed_y = self.at(x, y), y
        return self._number is not None

    def move(self, x: float, y: float) -> bool:
        """Handle a mouse move: drag the pressed alert tag once the mouse has moved by more than 3 px; return False if none is pressed.

        Also False if there is no chart.
        """
        scene = self._scene()
        if self._number is None or scene is None:
            return False
        if self._desk.dragged is not None or abs(y - self._pressed_y) > _CLICK_PX:
            self._desk.dragged = self._number, math.floor(scene.viewport.ticks_at(y))
        return True

    def release(self) -> bool:
        """Handle a button release: if an alert tag was dragged, move the alert there; return True if the press was on a tag."""
        held, self._number = self._number is not None, None
        if self._desk.dragged is not None:
            self._say(self._desk.drop())
        return held
