"""The profiles of every market, saved in one file per market.

A file is read when its market opens, and saved soon after each change and when the market closes.

Profiles of simulated markets and replays last while the program runs and are not saved: a simulation is different after the
next start, and a replay starts again before the times at which its profiles were placed.

A file that cannot be read is renamed, never overwritten, and reported in one line.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from app.errors import BadInputError, StoreError
from app.market.instrument import Instrument
from app.profiles.chart_profiles import ChartProfiles
from app.profiles.file_format import decode_profiles, encode_profiles
from app.profiles.history import ProfileHistory
from app.storage.atomic import write_atomically
from app.storage.tape import market_folder

_log = structlog.get_logger(__name__)

SAVE_EVERY_S = 1.0
"""Time between two checks for changes: a change is on disk at most two seconds later, and a drag writes once a second."""


class ProfileStore:
    """Loads and saves the profiles of all markets.

    Parameters
    ----------
    folder : Path or None
        Folder of the files; with None, nothing is saved.
    wall_s : callable
        Returns the time in seconds since 1970, for the new name of an unreadable file.

    Attributes
    ----------
    trouble : str
        The last problem in one line; empty if there is none.
    writes : int
        Number of files written; for tests.
    """

    def __init__(self, folder: Path | None = None, *, wall_s: Callable[[], float] = time.time) -> None:
        self.trouble = ""
        self.writes = 0
        self._folder, self._wall_s = folder, wall_s
        self._histories: dict[str, ProfileHistory] = {}

    @asynccontextmanager
    async def autosave(self, instrument: Instrument, anchors: ChartProfiles, *, on_disk: bool = True) -> AsyncGenerator[None]:
        """Restore a market's profiles on a new chart; save their changes once a second inside the `async with` block, and at its end.

        If not `on_disk`, the profiles are only remembered while the program runs. A problem is set as `trouble`.
        """
        path = market_folder(self._folder, instrument).with_suffix(".json") if on_disk and self._folder is not None else None
        self.trouble = ""
        history = self._histories.get(instrument.id)
        if path is not None and history is None:
            history, usable = await asyncio.to_thread(self._read, path, instrument)
            path = path if usable else None
        if history is not None:
            anchors.restore(history)
        saver = _Saver(self, instrument, anchors, path)
        task = asyncio.ensure_future(saver.run())
        try:
            yield
        finally:
            task.cancel()
            self._histories[instrument.id] = anchors.history()
            saver.save()  # in this thread: closing the window does not wait for another
            await asyncio.wait([task])

    def _read(self, path: Path, instrument: Instrument) -> tuple[ProfileHistory | None, bool]:
        """Read a profile file; return the history, or None if there is no valid file, and True if the path may be written to."""
        try:
            return decode_profiles(path.read_bytes(), instrument.id), True
        except FileNotFoundError:
            return None, True
        except OSError as error:
            self.report(f"{path}: cannot read profiles; changes will not be saved: {error.strerror or error}")
            return None, False
        except BadInputError as error:
            place = path.with_name(f"{path.stem}.unread-{self._wall_s():.0f}{path.suffix}")
            return None, self._rename_unreadable(path, place, error.user_message)

    def _rename_unreadable(self, path: Path, place: Path, why: str) -> bool:
        """Rename an unreadable profile file so that it is not overwritten, and report it; return False if that fails."""
        try:
            path.rename(place)
        except OSError as error:
            self.report(f"{path}: {why}; it could not be renamed, and changes will not be saved: {error.strerror or error}")
            return False
        self.report(f"{path}: {why}; renamed to {place.name}")
        return True

    def report(self, trouble: str) -> None:
        """Set `trouble` to a problem, and log it unless it is the same as before."""
        if trouble != self.trouble:  # report a full disk once, not once a second
            _log.warning("profiles", trouble=trouble)
        self.trouble = trouble


class _Saver:
    """Writes the profile file of one market after changes; does nothing without a path."""

    def __init__(self, book: ProfileStore, instrument: Instrument, anchors: ChartProfiles, path: Path | None) -> None:
        self._book, self._instrument, self._anchors, self._path = book, instrument, anchors, path
        self._written = anchors.edition
        self._turn = threading.Lock()  # the last write waits for one in progress

    async def run(self) -> None:
        """Check for changes once a second and save them, until cancelled; returns at once without a path."""
        while self._path is not None:
            await asyncio.sleep(SAVE_EVERY_S)
            if self._anchors.edition != self._written:
                await asyncio.to_thread(self._write, self._anchors.edition, self._anchors.history())

    def save(self) -> None:
        """Write the profile file now, in this thread, if something has changed since the last write."""
        if self._path is not None and self._anchors.edition != self._written:
            self._write(self._anchors.edition, self._anchors.history())

    def _write(self, edition: int, history: ProfileHistory) -> None:
        """Write the profile file, unless this edition or a later one has been written already; a failure is reported.

        Called in another thread, except when the market closes: encoding two hundred steps takes as long as a screen frame.
        """
        assert self._path is not None
        with self._turn:
            if edition <= self._written:
                return
            try:
                write_atomically(self._path, encode_profiles(history, self._instrument.id))
            except StoreError as error:
                self._book.report(f"profiles not saved: {error.user_message}")
                return
            self._written = edition
            self._book.writes += 1
            self._book.trouble = ""
