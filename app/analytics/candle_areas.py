"""Value areas by the candle method of the periods of a series, from its bars; a live trade figures the bar in progress alone."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from app.analytics.bar_groups import first_bar_at
from app.analytics.candle_value_area import CandleHistogram, CandlePrice, candle_value_area, histogram
from app.analytics.footprint import FootprintSeries
from app.analytics.value_area import ValueArea, ValueAreaMethod
from app.market.span import Span


@dataclass(frozen=True, slots=True, eq=False)
class CandleArea:
    """What the candles of a period say: prices in ticks, between them too, for rows have no whole number of ticks."""

    profile: CandleHistogram
    area: ValueArea

    @property
    def poc_ticks(self) -> Fraction:
        """The middle of the heaviest row."""
        return self.profile.middle_ticks(self.area.poc_row)

    @property
    def vah_ticks(self) -> Fraction:
        """The upper edge of the value area."""
        return self.profile.edge_ticks(self.area.high_row + 1)

    @property
    def val_ticks(self) -> Fraction:
        """The lower edge of the value area."""
        return self.profile.edge_ticks(self.area.low_row)


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    """The bars `[first, end)`, all but the last of them as a histogram over the range of all of them."""

    first: int
    end: int
    revision: int
    reach: tuple[int, int]
    closed_reach: tuple[int, int]
    closed: np.ndarray
    found: CandleArea


class CandleAreas:
    """The areas of one series, by one rule.

    Attributes
    ----------
    bars_read : int
        How many bars were put into a histogram so far: a count of work for the tests.
    """

    def __init__(self, series: FootprintSeries, rows: int, price: CandlePrice, percent: int, method: ValueAreaMethod) -> None:
        self.series = series
        self.bars_read = 0
        self._rows, self._price, self._percent, self._method = rows, price, percent, method
        self._kept: dict[Span, _Kept] = {}

    def of(self, period: Span, end_bar: int) -> CandleArea | None:
        """The area of the bars that begin in a period, of those before the index `end_bar`; None if there are none.

        A bar belongs to the period in which it begins, whatever it lasts: so do candles of a venue.
        """
        series = self.series
        first, end = (min(first_bar_at(series, edge_ns), end_bar) for edge_ns in (period.start_ns, period.end_ns))
        if first >= end:
            return None
        kept = self._kept.get(period)
        newest = int(series.changed_at[end - 1])  # never decreases from bar to bar
        if kept is None or (kept.first, kept.end) != (first, end) or kept.revision < newest:
            kept = self._kept[period] = self._figured(kept, first, end)
        return kept.found

    def _figured(self, kept: _Kept | None, first: int, end: int) -> _Kept:
        series, last = self.series, end - 1
        held = first if kept is None or kept.first != first else min(kept.end - 1, last, series.changed_since(kept.revision))
        goes_on = kept is not None and held == kept.end - 1 and held > first
        closed_reach = self._reach(held if goes_on else first, last)
        if kept is not None and goes_on:
            closed_reach = _wider(kept.closed_reach, closed_reach)
        reach = _wider(closed_reach, self._reach(last, end))
        if kept is not None and goes_on and reach == kept.reach:
            closed = kept.closed + self._histogram(held, last, reach)
        else:  # another extreme: every row is another one
            closed = self._histogram(first, last, reach)
        profile = CandleHistogram(*reach, closed + self._histogram(last, end, reach))
        found = CandleArea(profile, candle_value_area(profile, self._percent, self._method))
        return _Kept(first, end, series.revision, reach, closed_reach, closed, found)

    def _reach(self, first: int, end: int) -> tuple[int, int]:
        """The lowest and the highest price of some bars; of none a range that widens no other."""
        most = int(np.iinfo(np.int64).max)
        return int(self.series.low[first:end].min(initial=most)), int(self.series.high[first:end].max(initial=-most))

    def _histogram(self, first: int, end: int, reach: tuple[int, int]) -> np.ndarray:
        high, low, close, volume = (getattr(self.series, name)[first:end] for name in ("high", "low", "close", "volume"))
        self.bars_read += end - first
        price = high + low if self._price is CandlePrice.MEAN else 2 * close
        return histogram(price, volume, *reach, self._rows)


def _wider(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return min(one[0], other[0]), max(one[1], other[1])
