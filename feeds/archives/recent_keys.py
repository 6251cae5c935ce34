"""Keys (ids or hashes) of the trades in the last 10 s of a file, to detect repeated trades in little memory."""

from __future__ import annotations

import numpy as np

from app.market.arrays import BoolArray, Int64Array, UInt64Array
from feeds.archives.row_error import RowError

_WINDOW_NS = 10 * 10**9  # venues write rows a second or two late, never this much
_MOST_KEYS = 4_000_000  # 96 MB; ten times the busiest ten seconds of any market


class RecentKeys:
    """Counts rows by key (the id or hash of a trade); keys older than 10 s before the newest row are forgotten."""

    def __init__(self) -> None:
        self._newest_ns = 0
        self._key = np.zeros(0, np.uint64)  # ascending
        self._count = np.zeros(0, np.int64)
        self._time_ns = np.zeros(0, np.int64)

    def alike_before(self, time_ns: Int64Array, key: UInt64Array, *, late: bool = False) -> Int64Array:
        """For each row, count the earlier rows with the same key, int64 [shape=(n,)]; keys older than 10 s are forgotten.

        Parameters
        ----------
        time_ns : int64 [shape=(n,)]
        key : uint64 [shape=(n,)]
        late : bool
            Accept rows older than 10 s; they are compared with the keys still remembered.

        Raises
        ------
        RowError
            For the first row more than 10 s older than a row before it, unless `late`; and if more than 4 million keys fall in 10 s.
        """
        if not len(key):
            return np.zeros(0, np.int64)
        newest = np.maximum(np.maximum.accumulate(time_ns), self._newest_ns)
        if not late and (too_old := time_ns < newest - _WINDOW_NS).any():
            row = int(np.argmax(too_old))
            behind_s = (int(newest[row]) - int(time_ns[row])) / 1e9
            raise RowError(row, f"a time {behind_s:,.0f} s earlier than a row above", "rows in time order (they have no ids)")
        order = np.argsort(key, kind="stable")
        ordered = key[order]
        begins = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
        sizes = np.diff(np.append(begins, len(ordered)))
        known = self._count_of(ordered[begins])
        alike = np.empty(len(key), np.int64)
        alike[order] = np.arange(len(key)) - np.repeat(begins - known, sizes)
        self._newest_ns = int(newest[-1])
        self._remember(ordered[begins], known + sizes, time_ns[order[begins]])
        return alike

    def _count_of(self, keys: UInt64Array) -> Int64Array:
        place, there = _places(self._key, keys)
        return np.where(there, self._count[place], 0) if len(self._key) else np.zeros(len(keys), np.int64)

    def _remember(self, key: UInt64Array, count: Int64Array, time_ns: Int64Array) -> None:
        """Store the new counts of ascending keys, drop keys older than 10 s, and raise `RowError` if more than 4 million are left."""
        since = self._newest_ns - _WINDOW_NS
        fresh, held = time_ns >= since, (self._time_ns >= since) & ~_places(key, self._key)[1]
        merged = np.concatenate((self._key[held], key[fresh]))
        order = np.argsort(merged)
        if len(merged) > _MOST_KEYS:
            raise RowError(0, f"more than {_MOST_KEYS:,} trades within ten seconds", "distinct trade times")
        self._key = merged[order]
        self._count = np.concatenate((self._count[held], count[fresh]))[order]
        self._time_ns = np.concatenate((self._time_ns[held], time_ns[fresh]))[order]


def _places(ascending: UInt64Array, values: UInt64Array) -> tuple[Int64Array, BoolArray]:
    """Position of each value in an ascending array, and whether the array contains the value."""
    if not len(ascending):
        return np.zeros(len(values), np.int64), np.zeros(len(values), bool)
    place = np.minimum(np.searchsorted(ascending, values), len(ascending) - 1)
    return place, ascending[place] == values
