"""The journal of an import: the data to undo the import if it does not complete.

    <market>/undo/ranges.json     the tape ranges before the import; written first
    <market>/undo/old/…           files as they were before; hard links, so that undoing needs no space
    <market>/undo/new/…           empty files in place of those that did not exist

The import is complete once the catalogue has its tape ranges. If the process is killed before, the market's next writer undoes it.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

import msgspec
import structlog

from app.errors import StoreError
from app.storage.atomic import flush_folder, write_atomically
from app.storage.tape_ranges import TapeRange, TapeRanges

_log = structlog.get_logger(__name__)

_RANGES = "ranges.json"


class UndoJournal:
    """The journal of one import into a market's folder.

    Parameters
    ----------
    market : Path
        Folder of the market.
    ranges : TapeRanges
        The market's tape ranges before the import.

    Raises
    ------
    StoreError
        If the journal cannot be written.
    """

    def __init__(self, market: Path, ranges: TapeRanges) -> None:
        self._market, self._folder = market, market / "undo"
        self._guarded: set[Path] = set()
        try:
            shutil.rmtree(self._folder, ignore_errors=True)
            write_atomically(self._folder / _RANGES, msgspec.json.encode(list(ranges)))
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
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
        inside = path.relative_to(self._market)
        note = self._folder / ("old" if path.exists() else "new") / inside
        try:
            note.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                _link(path, note)
            else:
                note.touch()
            flush_folder(note.parent)
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
            _discard(self._folder)


def undo_unfinished(market: Path, ranges: TapeRanges) -> bool:
    """Undo an import that a kill has cut short, and return True; False if there is none, or if it was complete.

    Parameters
    ----------
    market : Path
        Folder of the market.
    ranges : TapeRanges
        The market's tape ranges in the catalogue.

    Raises
    ------
    StoreError
        If a file cannot be restored.
    """
    folder = market / "undo"
    if not folder.is_dir():
        return False
    try:
        before = msgspec.json.decode((folder / _RANGES).read_bytes(), type=list[TapeRange])
    except (OSError, msgspec.DecodeError):  # killed before it changed anything
        _discard(folder)
        return False
    if set(before) != set(ranges):  # killed after it counted
        _discard(folder)
        return False
    try:
        _undo(market, folder)
    except OSError as error:
        raise StoreError(f"cannot undo an unfinished import in {market}: {error.strerror or error}") from None
    _log.info("unfinished import undone", market=str(market))
    return True


def _undo(market: Path, folder: Path) -> None:
    for note in sorted((folder / "new").rglob("*")):
        if note.is_file():
            (market / note.relative_to(folder / "new")).unlink(missing_ok=True)
    for note in sorted((folder / "old").rglob("*")):
        if note.is_file():
            note.replace(market / note.relative_to(folder / "old"))
    _discard(folder)


def _discard(folder: Path) -> None:
    """Delete a journal, first the file with its tape ranges: a folder without that file does not count as a journal."""
    with suppress(FileNotFoundError):
        (folder / _RANGES).unlink()
    shutil.rmtree(folder, ignore_errors=True)


def _link(path: Path, note: Path) -> None:
    try:
        os.link(path, note)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        shutil.copy2(path, note)
