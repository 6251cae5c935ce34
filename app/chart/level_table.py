"""The table of all levels that ever lived, and those of them that lived near a bar, found without a look at all of them.

Rows stand in the order of their births and stay where they are. Each so many bars it is marked who lives then, with the tests so
far: what lived in some bars is what lived at the mark before them and what was born since, however long the past is.
"""

from __future__ import annotations

import itertools

import numpy as np

from app.analytics.columns import GrowingColumns
from app.analytics.level_detection import LevelKind

COLUMNS = ("kind", "period", "bottom", "top", "low_at_most", "high_at_least", "start", "end", "tests")
MARK_BARS = 512
"""Bars between two marks: some ten milliseconds of work."""
_NODES = (LevelKind.HVN, LevelKind.LVN)


class LevelColumns:
    """Rows of `COLUMNS`, int64, in the order of `start`; `end` is -1 while a level lives.

    Attributes
    ----------
    alive : int64 [shape=(n,)]
        Rows of the levels that live, ascending; kept by the owner.
    """

    def __init__(self) -> None:
        self._columns = GrowingColumns(dict.fromkeys(COLUMNS, np.int64))
        nobody = np.zeros(0, np.int64)
        self.alive = nobody
        self._marks = [(nobody, nobody)]  # who lived when bar 0, MARK_BARS, 2 * MARK_BARS … was the first that was not closed; their tests

    def __len__(self) -> int:
        return len(self._columns)

    def __getitem__(self, name: str) -> np.ndarray:
        """A read-only view of a column."""
        return self._columns[name]

    def writable(self, name: str) -> np.ndarray:
        """The same for the owner."""
        return self._columns.writable(name)

    def add(self, rows: np.ndarray) -> np.ndarray:
        """Add levels, int64 [shape=(n, len(COLUMNS))], in the order of `start` and none before the last one's; their places."""
        before = len(self)
        self._columns.resize(before + len(rows))
        for name, values in zip(COLUMNS, rows.T, strict=True):
            self._columns.writable(name)[before:] = values
        added = np.arange(before, len(self))
        self._end_nodes(np.concatenate((self.alive, added)))
        return added

    def mark(self, closed: int) -> None:
        """Take note of who lives when so many bars are closed, if it is time for a mark."""
        if closed == len(self._marks) * MARK_BARS:
            self._marks.append((self.alive, self["tests"][self.alive]))

    def near(self, first_bar: int, end_bar: int) -> np.ndarray:
        """Rows that may have lived somewhere in the bars `[first_bar, end_bar)`, ascending: all that did, and some that did not."""
        mark = min(max(first_bar - 1, 0) // MARK_BARS, len(self._marks) - 1)
        begin, end = np.searchsorted(self["start"], [mark * MARK_BARS + 1, end_bar]).tolist()
        return np.concatenate((self._marks[mark][0], np.arange(begin, max(begin, end))))

    def forget_from(self, bar: int, closed: int) -> tuple[np.ndarray, int]:
        """Forget what bars from `bar` on have born or ended, `closed` of those before being taken; and the tests since the last mark.

        Returns
        -------
        rows : int64
            Whose tests are to be counted again.
        first : int
            From which bar on.
        """
        self._columns.resize(int(np.searchsorted(self["start"], bar, side="right")))
        del self._marks[closed // MARK_BARS + 1 :]
        mark = len(self._marks) - 1
        near = self.near(mark * MARK_BARS, bar + 1)
        end, kind = self["end"][near], self["kind"][near]
        again = near[(end > bar) | ((end == bar) & ~np.isin(kind, _NODES))]
        self.writable("end")[again] = -1
        self.alive = near[self["end"][near] < 0]
        rows, tests = self._marks[mark]
        self.writable("tests")[near] = 0
        self.writable("tests")[rows] = tests
        return near, mark * MARK_BARS

    def _end_nodes(self, living: np.ndarray) -> None:
        """The nodes of a day make way for those of the next."""
        nodes = living[np.isin(self["kind"][living], _NODES) & (self["end"][living] < 0)]
        start = self["start"][nodes]
        for day, next_day in itertools.pairwise(np.unique(start).tolist()):
            self.writable("end")[nodes[start == day]] = next_day
