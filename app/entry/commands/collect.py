"""`tapeprint collect`: record markets without a window, in the same way as the window does."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass

from app.entry.commands.common import print_note
from app.entry.exit import report_unrecorded
from app.entry.markets import market_opener, require_venue
from app.errors import BadInputError, StoreBusyError, StoreError, TapeprintError, VenueRefusedError
from app.ingest.ingest import Ingest
from app.ingest.retry import retry
from app.market.clock_words import clock_words
from app.market.feed import FeedState
from app.market.market import Market
from app.settings.settings import Settings
from app.storage.disk import DiskStore
from app.storage.recorder import Recorder
from app.storage.recording_status import RecordingState, RecordingStatus
from app.storage.tape_writer import TapeWriter
from app.storage.trade_store import TradeStore

_MEMORY_TRADES = 300_000  # enough to sort in late trades and to recognise repeated ones
_HEALTH_S = 10.0
_LONGEST_WAIT_S = 60.0  # a collection runs unattended
_COLOURS = {
    RecordingState.RECORDING: "32",
    RecordingState.LOW_DISK: "93",
    RecordingState.ELSEWHERE: "36",
    RecordingState.RETRYING: "33",
    RecordingState.NOT_RECORDING: "31",
}
"""The colour of each recording state, as a terminal code."""


@dataclass
class _Collected:
    """One market and the state of its recording."""

    instrument_id: str
    market: Market | None = None
    recorder: Recorder | None = None
    ingest: Ingest | None = None
    trouble: str = ""
    refused: bool = False

    def line(self, *, colours: bool = False) -> str:
        """The health line: states of feed and recording, trades recorded, age of the last trade, lag to the disk, problems."""
        if self.market is None or self.recorder is None or self.ingest is None:
            return f"{self.instrument_id} CONNECTING, {self.trouble or 'opening'}"
        status = self.market.feed.status
        age_s = (time.time_ns() - status.received_at_ns) / 1e9 if status.received_at_ns else float("nan")
        parts = [
            f"{self.instrument_id} {status.state.value}",
            _recording_text(self.recorder.status, colours=colours),
            f"{self.recorder.written:,} recorded",
            f"last trade {age_s:.1f} s ago",
            f"lag to disk {self.ingest.lag.session.text}",
            f"{status.connects} connects",
        ]
        if status.rejected:
            parts.append(f"{status.rejected:,} rejected")
        if missing := self.ingest.store.missing:
            parts.append(f"{missing:,} missing")
        progress = self.ingest.progress.text if self.ingest.progress is not None else ""
        troubles = (self.ingest.past.trouble, self.trouble)
        parts += [text for text in (status.reason, self.ingest.owed_text, progress, *troubles) if text]
        return ", ".join(parts)


def collect(instrument_ids: list[str], seconds: float | None, settings: Settings, quiet: bool) -> int:
    """Record markets until Ctrl+C, SIGTERM, the end of `seconds`, or the end of all feeds.

    Returns
    -------
    int
        The exit code: 0, or 1 if a venue refused a market, or trades were received that are not recorded.

    Raises
    ------
    BadInputError
        If no market is named, one is named twice, or its venue is unknown.
    StoreError
        If the store cannot be written.
    """
    if not instrument_ids or len(set(instrument_ids)) != len(instrument_ids):
        raise BadInputError("instruments: expected one or more, no duplicates, e.g. binance:BTCUSDT okx:BTC-USDT")
    for instrument_id in instrument_ids:
        require_venue(instrument_id)
    return asyncio.run(_collect(instrument_ids, seconds, settings, quiet))


async def _collect(instrument_ids: list[str], seconds: float | None, settings: Settings, quiet: bool) -> int:
    store = DiskStore(settings.store_folder())
    if store.repaired:
        print_note(store.repaired)
    all_collected = [_Collected(name) for name in instrument_ids]
    stop = asyncio.Event()
    _stop_on_signals(stop)
    tasks = [asyncio.create_task(_record(one, store, settings)) for one in all_collected]
    health = asyncio.create_task(_print_health(all_collected, quiet))
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                stopping = asyncio.create_task(stop.wait())
                recording = asyncio.create_task(asyncio.wait(tasks))
                try:
                    await asyncio.wait({stopping, recording}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    stopping.cancel()
                    recording.cancel()
    finally:
        for task in (health, *tasks):
            task.cancel()
        ended = await asyncio.gather(health, *tasks, return_exceptions=True)
        hangs = any(one.recorder is not None and one.recorder.hangs for one in all_collected)
        if not hangs:
            store.close()
    for one in all_collected:
        print_note(one.line(colours=_colours()), quiet)
    recorders = [one.recorder for one in all_collected if one.recorder is not None]
    code = report_unrecorded([(one.instrument.id, one.unrecorded, one.status) for one in recorders if one.unrecorded], disk_hangs=hangs)
    faults = [error for error in ended if isinstance(error, Exception)]
    if faults:
        raise faults[0]
    return 1 if any(one.refused for one in all_collected) else code


async def _record(one: _Collected, store: DiskStore, settings: Settings) -> None:
    """Record one market until the task is cancelled, the feed ends or the venue refuses the market."""
    market = await _open_market(one, settings)
    if market is None:
        return
    one.market = market
    try:
        writer = await _open_writer(one, store, market)
    except BaseException:
        await market.feed.aclose()
        raise
    memory = TradeStore(_MEMORY_TRADES, by_time=not market.instrument.numbered)
    one.recorder = Recorder(writer, memory.batches, keep=settings.retention())
    one.ingest = Ingest(market.feed, market.history, memory, (), recorder=one.recorder)
    one.recorder.before_write, one.recorder.after_write = one.ingest.lag.begin, one.ingest.lag.end
    try:
        await one.ingest.run()
        one.refused = market.feed.status.state is FeedState.STOPPED
    finally:
        if not one.recorder.hangs:
            writer.close()
        await market.feed.aclose()


async def _open_market(one: _Collected, settings: Settings) -> Market | None:
    """Open the market, retrying until it succeeds; None if the venue refuses it."""

    def on_wait(error: TapeprintError, pause_s: float) -> None:
        one.trouble = f"{error.user_message}, retrying in {pause_s:.0f} s"

    try:
        return await retry(lambda: market_opener(settings)(one.instrument_id), on_wait, longest_wait_s=_LONGEST_WAIT_S)
    except VenueRefusedError as error:
        one.trouble, one.refused = error.user_message, True
        return None


async def _open_writer(one: _Collected, store: DiskStore, market: Market) -> TapeWriter:
    """Open the writer of a market, retrying while the disk fails; raise `StoreBusyError` if another program records the market."""

    async def attempt() -> TapeWriter:
        try:
            return await asyncio.to_thread(TapeWriter, store, market.instrument)
        except OSError as error:
            raise StoreError(f"cannot write {store.folder}: {error.strerror or error}") from None

    def on_wait(error: TapeprintError, pause_s: float) -> None:
        if isinstance(error, StoreBusyError):
            raise error
        status = RecordingStatus(RecordingState.NOT_RECORDING, error.user_message)
        one.trouble = f"{_recording_text(status, colours=False)}, retrying in {pause_s:.0f} s"

    writer = await retry(attempt, on_wait, longest_wait_s=_LONGEST_WAIT_S)
    one.trouble = ""
    return writer


def _recording_text(status: RecordingStatus, *, colours: bool) -> str:
    """The recording state as text with its symbol; with `colours`, in terminal colour."""
    text = f"{status.shape} {status.text}"
    return f"\x1b[{_COLOURS[status.state]}m{text}\x1b[0m" if colours and status.state in _COLOURS else text


def _colours() -> bool:
    return sys.stderr.isatty() and "NO_COLOR" not in os.environ


async def _print_health(all_collected: list[_Collected], quiet: bool) -> None:
    clock_told = False
    while True:
        await asyncio.sleep(_HEALTH_S)
        for one in all_collected:
            print_note(one.line(colours=_colours()), quiet)
            if not clock_told and one.market is not None and (words := clock_words(one.market.feed.status.clock_ahead_ns)):
                clock_told = True
                print_note(words)


def _stop_on_signals(stop: asyncio.Event) -> None:
    """Set `stop` on Ctrl+C and SIGTERM, so that everything is written and closed before the program ends.

    On Windows this does nothing: Ctrl+C cancels the main task.
    """
    loop = asyncio.get_running_loop()
    for name in ("SIGINT", "SIGTERM"):
        try:
            loop.add_signal_handler(getattr(signal, name), stop.set)
        except NotImplementedError:  # Windows: Ctrl+C raises KeyboardInterrupt, which cancels this task
            return
