"""How high the rows of one profile are: as on the chart, so many ticks, or so many rows over its range.

A profile is added up in the chart's rows and laid out from there, so a row of it is always a whole number of theirs. With
one tick in a row of the chart that is no limit at all; with more, the layout comes as near as whole rows can.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from app.analytics.profile import VolumeProfile
from app.errors import BadInputError
from app.market.price_grid import PriceGrid, ticks_per_row_for


class RowMode(enum.Enum):
    """What the height of a profile's rows is chosen by; the value is the name shown."""

    CHART = "same as chart"
    TICKS = "ticks per row"
    ROWS = "number of rows"


@dataclass(frozen=True, slots=True)
class RowLayout:
    """The choice.

    Attributes
    ----------
    by : RowsBy
    size : int
        Ticks, or rows; of no meaning for rows as on the chart.
    """

    by: RowMode = RowMode.CHART
    size: int = 1

    def __post_init__(self) -> None:
        if self.size < 1:
            raise BadInputError(f"row size: found {self.size}, expected a whole number from 1 up")


class RowProfile(NamedTuple):
    """A profile whose rows begin at a price of its own.

    Attributes
    ----------
    low_ticks : int
        Lower edge of row 0.
    ticks_per_row : int
    profile : VolumeProfile
        Its `first_row` is 0; from the lowest traded row to the highest.
    """

    low_ticks: int
    ticks_per_row: int
    profile: VolumeProfile

    def edge_ticks(self, row: int) -> int:
        """Lower edge of a row; its upper edge is the lower one of the next."""
        return self.low_ticks + row * self.ticks_per_row

    @property
    def edges_ticks(self) -> np.ndarray:
        """All edges, int64 [shape=(n_rows + 1,)], ascending."""
        return self.low_ticks + np.arange(self.profile.n_rows + 1, dtype=np.int64) * self.ticks_per_row


def apply_layout(profile: VolumeProfile, grid: PriceGrid, layout: RowLayout) -> RowProfile | None:
    """A profile in the rows of a layout; None without volume.

    - As on the chart: the same rows.
    - Ticks per row: the multiple of the chart's row that is nearest to what was asked for, of two the smaller, anchored at
      price 0 as the chart's rows are.
    - Number of rows: `ticks_per_row_for` over the range from the lowest traded row to the highest, which is where row 0
      begins; the last row may be short of prices.

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
    """How many rows of the chart make one."""
    if layout.by is RowMode.TICKS:
        whole, rest = divmod(layout.size, grid.ticks_per_row)
        return max(1, whole + (2 * rest > grid.ticks_per_row))
    return ticks_per_row_for(n_rows, layout.size) if layout.by is RowMode.ROWS else 1
