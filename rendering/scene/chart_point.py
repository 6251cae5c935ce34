"""The bar, time and price under a point of the chart."""

from __future__ import annotations

import math
from typing import NamedTuple

from rendering.view.frame import Frame


class ChartPoint(NamedTuple):
    """A point of the chart, with its bar, time and price.

    Attributes
    ----------
    x, y : float
        Position of the point, in pixels of the scene.
    bar : int or None
        Number of the bar there, even without trades; None right of the newest bar, and outside the panes with bars and the time axis.
    time_ns : int or None
        Start time of that bar; None if `bar` is None.
    price_ticks : int or None
        Price at the point; None outside the price pane and the price axis.
    """

    x: float
    y: float
    bar: int | None
    time_ns: int | None
    price_ticks: int | None


def chart_point_at(frame: Frame, x: float, y: float) -> ChartPoint:
    """The point at scene pixel (`x`, `y`), with its bar, time and price."""
    layout, series, viewport = frame.layout, frame.chart.series, frame.viewport
    bar = time_ns = price_ticks = None
    if series.n_bars and 0 <= x < layout.price.right and y < layout.time_axis.bottom:
        number = math.floor(viewport.bar_at(x))
        if number <= int(series.number[-1]):
            bar, time_ns = number, series.times.start_ns(number)
    if layout.price.holds(x, y) or layout.price_axis.holds(x, y):
        price_ticks = math.floor(viewport.ticks_at(y))
    return ChartPoint(x, y, bar, time_ns, price_ticks)
