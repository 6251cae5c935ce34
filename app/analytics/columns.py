"""Columns that grow at the end, in memory that doubles."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


class GrowingColumns:
    """Named numpy columns of one common length; growing by one costs a constant on average.

    Parameters
    ----------
    dtypes : mapping of str to dtype
        Name and type of each column.
    """

    def __init__(self, dtypes: Mapping[str, type]) -> None:
        self._columns = {name: np.zeros(16, dtype) for name, dtype in dtypes.items()}
        self._length = 0
        self._views: dict[str, np.ndarray] = {}  # handed out many times a frame

    def prefix(self, length: int) -> GrowingColumns:
        """The first so many, in the same memory until more is added: for an owner who changes nothing of them meanwhile."""
        other = GrowingColumns({})
        other._columns = {name: column[:length] for name, column in self._columns.items()}
        other._length = length
        return other

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, name: str) -> np.ndarray:
        """A read-only view of a column, [shape=(len,)]; valid until the next change of length."""
        view = self._views.get(name)
        if view is None:
            view = self._columns[name][: self._length]
            view.flags.writeable = False
            self._views[name] = view
        return view

    def writable(self, name: str) -> np.ndarray:
        """The same for the owner, who may write into it."""
        return self._columns[name][: self._length]

    def resize(self, length: int) -> None:
        """Make the columns `length` long; what is new is nought, what is behind is forgotten."""
        if length != self._length:
            self._views.clear()
        capacity = len(next(iter(self._columns.values())))
        if length > capacity:
            capacity = max(length, 2 * capacity)
            for name, column in self._columns.items():
                grown = np.zeros(capacity, column.dtype)
                grown[: self._length] = column[: self._length]
                self._columns[name] = grown
        elif length < self._length:
            for column in self._columns.values():
                column[length : self._length] = 0
        self._length = length
