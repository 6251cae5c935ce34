"""A table of numpy columns that can grow; when the table is full, its capacity at least doubles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

Element = TypeVar("Element", bound=np.generic)


class GrowingColumns(Generic[Element]):
    """Named numpy columns of equal length; adding a row has constant cost on average.

    Parameters
    ----------
    dtypes : mapping of str to dtype
        Type of each column, by name.
    """

    def __init__(self, dtypes: Mapping[str, type[Element]]) -> None:
        self._columns = {name: np.zeros(16, dtype) for name, dtype in dtypes.items()}
        self.length = 0
        """Number of rows."""
        self.views: dict[str, npt.NDArray[Element]] = {}
        """The views returned so far, by name, because columns are read many times per frame."""

    def prefix(self, length: int) -> GrowingColumns[Element]:
        """The first `length` rows as a separate table, which shares memory with this one until the new table grows.

        Until then these rows must not change, nor may the new table be shortened.
        """
        other: GrowingColumns[Element] = GrowingColumns({})
        other._columns = {name: column[:length] for name, column in self._columns.items()}
        other.length = length
        return other

    def copy(self) -> GrowingColumns[Element]:
        """The same rows as a separate table."""
        other: GrowingColumns[Element] = GrowingColumns({})
        other._columns = {name: column[: self.length].copy() for name, column in self._columns.items()}
        other.length = self.length
        return other

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, name: str) -> npt.NDArray[Element]:
        """A read-only view of the column with this name, [shape=(len,)], valid until the length changes."""
        view = self.views.get(name)
        if view is None:
            view = self._columns[name][: self.length]
            view.flags.writeable = False
            self.views[name] = view
        return view

    def writable(self, name: str) -> npt.NDArray[Element]:
        """A writable view of a column, for the owner of the table only."""
        return self._columns[name][: self.length]

    def row(self, place: int, names: Iterable[str]) -> dict[str, Any]:
        """The values of some columns in one row, as Python numbers."""
        columns = self._columns
        return {name: columns[name][place].item() for name in names}

    def write(self, rows: slice, values: Mapping[str, npt.NDArray[Element]]) -> None:
        """Write values into rows that exist, for the owner of the table only."""
        columns = self._columns
        for name, column in values.items():
            columns[name][rows] = column

    def resize(self, length: int) -> None:
        """Set the length of all columns; new rows are 0, extra rows are dropped."""
        if length != self.length:
            self.views.clear()
        capacity = len(next(iter(self._columns.values())))
        if length > capacity:
            capacity = max(length, 2 * capacity)
            for name, column in self._columns.items():
                grown = np.zeros(capacity, column.dtype)
                grown[: self.length] = column[: self.length]
                self._columns[name] = grown
        elif length < self.length:
            for column in self._columns.values():
                column[length : self.length] = 0
        self.length = length
