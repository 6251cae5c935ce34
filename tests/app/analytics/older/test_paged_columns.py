"""A table with pages is indexed as if all of its rows were in memory, and reads only the pages of these rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analytics.columns import GrowingColumns
from app.analytics.older.paged_columns import PagedColumns

PAGES = ([3, 1, 4], [1], [5, 9, 2, 6])
OWN = [5, 3, 5]
ALL = np.array([value for part in (*PAGES, OWN) for value in part], np.int64)


class Table:
    """A table of three pages and three rows in memory; `read` has the pages that were read."""

    def __init__(self) -> None:
        self.read: list[int] = []
        own = GrowingColumns({"value": np.int64})
        own.resize(len(OWN))
        own.writable("value")[:] = OWN
        self.columns = PagedColumns(np.array([0, 3, 4, 8]), self._page, own)
        self.column = self.columns["value"]

    def _page(self, page: int, name: str) -> np.ndarray:
        assert name == "value"
        self.read.append(page)
        return np.array(PAGES[page], np.int64)


edges = st.one_of(st.none(), st.integers(-13, 13))


@given(edges, edges, st.sampled_from([None, 1, 2, -1]))
def test_a_slice_equals_that_of_an_array(start: int | None, stop: int | None, step: int | None) -> None:
    assert Table().column[start:stop:step].tolist() == ALL[start:stop:step].tolist()


@given(st.lists(st.integers(-11, 10), max_size=8))
def test_chosen_rows_equal_those_of_an_array(rows: list[int]) -> None:
    chosen = np.array(rows, np.int64)
    assert Table().column[chosen].tolist() == ALL[chosen].tolist()
    assert [int(Table().column[row]) for row in rows] == ALL[chosen].tolist()


@given(st.lists(st.booleans(), min_size=11, max_size=11))
def test_a_mask_selects_rows(mask: list[bool]) -> None:
    assert Table().column[np.array(mask)].tolist() == ALL[np.array(mask)].tolist()


def test_only_the_pages_of_the_rows_are_read() -> None:
    table = Table()
    for rows, pages in (
        (slice(3, 4), [1]),
        (slice(1, 4), [0, 1]),
        (slice(8, 11), []),
        (slice(7, 9), [2]),
        (slice(5, 5), []),
        (-1, []),
        (0, [0]),
    ):
        table.read.clear()
        table.column[rows]
        assert table.read == pages
    table.read.clear()
    table.column[np.array([1, 2, -1])]
    assert table.read == [0]
    assert np.asarray(table.column).tolist() == ALL.tolist()


@pytest.mark.parametrize("row", [11, -12])
def test_rows_out_of_bounds_are_refused(row: int) -> None:
    for which in (row, np.array([0, row])):
        with pytest.raises(IndexError, match="out of bounds for 11 rows"):
            Table().column[which]


def test_rows_are_read_only_and_grow_at_the_end() -> None:
    table = Table()
    with pytest.raises(ValueError, match="read-only"):
        table.column[2:5][0] = 1
    table.columns.own.resize(4)
    table.columns.own.writable("value")[3] = 8
    assert (len(table.columns), len(table.column), int(table.column[-1])) == (12, 12, 8)
