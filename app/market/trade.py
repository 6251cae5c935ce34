"""Batches of trades, as integer columns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from app.market.arrays import AnyArray, BoolArray, Int8Array, Int64Array

BUY = 1
"""The buyer was aggressive: traded at the ask."""
SELL = -1
"""The seller was aggressive: traded at the bid."""
UNKNOWN = 0
"""No aggressor, or not reported; counts in volume, not in delta."""


@dataclass(frozen=True, slots=True, eq=False)
class TradeBatch:
    """A batch of trades as columns; in the order of the tape, unless a function accepts any order.

    Attributes
    ----------
    time_ns : int64 [shape=(n,)]
        The venue's trade time, nanoseconds since 1970 UTC.
    price_ticks, quantity_lots : int64 [shape=(n,)]
        Whole ticks and lots, both above 0.
    side : int8 [shape=(n,)]
        `BUY`, `SELL` or `UNKNOWN`: the aggressor.
    trade_id : int64 [shape=(n,)]
        The venue's trade id; where the venue numbers trades, ascending with the tape.

    All columns are C-contiguous and read-only.
    """

    time_ns: Int64Array
    price_ticks: Int64Array
    quantity_lots: Int64Array
    side: Int8Array
    trade_id: Int64Array

    @classmethod
    def of(cls, time_ns: object, price_ticks: object, quantity_lots: object, side: object, trade_id: object) -> TradeBatch:
        """Make a batch from five columns that numpy can convert; raise `ValueError` if their lengths differ."""
        columns = [
            np.ascontiguousarray(time_ns, np.int64),
            np.ascontiguousarray(price_ticks, np.int64),
            np.ascontiguousarray(quantity_lots, np.int64),
            np.ascontiguousarray(side, np.int8),
            np.ascontiguousarray(trade_id, np.int64),
        ]
        if len({column.shape for column in columns}) != 1 or columns[0].ndim != 1:
            raise ValueError(f"columns of one length expected, found {[column.shape for column in columns]}")
        return cls(*(_read_only(column) for column in columns))

    @classmethod
    def empty(cls) -> TradeBatch:
        """A batch without trades."""
        return cls.of([], [], [], [], [])

    def __len__(self) -> int:
        return len(self.time_ns)

    def __getitem__(self, which: slice | Int64Array | BoolArray) -> TradeBatch:
        """The trades that a slice, a bool mask or an index array selects."""
        return TradeBatch.of(*(column[which] for column in self.columns))

    @property
    def columns(self) -> tuple[Int64Array, Int64Array, Int64Array, Int8Array, Int64Array]:
        """The five columns, in the order of the constructor."""
        return self.time_ns, self.price_ticks, self.quantity_lots, self.side, self.trade_id

    @property
    def nbytes(self) -> int:
        """Size of the five columns in memory, in bytes."""
        return sum(column.nbytes for column in self.columns)


def concatenate(batches: Iterable[TradeBatch]) -> TradeBatch:
    """Join batches of trades into one batch, in the given order."""
    filled = [batch for batch in batches if len(batch)]
    if not filled:
        return TradeBatch.empty()
    if len(filled) == 1:
        return filled[0]
    return TradeBatch.of(*(np.concatenate(parts) for parts in zip(*(b.columns for b in filled), strict=True)))


def _read_only(column: AnyArray) -> AnyArray:
    if column.flags.writeable:
        column = column.view()
        column.flags.writeable = False
    return column
