"""The bar under the mouse."""

from __future__ import annotations

import math

from rendering.view.frame import Frame
from rendering.view.frame_coords import bars_in_view


def bar_at(frame: Frame, x: float) -> int | None:
    """Index of the bar in view at `x`, logical pixels; None if there is no bar, or if the bar is after the as-of moment."""
    series = frame.chart.series
    number = math.floor(frame.viewport.bar_at(x))
    first, end = bars_in_view(frame)
    bar = series.index_of(number)
    return bar if first <= bar < end and int(series.number[bar]) == number else None
