"""Diagonal imbalances of footprint cells, and stacked zones: consecutive imbalanced rows."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple

import numpy as np

from app.analytics.footprint import FootprintSeries
from app.errors import BadInputError
from app.market.arrays import BoolArray, Int64Array
from app.market.trade import BUY, SELL

RATIO_300_PERCENT = Decimal(3)
""""300 %" in its usual reading: three times the other side."""
RATIO_300_PERCENT_MORE = Decimal(4)
""""300 % more": four times the other side."""
_MOST_DIGITS = 18  # of a ratio, before or after the point: a larger one would be written out with a billion digits


@dataclass(frozen=True, slots=True)
class ImbalanceRule:
    """The settings that decide which cells are imbalanced and which of them form a stacked zone.

    Attributes
    ----------
    ratio : Decimal
        Minimum multiple of the other side's volume; the exact multiple counts.
    minimum_lots : int
        Minimum volume of the dominant side, which must be above 0 in any case.
    zeros : "count" or "ignore"
        "count" if volume against 0 on the diagonal is imbalanced.
    stacked : int
        Minimum number of consecutive rows of a stacked zone.

    Raises
    ------
    BadInputError
        If the ratio is not between 1e-18 and 1e19, or `stacked` is below 1.
    """

    ratio: Decimal = RATIO_300_PERCENT
    minimum_lots: int = 0
    zeros: Literal["count", "ignore"] = "count"
    stacked: int = 3

    def __post_init__(self) -> None:
        if not self.ratio.is_finite() or self.ratio <= 0 or abs(self.ratio.adjusted()) > _MOST_DIGITS:
            raise BadInputError(f"imbalance ratio: found {self.ratio}, expected a positive number between 1e-18 and 1e19")
        if self.stacked < 1:
            raise BadInputError(f"stacked imbalances: found {self.stacked} rows, expected 1 or more")


class Imbalances(NamedTuple):
    """Marks of the cells whose buy or sell volume is imbalanced, in flat arrays, bool [shape=(n_cells,)]."""

    buy: BoolArray
    sell: BoolArray


class StackedZones(NamedTuple):
    """Stacked zones, each of consecutive imbalanced rows inside one bar, int64 [shape=(n_zones,)].

    Ordered by bar, buy before sell, lowest first. `bar` is the bar's index, `first_row` and `last_row` are inclusive, `side` is `BUY`
    or `SELL`.
    """

    bar: Int64Array
    first_row: Int64Array
    last_row: Int64Array
    side: Int64Array


def imbalances(series: FootprintSeries, first_bar: int, end_bar: int, rule: ImbalanceRule) -> Imbalances:
    """Mark the imbalanced cells of the bars `[first_bar, end_bar)`.

    Bought volume is compared with the volume sold one row below, sold volume with the volume bought
    one row above, inside each bar. Rows without trades count as 0. Buy volume in a bar's lowest row
    and sell volume in its highest have no counterpart and are never imbalanced.
    """
    if first_bar >= end_bar:
        nothing = np.zeros(0, bool)
        return Imbalances(nothing, nothing)
    bars = slice(first_bar, end_bar)
    cells = series.cells_of(first_bar, end_bar)
    buy, sell = series.cell_buy[cells], series.cell_sell[cells]
    lowest = series.cell_start[bars] - cells.start
    found = Imbalances(np.zeros(len(buy), bool), np.zeros(len(buy), bool))
    found.buy[1:] = _outweighs(buy[1:], sell[:-1], rule)
    found.sell[:-1] = _outweighs(sell[:-1], buy[1:], rule)
    found.buy[lowest] = False
    found.sell[lowest + series.n_rows[bars] - 1] = False
    return found


def stacked_zones(series: FootprintSeries, first_bar: int, end_bar: int, rule: ImbalanceRule) -> StackedZones:
    """Find the stacked zones of the bars `[first_bar, end_bar)`: `rule.stacked` or more consecutive rows imbalanced on one side.

    Each zone is inside one bar.
    """
    found = imbalances(series, first_bar, end_bar, rule)
    return zones_from_marks(series, first_bar, end_bar, found, rule.stacked)


def zones_from_marks(series: FootprintSeries, first_bar: int, end_bar: int, found: Imbalances, stacked: int) -> StackedZones:
    """Find the zones of `stacked` or more rows in imbalance marks that `imbalances` returned for the same bars."""
    if first_bar >= end_bar:
        return StackedZones(*(np.zeros(0, np.int64) for _ in StackedZones._fields))
    offset = int(series.cell_start[first_bar])
    cell_start = series.cell_start[first_bar:end_bar]
    sides: list[tuple[Int64Array, Int64Array, Int64Array, Int64Array]] = []
    for side, marks in ((BUY, found.buy), (SELL, found.sell)):
        # no run crosses into the next bar: a bar's outermost diagonals are never marked
        edges = np.flatnonzero(np.diff(marks, prepend=False, append=False)).reshape(-1, 2)
        edges = edges[edges[:, 1] - edges[:, 0] >= stacked] + offset
        first, last = edges[:, 0], edges[:, 1] - 1
        bar = np.searchsorted(cell_start, first, side="right") - 1 + first_bar
        to_row = series.first_row[bar] - series.cell_start[bar]
        sides.append((bar, first + to_row, last + to_row, np.full(len(bar), side)))
    bar, first_row, last_row, side = (np.concatenate(columns) for columns in zip(*sides, strict=True))
    order = np.argsort(bar, kind="stable")
    return StackedZones(bar[order], first_row[order], last_row[order], side[order])


def _outweighs(dominant: Int64Array, other: Int64Array, rule: ImbalanceRule) -> BoolArray:
    times, of = rule.ratio.as_integer_ratio()
    enough = (dominant > 0) & (dominant >= rule.minimum_lots)
    if rule.zeros == "ignore":
        enough &= other > 0
    largest = max(int(dominant.max(initial=0)), int(other.max(initial=0)), 1)
    if largest * max(times, of) >= 2**63:  # absurd volumes or ratios: Python's integers, slow but exact
        dominant, other = dominant.astype(object), other.astype(object)
    return enough & np.asarray(dominant * of >= other * times, bool)
