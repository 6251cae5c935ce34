"""An open folder: paths in it mean this very folder, also after it was renamed and another one was put in its place.

Windows renames no folder that has open files; there the path is enough.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import IO

_BY_HANDLE = os.open in os.supports_dir_fd
_GONE = (FileNotFoundError, NotADirectoryError)


class OpenFolder:
    """An open folder; its methods take paths in it, and raise `OSError` like the functions of `os`.

    Parameters
    ----------
    path : Path
        An existing folder.

    Raises
    ------
    OSError
        If the folder cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY) if _BY_HANDLE else None

    def close(self) -> None:
        """Close the folder; from then on the methods go by the path."""
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)

    @property
    def is_in_place(self) -> bool:
        """True if the folder at the path is still this one."""
        if self._handle is None:
            return self.path.is_dir()
        with suppress(*_GONE):
            return os.path.samestat(os.fstat(self._handle), self.path.stat())
        return False

    def at(self, path: Path) -> tuple[Path, int | None]:
        """The name of a file and the handle of the folder that it starts from, for the functions of `os` with `dir_fd`."""
        return (path, None) if self._handle is None else (path.relative_to(self.path), self._handle)

    def names(self, path: Path) -> list[str]:
        """The names of the entries of a folder, in any order; empty if there is no such folder."""
        name, handle = self.at(path)
        if handle is None:
            return names_in(path)
        try:
            folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY, dir_fd=handle)
        except _GONE:
            return []
        try:
            return os.listdir(folder)  # noqa: PTH208  of an open folder
        finally:
            os.close(folder)

    def stat(self, path: Path) -> os.stat_result:
        """The status of a file."""
        name, handle = self.at(path)
        return os.stat(name, dir_fd=handle)

    def exists(self, path: Path) -> bool:
        """True if there is such a file or folder."""
        with suppress(*_GONE):
            self.stat(path)
            return True
        return False

    def open(self, path: Path) -> IO[bytes]:
        """Open a file for reading."""
        name, handle = self.at(path)
        return os.fdopen(os.open(name, os.O_RDONLY | getattr(os, "O_BINARY", 0), dir_fd=handle), "rb")

    def make(self, path: Path) -> None:
        """Create a folder and those above it, as far as they do not exist."""
        for folder in reversed([path, *path.parents]):
            if self.path in folder.parents:
                name, handle = self.at(folder)
                with suppress(FileExistsError):
                    os.mkdir(name, dir_fd=handle)

    def touch(self, path: Path) -> None:
        """Create an empty file, if it does not exist."""
        name, handle = self.at(path)
        os.close(os.open(name, os.O_WRONLY | os.O_CREAT, 0o666, dir_fd=handle))

    def link(self, path: Path, to: Path) -> None:
        """Create a hard link `to` a file."""
        (name, handle), (new, _) = self.at(path), self.at(to)
        os.link(name, new, src_dir_fd=handle, dst_dir_fd=handle)

    def replace(self, path: Path, to: Path) -> None:
        """Rename a file; a file with the new name is replaced."""
        (name, handle), (new, _) = self.at(path), self.at(to)
        os.replace(name, new, src_dir_fd=handle, dst_dir_fd=handle)

    def unlink(self, path: Path) -> None:
        """Delete a file, if it exists."""
        name, handle = self.at(path)
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=handle)

    def remove_tree(self, path: Path) -> None:
        """Delete a folder with all that is in it, as far as that is possible."""
        name, handle = self.at(path)
        shutil.rmtree(name, ignore_errors=True, dir_fd=handle)


def names_in(folder: Path, within: OpenFolder | None = None) -> list[str]:
    """The names of the entries of a folder, in any order; empty if there is no such folder."""
    if within is not None:
        return within.names(folder)
    try:
        return [one.name for one in folder.iterdir()]
    except _GONE:
        return []
