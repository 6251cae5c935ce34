"""Candle value areas of the periods of a series, computed from its bars.

A live trade recomputes the bar in progress only.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from app.analytics.bar_groups import first_bar_at
from app.analytics.candle_value_area import CandleHistogram, CandlePrice, candle_value_area, histogram
from app.analytics.footprint import FootprintSeries
from app.analytics.value_area import ValueArea, ValueAreaMethod
from app.market.arrays import Int64Array
from app.market.span import Span


@dataclass(frozen=True, slots=True, eq=False)
class CandleArea:
    """The candle value area of one period, with the histogram from which it was computed.

    Prices are fractions of ticks, because row edges are not rounded.
    """

    profile: CandleHistogram
    area: ValueArea

    @property
    def poc_ticks(self) -> Fraction:
        """Price of the POC in ticks, as an exact fraction: the middle of the row with the most volume."""
        return self.profile.middle_ticks(self.area.poc_row)

    @property
    def vah_ticks(self) -> Fraction:
        """Price of the VAH in ticks, as an exact fraction: the upper edge of the value area."""
        return self.profile.edge_ticks(self.area.high_row + 1)

    @property
    def val_ticks(self) -> Fraction:
        """Price of the VAL in ticks, as an exact fraction: the lower edge of the value area."""
        return self.profile.edge_ticks(self.area.low_row)


@dataclass(frozen=True, slots=True, eq=False)
class _Cached:
    """The cached candle value area of the bars `[first, end)`, and a histogram of the same bars without the last one.

    The histogram covers the price range of all the bars.
    """

    first: int
    end: int
    revision: int
    price_range: tuple[int, int]
    closed_range: tuple[int, int]
    closed: Int64Array
    found: CandleArea


class CandleAreas:
    """Computes the candle value areas of one series with fixed settings, and caches them.

    Attributes
    ----------
    bars_read : int
        Number of bars added to a histogram so far: a count of work for the tests.
    """

    def __init__(self, series: FootprintSeries, rows: int, price: CandlePrice, percent: int, method: ValueAreaMethod) -> None:
        self.series = series
        self.bars_read = 0
        self._rows, self._price, self._percent, self._method = rows, price, percent, method
        self._cached: dict[Span, _Cached] = {}

    def of(self, period: Span, end_bar: int) -> CandleArea | None:
        """The candle value area of a period, from its bars before the index `end_bar`; None if there are no such bars.

        A bar belongs to the period in which it begins, whatever its length, like a venue's candles.
        """
        series = self.series
        first, end = (min(first_bar_at(series, edge_ns), end_bar) for edge_ns in (period.start_ns, period.end_ns))
        if first >= end:
            return None
        cached = self._cached.get(period)
        newest = int(series.changed_at[end - 1])  # never decreases from bar to bar
        if cached is None or (cached.first, cached.end) != (first, end) or cached.revision < newest:
            cached = self._cached[period] = self._computed(cached, first, end)
        return cached.found

    def _computed(self, cached: _Cached | None, first: int, end: int) -> _Cached:
        series, last = self.series, end - 1
        summed = first if cached is None or cached.first != first else min(cached.end - 1, last, series.changed_since(cached.revision))
        goes_on = cached is not None and summed == cached.end - 1 and summed > first
        if cached is not None and goes_on and summed == last:
            closed_range = cached.closed_range
        else:
            closed_range = self._price_range(summed if goes_on else first, last)
        if cached is not None and goes_on:
            closed_range = _wider(cached.closed_range, closed_range)
        price_range = _wider(closed_range, self._price_range(last, end))
        if cached is not None and goes_on and price_range == cached.price_range:
            closed = cached.closed if summed == last else cached.closed + self._histogram(summed, last, price_range)
        else:  # the range has changed, and with it every row
            closed = self._histogram(first, last, price_range)
        profile = CandleHistogram(*price_range, closed + self._histogram(last, end, price_range))
        found = CandleArea(profile, candle_value_area(profile, self._percent, self._method))
        return _Cached(first, end, series.revision, price_range, closed_range, closed, found)

    def _price_range(self, first: int, end: int) -> tuple[int, int]:
        """Lowest and highest price of the bars `[first, end)`, in ticks; without bars, the low is above the high."""
        most = int(np.iinfo(np.int64).max)
        return int(self.series.low[first:end].min(initial=most)), int(self.series.high[first:end].max(initial=-most))

    def _histogram(self, first: int, end: int, price_range: tuple[int, int]) -> Int64Array:
        series = self.series
        self.bars_read += end - first
        price = series.high[first:end] + series.low[first:end] if self._price is CandlePrice.MEAN else 2 * series.close[first:end]
        return histogram(price, series.volume[first:end], *price_range, self._rows)


def _wider(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return min(one[0], other[0]), max(one[1], other[1])
