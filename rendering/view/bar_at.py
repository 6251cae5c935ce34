"""The bar under the mouse."""

from __future__ import annotations

import math

from rendering.view.frame import Frame
from rendering.view.frame_coords import bars_in_view


def bar_at(frame: Frame, x: float) -> int | None:
    """Index of the bar at `x`; None if no bar in view is there or it comes after `as_of`."""
    series = frame.chart.series
    number = math.floor(frame.viewport.bar_at(x))
    first, end = bars_in_view(frame)
    bar = series.index_of(number)
    return bar if first <= bar < end and int(series.number[bar]) == number else None
