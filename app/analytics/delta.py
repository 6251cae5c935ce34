"""Delta, i.e. aggressive buying minus aggressive selling, of each bar and cumulative (CVD)."""

from __future__ import annotations

from typing import Literal

import numpy as np

from app.analytics.footprint import FootprintSeries
from app.market.arrays import Float64Array, Int64Array


def bar_delta(series: FootprintSeries, first_bar: int = 0, end_bar: int | None = None) -> Int64Array:
    """Delta of each of the bars `[first_bar, end_bar)`, lots, int64.

    Trades without an aggressor do not count.
    """
    bars = slice(first_bar, end_bar)
    return series.buy[bars] - series.sell[bars]


def delta_percent(series: FootprintSeries, first_bar: int = 0, end_bar: int | None = None) -> Float64Array:
    """Delta of each of the bars `[first_bar, end_bar)` in per cent of the bar's volume, -100 to 100, float64.

    Rounded: for display, not for comparing.
    """
    return 100.0 * bar_delta(series, first_bar, end_bar) / series.volume[first_bar:end_bar]


def cvd(series: FootprintSeries, start_bar: int = 0, end_bar: int | None = None, reset: Literal["never", "day"] = "never") -> Int64Array:
    """CVD after each of the bars `[start_bar, end_bar)`: the running sum of their deltas, lots, int64.

    Parameters
    ----------
    series : FootprintSeries
    start_bar, end_bar : int
        Indices of the bars to sum; the sum is 0 before `start_bar`. With `end_bar` None, up to the last bar.
    reset : "never" or "day"
        "day" resets the sum to 0 at the first bar of each UTC day.
    """
    running = np.cumsum(bar_delta(series, start_bar, end_bar))
    if reset == "never" or not len(running):
        return running
    day = series.times.day_of_bars(start_bar, end_bar)
    first = np.concatenate(([0], np.flatnonzero(np.diff(day)) + 1))
    before = np.concatenate(([0], running[first[1:] - 1]))
    return running - np.repeat(before, np.diff(np.append(first, len(running))))
