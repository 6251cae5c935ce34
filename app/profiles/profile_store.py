"""The profiles of every market, kept in a file for each: read when the market opens, saved soon after a change and at the end.

Simulated markets and replays keep theirs as long as the program runs, and in no file: a simulation is another one at the next
start, and a recording begins anew, before the times at which its profiles were placed.

A file that cannot be read is set aside under another name, never written over, and told of in a line.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
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
"""A change lies on the disk two seconds later at most; a drag writes once a second."""


class ProfileStore:
    """All profiles of a user.

    Parameters
    ----------
    folder : Path or None
        None keeps nothing beyond the end of the program.
    wall_s : callable
        The clock: a file that is set aside is named by it.

    Attributes
    ----------
    trouble : str
        What went wrong last, in a line; empty when all is well.
    writes : int
        How often a file was written: a count of work for the tests.
    """

    def __init__(self, folder: Path | None = None, *, wall_s: Callable[[], float] = time.time) -> None:
        self.trouble = ""
        self.writes = 0
        self._folder, self._wall_s = folder, wall_s
        self._held: dict[str, ProfileHistory] = {}

    @asynccontextmanager
    async def autosave(self, instrument: Instrument, anchors: ChartProfiles, *, on_disk: bool = True) -> AsyncIterator[None]:
        """Give a new chart the profiles of its market, and keep what becomes of them until the block ends."""
        path = market_folder(self._folder, instrument).with_suffix(".json") if on_disk and self._folder is not None else None
        self.trouble = ""
        history = self._held.get(instrument.id)
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
            self._held[instrument.id] = anchors.history()
            saver.save()  # at once: whoever closes the window does not wait for a thread
            await asyncio.wait([task])

    def _read(self, path: Path, instrument: Instrument) -> tuple[ProfileHistory | None, bool]:
        """What a file holds, and whether it may be written."""
        try:
            return decode_profiles(path.read_bytes(), instrument.id), True
        except FileNotFoundError:
            return None, True
        except OSError as error:
            self._tell(f"{path}: cannot read profiles; changes will not be saved: {error.strerror or error}")
            return None, False
        except BadInputError as error:
            place = path.with_name(f"{path.stem}.unread-{self._wall_s():.0f}{path.suffix}")
            return None, self._set_aside(path, place, error.user_message)

    def _set_aside(self, path: Path, place: Path, why: str) -> bool:
        """Give a file another name, so that the next one does not take its place; whether that could be done."""
        try:
            path.rename(place)
        except OSError as error:
            self._tell(f"{path}: {why}; it could not be renamed, and changes will not be saved: {error.strerror or error}")
            return False
        self._tell(f"{path}: {why}; renamed to {place.name}")
        return True

    def _tell(self, trouble: str) -> None:
        if trouble != self.trouble:  # a full disk is told once, not once a second
            _log.warning("profiles", trouble=trouble)
        self.trouble = trouble


class _Saver:
    """Writes the file of one market when something has changed."""

    def __init__(self, book: ProfileStore, instrument: Instrument, anchors: ChartProfiles, path: Path | None) -> None:
        self._book, self._instrument, self._anchors, self._path = book, instrument, anchors, path
        self._written = anchors.edition
        self._turn = threading.Lock()  # the last write waits for one that is under way

    async def run(self) -> None:
        """Look once in a while, until cancelled."""
        while self._path is not None:
            await asyncio.sleep(SAVE_EVERY_S)
            if self._anchors.edition != self._written:
                await asyncio.to_thread(self._write, self._anchors.edition, self._anchors.history())

    def save(self) -> None:
        """Write now, if there is anything new."""
        if self._path is not None and self._anchors.edition != self._written:
            self._write(self._anchors.edition, self._anchors.history())

    def _write(self, edition: int, history: ProfileHistory) -> None:
        """In a thread, but at the end: the form of a file of two hundred steps takes as long as a frame."""
        assert self._path is not None
        with self._turn:
            if edition <= self._written:
                return
            try:
                write_atomically(self._path, encode_profiles(history, self._instrument.id))
            except StoreError as error:
                self._book._tell(f"profiles not saved: {error.user_message}")
                return
            self._written = edition
            self._book.writes += 1
            self._book.trouble = ""
