"""Recording of a market's new trades on disk, in the background.

A slow or full disk never delays a chart, and is always reported.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import structlog

from app.errors import StoreError
from app.market.coverage import Source
from app.market.span import Span
from app.market.trade import TradeBatch, concatenate
from app.storage.day_file import day_of
from app.storage.recording_status import RECORDING, RecordingState, RecordingStatus
from app.storage.retention import KEEP_ALL, Retention, delete_expired_days
from app.storage.tape_writer import TapeWriter

_log = structlog.get_logger(__name__)

_EVERY_S = 0.25  # a power cut loses at most this much; four commits a second are no load for a disk
_AGAIN_S = 2.0
_BULK = 20_000  # history batches with more trades than this go straight into files
_MOST_QUEUED = 2_000_000  # 66 MB; beyond this the queue is dropped, and all loaded trades are written once the disk works again
_CHECK_DISK_S = 30.0
_LOW_BYTES = 1 << 30


class _Queued(NamedTuple):
    trades: TradeBatch
    source: Source
    complete: Span | None


class Recorder:
    """Writes the new trades of one market to its tape, a few times a second.

    Parameters
    ----------
    writer : TapeWriter
    all_loaded : callable
        Returns all loaded trades, which are recorded if the queue had to be dropped because the disk was full for long.
    keep : Retention
        Limits of the store; applied once a day.
    wall_ns : callable
        This machine's clock.
    """

    def __init__(
        self,
        writer: TapeWriter,
        all_loaded: Callable[[], Sequence[TradeBatch]],
        *,
        keep: Retention = KEEP_ALL,
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.status = RECORDING
        """Whether trades are being recorded, or why not."""
        self.written = 0
        """Trades recorded since the start."""
        self._writer, self._all_loaded, self._wall_ns = writer, all_loaded, wall_ns
        self._keep = keep
        self._queue: list[_Queued] = []
        self._n_queued = 0
        self._behind = False
        self._fails = False  # the last write did; logged once
        # one thread: memory that is taken in many threads by turns is not given back
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="recorder")
        self._writing: asyncio.Future[bool] | None = None
        self._tidied_day = -1
        self._checked_s = -_CHECK_DISK_S

    @property
    def writer(self) -> TapeWriter:
        """The writer of the tape."""
        return self._writer

    def take(self, trades: TradeBatch, source: Source, complete: Span | None = None) -> None:
        """Queue trades for recording; if the queue is full, discard it first, and record all loaded trades later.

        For the parameters see `TapeWriter.insert`.
        """
        if self._n_queued + len(trades) > _MOST_QUEUED:
            self._queue, self._n_queued, self._behind = [], 0, True
        self._queue.append(_Queued(trades, source, complete))
        self._n_queued += len(trades)

    async def run(self) -> None:
        """Record queued trades until the task is cancelled."""
        while True:
            self._writing = asyncio.ensure_future(self.flush())
            works = await asyncio.shield(self._writing)  # a write in progress cannot be stopped: `aclose` waits for it
            await asyncio.sleep(_EVERY_S if works else _AGAIN_S)

    async def aclose(self) -> None:
        """Write the queued trades, then close the tape's writer."""
        try:
            if self._writing is not None:
                await asyncio.wait([self._writing])
            await self.flush()
        finally:
            self._thread.shutdown(wait=False)
            self._writer.close()

    async def flush(self) -> bool:
        """Write the queued trades; if that fails, leave them in the queue and return False."""
        queued, self._queue, self._n_queued = self._queue, [], 0
        behind, self._behind = self._behind, False
        try:
            loaded = self._all_loaded() if behind else ()
            await asyncio.get_running_loop().run_in_executor(self._thread, self._write, queued, loaded)
        except (StoreError, OSError) as error:
            reason = error.detail if isinstance(error, StoreError) else str(error)
            if not self._fails:
                _log.warning("trades not recorded", instrument=self._writer.instrument.id, reason=reason)
            self._fails = True
            shown = error.user_message if isinstance(error, StoreError) else reason
            self.status = RecordingStatus(RecordingState.NOT_RECORDING, shown)
            self._queue, self._behind = queued + self._queue, self._behind or behind
            self._n_queued = sum(len(one.trades) for one in self._queue)
            return False
        self._fails = False
        self.status = self._working()
        return True

    def _write(self, queued: Sequence[_Queued], loaded: Sequence[TradeBatch]) -> None:
        """Write queued trades; once a day also merge day files and delete expired days; runs in the recorder's thread.

        Trades that are written twice are stored once, so a failure in the middle does no harm.
        """
        for batch in loaded:
            self.written += self._writer.insert_bulk(batch, Source.LIVE)
        for one in _together(queued):
            write = self._writer.insert_bulk if len(one.trades) > _BULK and one.source is not Source.LIVE else self._writer.insert
            self.written += write(*one)
        today = day_of(self._wall_ns())
        if self._writer.wants_sealing:
            self._writer.seal(self._wall_ns())
        if today != self._tidied_day:
            self._writer.tidy(self._wall_ns())
            delete_expired_days(self._writer, self._writer.tape.folder.parent.parent, self._keep, self._wall_ns())
        self._tidied_day = today

    def _working(self) -> RecordingStatus:
        """The status after a successful write: recording, or a warning if less than 1 GiB is free on disk."""
        now_s = time.monotonic()
        if now_s - self._checked_s < _CHECK_DISK_S and self.status.state is not RecordingState.NOT_RECORDING:
            return self.status
        self._checked_s = now_s
        free = shutil.disk_usage(self._writer.tape.folder).free
        return RecordingStatus(RecordingState.LOW_DISK, f"only {free / 1e6:,.0f} MB free on disk") if free < _LOW_BYTES else RECORDING


def _together(queued: Sequence[_Queued]) -> list[_Queued]:
    """Join consecutive queued batches of one source if their complete spans touch, or if none is given."""
    found: list[_Queued] = []
    parts: list[TradeBatch] = []
    for one in queued:
        last = found[-1] if found else None
        if last is not None and last.source is one.source and (meets := _joined(last.complete, one.complete)) is not None:
            parts.append(one.trades)
            found[-1] = last._replace(complete=meets or None)
            continue
        if last is not None:
            found[-1] = last._replace(trades=concatenate(parts))
        found.append(one)
        parts = [one.trades]
    if found:
        found[-1] = found[-1]._replace(trades=concatenate(parts))
    return found


def _joined(one: Span | None, other: Span | None) -> Span | None:
    """Join two spans that overlap or touch; empty if neither is given, None if they do not touch or only one is given."""
    if one is None and other is None:
        return Span(0, 0)
    if one is None or other is None or other.start_ns > one.end_ns or one.start_ns > other.end_ns:
        return None
    return Span(min(one.start_ns, other.start_ns), max(one.end_ns, other.end_ns))
