"""The bar under the mouse."""

from __future__ import annotations

import math

from rendering.view.frame import Frame
from rendering.view.frame_coords import bars_in_view


def bar_at(frame: Frame, x: float) -> int | None:
    """Index of the bar at `x`; None if it has no trades or comes after `as_of`."""
    series = frame.chart.series
    number = math.floor(frame.viewport.bar_at(x))
    first, end = bars_in_view(frame)
    bar = series.index_of(number)
    return bar if first <= bar < end and int(series.number[bar]) == number else None
