"""A disk whose operations fail from a chosen one on: files, folders and SQLite."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ERRORS = (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.ESTALE, errno.ENOENT, errno.EFBIG)
_FILES = ((os, "open"), (os, "fsync"), (os, "link"), (os, "replace"), (os, "unlink"), (os, "mkdir"))
_CALLS = ("execute", "executemany", "commit")


class FailingDisk:
    """Counts the operations that change a disk, and fails one of them.

    Parameters
    ----------
    fails_at : int or None
        Number of the operation that fails, counted from 0; None for none.
    code : int
        The error.
    for_good : bool
        All later ones fail too.
    """

    def __init__(self, fails_at: int | None = None, code: int = errno.ENOSPC, *, for_good: bool = False) -> None:
        self.count = 0
        self.failed: list[str] = []
        self.works = False
        """True while nothing is counted and nothing fails."""
        self._fails_at, self._code, self._for_good = fails_at, code, for_good

    @contextmanager
    def broken(self) -> Iterator[None]:
        """Context in which the disk fails."""
        with pytest.MonkeyPatch.context() as patch:
            for module, name in _FILES:
                patch.setattr(module, name, self._file_call(name, getattr(module, name)))
            for name in ("replace", "unlink", "mkdir", "touch"):
                patch.setattr(Path, name, self._file_call(f"Path.{name}", getattr(Path, name)))
            patch.setattr(shutil, "disk_usage", self._file_call("disk_usage", shutil.disk_usage))
            connect = sqlite3.connect
            patch.setattr(sqlite3, "connect", lambda *args, **kwargs: connect(*args, **kwargs, factory=self._connection()))
            yield

    def _fails(self, name: str) -> bool:
        if self.works:
            return False
        place, self.count = self.count, self.count + 1
        fails = self._fails_at is not None and (place == self._fails_at or (self._for_good and place > self._fails_at))
        if fails:
            self.failed.append(name)
        return fails

    def _file_call(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def checked(*args: Any, **kwargs: Any) -> Any:
            if self._fails(name):
                raise OSError(self._code, os.strerror(self._code))
            return call(*args, **kwargs)

        return checked

    def _connection(self) -> type[sqlite3.Connection]:
        text = "database or disk is full" if self._code in (errno.ENOSPC, errno.EDQUOT) else "disk I/O error"

        def checked(name: str) -> Callable[..., Any]:
            call = getattr(sqlite3.Connection, name)

            def run(connection: sqlite3.Connection, *args: Any) -> Any:
                if self._fails(f"sqlite {name}"):
                    raise sqlite3.OperationalError(text)
                return call(connection, *args)

            return run

        return type("FailingConnection", (sqlite3.Connection,), {name: checked(name) for name in _CALLS})
