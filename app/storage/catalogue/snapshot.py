"""A read-only view of the catalogue that changes nothing in its folder.

SQLite's own read-only mode still creates `-wal` and `-shm` files beside a database in WAL mode. If the log is empty the database
is opened as immutable; otherwise database and log are copied to a temporary folder, and the copy is opened.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from app.errors import StoreError

_TRIES = 40
_PAUSE_S = 0.05


class CatalogueSnapshot(NamedTuple):
    """The address under which `sqlite3` opens a catalogue without changing its folder, and the temporary copy if one is needed.

    Attributes
    ----------
    uri : str
        For `sqlite3.connect`.
    folder : TemporaryDirectory or None
        The folder of the copy, to be cleaned up after use; None without a copy.
    """

    uri: str
    folder: tempfile.TemporaryDirectory[str] | None


def snapshot_of(path: Path) -> CatalogueSnapshot:
    """Make a snapshot of the catalogue at a path; it is consistent even if another process writes meanwhile.

    Raises
    ------
    OSError
        If the catalogue cannot be read or copied.
    StoreError
        If another process changes the catalogue all the time.
    """
    log = path.with_name(path.name + "-wal")
    if not _size(log):
        return CatalogueSnapshot(f"{path.absolute().as_uri()}?mode=ro&immutable=1", None)
    folder = tempfile.TemporaryDirectory(prefix="tapeprint-catalogue-")
    copy = Path(folder.name) / path.name
    try:
        for _ in range(_TRIES):
            before = _state(path), _state(log)
            shutil.copyfile(path, copy)
            if log.exists():
                shutil.copyfile(log, copy.with_name(log.name))
            if before == (_state(path), _state(log)):  # else a writer may have moved trades from the log to the database in between
                return CatalogueSnapshot(f"{copy.absolute().as_uri()}?mode=rw", folder)
            time.sleep(_PAUSE_S)
    except BaseException:
        folder.cleanup()
        raise
    folder.cleanup()
    raise StoreError(f"{path}: another program writes it all the time, try again later")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _state(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0, 0
    return found.st_size, found.st_mtime_ns
