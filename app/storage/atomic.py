"""Atomic file writes: a file is replaced completely or not at all.

Every file of the user is written here, except those that only grow (the alert log, the journal's index).
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from app.errors import StoreError
from app.storage.open_folder import OpenFolder

if os.name != "nt":
    import fcntl

_NAME_CHARS = 100  # of the temporary file: with its ending it must fit into the 255 bytes of a file name


@contextmanager
def replacing(path: Path, *, private: bool = False, within: OpenFolder | None = None) -> Generator[IO[bytes]]:
    """Context with a new binary file that replaces the file `path` at the end, once it is on disk; the folder must exist.

    After an error or a crash `path` is unchanged. A symbolic link stays a link, and the new file gets the permissions of the old
    one. A path that is not a regular file, e.g. `/dev/stdout`, is written directly.

    Parameters
    ----------
    path : Path
    private : bool
        True: only its owner may read the file, if there was none before.
    within : OpenFolder, optional
        A folder that has the file, below it; then the file is written there, wherever the folder has been moved.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    if within is None:
        if path.exists() and not path.is_file():
            with path.open("wb") as file:
                yield file
            return
        path = path.resolve()
        remove_leftovers(path.parent, path.name)
    name, folder = (path, None) if within is None else within.at(path)
    partial, handle = _created(name, 0o600 if private else 0o666, folder)
    lock = -1 if os.name == "nt" else os.dup(handle)  # held until the file has its name
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            os.chmod(partial, stat.S_IMODE(os.stat(name, dir_fd=folder).st_mode), dir_fd=folder)
        os.replace(partial, name, src_dir_fd=folder, dst_dir_fd=folder)
    finally:
        with suppress(OSError):
            os.unlink(partial, dir_fd=folder)
        if lock >= 0:
            os.close(lock)
    flush_folder(name.parent, folder)


@contextmanager
def atomic_file(path: Path, within: OpenFolder | None = None) -> Generator[IO[bytes]]:
    """Context like `replacing` that also creates the folder of `path`, and raises `StoreError` in place of `OSError`.

    Raises
    ------
    StoreError
        If the file cannot be written; an older file is unchanged.
    """
    try:
        if within is None:
            path.parent.mkdir(parents=True, exist_ok=True)
        else:
            within.make(path.parent)
        with replacing(path, within=within) as file:
            yield file
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror or error}") from None


def write_atomically(path: Path, content: bytes, within: OpenFolder | None = None) -> None:
    """Write a small file atomically, and create its folder if it does not exist; see `atomic_file`.

    Raises
    ------
    StoreError
        If the file cannot be written; an older file is unchanged.
    """
    with atomic_file(path, within) as file:
        file.write(content)


def remove_leftovers(folder: Path, name: str | None = None) -> None:
    """Delete the unfinished files of `replacing` that killed processes have left in a folder.

    A process holds a lock on the file that it writes, and the system releases it when the process ends. Files of other users, and
    files that cannot be deleted, stay.

    Parameters
    ----------
    folder : Path
    name : str, optional
        Delete only the unfinished files that were to become this file; by default all.
    """
    pattern = re.compile((r"\..+" if name is None else re.escape(f".{name[:_NAME_CHARS]}")) + r"\.[0-9a-f]{8}\.part", re.DOTALL)
    with suppress(OSError):
        for found in [Path(entry.path) for entry in os.scandir(folder) if pattern.fullmatch(entry.name)]:
            with suppress(OSError):
                _remove_if_dead(found)


def _remove_if_dead(partial: Path) -> None:
    if os.name == "nt":  # a file that is open cannot be deleted
        partial.unlink()
        return
    handle = os.open(partial, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(handle).st_uid == os.geteuid():
            partial.unlink()
    finally:
        os.close(handle)


def _created(path: Path, mode: int, folder: int | None) -> tuple[Path, int]:
    """Create and lock the temporary file that is to become the file `path`, from an open `folder` on; return its path and handle.

    Its name is unique, as two programs may write the same file at the same time. Windows needs no lock.
    """
    while True:
        partial = path.with_name(f".{path.name[:_NAME_CHARS]}.{secrets.token_hex(4)}.part")
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode, dir_fd=folder)
        if os.name == "nt":
            return partial, handle
        with suppress(OSError):  # a file system without locks: then nothing is deleted there either
            fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:  # else another process has found it before it was locked
            return partial, handle
        os.close(handle)


def flush_folder(folder: Path, start: int | None = None) -> None:
    """Flush a folder to disk, so that a renamed file in it survives a power cut; does nothing on Windows.

    A relative path starts from the open folder `start`.
    """
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY, dir_fd=start)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
