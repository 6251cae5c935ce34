"""Temporary folders that a kill may leave, and their removal by a later run.

A folder belongs to the process that has locked the file in it; the system releases the lock when that process ends. So a clean-up
deletes only folders of dead processes: none that is in use, and none that another program has made.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

_OWNER = "owner.lock"
_PART = re.compile(r"-?\d+\.\d+\.parquet")
"""The only files in folders of versions that set no lock."""


@contextmanager
def scratch_folder(parent: Path, prefix: str) -> Generator[Path]:
    """Context with a temporary folder in `parent`, which is deleted at the end; first, the folders of dead processes are deleted.

    Raises
    ------
    OSError
        If the folder cannot be created.
    """
    parent.mkdir(parents=True, exist_ok=True)
    remove_abandoned(parent, prefix)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=parent, ignore_cleanup_errors=True) as name:
        lock = FileLock(Path(name) / _OWNER, timeout=0, thread_local=False)
        lock.acquire()
        try:
            yield Path(name)
        finally:
            lock.release()


def remove_abandoned(parent: Path, prefix: str) -> None:
    """Delete the temporary folders in `parent`, with names that begin with `prefix`, whose processes have ended."""
    for folder in parent.glob(f"{prefix}*"):
        if folder.is_dir() and not folder.is_symlink() and _is_abandoned(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_abandoned(folder: Path) -> bool:
    owner = folder / _OWNER
    try:
        if not owner.is_file():
            inside = list(folder.iterdir())
            return bool(inside) and all(path.is_file() and _PART.fullmatch(path.name) for path in inside)
        with FileLock(owner, timeout=0, thread_local=False):
            return True
    except (Timeout, OSError, NotImplementedError):
        return False
