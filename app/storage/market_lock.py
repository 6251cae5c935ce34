"""The lock on a market's folder, which lets one process write it; the system releases it when the process ends."""

from __future__ import annotations

from contextlib import suppress

from filelock import FileLock, Timeout

from app.errors import StoreBusyError, StoreError
from app.storage.open_folder import OpenFolder
from app.storage.tape import Tape


class MarketLock:
    """The lock on the folder of a tape, which it creates if it does not exist, and opens for the tape.

    Raises
    ------
    StoreBusyError
        If the market is locked already.
    StoreError
        If the folder or the lock file cannot be written.
    """

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self._lock = _locked(tape)
        try:
            self.folder = tape.open_folder = _opened(tape)
            """The locked folder."""
        except BaseException:
            self._lock.release()
            raise

    @property
    def is_valid(self) -> bool:
        """True while the market is locked and its folder is where it was."""
        return self._lock.is_locked and self.folder.is_in_place

    def reopen_folder(self) -> None:
        """Open the folder again, e.g. after an error: one whose drive was pulled never works again, though it seems to be in place."""
        before, self.folder = self.folder, _opened(self._tape)
        self._tape.open_folder = self.folder
        with suppress(OSError):
            before.close()

    def release(self) -> None:
        """Unlock the market and close its folder; the tape can still be read."""
        self._tape.open_folder = None
        with suppress(OSError):
            self.folder.close()
        with suppress(OSError):
            self._lock.release(force=True)


def _locked(tape: Tape) -> FileLock:
    path, instrument = tape.folder / "writer.lock", tape.instrument
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, timeout=0, thread_local=False)
        lock.acquire()
    except Timeout:
        raise StoreBusyError(f"{instrument.id} is being recorded by another program") from None
    except (OSError, NotImplementedError) as error:
        raise StoreError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from None
    return lock


def _opened(tape: Tape) -> OpenFolder:
    try:
        return OpenFolder(tape.folder)
    except OSError as error:
        raise StoreError(f"cannot read {tape.folder}: {error.strerror or error}") from None
