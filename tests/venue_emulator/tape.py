"""A tape: the ordered trades of one symbol, found by position, time or id.

A tape is made block by block. A block depends only on its number and can be made again, so only the blocks used
last are cached: a day at 1,000 trades per second needs little more memory than the cache.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from tests.venue_emulator.market import Market

_TRADES_KEPT = 4_000_000  # of 33 bytes each: about 130 MB


class Rows(NamedTuple):
    """Some trades as columns.

    `offset_us` counts from the opening of the venue; earlier trades are negative. `side` is the
    aggressor's, 1 or -1.
    """

    offset_us: np.ndarray
    price_ticks: np.ndarray
    quantity_lots: np.ndarray
    side: np.ndarray
    trade_id: np.ndarray

    def cut(self, which: slice | np.ndarray) -> Rows:
        """The trades of a slice, a mask or an index array."""
        return Rows(*(column[which] for column in self))

    @property
    def size(self) -> int:
        """Number of trades."""
        return len(self.trade_id)


def join(parts: list[Rows]) -> Rows:
    """The trades of all parts, in the given order."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        whole = np.empty(0, np.int64)
        return Rows(whole, whole, whole, np.empty(0, np.int8), whole)
    return Rows(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


class Tape:
    """The base class of all tapes; a subclass makes the blocks.

    Attributes
    ----------
    symbol : str
        In upper case, e.g. `BTCUSDT`.
    origin_us : int
        Venue time of the opening if the tape is not moved to now.
    """

    def __init__(self, symbol: str, market: Market, origin_us: int, tick_size: Decimal | None, lot_size: Decimal | None) -> None:
        self.symbol = symbol.upper()
        self.market = market
        self.origin_us = origin_us
        self.tick_size = tick_size or market.facts.tick_size
        self.lot_size = lot_size or market.facts.lot_size
        self._starts: list[int] = [0]  # position of the first trade of each block made so far, and of the next block
        self._first_offsets: list[int] = []
        self._first_ids: list[int] = []
        self._kept: OrderedDict[int, Rows] = OrderedDict()
        self._n_kept = 0
        self._ended = False

    def count_until(self, offset_us: int) -> int:
        """Count the trades up to a time, inclusive; make blocks if needed."""
        while not self._ended and (not self._first_offsets or self._first_offsets[-1] <= offset_us):
            self._discover()
        block = bisect_right(self._first_offsets, offset_us) - 1
        if block < 0:
            return 0
        return self._starts[block] + int(np.searchsorted(self._block(block).offset_us, offset_us, "right"))

    def rows(self, start: int, end: int) -> Rows:
        """The trades at positions `[start, end)`, made if needed; fewer if the tape ends."""
        while not self._ended and self._starts[-1] < end:
            self._discover()
        end = min(end, self._starts[-1])
        if start >= end:
            return join([])
        first, last = bisect_right(self._starts, start) - 1, bisect_right(self._starts, end - 1) - 1
        starts = self._starts
        return join([self._block(n).cut(slice(max(start - starts[n], 0), end - starts[n])) for n in range(first, last + 1)])

    def position_of(self, trade_id: int) -> int:
        """Position of the first trade whose id is not below `trade_id`, among those made so far."""
        block = bisect_right(self._first_ids, trade_id) - 1
        if block < 0:
            return 0
        return self._starts[block] + int(np.searchsorted(self._block(block).trade_id, trade_id, "left"))

    def _make(self, number: int) -> Rows | None:
        """Make block `number`, which is never empty; None after the end. The first calls are in sequence, later ones in any order."""
        raise NotImplementedError

    def _discover(self) -> None:
        number = len(self._first_ids)
        block = self._make(number)
        if block is None:
            self._ended = True
            return
        self._starts.append(self._starts[-1] + block.size)
        self._first_offsets.append(int(block.offset_us[0]))
        self._first_ids.append(int(block.trade_id[0]))
        self._keep(number, block)

    def _block(self, number: int) -> Rows:
        block = self._kept.get(number)
        if block is None:
            block = self._make(number)
            assert block is not None, "a block once made can be made again"
            self._keep(number, block)
        else:
            self._kept.move_to_end(number)
        return block

    def _keep(self, number: int, block: Rows) -> None:
        self._kept[number] = block
        self._n_kept += block.size
        while self._n_kept > _TRADES_KEPT and len(self._kept) > 2:
            self._n_kept -= self._kept.popitem(last=False)[1].size
