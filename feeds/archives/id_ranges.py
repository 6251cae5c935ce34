"""Trade ids seen in a file, stored as ranges of consecutive ids."""

from __future__ import annotations

import numpy as np

from app.market.arrays import BoolArray, Int64Array

_MOST_RUNS = 1_000_000  # 16 MB; an intact file has a handful


class IdRanges:
    """A set of ids, stored as ranges of consecutive ids.

    Attributes
    ----------
    first, last : int or None
        The smallest and the largest id; None if there are no ids.
    """

    def __init__(self) -> None:
        self.first: int | None = None
        self.last: int | None = None
        self._seen = 0
        self._forgotten = 0
        self._starts = np.zeros(0, np.int64)
        self._lasts = np.zeros(0, np.int64)

    @property
    def gaps(self) -> int:
        """Number of gaps between the ids."""
        return max(0, self._forgotten + len(self._starts) - 1)

    @property
    def missing(self) -> int:
        """Number of ids missing between the smallest and the largest."""
        return 0 if self.first is None or self.last is None else self.last - self.first + 1 - self._seen

    def add(self, ids: Int64Array) -> BoolArray:
        """Add distinct ids in any order, int64 [shape=(n,)]; return which were in the set already, bool [shape=(n,)].

        Beyond a million ranges the lowest are dropped: their gaps still count, but repeated ids in them are not detected.
        """
        if not len(ids):
            return np.zeros(0, bool)
        known = self._holds(ids)
        fresh = ids[~known] if known.any() else ids
        if not bool(np.all(fresh[1:] > fresh[:-1])):
            fresh = np.sort(fresh)
        self._seen += len(fresh)
        if len(fresh):
            self.first = min(int(fresh[0]), int(fresh[0]) if self.first is None else self.first)
            self.last = max(int(fresh[-1]), int(fresh[-1]) if self.last is None else self.last)
            self._join(fresh)
        return known

    def _holds(self, ids: Int64Array) -> BoolArray:
        if not len(self._starts) or int(ids.min()) > int(self._lasts[-1]):
            return np.zeros(len(ids), bool)
        place = np.searchsorted(self._starts, ids, side="right") - 1
        return (place >= 0) & (ids <= self._lasts[place])

    def _join(self, ids: Int64Array) -> None:
        """Merge ascending new ids into the ranges; beyond a million ranges, drop the lowest."""
        cut = np.flatnonzero(np.diff(ids) > 1)
        starts = np.concatenate((self._starts, ids[np.concatenate(([0], cut + 1))]))
        lasts = np.concatenate((self._lasts, ids[np.append(cut, len(ids) - 1)]))
        if len(self._starts) and int(ids[0]) <= int(self._lasts[-1]):
            order = np.argsort(starts)
            starts, lasts = starts[order], lasts[order]
        apart = starts[1:] - lasts[:-1] > 1
        self._starts, self._lasts = starts[np.concatenate(([True], apart))], lasts[np.append(apart, True)]
        if (spare := len(self._starts) - _MOST_RUNS) > 0:
            self._forgotten += spare
            self._starts, self._lasts = self._starts[spare:], self._lasts[spare:]
