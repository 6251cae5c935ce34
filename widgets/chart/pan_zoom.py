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
    """The part of the chart (price axis, time axis or the rest) at a point, in scene pixels."""
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
    """Mouse handling for the view: a drag pans the chart or scales an axis, the wheel zooms or scrolls.

    A double click on the price axis fits the prices; on the time axis it shows the latest bars.
    """

    def __init__(self, scene: ChartScene) -> None:
        self._scene = scene
        self._drag: _Drag | None = None

    @property
    def dragging(self) -> bool:
        """True from a call of `press` until the next call of `release`, even if the mouse does not move."""
        return self._drag is not None

    def press(self, x: float, y: float) -> None:
        """Handle a button press: start to drag the chart or an axis."""
        self._drag = _Drag(zone_at(self._scene.layout, x, y), x, y)

    def move(self, x: float, y: float) -> None:
        """Handle a mouse move: while the button is pressed, pan the chart, or scale the axis where the press was."""
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
        """Handle a button release; return True for a click, i.e. if the mouse moved less than 4 px since the press."""
        clicked = self._drag is not None and self._drag.moved < _CLICK_PX
        self._drag = None
        return clicked

    def wheel(self, x: float, y: float, notches: float, *, price: bool, pan: bool) -> None:
        """Handle the wheel: scroll in time if `pan`; else zoom price if `price` or over the price axis, else zoom time.

        Positive `notches` scroll to older bars, or zoom in.
        """
        viewport = self._scene.viewport
        if pan:
            viewport = viewport.panned(notches * _WHEEL_PAN_PX, 0.0)
        elif price or zone_at(self._scene.layout, x, y) is MouseZone.PRICE_AXIS:
            viewport = viewport.zoomed_price(y, _WHEEL_STEP**notches)
        else:
            viewport = viewport.zoomed_time(x, _WHEEL_STEP**notches)
        self._scene.set_viewport(viewport)

    def double_click(self, x: float, y: float) -> None:
        """Handle a double click: on the price axis fit prices to the bars in view, on the time axis show the latest bars.

        Elsewhere it does nothing.
        """
        zone = zone_at(self._scene.layout, x, y)
        if zone is MouseZone.PRICE_AXIS:
            self._scene.sight.fit_price()
        elif zone is MouseZone.TIME_AXIS:
            self._scene.show_last()
