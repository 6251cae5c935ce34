"""The bar statistics: a table under the bars with one row per statistic."""

from __future__ import annotations

import enum
from collections.abc import Sequence

import numpy as np

from app.analytics.bar_values import BarValues
from app.analytics.cumulative_delta import CumulativeDelta
from app.analytics.delta import bar_delta, delta_percent
from app.errors import BadInputError
from app.market.arrays import Float64Array, Int64Array
from app.market.price_grid import row_price
from app.market.session import TimeDivision


class Statistic(enum.Enum):
    """The available rows of the bar statistics; each member's value is the row's name on the command line."""

    VOLUME = "volume"
    BUY = "buy"
    SELL = "sell"
    DELTA = "delta"
    DELTA_PERCENT = "delta-percent"
    DELTA_MIN = "delta-min"
    DELTA_MAX = "delta-max"
    CVD = "cvd"
    TRADES = "trades"
    POC = "poc"
    RANGE = "range"
    DURATION = "duration"

    @property
    def signed(self) -> bool:
        """True for CVD, delta, delta %, and min and max delta, which the screen shows and colours by sign."""
        return self in _SIGNED


_SIGNED = (Statistic.DELTA, Statistic.DELTA_PERCENT, Statistic.DELTA_MIN, Statistic.DELTA_MAX, Statistic.CVD)

ALL_STATISTICS = tuple(Statistic)


class BarStatistics:
    """Computes the bar statistics of a series on request; CVD and POC are cached for bars that have not changed.

    Parameters
    ----------
    figures : BarValues
        The series, and the POC of each of its bars.
    """

    def __init__(self, figures: BarValues) -> None:
        self.figures = figures
        self.cvd = CumulativeDelta(figures.series)

    def row(self, statistic: Statistic, first: int, end: int, reset: TimeDivision | None = None) -> Int64Array | Float64Array:
        """The values of one statistic for the bars `[first, end)`.

        Parameters
        ----------
        reset : TimeDivision or None
            Defines where CVD resets; None: never.

        Returns
        -------
        int64 or float64 [shape=(n,)]
            Lots for volumes, deltas and CVD; a count for trades; for the delta in per cent, per cent of the volume (float64);
            ticks for the range (high minus low) and for the POC (the price of its row); nanoseconds for the duration: from the
            bar's start to the next bar's start, or, for the last bar of a rule other than time, to 1 ns after its last trade.
        """
        series = self.figures.series
        bars = slice(first, end)
        match statistic:
            case Statistic.DELTA:
                return bar_delta(series, first, end)
            case Statistic.DELTA_PERCENT:
                return delta_percent(series, first, end)
            case Statistic.CVD:
                return self.cvd.values(first, end, reset)
            case Statistic.POC:
                height = series.grid.ticks_per_row
                return row_price(self.figures.poc_rows(first, end) * height, height)
            case Statistic.RANGE:
                return series.high[bars] - series.low[bars]
            case Statistic.DURATION:
                return self._durations(first, end)
            case _:
                return getattr(series, statistic.name.lower())[bars]

    def _durations(self, first: int, end: int) -> Int64Array:
        series = self.figures.series
        if series.rule.is_time:
            return np.full(max(end - first, 0), series.rule.length_ns, np.int64)
        if end <= first:
            return np.zeros(0, np.int64)
        number = series.number[first:end]
        return np.diff(series.times.edges(int(number[0]), int(number[-1])))


def parse_statistics(text: str) -> tuple[Statistic, ...]:
    """Parse names of statistics separated by commas, e.g. `volume,delta,cvd`; their order is the order of the table's rows.

    Raises
    ------
    BadInputError
        If a name is unknown or repeated, or if there are no names.
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    names = [statistic.value for statistic in Statistic]
    if wrong := next((word for word in words if word not in names), None):
        raise BadInputError(f"statistics: found {wrong!r}, expected some of {', '.join(names)}")
    if not words or len(set(words)) < len(words):
        raise BadInputError(f"statistics: found {text!r}, expected one or more rows, no duplicates, e.g. volume,delta,cvd")
    return tuple(Statistic(word) for word in words)


def write_statistics(rows: Sequence[Statistic]) -> str:
    """Convert statistics to the text that `parse_statistics` reads."""
    return ",".join(row.value for row in rows)
