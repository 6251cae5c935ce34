"""Volume profiles: the volume of each price row, over any bars or any trades."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from app.analytics.footprint import FootprintSeries
from app.market.arrays import Int64Array
from app.market.price_grid import PriceGrid
from app.market.trade import BUY, SELL, UNKNOWN, TradeBatch


@dataclass(frozen=True, slots=True, eq=False)
class VolumeProfile:
    """Bought, sold and unknown volume of each price row.

    Attributes
    ----------
    first_row : int
        Row number of the first entry of the arrays.
    buy, sell, unknown : int64 [shape=(n_rows,)]
        Lots by aggressor, dense, lowest row first; read-only.

    Raises
    ------
    ValueError
        If the arrays have different lengths.
    """

    first_row: int
    buy: Int64Array
    sell: Int64Array
    unknown: Int64Array

    def __post_init__(self) -> None:
        for name in ("buy", "sell", "unknown"):
            column = np.ascontiguousarray(getattr(self, name), np.int64).view()
            column.flags.writeable = False
            object.__setattr__(self, name, column)
        if not self.buy.shape == self.sell.shape == self.unknown.shape == (self.n_rows,):
            raise ValueError(f"columns of one length expected, found {self.buy.shape}, {self.sell.shape}, {self.unknown.shape}")

    @classmethod
    def empty(cls) -> VolumeProfile:
        """A profile without rows."""
        nothing = np.zeros(0, np.int64)
        return cls(0, nothing, nothing, nothing)

    @property
    def n_rows(self) -> int:
        """Number of rows from the lowest to the highest, rows without volume included."""
        return len(self.buy)

    @property
    def total(self) -> Int64Array:
        """Total volume of each row, lots."""
        return self.buy + self.sell + self.unknown

    @property
    def delta(self) -> Int64Array:
        """Delta of each row, lots."""
        return self.buy - self.sell

    @property
    def volume(self) -> int:
        """Total volume of the profile, lots."""
        return int(self.total.sum())


def profile_of_bars(series: FootprintSeries, first_bar: int, end_bar: int) -> VolumeProfile:
    """The volume profile of the bars `[first_bar, end_bar)`, by index; empty without bars."""
    first_bar, end_bar = max(first_bar, 0), min(end_bar, series.n_bars)
    if first_bar >= end_bar:
        return VolumeProfile.empty()
    bars = slice(first_bar, end_bar)
    first_row, n_rows, cell_start = series.first_row[bars], series.n_rows[bars], series.cell_start[bars]
    base = int(first_row.min())
    start = int(cell_start[0])
    n_cells = int(n_rows.sum())
    row = np.arange(n_cells) + np.repeat(first_row - base - (cell_start - start), n_rows)
    length = int((first_row + n_rows).max()) - base
    cells = slice(start, start + n_cells)
    return VolumeProfile(base, *(_summed(row, c[cells], length) for c in (series.cell_buy, series.cell_sell, series.cell_unknown)))


def profile_of_trades(trades: TradeBatch, grid: PriceGrid) -> VolumeProfile:
    """The volume profile of trades, with rows from the lowest price to the highest; empty without trades."""
    if not len(trades):
        return VolumeProfile.empty()
    row = grid.rows(trades.price_ticks)
    base = int(row.min())
    row -= base
    length = int(row.max()) + 1
    quantity, side = trades.quantity_lots, trades.side
    return VolumeProfile(base, *(_summed(row, np.where(side == which, quantity, 0), length) for which in (BUY, SELL, UNKNOWN)))


def merge_profiles(profiles: Iterable[VolumeProfile]) -> VolumeProfile:
    """Add up volume profiles that have the same row size; empty if none has rows.

    The rows reach from the lowest to the highest row of all the profiles.
    """
    filled = [profile for profile in profiles if profile.n_rows]
    if not filled:
        return VolumeProfile.empty()
    base = min(profile.first_row for profile in filled)
    sums = np.zeros((3, max(profile.first_row + profile.n_rows for profile in filled) - base), np.int64)
    for profile in filled:
        at = profile.first_row - base
        sums[:, at : at + profile.n_rows] += (profile.buy, profile.sell, profile.unknown)
    return VolumeProfile(base, *sums)


def _summed(row: Int64Array, quantity: Int64Array, length: int) -> Int64Array:
    """Sum the quantities of each of `length` rows in exact integers; `bincount` would add them as floats."""
    sums = np.zeros(length, np.int64)
    np.add.at(sums, row, quantity)
    return sums
