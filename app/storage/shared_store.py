"""The store of a running program, opened once and shared by all markets."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

import structlog

from app.errors import StoreBusyError, StoreError
from app.market.instrument import Instrument
from app.storage.disk import DiskStore
from app.storage.recording_status import OFF, RECORDING, RecordingState, RecordingStatus
from app.storage.retention import KEEP_ALL, Retention
from app.storage.tape import Tape
from app.storage.tape_writer import TapeWriter

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class MarketStore:
    """The tape of one market in the store, its writer, and the recording status.

    Attributes
    ----------
    tape : Tape or None
        For reading; None if the store cannot be opened.
    writer : TapeWriter or None
        None if nothing can be written; `recording` has the reason.
    recording : RecordingStatus
    repaired : str
        What was repaired when the store was opened, for the screen.
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
        """Text for the screen about a recording problem or a repair of the store; empty if there is neither."""
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

    def of(self, instrument: Instrument) -> MarketStore:
        """Open the tape of a market for reading and, if its trades are to be recorded, a writer.

        Never raises: charts work without the store.
        """
        with self._turn:
            try:
                if self._store is None:
                    self._store = DiskStore(self.folder, write=self.record)
                store = self._store
                tape = store.tape(instrument)
            except (StoreError, OSError) as error:
                return self._without(None, str(error)) if self.record else MarketStore(None, None)
            if not self.record:
                return MarketStore(tape, None)
            try:
                return MarketStore(tape, TapeWriter(store, instrument), RECORDING, store.repaired, self.retention)
            except StoreBusyError as error:
                return MarketStore(tape, None, RecordingStatus(RecordingState.ELSEWHERE, error.user_message))
            except (StoreError, OSError) as error:
                return self._without(tape, str(error))

    def close(self) -> None:
        """Close the store; its writers must be closed first."""
        with self._turn:
            if self._store is not None:
                self._store.close()
                self._store = None

    def _without(self, tape: Tape | None, reason: str) -> MarketStore:
        _log.warning("recording off", reason=reason)
        return MarketStore(tape, None, RecordingStatus(RecordingState.NOT_RECORDING, reason))
