"""The store of a running program, opened once and shared by all markets."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from app.errors import BadInputError, StoreBusyError, StoreError
from app.market.instrument import Instrument
from app.storage.disk import DiskStore, stored_instrument
from app.storage.recording_status import OFF, RECORDING, RecordingState, RecordingStatus
from app.storage.retention import KEEP_ALL, Retention
from app.storage.tape import Tape
from app.storage.tape_writer import TapeWriter

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class MarketStore:
    """The tape of one market in the store, its writer, the recording status, what was repaired, and the store's limits.

    Attributes
    ----------
    tape : Tape or None
        For reading; None if the store cannot be opened.
    writer : TapeWriter or None
        None if nothing can be written; `recording` has the reason.
    recording : RecordingStatus
    repaired : str
        Text for the screen about what was repaired when the store was opened; empty if nothing was.
    retention : Retention
        Limits of the store.
    """

    tape: Tape | None
    writer: TapeWriter | None
    recording: RecordingStatus = OFF
    repaired: str = ""
    retention: Retention = KEEP_ALL

    @property
    def trouble(self) -> str:
        """Text for the screen about a problem with recording or, without one, a repair of the store; empty if there is neither."""
        return self.recording.trouble or self.repaired


class SharedStore:
    """The store on disk, opened when a market first needs it, and shared by all markets and threads.

    Parameters
    ----------
    folder : Path
    record : bool
        False only reads stored trades and writes nothing.
    retention : Retention
        Limits of the store.
    """

    def __init__(self, folder: Path, *, record: bool = True, retention: Retention = KEEP_ALL) -> None:
        self.folder, self.record, self.retention = folder, record, retention
        self._turn = threading.Lock()
        self._store: DiskStore | None = None
        self._reader: DiskStore | None = None  # in place of a store that cannot be written

    def of(self, instrument: Instrument) -> MarketStore:
        """Open the tape of a market for reading and, if this store records, a writer; `recording` has the reason if it cannot write.

        A store that cannot be opened raises no error, as charts work without it. A store on read-only media is still read.
        """
        with self._turn:
            try:
                if self._store is None:
                    self._store = DiskStore(self.folder, write=self.record)
                store = self._store
                tape = store.tape(instrument)
            except (StoreError, OSError) as error:
                reader = self._reading()
                tape = reader.tape(instrument) if reader is not None else None
                return self._without(tape, str(error)) if self.record else MarketStore(tape, None)
            if not self.record:
                return MarketStore(tape, None)
            try:
                return MarketStore(tape, TapeWriter(store, instrument), RECORDING, store.repaired, self.retention)
            except StoreBusyError as error:
                return MarketStore(tape, None, RecordingStatus(RecordingState.ELSEWHERE, error.user_message))
            except (StoreError, OSError) as error:
                return self._without(tape, str(error))

    def stored(self, instrument_id: str) -> Tape | None:
        """The tape of a stored market, to show it without a connection to its venue; None without trades, or if it cannot be read."""
        with self._turn:
            store = self._store or self._reading()
            try:
                tape = None if store is None else store.tape(stored_instrument(store, instrument_id))
                return tape if tape is not None and tape.covered() else None
            except (BadInputError, StoreError, OSError):
                return None

    def close(self) -> None:
        """Close the store; the writers that `of` has opened must be closed first."""
        with self._turn:
            if self._reader is not None:
                self._reader.close()
                self._reader = None
            if self._store is not None:
                self._store.close()
                self._store = None

    def _reading(self) -> DiskStore | None:
        """The store, opened for reading only; None if there is no store, or if it cannot be read."""
        if self._reader is None:
            with suppress(StoreError, OSError):
                self._reader = DiskStore(self.folder, write=False)
        return self._reader

    def _without(self, tape: Tape | None, reason: str) -> MarketStore:
        _log.warning("recording off", reason=reason)
        return MarketStore(tape, None, RecordingStatus(RecordingState.NOT_RECORDING, reason))
