"""Atomic file writes: a file is replaced completely or not at all.

Every file of the user is written here, except those that only grow (the alert log, the journal's index).
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from app.errors import StoreError

_NAME_CHARS = 100  # of the temporary file: with its ending it must fit into the 255 bytes of a file name


@contextmanager
def replacing(path: Path, *, private: bool = False) -> Generator[IO[bytes]]:
    """Open a new file that replaces `path` once all of it is on disk; the folder must exist.

    After an error or a crash `path` is unchanged. A symbolic link stays a link, and a file that is replaced keeps its
    permissions. What is not a file, e.g. `/dev/stdout`, is written directly.

    Parameters
    ----------
    path : Path
    private : bool
        A new file can be read by its owner only.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as file:
            yield file
        return
    path = path.resolve()
    # a name of its own: two programs may write the same file at the same time
    partial = path.with_name(f".{path.name[:_NAME_CHARS]}.{secrets.token_hex(4)}.part")
    try:
        with os.fdopen(_created(partial, 0o600 if private else 0o666), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, partial)
        partial.replace(path)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    _flush_folder(path.parent)


@contextmanager
def atomic_file(path: Path) -> Generator[IO[bytes]]:
    """Open a file of the store to replace it atomically (see `replacing`), and create its folder.

    Raises
    ------
    StoreError
        If it cannot be written; an older file is unchanged.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            yield file
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror or error}") from None


def write_atomically(path: Path, content: bytes) -> None:
    """Write a small file atomically, and create its folder if it does not exist.

    Raises
    ------
    StoreError
        As in `atomic_file`.
    """
    with atomic_file(path) as file:
        file.write(content)


def _created(path: Path, mode: int) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)


def _flush_folder(folder: Path) -> None:
    """Flush a folder to disk, so that a renamed file in it survives a power cut; Windows does not need it."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
