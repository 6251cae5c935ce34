"""The table of all levels, active and ended, with a fast search for those active in given bars.

Rows are ordered by start and never move. Every `MARK_BARS` bars a mark records the active levels and their tests: the levels that may
have been active in some bars are those of the mark before these bars, and those started since, however long the history is.
"""

from __future__ import annotations

import itertools

import numpy as np

from app.analytics.columns import GrowingColumns
from app.analytics.level_detection import LevelKind
from app.market.arrays import Int64Array
from app.market.distinct import distinct

COLUMNS = ("kind", "period", "bottom", "top", "low_at_most", "high_at_least", "start", "end", "tests")
MARK_BARS = 512
"""Number of bars between two marks: about 10 ms of work."""
_NODES = (LevelKind.HVN, LevelKind.LVN)


class LevelColumns:
    """A table of all levels in int64 columns, ordered by start; an active level has end -1.

    Parameters
    ----------
    first_bar : int
        Index of the first bar that is compared with levels, a multiple of `MARK_BARS`.

    Attributes
    ----------
    alive : int64 [shape=(n,)]
        Rows of the active levels, ascending; set by the owner.
    """

    def __init__(self, first_bar: int = 0) -> None:
        self._columns = GrowingColumns(dict.fromkeys(COLUMNS, np.int64))
        nobody = np.zeros(0, np.int64)
        self.alive = nobody
        # active rows and their tests when bar 0, MARK_BARS, 2 * MARK_BARS … was in progress
        self._marks = [(nobody, nobody)] * (first_bar // MARK_BARS + 1)

    def __len__(self) -> int:
        return len(self._columns)

    def __getitem__(self, name: str) -> Int64Array:
        """A read-only view of the column with this name, int64 [shape=(n,)]."""
        return self._columns[name]

    def writable(self, name: str) -> Int64Array:
        """A writable view of the column with this name, for the owner of the table only."""
        return self._columns.writable(name)

    def add(self, rows: Int64Array) -> Int64Array:
        """Add levels, given as int64 [shape=(n, len(COLUMNS))], and return their row numbers.

        The levels must be ordered by start, and none may start before the last level. Volume nodes of earlier days end.
        """
        before = len(self)
        self._columns.resize(before + len(rows))
        for name, values in zip(COLUMNS, rows.T, strict=True):
            self._columns.writable(name)[before:] = values
        added = np.arange(before, len(self))
        self._end_nodes(np.concatenate((self.alive, added)))
        return added

    def mark(self, closed: int) -> None:
        """Record the active levels and their tests after `closed` bars, if that number is the next multiple of `MARK_BARS`."""
        if closed == len(self._marks) * MARK_BARS:
            self._marks.append((self.alive, self["tests"][self.alive]))

    def near(self, first_bar: int, end_bar: int) -> Int64Array:
        """Row numbers of the levels that may have been active in the bars `[first_bar, end_bar)`, ascending.

        Includes all levels that were active there, and some that were not.
        """
        mark = min(max(first_bar - 1, 0) // MARK_BARS, len(self._marks) - 1)
        begin, end = np.searchsorted(self["start"], [mark * MARK_BARS + 1, end_bar]).tolist()
        return np.concatenate((self._marks[mark][0], np.arange(begin, max(begin, end), dtype=np.int64)))

    def forget_from(self, bar: int, closed: int) -> tuple[Int64Array, int]:
        """Remove the levels that start after `bar`, and undo the ends and tests that depend on bars from `bar` on.

        `closed` is the number of closed bars before `bar` that were processed. Tests are reset to those at the last remaining mark.

        Returns
        -------
        rows : int64
            Levels whose tests have to be counted again.
        first : int
            First bar to count from.
        """
        self._columns.resize(int(np.searchsorted(self["start"], bar, side="right")))
        del self._marks[closed // MARK_BARS + 1 :]
        mark = len(self._marks) - 1
        near = self.near(mark * MARK_BARS + 1, bar + 1)  # from that mark on: the tests of levels that ended before it stay
        end, kind = self["end"][near], self["kind"][near]
        again = near[(end > bar) | ((end == bar) & ~np.isin(kind, _NODES))]
        self.writable("end")[again] = -1
        self.alive = near[self["end"][near] < 0]
        rows, tests = self._marks[mark]
        self.writable("tests")[near] = 0
        self.writable("tests")[rows] = tests
        return near, mark * MARK_BARS

    def _end_nodes(self, living: Int64Array) -> None:
        """End the volume nodes of each day, among the levels given by row number, where the nodes of the next day start."""
        nodes = living[np.isin(self["kind"][living], _NODES) & (self["end"][living] < 0)]
        start = self["start"][nodes]
        for day, next_day in itertools.pairwise(distinct(start).tolist()):
            self.writable("end")[nodes[start == day]] = next_day
