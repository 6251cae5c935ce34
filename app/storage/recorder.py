"""Recording of a market's new trades on disk, in the background.

A slow, full or missing disk never delays a chart, and is always reported. Writing is retried for as long as the program runs; what
is not written yet waits in memory, and is never counted as recorded.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import structlog

from app.errors import StoreBusyError, StoreError
from app.market.coverage import Source
from app.market.instrument import Instrument
from app.market.span import Span
from app.market.steps import Steps
from app.market.trade import TradeBatch, concatenate
from app.storage.day_file import day_of
from app.storage.disk_thread import DiskThread
from app.storage.recording_status import RECORDING, RecordingState, RecordingStatus
from app.storage.retention import KEEP_ALL, Retention, delete_expired_days
from app.storage.tape_writer import TapeWriter

_log = structlog.get_logger(__name__)

_EVERY_S = 0.25  # a power cut loses at most this much; four commits a second are no load for a disk
_SOON_S = 1.0  # after the first failure, so that "not recording" is shown within two seconds
_AGAIN_S = 2.0
_HANGS_S = 5.0  # longer than a disk takes to merge a day of a busy market
_LONG_S = 30.0
_BULK = 20_000  # history batches with more trades than this go straight into files
_MOST_QUEUED = 2_000_000  # 66 MB; beyond this the queue is dropped, and all loaded trades are written once the disk works again
_CHECK_DISK_S = 30.0
_LOW_BYTES = 1 << 30


class _Queued(NamedTuple):
    trades: TradeBatch
    source: Source
    complete: Span | None
    steps: Steps | None = None


class _StoreMadeAgainError(StoreError):
    """Raised when the store was removed or replaced, so that recorded trades are gone."""


class Recorder:
    """Writes the new trades of one market to its tape, a few times a second.

    Parameters
    ----------
    writer : TapeWriter
    all_loaded : callable
        Returns all loaded trades, which are recorded if the queue had to be dropped because the disk failed for long, or if the
        store was removed.
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
        self.written = 0
        """Trades recorded since the start, and still stored."""
        self.steps: Steps | None = writer.instrument.steps
        """Tick and lot size of the trades taken from now on; the writer may go over to finer ones by itself, for owed trades."""
        self._writer, self._all_loaded, self._wall_ns = writer, all_loaded, wall_ns
        self._keep = keep
        self._queue: list[_Queued] = []
        self._n_queued = 0
        self._being_written: list[_Queued] = []
        self._behind = False
        self._n_dropped = self._n_lost = 0
        self._failures = 0  # in a row; the first is logged
        self._reason, self._elsewhere, self._low = "", False, ""
        self._thread = DiskThread("recorder")
        self._writing: asyncio.Future[bool] | None = None
        self._begun_s = 0.0
        self._tidied_day = -1
        self._checked_s = -_CHECK_DISK_S

    @property
    def writer(self) -> TapeWriter:
        """The writer of the tape."""
        return self._writer

    @property
    def instrument(self) -> Instrument:
        """The market that is recorded."""
        return self._writer.instrument

    @property
    def status(self) -> RecordingStatus:
        """The status of recording, with the reason for any problem and, if writes fail or hang, the number of trades that wait."""
        silent_s = self._silent_s
        if silent_s > _HANGS_S:
            state = RecordingState.NOT_RECORDING if silent_s > _LONG_S else RecordingState.RETRYING
            return RecordingStatus(state, f"the disk has not answered for {silent_s:.0f} s", self.pending)
        if self._elsewhere:
            return RecordingStatus(RecordingState.ELSEWHERE, self._reason)
        if self._failures:
            state = RecordingState.NOT_RECORDING if self._failures > 1 else RecordingState.RETRYING
            return RecordingStatus(state, self._reason, self.pending)
        return RecordingStatus(RecordingState.LOW_DISK, self._low) if self._low else RECORDING

    @property
    def pending(self) -> int:
        """The number of trades that were received and are not recorded yet."""
        return self._n_queued + sum(len(one.trades) for one in self._being_written) + self._n_dropped

    @property
    def unrecorded(self) -> int:
        """The number of trades that were received and are not recorded: those that wait, and those lost from memory."""
        return self.pending + self._n_lost

    @property
    def hangs(self) -> bool:
        """True while a write takes more than 5 s, so that it may never end."""
        return self._silent_s > _HANGS_S

    @property
    def _silent_s(self) -> float:
        return 0.0 if self._writing is None or self._writing.done() else time.monotonic() - self._begun_s

    def take(self, trades: TradeBatch, source: Source, complete: Span | None = None) -> None:
        """Queue trades for recording; if the queue is full, discard it first, and record all loaded trades with the next write.

        For the parameters see `TapeWriter.insert`.
        """
        if self._n_queued + len(trades) > _MOST_QUEUED:
            self._n_dropped += self._n_queued
            self._queue, self._n_queued, self._behind = [], 0, True
        self._queue.append(_Queued(trades, source, complete, self.steps))
        self._n_queued += len(trades)

    def take_all_loaded(self) -> None:
        """Let the next write record all loaded trades, too."""
        self._behind = True

    async def run(self) -> None:
        """Record queued trades a few times a second, until the task is cancelled; failed writes are retried."""
        while True:
            works = await self.flush()
            await asyncio.sleep(_EVERY_S if works else _SOON_S if self._failures == 1 else _AGAIN_S)

    async def aclose(self) -> None:
        """Write queued trades and close the tape; if a write hangs, it goes on, and the market stays locked."""
        try:
            await self.flush()
        finally:
            self._thread.close()
            if self._writing is None or self._writing.done():
                self._writer.close()

    async def flush(self) -> bool:
        """Write queued trades and return True; False if that fails or takes more than 5 s: then they stay queued.

        A write in progress cannot be stopped, and goes on if this call is cancelled.
        """
        loop = asyncio.get_running_loop()
        until_s = loop.time() + _HANGS_S
        while self._writing is not None and not self._writing.done():
            if not (await asyncio.wait([self._writing], timeout=until_s - loop.time()))[0]:
                return False
        self._begun_s = time.monotonic()
        writing = self._writing = asyncio.ensure_future(self._flush())  # another caller may begin the next one before this one looks
        done, _ = await asyncio.wait([writing], timeout=until_s - loop.time())
        return bool(done) and writing.result()

    async def _flush(self) -> bool:
        self._being_written, self._queue, self._n_queued = _together(self._queue), [], 0
        behind, self._behind = self._behind, False
        try:
            loaded = [_Queued(batch, Source.LIVE, None, self.steps) for batch in self._all_loaded()] if behind else []
            await self._thread.run(self._write, loaded, retrying=bool(self._failures))
        except (StoreError, OSError) as error:
            reason = error.detail if isinstance(error, StoreError) else str(error)
            if not self._failures:
                _log.warning("trades not recorded", instrument=self._writer.instrument.id, reason=reason)
            self._failures += 1
            self._reason = error.user_message if isinstance(error, StoreError) else reason
            self._elsewhere = isinstance(error, StoreBusyError)
            self._behind = self._behind or behind or isinstance(error, _StoreMadeAgainError)
            if isinstance(error, _StoreMadeAgainError):
                self.written = 0
            return False
        finally:
            self._queue = self._being_written + self._queue
            self._n_queued += sum(len(one.trades) for one in self._being_written)
            self._being_written = []
        self._failures, self._reason, self._elsewhere = 0, "", False
        return True

    def _write(self, loaded: Sequence[_Queued], *, retrying: bool) -> None:
        """Write the batches in `loaded`, then the queued trades; once a day also tidy the tape and delete expired days.

        A long tail moves to day files. Raises `_StoreMadeAgainError` if recorded trades are gone.

        Runs in the recorder's thread. Trades that are written twice are stored once, so a failure in the middle does no harm.
        """
        if self._writer.reconnect():
            raise _StoreMadeAgainError(f"{self._writer.tape.folder.parent.parent}: was removed, and has been created again")
        found = 0
        for batch in loaded:
            new = _given(self._writer.insert_bulk, batch)
            self.written, found = self.written + new, found + new
        if loaded:
            self._n_dropped, self._n_lost = 0, self._n_lost + max(0, self._n_dropped - found)
        while self._being_written:
            one = self._being_written[0]
            write = self._writer.insert_bulk if len(one.trades) > _BULK and one.source is not Source.LIVE else self._writer.insert
            self.written += _given(write, one)
            del self._being_written[0]
        today = day_of(self._wall_ns())
        if self._writer.wants_sealing:
            self._writer.seal(self._wall_ns())
        if today != self._tidied_day:
            self._writer.tidy(self._wall_ns())
            delete_expired_days(self._writer, self._writer.tape.folder.parent.parent, self._keep, self._wall_ns())
        self._tidied_day = today
        self._check_space(at_once=retrying)

    def _check_space(self, *, at_once: bool) -> None:
        """Check every 30 s, or now if `at_once`, if less than 1 GiB is free on the disk; unknown free space counts as enough."""
        now_s = time.monotonic()
        if now_s - self._checked_s < _CHECK_DISK_S and not at_once:
            return
        self._checked_s = now_s
        try:
            free = shutil.disk_usage(self._writer.tape.folder).free
        except OSError:
            self._low = ""
        else:
            self._low = f"only {free / 1e6:,.0f} MB free on disk" if free < _LOW_BYTES else ""


def _given(write: Callable[..., int], one: _Queued) -> int:
    """Write a queued batch with `write`, a method of the writer, and return the number of new trades."""
    if one.steps is None:
        return write(one.trades, one.source, one.complete)
    return write(one.trades, one.source, one.complete, one.steps)


def _together(queued: Sequence[_Queued]) -> list[_Queued]:
    """Join consecutive queued batches with the same source, tick and lot size whose complete spans touch, or that have none."""
    found: list[_Queued] = []
    parts: list[TradeBatch] = []
    for one in queued:
        last = found[-1] if found else None
        alike = last is not None and (last.source, last.steps) == (one.source, one.steps)
        if last is not None and alike and (meets := _joined(last.complete, one.complete)) is not None:
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
    """Join two spans that overlap or touch; return None if they do not or only one is given, an empty span if neither is."""
    if one is None and other is None:
        return Span(0, 0)
    if one is None or other is None or other.start_ns > one.end_ns or one.start_ns > other.end_ns:
        return None
    return Span(min(one.start_ns, other.start_ns), max(one.end_ns, other.end_ns))
