"""Conversion between prices, ticks and rows.

Rows are counted from price 0: `row = floor(price_ticks / ticks_per_row)`, so the rows of all
bars line up and never have to be computed again. A price on an edge belongs to the row above
that edge.

A row of n ticks from tick t has the prices t to t + n - 1. Its own price is its middle tick, of an
even number the upper of the two middle ones: a price that can trade, so a POC is touched when a
trade reaches it. The edges of a value area are prices as well: VAL is the lowest tick of its lowest
row, VAH is t + n of its highest row. A row of one tick has no height: POC, VAH and VAL are that tick.
A tick t is drawn over [t, t + 1), and a line at a price through the middle of its tick.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from app.errors import BadInputError, OffGridError
from app.market.arrays import Int64Array
from app.market.decimals import decimal_places, step_text, to_steps

if TYPE_CHECKING:
    import pyarrow as pa

TICK_MIDDLE = 0.5
"""Height of a line above the lower edge of its tick, in ticks."""
_Ticks = TypeVar("_Ticks", int, Int64Array)


def row_price(low_ticks: _Ticks, height: int) -> _Ticks:
    """The price of a row of `height` ticks, whose lowest is `low_ticks`: the middle tick, or the upper of two; e.g. of a POC."""
    return low_ticks + height // 2


def row_top(low_ticks: _Ticks, height: int) -> _Ticks:
    """The upper edge of a row as a price, e.g. a VAH: the tick above the row's highest tick; for a row of one tick, that tick."""
    return low_ticks + (height if height > 1 else 0)


@dataclass(frozen=True, slots=True)
class PriceGrid:
    """Converts between the prices, ticks and rows of one market.

    Attributes
    ----------
    tick_size : Decimal
        The market's smallest price step.
    ticks_per_row : int
        Ticks in one row, at least 1.

    Raises
    ------
    BadInputError
        If `ticks_per_row` is below 1.
    """

    tick_size: Decimal
    ticks_per_row: int = 1

    def __post_init__(self) -> None:
        if self.ticks_per_row < 1:
            raise BadInputError(f"ticks per row: found {self.ticks_per_row}, expected a whole number of 1 or more")

    def ticks(self, texts: Sequence[str] | pa.Array | pa.ChunkedArray) -> Int64Array:
        """Convert prices from decimal text to ticks, int64 [shape=(n,)].

        Raises
        ------
        OffGridError
            For the first price that is not a multiple of the tick size, or not above 0.
        """
        ticks = to_steps(texts, self.tick_size, "price")
        if ticks.size and ticks.min() <= 0:
            index = int(np.argmax(ticks <= 0))
            text = str(texts[index])
            raise OffGridError(f"price: found {text}, expected a positive price", index=index, value=text)
        return ticks

    def rows(self, price_ticks: Int64Array) -> Int64Array:
        """The number of the row that contains each price, int64, in the shape of `price_ticks`."""
        return np.floor_divide(price_ticks, self.ticks_per_row)

    def row(self, price_ticks: int) -> int:
        """The number of the row that contains a price (in ticks)."""
        return int(price_ticks) // self.ticks_per_row

    def row_low_ticks(self, row: int) -> int:
        """Price of the lower edge of a row, in ticks."""
        return int(row) * self.ticks_per_row

    def row_price_ticks(self, row: int) -> int:
        """The price of a row, in ticks: its middle tick (see `row_price`)."""
        return row_price(self.row_low_ticks(row), self.ticks_per_row)

    def row_top_ticks(self, row: int) -> int:
        """The upper edge of a row as a price, in ticks; see `row_top`."""
        return row_top(self.row_low_ticks(row), self.ticks_per_row)

    def price(self, ticks: float) -> float:
        """Convert a price from ticks to a float: rounded, so for drawing and display only."""
        return float(self.tick_size) * ticks

    def text(self, ticks: int) -> str:
        """Convert a price from ticks to decimal text, with the decimal places that the tick size needs."""
        return step_text(ticks, self.tick_size)

    def row_text(self, row: int) -> str:
        """The price of the lower edge of a row, as decimal text."""
        return self.text(self.row_low_ticks(row))

    @property
    def decimals(self) -> int:
        """The number of decimal places that prices of this market need."""
        return decimal_places(self.tick_size)

    @property
    def row_size(self) -> Decimal:
        """The height of a row as a price difference: the tick size times the ticks per row."""
        return self.tick_size * self.ticks_per_row


def ticks_per_row_for(range_ticks: int, rows: int) -> int:
    """The row height, in ticks, that divides a price range into about `rows` rows.

    Of `floor(range / rows)` and `ceil(range / rows)`, each at least 1, the one whose row count
    `ceil(range / t)` is closer to `rows`; on a tie the smaller. The last row may be short.
    (100, 30) gives 3 ticks, hence 34 rows.

    Raises
    ------
    BadInputError
        If either number is below 1.
    """
    if range_ticks < 1 or rows < 1:
        raise BadInputError(f"row layout: found {rows} rows over {range_ticks} ticks, expected both to be 1 or more")
    floor = max(1, range_ticks // rows)
    ceil = max(1, -(-range_ticks // rows))
    return min((floor, ceil), key=lambda t: (abs(-(-range_ticks // t) - rows), t))


def nice_ticks_per_row(wanted_ticks: float) -> int:
    """The largest of 1, 2, 5, 10, 20, 25, 50, 100, 200, 250, … that is at most `wanted_ticks`; 1 if `wanted_ticks` is below 1."""
    best, scale = 1, 1
    while scale <= wanted_ticks:
        for factor in (1, 2, 2.5, 5):
            ticks = factor * scale
            if ticks == int(ticks) and best < ticks <= wanted_ticks:
                best = int(ticks)
        scale *= 10
    return best
