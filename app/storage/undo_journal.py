"""The journal of an import: the data to undo the import if it does not complete.

    <market>/undo/ranges.json     the tape ranges before the import; written first
    <market>/undo/old/…           files as they were before; hard links, so that undoing needs no space
    <market>/undo/new/…           empty files in place of those that did not exist

The import is complete once the catalogue has its tape ranges. If the process is killed before, the market's next writer undoes it.
"""

from __future__ import annotations

import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import structlog

from app.errors import StoreError
from app.storage.atomic import flush_folder, replacing, write_atomically
from app.storage.open_folder import OpenFolder
from app.storage.tape_ranges import TapeRange, TapeRanges

_log = structlog.get_logger(__name__)

_RANGES = "ranges.json"


class UndoJournal:
    """The journal of one import into a market's folder.

    Parameters
    ----------
    market : OpenFolder
        Folder of the market.
    ranges : TapeRanges
        The market's tape ranges before the import.

    Raises
    ------
    StoreError
        If the journal cannot be written.
    """

    def __init__(self, market: OpenFolder, ranges: TapeRanges) -> None:
        self._market, self._folder = market, market.path / "undo"
        self._guarded: set[Path] = set()
        try:
            market.remove_tree(self._folder)
            write_atomically(self._folder / _RANGES, msgspec.json.encode(list(ranges)), market)
        except BaseException:
            market.remove_tree(self._folder)
            raise

    def guard(self, path: Path) -> None:
        """Save the content of a file, or that it does not exist, before the import first writes or deletes the file.

        Raises
        ------
        StoreError
            If this fails: then the file must stay as it is.
        """
        if path in self._guarded:
            return
        inside, exists = path.relative_to(self._market.path), self._market.exists(path)
        note = self._folder / ("old" if exists else "new") / inside
        try:
            self._market.make(note.parent)
            if exists:
                _link(self._market, path, note)
            else:
                self._market.touch(note)
            flush_folder(*self._market.at(note.parent))
        except OSError as error:
            raise StoreError(f"cannot write {note}: {error.strerror or error}") from None
        self._guarded.add(path)

    def undo(self) -> None:
        """Restore all guarded files to their state before the import, and delete the journal.

        Raises
        ------
        OSError
            If a file cannot be restored; the next writer tries again.
        """
        _undo(self._market, self._folder)

    def close(self) -> None:
        """Delete the journal of a completed import; if that fails, the next writer deletes it."""
        with suppress(OSError):
            _discard(self._market, self._folder)


def undo_unfinished(market: OpenFolder, ranges: TapeRanges) -> bool:
    """Undo an import that a kill has cut short, and return True; False if there is none, or if it was complete.

    Parameters
    ----------
    market : OpenFolder
        Folder of the market.
    ranges : TapeRanges
        The market's tape ranges in the catalogue.

    Raises
    ------
    StoreError
        If a file cannot be restored.
    """
    folder = market.path / "undo"
    if not market.exists(folder):
        return False
    try:
        with market.open(folder / _RANGES) as file:
            before = msgspec.json.decode(file.read(), type=list[TapeRange])
    except (OSError, msgspec.DecodeError):  # killed before it changed anything
        _discard(market, folder)
        return False
    if set(before) != set(ranges):  # killed after it counted
        _discard(market, folder)
        return False
    try:
        _undo(market, folder)
    except OSError as error:
        raise StoreError(f"cannot undo an unfinished import in {market.path}: {error.strerror or error}") from None
    _log.info("unfinished import undone", market=str(market.path))
    return True


def _undo(market: OpenFolder, folder: Path) -> None:
    for note in _files(market, folder / "new"):
        market.unlink(market.path / note.relative_to(folder / "new"))
    for note in _files(market, folder / "old"):
        market.replace(note, market.path / note.relative_to(folder / "old"))
    _discard(market, folder)


def _files(market: OpenFolder, folder: Path) -> Iterator[Path]:
    """The files in a folder and in those below it, sorted."""
    for name in sorted(market.names(folder)):
        path = folder / name
        if stat.S_ISDIR(market.stat(path).st_mode):
            yield from _files(market, path)
        else:
            yield path


def _discard(market: OpenFolder, folder: Path) -> None:
    """Delete a journal, first the file with its tape ranges: a folder without that file does not count as a journal."""
    market.unlink(folder / _RANGES)
    market.remove_tree(folder)


def _link(market: OpenFolder, path: Path, note: Path) -> None:
    try:
        market.link(path, note)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        with market.open(path) as old, replacing(note, within=market) as copy:
            shutil.copyfileobj(old, copy)
