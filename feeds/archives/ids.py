"""What tells one trade of a file from another: the venue's numbers, its texts, or what the trade itself says."""

# pyarrow makes its compute functions when it is imported: no checker sees them
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from app.market.decimals import to_steps
from app.market.trade import TradeBatch
from feeds.archives.layouts import Layout
from feeds.archives.recent_keys import RecentKeys
from feeds.archives.row_block import not_negative
from feeds.archives.time_parsing import whole_numbers

NO_ID = -1
"""Stands for the id of a row that has none."""

_LARGEST, _MOST_DIGITS = 2**63 - 1, 19


def numbers_of(layout: Layout) -> Callable[[pa.RecordBatch], np.ndarray]:
    """Reads ids that count: whole numbers from 0 up, int64 [shape=(n,)]; anything else is a `RowError`."""
    return lambda table: not_negative(_counted, table.column(layout.trade_id), "trade id")


def stable_ids_of(layout: Layout) -> Callable[[pa.RecordBatch], np.ndarray]:
    """Reads ids that only tell trades apart, int64 [shape=(n,)]; `NO_ID` where a row has none."""
    if layout.trade_id is None:
        return lambda table: np.full(table.num_rows, NO_ID)
    return lambda table: stable_ids(table.column(layout.trade_id))


def stable_ids(texts: pa.Array) -> np.ndarray:
    """The venue's own number where a text is one of 63 bits, else 63 bits of its BLAKE2b; `NO_ID` where it is empty."""
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
    """Ids for trades that came without: made of time, price, quantity and side, and how many alike came shortly before.

    The same file gives the same ids whenever it is read, and two files that overlap give the same to the same trades, as
    long as the steps of the instrument stay what they are. They prove nothing: a missing trade leaves no trace.
    """

    def __init__(self) -> None:
        self._recent = RecentKeys()

    def of(self, trades: TradeBatch) -> np.ndarray:
        """An id for each of further trades of the file, int64 [shape=(n,)].

        Raises
        ------
        RowError
            If a trade is so much older than one before it that it could not be told from a repetition.
        """
        key = np.zeros(len(trades), np.uint64)
        for column in (trades.time_ns, trades.price_ticks, trades.quantity_lots, trades.side.astype(np.int64)):
            key = _mixed(key ^ column.view(np.uint64))
        alike = self._recent.alike_before(trades.time_ns, key)
        return (_mixed(key + alike.astype(np.uint64)) >> np.uint64(1)).astype(np.int64)


def _counted(texts: pa.Array) -> np.ndarray:
    numbers = whole_numbers(texts)
    return to_steps(texts, Decimal(1), "trade id") if numbers is None else numbers


def _mixed(numbers: np.ndarray) -> np.ndarray:
    """Each 64-bit number well shaken (the finishing steps of SplitMix64, Steele et al. 2014); sums wrap around."""
    numbers = numbers + np.uint64(0x9E3779B97F4A7C15)
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))
