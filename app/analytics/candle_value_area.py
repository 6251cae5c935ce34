"""The value area computed from candles or bars, without the trades inside them.

A histogram has rows of equal height between the lowest low and the highest high; all volume of a candle goes to the one row that
contains its price (see `CandlePrice`). Row edges are not rounded: they are exact fractions.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from app.analytics.value_area import ValueArea, ValueAreaMethod, value_areas
from app.errors import BadInputError, EmptyProfileError
from app.market.arrays import Int64Array
from app.market.candle import CandleBatch

MOST_ROWS = 1 << 16
"""Maximum number of rows; more would be finer than candles can show."""


class CandlePrice(enum.Enum):
    """The price at which all volume of a candle counts."""

    MEAN = "mean"
    """`(high + low) / 2`."""
    CLOSE = "close"


@dataclass(frozen=True, slots=True, eq=False)
class CandleHistogram:
    """The volume of some candles in rows of equal height, from their lowest to their highest price.

    Attributes
    ----------
    low, high : int
        Lowest low and highest high, ticks: the lower edge of the first row and the upper edge of the last.
    volume : int64 [shape=(n_rows,)]
        Lots, lowest row first, rows without volume included; one row if low and high are equal.
    """

    low: int
    high: int
    volume: Int64Array

    @property
    def n_rows(self) -> int:
        """Number of rows between low and high."""
        return len(self.volume)

    def edge_ticks(self, row: int) -> Fraction:
        """The lower edge of a row in ticks, as an exact fraction."""
        return self.low + Fraction((self.high - self.low) * row, self.n_rows)

    def middle_ticks(self, row: int) -> Fraction:
        """The middle of a row in ticks, where a POC is shown, as an exact fraction."""
        return (self.edge_ticks(row) + self.edge_ticks(row + 1)) / 2


def candle_profile(candles: CandleBatch, rows: int = 24, price: CandlePrice = CandlePrice.MEAN) -> CandleHistogram:
    """Make the volume histogram of some candles, with `rows` rows of equal height; one row if all prices are equal.

    `row = floor((price - lowest) / height)`: a price on an edge belongs to the row above it, but the highest price to the last
    row.

    Raises
    ------
    EmptyProfileError
        If there are no candles.
    BadInputError
        If `rows` is below 1 or above `MOST_ROWS`.
    """
    if not 1 <= rows <= MOST_ROWS:
        raise BadInputError(f"rows: found {rows}, expected 1 to {MOST_ROWS}")
    if not len(candles):
        raise EmptyProfileError("candles: none found")
    low, high = int(candles.low.min()), int(candles.high.max())
    twice = candles.high + candles.low if price is CandlePrice.MEAN else 2 * candles.close
    return CandleHistogram(low, high, histogram(twice, candles.volume, low, high, rows))


def histogram(twice_price: Int64Array, lots: Int64Array, low: int, high: int, rows: int) -> Int64Array:
    """The volume in each of `rows` equal rows between two prices, int64 [shape=(rows,)]; one row if both prices are equal.

    Parameters
    ----------
    twice_price, lots : int64 [shape=(n,)]
        Twice the price at which a candle's volume counts, ticks, and that volume.
    low, high : int
        The two prices, in ticks: the lowest low and the highest high of the candles.
    """
    if low == high:
        return np.array([lots.sum()], np.int64)
    above = twice_price - 2 * low
    if 2 * (high - low) * rows >= 2**63:  # prices of twenty digits: Python's integers, slow and still exact
        above = above.astype(object)
    row = np.minimum(above * rows // (2 * (high - low)), rows - 1).astype(np.int64)
    volume = np.zeros(rows, np.int64)
    np.add.at(volume, row, lots)
    return volume


def candle_value_area(profile: CandleHistogram, percent: int = 70, method: ValueAreaMethod = ValueAreaMethod.DALTON) -> ValueArea:
    """Compute POC and value area of a candle histogram; empty rows at its ends count as rows.

    Raises
    ------
    EmptyProfileError
        If the candles have no volume.
    BadInputError
        If `percent` is not from 1 to 100.
    """
    if not profile.volume.any():
        raise EmptyProfileError("candles: found no volume")
    poc, low, high = (int(found[0]) for found in value_areas(profile.volume, np.array([profile.n_rows]), percent, method))
    return ValueArea(low, high, poc, int(profile.volume[low : high + 1].sum()))
