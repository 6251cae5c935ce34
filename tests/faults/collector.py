"""`tapeprint collect` as a process that can be killed, and a comparison of its store with the venue's own trades."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any, Self

from app.errors import StoreError
from app.market.span import Span
from app.storage.disk import DiskStore, stored_instrument
from app.storage.tape_ranges import TapeRange
from app.storage.tape_writer import TapeWriter
from app.storage.verify import verify
from tests.venue_emulator import digest_of


class Collector:
    """A collector on a store; `async with` starts it, and terminates it unless it was killed before."""

    def __init__(self, folder: Path, venue: Any, instrument_id: str = "binance:BTCUSDT") -> None:
        self.folder, self.instrument_id = folder, instrument_id
        self._hosts = {"TAPEPRINT_BINANCE_WS_URL": venue.ws_url, "TAPEPRINT_BINANCE_REST_URL": venue.rest_url}

    async def __aenter__(self) -> Self:
        command = [sys.executable, "-m", "app", "collect", self.instrument_id, "--store", str(self.folder)]
        self.process = await asyncio.create_subprocess_exec(*command, env=os.environ | self._hosts, stderr=asyncio.subprocess.PIPE)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.process.returncode is None:
            self.process.terminate()
        self.said = (await self.process.communicate())[1].decode()

    async def until_kept(self, more_than: int, timeout_s: float = 30.0) -> None:
        """Wait until the store has more trades than `more_than`; raise TimeoutError after `timeout_s`."""
        async with asyncio.timeout(timeout_s):
            while kept_count(self.folder, self.instrument_id) <= more_than:
                await asyncio.sleep(0.05)

    async def until_whole(self, more_than: int, timeout_s: float = 90.0) -> None:
        """Wait until the store has more trades than `more_than` without a gap; raise TimeoutError after `timeout_s`."""
        async with asyncio.timeout(timeout_s):
            while len(found := kept_ranges(self.folder, self.instrument_id)) != 1 or found[0].last_id - found[0].first_id < more_than:
                await asyncio.sleep(0.05)

    async def kill(self) -> None:
        """Kill the process at once, without a chance to clean up."""
        self.process.kill()
        await self.process.wait()


def kept_ranges(folder: Path, instrument_id: str = "binance:BTCUSDT") -> list[TapeRange]:
    """The tape ranges in the store as another process sees them, those that touch as one; empty while there is no store."""
    try:
        store = DiskStore(folder, write=False)
    except StoreError:  # it is being created
        return []
    try:
        if instrument_id not in {found.id for found in store.instruments()}:
            return []
        joined: list[TapeRange] = []
        for found in store.catalogue.intervals(instrument_id):
            if joined and joined[-1].last_id + 1 == found.first_id:
                joined[-1] = joined[-1]._replace(last_id=found.last_id)
            else:
                joined.append(found)
        return joined
    finally:
        store.close()


def kept_count(folder: Path, instrument_id: str = "binance:BTCUSDT") -> int:
    """Number of trades in the store as another process sees them; 0 while there is no store."""
    return sum(found.last_id - found.first_id + 1 for found in kept_ranges(folder, instrument_id))


async def assert_kept_whole(folder: Path, venue: Any, instrument_id: str = "binance:BTCUSDT") -> int:
    """Check that the store has every trade from its first to its last once, equal to the venue's; return their number."""
    store = DiskStore(folder)
    instrument = stored_instrument(store, instrument_id)
    writer = TapeWriter(store, instrument)
    try:
        findings = [finding.text for finding in verify(writer.tape, writer)]
        assert not findings, findings
        trades = writer.tape.trades(Span(0, 1 << 62))
    finally:
        writer.close()
        store.close()
    first_id, last_id = int(trades.trade_id[0]), int(trades.trade_id[-1])
    assert len(trades) == last_id - first_id + 1
    theirs = await venue.totals(first_id, last_id)
    assert (theirs["count"], theirs["lots"]) == (len(trades), int(trades.quantity_lots.sum()))
    assert theirs["digest"] == digest_of(trades)
    return len(trades)
