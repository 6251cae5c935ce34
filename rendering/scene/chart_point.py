"""What lies under a point of the chart: its bar, its time and its price."""

from __future__ import annotations

import math
from typing import NamedTuple

from rendering.view.frame import Frame


class ChartPoint(NamedTuple):
    """A point of the chart.

    Attributes
    ----------
    x, y : float
        Where it is, in pixels of the scene.
    bar : int or None
        The number of the bar there, also of one that has not traded; None right of the newest, and where there are no bars.
    time_ns : int or None
        When that bar begins.
    price_ticks : int or None
        The price there; None where no prices are drawn.
    """

    x: float
    y: float
    bar: int | None
    time_ns: int | None
    price_ticks: int | None


def chart_point_at(frame: Frame, x: float, y: float) -> ChartPoint:
    """What lies under a point."""
    layout, series, viewport = frame.layout, frame.chart.series, frame.viewport
    bar = time_ns = price_ticks = None
    if series.n_bars and 0 <= x < layout.price.right and y < layout.time_axis.bottom:
        number = math.floor(viewport.bar_at(x))
        if number <= int(series.number[-1]):
            bar, time_ns = number, series.times.start_ns(number)
    if layout.price.holds(x, y) or layout.price_axis.holds(x, y):
        price_ticks = math.floor(viewport.ticks_at(y))
    return ChartPoint(x, y, bar, time_ns, price_ticks)
