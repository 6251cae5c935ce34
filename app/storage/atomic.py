"""Atomic file writes: a file is replaced completely or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from app.errors import StoreError


@contextmanager
def atomic_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that replaces `path` once all of it is on disk.

    Raises
    ------
    StoreError
        If it cannot be written; an older file is unchanged.
    """
    partial = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        _flush_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise StoreError(f"cannot write {path}: {error.strerror or error}") from None


def write_atomically(path: Path, content: bytes) -> None:
    """Write a small file atomically.

    Raises
    ------
    StoreError
        As in `atomic_file`.
    """
    with atomic_file(path) as file:
        file.write(content)


def _flush_folder(folder: Path) -> None:
    """Flush a rename to the disk; Windows has no such call, and needs none."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
