"""Trade ids of a file: numbers, hashes of text ids, or hashes of trades without an id."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from app.market.arrays import Int64Array, UInt64Array
from app.market.decimals import to_steps
from app.market.trade import TradeBatch
from feeds.archives.layouts import Layout
from feeds.archives.recent_keys import RecentKeys
from feeds.archives.row_block import not_negative
from feeds.archives.time_parsing import whole_numbers

NO_ID = -1
"""Marks a row without an id."""

_LARGEST, _MOST_DIGITS = 2**63 - 1, 19


def numbers_of(layout: Layout) -> Callable[[pa.RecordBatch], Int64Array]:
    """Return a function that reads the ids of a table as whole numbers of 0 or more, int64 [shape=(n,)].

    The function raises `RowError` for any other id.
    """
    name = layout.trade_id
    assert name is not None  # ids that are numbers have a column
    return lambda table: not_negative(_counted, table.column(name), "trade id")


def stable_ids_of(layout: Layout) -> Callable[[pa.RecordBatch], Int64Array]:
    """Return a function that reads the ids of a table by `stable_ids`, int64 [shape=(n,)].

    The function returns `NO_ID` for a row without an id.
    """
    name = layout.trade_id
    if name is None:
        return lambda table: np.full(table.num_rows, NO_ID)
    return lambda table: stable_ids(table.column(name))


def stable_ids(texts: pa.Array) -> Int64Array:
    """Convert text ids to int64: a whole number of at most 63 bits stays, any other text becomes 63 bits of its BLAKE2b hash.

    An empty text becomes `NO_ID`.
    """
    numbers = whole_numbers(texts)
    if numbers is not None and numbers.min(initial=0) >= 0:
        return numbers
    digests = b"".join([blake2b(text, digest_size=8).digest() for text in texts.cast(pa.binary()).to_pylist()])
    ids = (np.frombuffer(digests, ">u8") >> np.uint64(1)).astype(np.int64)
    for row in np.flatnonzero(pc.less_equal(pc.binary_length(texts), _MOST_DIGITS).to_numpy(zero_copy_only=False)).tolist():
        text = texts[row].as_py()
        if not text:
            ids[row] = NO_ID
        elif text.isascii() and text.isdigit() and int(text) <= _LARGEST:
            ids[row] = int(text)
    return ids


class MadeIds:
    """Ids for trades without an id: hashes of the trade and the number of equal trades before it.

    "Equal" is by time, price, quantity and side. The same file always gives the same ids, and two files that overlap give the same
    ids to the same trades, as long as the instrument's tick and lot size do not change. These ids cannot show that a trade is missing.
    """

    def __init__(self) -> None:
        self._recent = RecentKeys()

    def of(self, trades: TradeBatch) -> Int64Array:
        """Ids for the next trades of the file, int64 [shape=(n,)].

        Raises
        ------
        RowError
            See `RecentKeys.alike_before`.
        """
        key = np.zeros(len(trades), np.uint64)
        for column in (trades.time_ns, trades.price_ticks, trades.quantity_lots, trades.side.astype(np.int64)):
            key = _mixed(key ^ column.view(np.uint64))
        alike = self._recent.alike_before(trades.time_ns, key)
        return (_mixed(key + alike.astype(np.uint64)) >> np.uint64(1)).astype(np.int64)


def _counted(texts: pa.Array) -> Int64Array:
    numbers = whole_numbers(texts)
    return to_steps(texts, Decimal(1), "trade id") if numbers is None else numbers


def _mixed(numbers: UInt64Array) -> UInt64Array:
    """Hash 64-bit numbers (the last steps of SplitMix64, Steele et al. 2014).

    The sums wrap around.
    """
    numbers = numbers + np.uint64(0x9E3779B97F4A7C15)
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))
