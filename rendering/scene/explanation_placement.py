"""Choose a place for the panel of an explanation where it does not cover the explained bars."""

from __future__ import annotations

import numpy as np

from app.explain.explanation import Explanation
from rendering.items.profiles.placed_profile_views import run_x
from rendering.scene.panel_placement import PanelRect, covers, place_panel
from rendering.view.frame import Frame
from rendering.view.frame_coords import price_y

_MAX_BOXES = 48
"""Maximum number of boxes per run of bars. If there are more bars, neighbours share a box, and the panel cannot lie between them."""
_MARGIN_PX = 4.0
_POINT_PX = 12.0
"""Space left free around the clicked point."""


def bars_in_question(frame: Frame, explanation: Explanation) -> list[PanelRect]:
    """Boxes around the explained bars in view, from low to high, which the panel should not cover.

    If a run has more than `_MAX_BOXES` bars, neighbouring bars share a box.
    """
    series, pane = frame.chart.series, frame.layout.price
    first, last = frame.viewport.visible_bars()
    boxes: list[PanelRect] = []
    for begin, end in explanation.bars:
        start, stop = series.index_of(max(begin, first)), series.index_of(min(end, last + 1))
        for bars in np.array_split(np.arange(start, stop), min(_MAX_BOXES, stop - start)) if stop > start else ():
            left, right = run_x(frame, (int(series.number[bars[0]]), int(series.number[bars[-1]]) + 1))
            top, bottom = price_y(frame, int(series.high[bars].max()) + 1), price_y(frame, int(series.low[bars].min()))
            box = PanelRect(max(0.0, left), max(0.0, top), min(pane.right, right), min(pane.bottom, bottom))
            if box.right > box.left and box.bottom > box.top:
                boxes.append(box)
    return boxes


def panel_box(frame: Frame, explanation: Explanation, size: tuple[float, float], near: tuple[float, float]) -> PanelRect:
    """The rectangle for a panel that covers neither the explained bars nor the point `near`, if there is enough space.

    If there is no such place, the panel may cover the point; if there is no place without bars either, it covers as little as possible.
    """
    area = PanelRect(_MARGIN_PX, _MARGIN_PX, frame.layout.plot_right - _MARGIN_PX, frame.layout.time_axis.top - _MARGIN_PX)
    bars = [box.grown(_MARGIN_PX) for box in bars_in_question(frame, explanation)]
    point = PanelRect(*near, *near).grown(_POINT_PX)
    found = place_panel(*size, area, [*bars, point], near)
    return place_panel(*size, area, bars, near) if covers(found, bars) else found  # better to cover the point than a bar
