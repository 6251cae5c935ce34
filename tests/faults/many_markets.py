"""`tapeprint collect` with many markets of venues that count what its address uses, for a long time, with faults and restarts."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from app.market.span import Span
from app.storage.disk import DiskStore, stored_instrument
from app.storage.tape import Tape
from tests.counting_venue import CountingVenue, Hyperliquid, Okx

COINS = [f"COIN{number}" for number in range(10)]
PAIRS = [f"COIN{number}-USDT" for number in range(10)]
_CALM_S = 40.0  # at the end, for the last gap to be filled


class Collecting:
    """The collector's process, started again at each call of `start`."""

    def __init__(self, folder: Path, venues: dict[str, CountingVenue], log: Path) -> None:
        self._ids = [f"{name}:{market}" for name, venue in venues.items() for market in venue.markets]
        self._folder, self._log, self.starts = folder, log, 0
        urls = {
            f"TAPEPRINT_{name.upper()}_{kind}_URL": getattr(venue, f"{kind.lower()}_url")
            for name, venue in venues.items()
            for kind in ("WS", "REST")
        }
        self._environ = os.environ | urls

    async def start(self) -> None:
        """Start to collect."""
        self.starts += 1
        command = [sys.executable, "-m", "app", "collect", *self._ids, "--store", str(self._folder)]
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(*command, env=self._environ, stderr=log)

    async def stop(self, sent: signal.Signals = signal.SIGTERM) -> int:
        """Stop with a signal; return the exit code."""
        self._process.send_signal(sent)
        return await self._process.wait()


async def collect_many(seconds: float, rate: float, seed: int) -> list[dict[str, object]]:
    """Collect ten markets of Hyperliquid and ten of OKX for a time; return what each venue counted, and what the store lacks.

    Raises
    ------
    AssertionError
        If a trade is lost in a time that the store calls covered, doubled or invented, or a limit of a venue was exceeded.
    """
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with (
            CountingVenue(Hyperliquid(), COINS, rate=rate, seed=seed) as one,
            CountingVenue(Okx(), PAIRS, rate=rate, seed=seed + 1) as other,
        ):
            venues = {"hyperliquid": one, "okx": other}
            collecting = Collecting(folder / "store", venues, folder / "log")
            await collecting.start()
            end_s = time.monotonic() + seconds
            faults = await _trouble(list(venues.values()), collecting, chance, end_s - _CALM_S)
            await asyncio.sleep(max(0.0, end_s - time.monotonic()))
            code = await collecting.stop()
            said = (folder / "log").read_text()
            assert code == 0 and "Traceback" not in said, said[-3000:]
            rows = [{"venue": name, **_counted(venue), **_compared(folder / "store", name, venue)} for name, venue in venues.items()]
    rows[0] |= {"collector starts": collecting.starts, "faults": faults}
    for row in rows:
        assert not any(row[kind] for kind in ("lost", "doubled", "invented", "refused")), row
    return rows


async def _trouble(venues: Sequence[CountingVenue], collecting: Collecting, chance: random.Random, until_s: float) -> int:
    """Cut sockets, lose subscriptions, refuse handshakes and restart the collector until a time; return the number of faults."""
    faults = 0
    restart_s = max(90.0, (until_s - time.monotonic()) / 6)
    next_restart_s = time.monotonic() + restart_s
    while time.monotonic() + 15.0 < until_s:
        await asyncio.sleep(chance.uniform(8.0, 15.0))
        faults += 1
        venue = chance.choice(venues)
        if time.monotonic() > next_restart_s:
            next_restart_s += restart_s
            await collecting.stop(chance.choice([signal.SIGTERM, signal.SIGKILL]))
            await collecting.start()
            continue
        match chance.randrange(4):
            case 0 | 1:
                venue.drop()
            case 2:
                venue.mute(chance.choice(venue.markets))
            case _:
                venue.refusal = 503
                venue.drop()
                await asyncio.sleep(3.0)
                venue.refusal = 0
    return faults


def _counted(venue: CountingVenue) -> dict[str, object]:
    used = venue.used
    peaks = {
        f"peak {kind}": used.peaks[kind]
        for kind in ("sockets", "subscriptions", "connects a minute", "messages a minute", "weight a minute")
    }
    return {"sockets opened": venue.opened, **peaks, "refused": sum(used.refused.values())}


def _compared(folder: Path, name: str, venue: CountingVenue) -> dict[str, object]:
    """Counts over all markets of a venue: trades stored, lost where the store calls the time covered, in gaps that it knows, doubled."""
    found: dict[str, int] = dict.fromkeys(("trades", "lost", "in known gaps", "doubled", "invented"), 0)
    store = DiskStore(folder, write=False)
    try:
        for market, told in venue.tapes.items():
            tape = Tape(store.catalogue, folder, stored_instrument(store, f"{name}:{market}"))
            kept = tape.trades(Span(0, 1 << 62)).trade_id
            numbers = {venue.protocol.trade_id(trade.number): trade for trade in told}
            mine = [numbers[int(each)].number for each in kept if int(each) in numbers]
            missing = [trade for trade in told if min(mine) < trade.number < max(mine) and trade.number not in set(mine)] if mine else told
            covered = list(tape.intervals())
            lost = [trade for trade in missing if any(one.start_ns < trade.time_ms * 10**6 < one.end_ns - 1 for one in covered)]
            found["trades"] += len(kept)
            found["lost"] += len(lost)
            found["in known gaps"] += len(missing) - len(lost)
            found["doubled"] += len(kept) - len(np.unique(kept))
            found["invented"] += len(kept) - len(mine)
    finally:
        store.close()
    return {**found}
