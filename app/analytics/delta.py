"""Aggressive buying less aggressive selling: of a bar, in per cent, and running from bar to bar."""

from __future__ import annotations

from typing import Literal

import numpy as np

from app.analytics.footprint import FootprintSeries

DAY_NS = 86_400_000_000_000


def bar_delta(series: FootprintSeries, first_bar: int = 0, end_bar: int | None = None) -> np.ndarray:
    """Delta of the bars `[first_bar, end_bar)`, lots, int64; trades without an aggressor take no part."""
    bars = slice(first_bar, end_bar)
    return series.buy[bars] - series.sell[bars]


def delta_percent(series: FootprintSeries, first_bar: int = 0, end_bar: int | None = None) -> np.ndarray:
    """Delta of each bar as a share of all its volume, from -100 to 100, float64: for the eye, not for comparing."""
    return 100.0 * bar_delta(series, first_bar, end_bar) / series.volume[first_bar:end_bar]


def cvd(series: FootprintSeries, start_bar: int = 0, end_bar: int | None = None, reset: Literal["never", "day"] = "never") -> np.ndarray:
    """Cumulative volume delta: the running sum of bar deltas, lots, int64.

    Parameters
    ----------
    series : FootprintSeries
        The bars; those without trades do not exist and leave the sum as it is.
    start_bar, end_bar : int
        Indices of the bars to run over; the sum starts from 0 before `start_bar`.
    reset : "never" or "day"
        With "day" the sum starts from 0 again at the first bar that begins on another UTC day.
    """
    running = np.cumsum(bar_delta(series, start_bar, end_bar))
    if reset == "never" or not len(running):
        return running
    day = series.times.day_of_bars(start_bar, end_bar)
    first = np.concatenate(([0], np.flatnonzero(np.diff(day)) + 1))
    before = np.concatenate(([0], running[first[1:] - 1]))
    return running - np.repeat(before, np.diff(np.append(first, len(running))))
