"""What the mouse means, by where it is pressed: chart, price axis or time axis."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from rendering.scene.scene import ChartScene
from rendering.view.layout import PaneLayout

_WHEEL_STEP = 1.15  # bars get this much wider by one notch of a wheel
_WHEEL_PAN_PX = 60.0
_CLICK_PX = 4.0  # the hand trembles: what moved less than that was not a drag
_AXIS_DRAG_PX = 160.0  # dragging an axis this far doubles or halves the scale


class MouseZone(enum.Enum):
    """The parts of the chart that answer to the mouse in different ways."""

    CHART = "chart"
    PRICE_AXIS = "price axis"
    TIME_AXIS = "time axis"


def zone_at(layout: PaneLayout, x: float, y: float) -> MouseZone:
    """Which part lies under a point of the view."""
    if layout.price_axis.holds(x, y):
        return MouseZone.PRICE_AXIS
    if layout.time_axis.holds(x, y):
        return MouseZone.TIME_AXIS
    return MouseZone.CHART


@dataclass(slots=True)
class _Drag:
    zone: MouseZone
    x: float
    y: float
    moved: float = 0.0


class PanAndZoom:
    """Drag pans, dragging an axis scales it, the wheel zooms at the cursor, a double click on an axis resets it."""

    def __init__(self, scene: ChartScene) -> None:
        self._scene = scene
        self._drag: _Drag | None = None

    @property
    def dragging(self) -> bool:
        """Whether the button is held."""
        return self._drag is not None

    def press(self, x: float, y: float) -> None:
        """The button went down."""
        self._drag = _Drag(zone_at(self._scene.layout, x, y), x, y)

    def move(self, x: float, y: float) -> None:
        """The mouse moved, button held or not."""
        drag = self._drag
        if drag is None:
            return
        dx, dy = x - drag.x, y - drag.y
        drag.x, drag.y, drag.moved = x, y, drag.moved + abs(dx) + abs(dy)
        viewport = self._scene.viewport
        if drag.zone is MouseZone.CHART:
            viewport = viewport.panned(dx, dy)
        elif drag.zone is MouseZone.PRICE_AXIS:
            viewport = viewport.zoomed_price(viewport.height_px / 2, 2.0 ** (-dy / _AXIS_DRAG_PX))
        else:
            viewport = viewport.zoomed_time(viewport.width_px, 2.0 ** (dx / _AXIS_DRAG_PX))
        self._scene.set_viewport(viewport)

    def release(self) -> bool:
        """The button went up; whether that was a click."""
        clicked = self._drag is not None and self._drag.moved < _CLICK_PX
        self._drag = None
        return clicked

    def wheel(self, x: float, y: float, notches: float, *, price: bool, pan: bool) -> None:
        """The wheel turned; away from the user zooms in."""
        viewport = self._scene.viewport
        if pan:
            viewport = viewport.panned(notches * _WHEEL_PAN_PX, 0.0)
        elif price or zone_at(self._scene.layout, x, y) is MouseZone.PRICE_AXIS:
            viewport = viewport.zoomed_price(y, _WHEEL_STEP**notches)
        else:
            viewport = viewport.zoomed_time(x, _WHEEL_STEP**notches)
        self._scene.set_viewport(viewport)

    def double_click(self, x: float, y: float) -> None:
        """The price axis goes back to the prices of the bars in sight, the time axis to legible newest bars."""
        zone = zone_at(self._scene.layout, x, y)
        if zone is MouseZone.PRICE_AXIS:
            self._scene.sight.fit_price()
        elif zone is MouseZone.TIME_AXIS:
            self._scene.show_last()
