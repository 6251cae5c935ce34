"""A table whose first rows are in pages, read when they are needed; the rows after them are in memory and can grow.

A column is indexed as a numpy array of int64 is: by a number, a slice or an array of indices. Only the pages with these rows are read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast, overload

import numpy as np

from app.analytics.columns import GrowingColumns
from app.market.arrays import BoolArray, Int64Array

ReadColumn = Callable[[int, str], Int64Array]
"""Returns the rows of a page (by index) in the column with a name, int64 [shape=(rows of the page,)]."""


class PagedColumns:
    """A table of int64 columns with pages first, then rows in memory.

    Parameters
    ----------
    starts : int64 [shape=(n_pages + 1,)]
        Index of the first row of each page, from 0, and the number of rows in all pages.
    read : ReadColumn
    own : GrowingColumns
        The rows after the pages; the owner of the table adds to them.
    """

    def __init__(self, starts: Int64Array, read: ReadColumn, own: GrowingColumns[np.int64]) -> None:
        self.starts, self.read, self.own = starts, read, own
        self.n_paged = int(starts[-1])
        self.views: dict[str, Int64Array] = {}
        """The columns returned so far, by name, because they are read many times per frame."""

    @property
    def length(self) -> int:
        """Number of rows."""
        return self.n_paged + self.own.length

    def __len__(self) -> int:
        return self.n_paged + self.own.length

    def __getitem__(self, name: str) -> Int64Array:
        """The column with this name; of an array it has only indexing, `len`, and the conversion to an array of all rows."""
        found = self.views.get(name)
        if found is None:
            found = self.views[name] = cast("Int64Array", PagedColumn(self, name))  # it is indexed as an array is
        return found


class PagedColumn:
    """One column of a `PagedColumns`."""

    __slots__ = ("_name", "_table")

    def __init__(self, table: PagedColumns, name: str) -> None:
        self._table, self._name = table, name

    def __len__(self) -> int:
        return len(self._table)

    def __array__(self, dtype: np.dtype[np.int64] | None = None, copy: bool | None = None) -> Int64Array:
        return np.array(self._rows(0, len(self)), dtype)

    @overload
    def __getitem__(self, which: int) -> np.int64: ...
    @overload
    def __getitem__(self, which: slice | Int64Array | BoolArray) -> Int64Array: ...
    def __getitem__(self, which: int | slice | Int64Array | BoolArray) -> np.int64 | Int64Array:
        table = self._table
        paged, own = table.n_paged, table.own[self._name]
        if isinstance(which, slice):
            start, stop, step = which.indices(paged + len(own))
            if step == 1:
                return own[start - paged : max(start, stop) - paged] if start >= paged else self._rows(start, stop)
            return self._at(np.arange(start, stop, step))
        if isinstance(which, np.ndarray) and which.ndim:
            return self._at(np.flatnonzero(which) if which.dtype == np.bool_ else which.astype(np.int64, copy=False))
        index = cast("int", which)
        return own[index] if -len(own) <= index < 0 else self._row(int(index))

    def _row(self, index: int) -> np.int64:
        table, n_rows = self._table, len(self)
        if not -n_rows <= index < n_rows:
            raise IndexError(f"index {index} is out of bounds for {n_rows} rows")
        index %= n_rows
        if index >= table.n_paged:
            return table.own[self._name][index - table.n_paged]
        page = int(np.searchsorted(table.starts, index, side="right")) - 1
        return table.read(page, self._name)[index - int(table.starts[page])]

    def _rows(self, start: int, stop: int) -> Int64Array:
        """The rows `[start, stop)`, which begin in a page, read-only; only a range of several pages is copied."""
        table, paged = self._table, self._table.n_paged
        if stop <= start:
            return np.zeros(0, np.int64)
        first, last = np.searchsorted(table.starts[:-1], (start, min(stop, paged) - 1), side="right").tolist()
        parts: list[Int64Array] = []
        for page in range(first - 1, last):
            begin = int(table.starts[page])
            parts.append(table.read(page, self._name)[max(start - begin, 0) : stop - begin])
        if stop > paged:
            parts.append(table.own[self._name][: stop - paged])
        rows = parts[0].view() if len(parts) == 1 else np.concatenate(parts)
        rows.flags.writeable = False
        return rows

    def _at(self, indices: Int64Array) -> Int64Array:
        """The rows with these indices, of which negative ones count from the end."""
        table, n_rows = self._table, len(self)
        if indices.size and not (-n_rows <= int(indices.min()) and int(indices.max()) < n_rows):
            raise IndexError(f"an index is out of bounds for {n_rows} rows")
        indices = np.where(indices < 0, indices + n_rows, indices)
        page = np.searchsorted(table.starts, indices, side="right") - 1
        found = np.zeros(indices.shape, np.int64)
        for number in np.unique(page).tolist():
            here = page == number
            inside = indices[here] - int(table.starts[number])
            found[here] = table.own[self._name][inside] if number >= len(table.starts) - 1 else table.read(number, self._name)[inside]
        return found
