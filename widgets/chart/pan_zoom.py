"""Panning and zooming by mouse, on the chart, the price axis or the time axis."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from rendering.scene.scene import ChartScene
from rendering.view.layout import PaneLayout

_WHEEL_STEP = 1.15  # bars get this much wider per notch of the wheel
_WHEEL_PAN_PX = 60.0
_CLICK_PX = 4.0  # a click may move this much
_AXIS_DRAG_PX = 160.0  # dragging an axis this far doubles or halves the scale


class MouseZone(enum.Enum):
    """The parts of the chart with different mouse behaviour."""

    CHART = "chart"
    PRICE_AXIS = "price axis"
    TIME_AXIS = "time axis"


def zone_at(layout: PaneLayout, x: float, y: float) -> MouseZone:
    """The part of the chart at a point of the view."""
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
    """Mouse handling: dragging pans or scales an axis, the wheel zooms.

    A double click on an axis resets it.
    """

    def __init__(self, scene: ChartScene) -> None:
        self._scene = scene
        self._drag: _Drag | None = None

    @property
    def dragging(self) -> bool:
        """True from a button press until its release."""
        return self._drag is not None

    def press(self, x: float, y: float) -> None:
        """Handle a button press: start to drag the chart or an axis."""
        self._drag = _Drag(zone_at(self._scene.layout, x, y), x, y)

    def move(self, x: float, y: float) -> None:
        """Handle a mouse move: pan the chart or scale the dragged axis."""
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
        """Handle a button release; True if it was a click."""
        clicked = self._drag is not None and self._drag.moved < _CLICK_PX
        self._drag = None
        return clicked

    def wheel(self, x: float, y: float, notches: float, *, price: bool, pan: bool) -> None:
        """Handle the wheel: scroll, or zoom price or time; away from the user zooms in."""
        viewport = self._scene.viewport
        if pan:
            viewport = viewport.panned(notches * _WHEEL_PAN_PX, 0.0)
        elif price or zone_at(self._scene.layout, x, y) is MouseZone.PRICE_AXIS:
            viewport = viewport.zoomed_price(y, _WHEEL_STEP**notches)
        else:
            viewport = viewport.zoomed_time(x, _WHEEL_STEP**notches)
        self._scene.set_viewport(viewport)

    def double_click(self, x: float, y: float) -> None:
        """Handle a double click: fit prices if it is on the price axis, show the latest bars if it is on the time axis."""
        zone = zone_at(self._scene.layout, x, y)
        if zone is MouseZone.PRICE_AXIS:
            self._scene.sight.fit_price()
        elif zone is MouseZone.TIME_AXIS:
            self._scene.show_last()
