"""The row height of one profile: as on the chart, in ticks, or by number of rows.

A profile is summed in the chart's rows and then laid out, so each of its rows is a whole number of chart rows. With one tick
per chart row every height is possible; with more ticks, the nearest possible height is used.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from app.analytics.profile import VolumeProfile
from app.errors import BadInputError
from app.market.arrays import Int64Array
from app.market.price_grid import PriceGrid, row_price, row_top, ticks_per_row_for


class RowMode(enum.Enum):
    """The ways to set the row height of a profile; each member's value is the name shown on screen."""

    CHART = "same as chart"
    TICKS = "ticks per row"
    ROWS = "number of rows"


@dataclass(frozen=True, slots=True)
class RowLayout:
    """The selected row height of a profile.

    Attributes
    ----------
    by : RowMode
    size : int
        Ticks per row, or number of rows; ignored for rows as on the chart.

    Raises
    ------
    BadInputError
        If the size is below 1.
    """

    by: RowMode = RowMode.CHART
    size: int = 1

    def __post_init__(self) -> None:
        if self.size < 1:
            raise BadInputError(f"row size: found {self.size}, expected a whole number from 1 up")


class RowProfile(NamedTuple):
    """A volume profile whose rows are counted from the price `low_ticks`, and not from price 0.

    Attributes
    ----------
    low_ticks : int
        Lower edge of row 0.
    ticks_per_row : int
    profile : VolumeProfile
        Has `first_row` 0 and reaches from the lowest traded row to the highest.
    """

    low_ticks: int
    ticks_per_row: int
    profile: VolumeProfile

    def edge_ticks(self, row: int) -> int:
        """Price of the lower edge of a row, in ticks."""
        return self.low_ticks + row * self.ticks_per_row

    def price_ticks(self, row: int) -> int:
        """The price of a row, in ticks: its middle tick; see `row_price`."""
        return row_price(self.edge_ticks(row), self.ticks_per_row)

    def top_ticks(self, row: int) -> int:
        """The upper edge of a row as a price, in ticks; see `row_top`."""
        return row_top(self.edge_ticks(row), self.ticks_per_row)

    @property
    def edges_ticks(self) -> Int64Array:
        """Prices of all row edges in ticks, int64 [shape=(n_rows + 1,)], ascending."""
        return self.low_ticks + np.arange(self.profile.n_rows + 1, dtype=np.int64) * self.ticks_per_row


def apply_layout(profile: VolumeProfile, grid: PriceGrid, layout: RowLayout) -> RowProfile | None:
    """Convert a volume profile to the row height of a layout; None if the profile has no volume.

    - As on the chart: the same rows.
    - Ticks per row: the multiple of the chart's row height that is nearest to the request, of two the smaller; rows count from
      price 0 like the chart's rows.
    - Number of rows: `ticks_per_row_for` over the range from the lowest traded row, where row 0 begins, to the highest; the
      last row may reach beyond that range.

    Parameters
    ----------
    profile : VolumeProfile
        In the rows of `grid`.
    """
    traded = np.flatnonzero(profile.total)
    if not traded.size:
        return None
    run = slice(int(traded[0]), int(traded[-1]) + 1)
    first_row, n_rows = profile.first_row + run.start, run.stop - run.start
    merge, into = _rows_to_merge(n_rows, grid, layout), 0
    if layout.by is RowMode.TICKS:
        into = first_row % merge
    starts = np.maximum(np.arange(-into, n_rows, merge), 0)
    buy, sell, unknown = (np.add.reduceat(column[run], starts) for column in (profile.buy, profile.sell, profile.unknown))
    return RowProfile(grid.row_low_ticks(first_row - into), merge * grid.ticks_per_row, VolumeProfile(0, buy, sell, unknown))


def _rows_to_merge(n_rows: int, grid: PriceGrid, layout: RowLayout) -> int:
    """Number of chart rows in one row of the profile."""
    if layout.by is RowMode.TICKS:
        whole, rest = divmod(layout.size, grid.ticks_per_row)
        return max(1, whole + (2 * rest > grid.ticks_per_row))
    return ticks_per_row_for(n_rows, layout.size) if layout.by is RowMode.ROWS else 1
