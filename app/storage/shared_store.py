"""The one store that a running program uses: opened once, handed out market by market."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

import structlog

from app.errors import StoreBusyError, StoreError
from app.market.instrument import Instrument
from app.storage.disk import DiskStore
from app.storage.retention import KEEP_ALL, Retention
from app.storage.tape import Tape
from app.storage.writer import TapeWriter

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class MarketStore:
    """What the store has for one market.

    Attributes
    ----------
    tape : Tape or None
        To be read; None where the store cannot be used.
    writer : TapeWriter or None
        None where nothing can be written, then `trouble` says why.
    trouble : str
        In words for the screen.
    retention : Retention
        How much is to be kept.
    """

    tape: Tape | None
    writer: TapeWriter | None
    trouble: str = ""
    retention: Retention = KEEP_ALL


class SharedStore:
    """A folder of kept trades, opened when the first market asks for it; may be asked from any thread.

    Parameters
    ----------
    folder : Path
    record : bool
        False: what is there is read, nothing is written.
    retention : Retention
        How much is to be kept.
    """

    def __init__(self, folder: Path, *, record: bool = True, retention: Retention = KEEP_ALL) -> None:
        self.folder, self.record, self.retention = folder, record, retention
        self._turn = threading.Lock()
        self._store: DiskStore | None = None

    def of(self, instrument: Instrument) -> MarketStore:
        """The tape of a market, and the right to write it if nobody else has it. Never raises: charts go on without."""
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
                return MarketStore(tape, TapeWriter(store, instrument), store.repaired, self.retention)
            except StoreBusyError as error:
                return MarketStore(tape, None, error.user_message)
            except (StoreError, OSError) as error:
                return self._without(tape, str(error))

    def close(self) -> None:
        """Let go of the store; the writers have been closed by whoever had them."""
        with self._turn:
            if self._store is not None:
                self._store.close()
                self._store = None

    def _without(self, tape: Tape | None, reason: str) -> MarketStore:
        _log.warning("recording off", reason=reason)
        return MarketStore(tape, None, f"not recording: {reason}")
