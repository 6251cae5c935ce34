"""A store folder that is renamed away and swapped back between any two operations on disk."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

_FILES = ("open", "stat", "scandir", "listdir", "link", "replace", "unlink", "mkdir", "rmdir")
_STATEMENTS = ("execute", "executemany", "commit")


class MovingStore:
    """Counts the operations on disk, also those that only read, and moves a folder away for some of them.

    Parameters
    ----------
    folder : Path
        The store.
    first : int or None
        Number of the operation, counted from 0, just before which the folder is renamed; None for never.
    length : int
        Number of operations during which it is away.
    other : Path or None
        The folder that is in its place meanwhile, e.g. another store; with None, nothing is.
    """

    def __init__(self, folder: Path, first: int | None = None, length: int = 1, other: Path | None = None) -> None:
        self.count = 0
        self.during: list[str] = []
        self._folder, self._aside = folder, folder.with_name("aside")
        self._first, self._length, self._other = first, length, other
        self._is_away = self._inside = self._works = False

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Context in which operations can be counted; connections of SQLite must be opened in it."""
        with pytest.MonkeyPatch.context() as patch:
            for name in _FILES:
                patch.setattr(os, name, self._counted(name, getattr(os, name)))
            patch.setattr(os, "fsync", self._counted("fsync", lambda handle: None))  # a power cut is not played, and the time counts
            patch.setattr(pq, "ParquetFile", self._counted("ParquetFile", pq.ParquetFile))
            connection = type("Connection", (sqlite3.Connection,), {name: self._of_sqlite(name) for name in _STATEMENTS})
            connect = sqlite3.connect
            patch.setattr(sqlite3, "connect", lambda *args, **kwargs: connect(*args, **kwargs, factory=connection))
            yield

    @contextmanager
    def moving(self) -> Iterator[None]:
        """Context in which operations count and the folder is moved; at its end it is back."""
        self._works = True
        try:
            yield
        finally:
            self._works = False
            self._come_back()

    def _of_sqlite(self, name: str) -> Callable[..., Any]:
        return self._counted(f"sqlite {name}", getattr(sqlite3.Connection, name))

    def _counted(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            if self._inside or not self._works:  # an operation of this class, or one within another
                return call(*args, **kwargs)
            self._inside = True
            try:
                self._before(name)
                return call(*args, **kwargs)
            finally:
                self._inside = False

        return run

    def _before(self, name: str) -> None:
        place, self.count = self.count, self.count + 1
        if self._first is None or place < self._first:
            return
        if place < self._first + self._length:
            self.during.append(name)
            if not self._is_away:
                self._go_away()
        else:
            self._come_back()

    def _go_away(self) -> None:
        self._is_away = True
        self._folder.rename(self._aside)
        if self._other is not None:
            shutil.copytree(self._other, self._folder)

    def _come_back(self) -> None:
        if self._is_away:
            self._is_away = False
            shutil.rmtree(self._folder, ignore_errors=True)  # what a program has put in its place meanwhile
            self._aside.rename(self._folder)
