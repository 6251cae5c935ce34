"""Recent trades of a feed, so that none is returned twice."""

from __future__ import annotations

from collections import deque

import numpy as np

from app.market.trade import TradeBatch

_KEPT = 10_000  # a venue's page of newest trades has at most 1,000, one of its messages about as many

_Key = tuple[int, int]


class SeenTrades:
    """Times and ids of the trades that a feed has returned last: all, or at least the last 10,000."""

    def __init__(self, kept: int = _KEPT) -> None:
        self._kept = kept
        self._keys: set[_Key] = set()
        self._batches: deque[list[_Key]] = deque()

    def __bool__(self) -> bool:
        """True if any trade is stored here."""
        return bool(self._keys)

    def add(self, batch: TradeBatch) -> TradeBatch:
        """Store a batch's trades, and return those that were not stored yet, each once."""
        fresh = self.new(batch)
        if not len(fresh):
            return fresh
        self._batches.append(_keys(fresh))
        self._keys.update(self._batches[-1])
        while len(self._batches) > 1 and len(self._keys) - len(self._batches[0]) >= self._kept:
            self._keys.difference_update(self._batches.popleft())
        return fresh

    def new(self, batch: TradeBatch) -> TradeBatch:
        """The trades of a batch that are not stored here, each once, in the same order."""
        keys = _keys(batch)
        if self._keys.isdisjoint(keys) and len(set(keys)) == len(keys):  # nearly always the case, and fast
            return batch
        seen = set[_Key]()
        new = [key not in self._keys and key not in seen and not seen.add(key) for key in keys]
        return batch[np.array(new, bool)]

    def knows_any(self, batch: TradeBatch) -> bool:
        """True if any trade of a batch is stored here."""
        return not self._keys.isdisjoint(_keys(batch))


def _keys(batch: TradeBatch) -> list[_Key]:
    return list(zip(batch.time_ns.tolist(), batch.trade_id.tolist(), strict=True))
