"""The volume-weighted average price (VWAP), computed in exact integers and rounded once at the end.

Sums of price times volume exceed 64 bits within a busy month, and those of squares within a minute, so
numpy adds them up in words (`app.market.wide_sums`), which become one Python integer per bar or per
65,536 trades, never one per trade.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import accumulate
from math import isqrt, nan
from typing import NamedTuple

import numpy as np

from app.analytics.footprint import FootprintSeries
from app.errors import EmptyProfileError
from app.market.arrays import Float64Array
from app.market.trade import TradeBatch
from app.market.wide_sums import RUN, wide_integers, wide_sums


class Vwap(NamedTuple):
    """A VWAP and its volume-weighted standard deviation, in ticks; NaN without volume."""

    price_ticks: float
    deviation_ticks: float


def vwap(series: FootprintSeries, start_bar: int = 0, end_bar: int | None = None) -> Float64Array:
    """The VWAP anchored at `start_bar`, after each bar of `[start_bar, end_bar)`.

    Returns
    -------
    float64 [shape=(n_bars,)]
        Ticks; each the correctly rounded quotient of exact sums.
    """
    bars = slice(start_bar, end_bar)
    volume = accumulate(series.volume[bars].tolist())
    return np.array([value / lots for value, lots in zip(accumulate(bar_turnover(series, start_bar, end_bar)), volume, strict=True)], float)


def bar_turnover(series: FootprintSeries, start_bar: int = 0, end_bar: int | None = None) -> list[int]:
    """For each of the bars `[start_bar, end_bar)`, the exact sum of price times quantity over its trades, in ticks times lots."""
    bars = slice(start_bar, end_bar)
    opens, volumes = series.open[bars].tolist(), series.volume[bars].tolist()
    return [price * lots + offset for price, lots, offset in zip(opens, volumes, series.volume_offsets(bars), strict=True)]


class VwapAccumulator:
    """Computes VWAP and deviation of a stream of trades; the result does not depend on how trades are batched."""

    def __init__(self) -> None:
        self.volume = 0
        """Volume so far, lots."""
        self._base: int | None = None  # the first price: differences from it are small
        self._offset = 0  # sum of V * (P - base)
        self._square = 0  # sum of V * (P - base)**2

    def add(self, trades: TradeBatch) -> None:
        """Add trades to the sums; trades without an aggressor count too."""
        if not len(trades):
            return
        if self._base is None:
            self._base = int(trades.price_ticks[0])
        starts = np.arange(0, len(trades), RUN)
        offset, square = wide_sums(trades.price_ticks - self._base, trades.quantity_lots, starts)
        self.volume += sum(np.add.reduceat(trades.quantity_lots, starts).tolist())
        self._offset += sum(wide_integers(offset))
        self._square += sum(wide_integers(square))

    @property
    def exact_ticks(self) -> Fraction:
        """The exact VWAP of the trades so far, in ticks.

        Raises
        ------
        EmptyProfileError
            If there are no trades yet.
        """
        if self._base is None:
            raise EmptyProfileError("VWAP: found no volume, expected at least one trade")
        return self._base + Fraction(self._offset, self.volume)

    @property
    def value(self) -> Vwap:
        """The VWAP and the standard deviation of the trades so far; NaN before the first trade."""
        if self._base is None:
            return Vwap(nan, nan)
        average = (self._base * self.volume + self._offset) / self.volume
        # sum(V * (P - vwap)**2) / sum(V) = (sum(V) * square - offset**2) / sum(V)**2, in integers
        return Vwap(average, root_quotient(self.volume * self._square - self._offset**2, self.volume))


def vwap_of_trades(trades: TradeBatch) -> Vwap:
    """The VWAP and volume-weighted standard deviation of some trades; NaN without trades."""
    accumulator = VwapAccumulator()
    accumulator.add(trades)
    return accumulator.value


def root_quotient(square: int, divisor: int) -> float:
    """Compute `sqrt(square) / divisor` for integers; the root has far more digits than a float before it is divided."""
    shift = max(0, 80 - square.bit_length() // 2)
    return isqrt(square << 2 * shift) / (divisor << shift)
