"""The long tests of the fault catalogue: `python -m tests.faults.soak`, about 30 minutes; `--parts` selects some of them.

    disconnects   1,000 random faults of venue and network over 10 seeds at 5,000 trades per second; a line for each seed
    hole          the network gone for 60 s, with the program's real timeouts
    hang          the venue's process paused for 60 s
    burst         100,000 trades per second for 10 s
    frames        1,000,000 changed messages for each venue
    walk          10,000 random steps of a user
    readers       20,000 changed contents for each reader; `--reader`, `--seed` and `--case` repeat one
    kills         a collector killed 100 times
    markets       ten Hyperliquid and ten OKX markets collected for `--collect-s`, by venues that count what an address uses
    chaos         outage, reset of ids, ticks, full disk, pulled drive and kills of five commands on one store

The results are printed, and written to build/soak.md for `python -m tests.faults.report`. Exits with 1 if a promise did not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import structlog

from app.market.feed import FeedState
from feeds.network.backoff import Timeouts
from tests.fault_proxy import BlackHole, FaultProxy, play, random_plan, replayable
from tests.faults.bent_frames import bent, throw
from tests.faults.chaos_story import chaos_run
from tests.faults.collector import Collector, assert_kept_whole, kept_count
from tests.faults.desk import Desk, desk, live_venue
from tests.faults.elsewhere import VenueElsewhere
from tests.faults.fuzz_targets import TARGETS, fuzz
from tests.faults.many_markets import collect_many
from tests.faults.walk import Walk, three_markets
from tests.faults.wires import WIRES
from tests.venue_emulator.injection import recoverable_faults

_WRITTEN = Path(__file__).parents[2] / "build" / "soak.md"
_SEEN_S = 0.016  # an interruption shorter than a frame is not visible
_FRESH_NS = 500_000_000  # at 5,000 trades per second, a feed without a trade for this long is interrupted


@dataclass
class Spells:
    """The length of each interruption, in which the market was not live and complete."""

    seconds: list[float] = field(default_factory=list)

    async def watch(self, there: Desk) -> None:
        """Measure interruptions until cancelled."""
        begun_s: float | None = None
        while True:
            now_s = time.monotonic()
            well = there.well and time.time_ns() - there.status.received_at_ns < _FRESH_NS
            if well and begun_s is not None and now_s - begun_s > _SEEN_S:
                self.seconds.append(now_s - begun_s)
            begun_s = None if well else now_s if begun_s is None else begun_s
            await asyncio.sleep(0.005)

    def percentile(self, share: float) -> float:
        """A percentile of the lengths in seconds; 0 without any."""
        return round(float(np.percentile(self.seconds, share)), 2) if self.seconds else 0.0


Row = dict[str, object]


async def disconnects(options: argparse.Namespace) -> list[Row]:
    """A1, A7, A8, A12: random faults, one seed after another."""
    seeds = range(1, options.seeds + 1) if options.seed is None else [options.seed]
    return [await _one_seed(seed, options.faults, options.rate) for seed in seeds]


async def _one_seed(seed: int, n: int, rate: float) -> Row:
    span_s, faults = n / 2, recoverable_faults(seed)
    async with (
        VenueElsewhere(rate=rate, seed=seed, history_hours=0.001) as venue,
        FaultProxy(venue.port, seed) as ws,
        FaultProxy(venue.port, seed + 1000) as rest,
        desk(venue, ws_url=ws.ws_url, rest_url=rest.rest_url, pauses=1.0) as there,
    ):
        with replayable(seed):
            await there.until(lambda: there.well)
            spells = Spells()
            watching = asyncio.create_task(spells.watch(there))
            playing = asyncio.create_task(play(ws, random_plan(seed, n // 2, span_s, longest_s=2.0, corrupt=False)))
            for _ in range(n - n // 2):
                fault, arguments = next(faults)
                await venue.inject(fault, **arguments)
                await asyncio.sleep(span_s / (n - n // 2))
            await playing
            await venue.inject("none")
            newest = (await venue.stats())["last_id"]
            await there.until(lambda: there.well and (there.store.last_id or 0) >= newest, 60.0)
            watching.cancel()
            found = await there.hold_against_elsewhere(venue)
    row: Row = {"seed": seed, "faults": n, **found, "sums equal": "yes", "connects": there.status.connects, "spells": len(spells.seconds)}
    row |= {"recover p50 s": spells.percentile(50), "p99 s": spells.percentile(99), "longest s": spells.percentile(100)}
    _say(row)
    return row


async def hole(options: argparse.Namespace) -> list[Row]:
    """A3: no bytes pass on sockets and REST for a while."""
    async with (
        live_venue(1_000) as venue,
        FaultProxy(venue.port) as ws,
        FaultProxy(venue.port) as rest,
        desk(venue, Timeouts(), ws_url=ws.ws_url, rest_url=rest.rest_url, pauses=1.0) as there,
    ):
        await there.until(lambda: there.well and there.status.trades > 3_000)
        for proxy in (ws, rest):
            proxy.down = proxy.up = [BlackHole()]
        last_s = time.monotonic()
        await there.until(lambda: there.status.state is FeedState.STALE)
        stale_s = time.monotonic() - last_s
        await asyncio.sleep(options.hole_s - stale_s)
        ws.clear()
        rest.clear()
        filled_s = await there.caught_up(venue, limit_s=60.0)
        row: Row = {"hole s": options.hole_s, "STALE after s": round(stale_s, 2), "filled after s": round(filled_s, 2)}
        row |= {"connects": there.status.connects, **there.hold_against(venue)}
    _say(row)
    assert stale_s <= 3.0, "STALE within 3 s"
    assert filled_s <= 2.0, f"filled within 2 s of the link's return, not {filled_s:.1f} s"
    return [row]


async def hang(options: argparse.Namespace) -> list[Row]:
    """A3: a venue whose process is paused and goes on."""
    async with VenueElsewhere(rate=1_000, history_hours=0.001) as venue, desk(venue, Timeouts(), pauses=1.0) as there:
        await there.until(lambda: there.well and there.status.trades > 3_000)
        venue.hang(True)
        await asyncio.sleep(options.hole_s)
        venue.hang(False)
        filled_s = await there.until(lambda: there.well, 60.0)
        row: Row = {"hung s": options.hole_s, "live and filled after s": round(filled_s, 2), **await there.hold_against_elsewhere(venue)}
    _say(row)
    assert filled_s <= 2.0, f"filled within 2 s, not {filled_s:.1f} s"
    return [row]


async def burst(options: argparse.Namespace) -> list[Row]:
    """A10: a hundred thousand trades at once, each second."""
    async with VenueElsewhere(rate=500, history_hours=0.001) as venue, desk(venue, Timeouts(), pauses=1.0) as there:
        await there.until(lambda: there.well)
        process = psutil.Process()
        before, most, begun_s = process.memory_info().rss, 0, time.monotonic()
        for _ in range(10):
            await venue.inject("burst", count=100_000)
            await asyncio.sleep(1.0)
            most = max(most, process.memory_info().rss)
        burst_s = time.monotonic() - begun_s
        stats = await venue.stats()
        newest = stats["last_id"]
        caught_up_s = await there.until(lambda: there.well and (there.store.last_id or 0) >= newest, 120.0)
        found = await there.hold_against_elsewhere(venue)
        row: Row = {"burst s": round(burst_s, 1), "caught up after s": round(caught_up_s, 2), "connects": there.status.connects}
        row |= {"cut as too slow": stats["slow_disconnects"]}
        row |= {"MB at the most": round((most - before) / 2**20), "MB of trades": round(33 * there.store.n_trades / 2**20), **found}
    _say(row)
    assert caught_up_s <= 2 * burst_s, "caught up within twice the burst"
    return [row]


async def frames(options: argparse.Namespace) -> list[Row]:
    """A8: each venue's decoder with messages changed at random."""
    rows: list[Row] = []
    for venue, wire in WIRES.items():
        decoder, thrown = wire.decoder(), bent(1, wire.samples)
        throw(decoder, thrown, 5_000)
        gc.collect()
        before, begun_s = psutil.Process().memory_info().rss, time.monotonic()
        found = throw(decoder, thrown, options.frames)
        gc.collect()
        grown_mb = (psutil.Process().memory_info().rss - before) / 2**20
        rows.append({"venue": venue, **found, "seconds": round(time.monotonic() - begun_s, 1), "MB grown": round(grown_mb, 1)})
        _say(rows[-1])
        assert grown_mb < 5.0, "memory grows by less than 5 MB"
    return rows


async def readers(options: argparse.Namespace) -> list[Row]:
    """X4: every reader with contents changed at random; each case is made from the seed and its number alone."""
    seed = random.randrange(10**6) if options.seed is None else options.seed
    cases = range(options.cases) if options.case is None else [options.case]
    rows: list[Row] = []
    for target in (target for target in TARGETS if options.reader in ("", target.name)):
        begun_s, loop = time.monotonic(), asyncio.get_running_loop()
        with tempfile.TemporaryDirectory() as name:  # in a thread, where a reader may run its own event loop
            found = await loop.run_in_executor(None, fuzz, target, seed, cases, Path(name))
        rows.append({"reader": target.name, "seed": seed, "cases": len(cases), **found, "seconds": round(time.monotonic() - begun_s)})
        _say(rows[-1])
    assert rows, f"no reader is named {options.reader!r}"
    return rows


async def walk(options: argparse.Namespace) -> list[Row]:
    """A11: symbols and bars switched while trades fill in and lines break."""
    rows: list[Row] = []
    for seed in range(1, 5):
        async with three_markets() as venue:
            begun_s, tasks = time.monotonic(), len(asyncio.all_tasks())
            walked = Walk(venue, seed)
            await walked.run(options.steps // 4)
            rows.append({"seed": seed, "steps": sum(walked.steps.values()), "rests": walked.looks, "sockets at rest": walked.most_sockets})
            rows[-1] |= {"tasks at rest": walked.most_tasks, "tasks left": len(asyncio.all_tasks()) - tasks}
            rows[-1] |= {"seconds": round(time.monotonic() - begun_s)}
        _say(rows[-1])
    return rows


async def kills(options: argparse.Namespace) -> list[Row]:
    """B1: SIGKILL at random moments, again and again on one store, while 2,000 trades per second are collected."""
    chance = random.Random(1)
    with tempfile.TemporaryDirectory() as name:
        folder, kept, starts = Path(name), 0, Spells()
        async with VenueElsewhere(rate=2_000, history_hours=0.02) as venue:
            for _ in range(options.kills):
                begun_s = time.monotonic()
                async with Collector(folder, venue) as collector:
                    await collector.until_kept(kept)
                    starts.seconds.append(time.monotonic() - begun_s)
                    await collector.until_kept(kept + chance.randrange(1, 3_000))
                    before = kept_count(folder)
                    await collector.kill()
                kept = kept_count(folder)
                assert kept >= before, f"{before - kept} acknowledged trades lost"
            async with Collector(folder, venue) as collector:
                await collector.until_whole(kept + 5_000)
            trades = await assert_kept_whole(folder, venue)
    row: Row = {"kills": options.kills, "trades": trades, "acknowledged and lost": 0, "missing": 0, "corrupt": 0}
    row |= {"first trade kept after p50 s": starts.percentile(50), "p99 s": starts.percentile(99)}
    _say(row)
    return [row]


async def markets(options: argparse.Namespace) -> list[Row]:
    """A5, A6: many markets of two venues within the limits of one address, with cuts, lost subscriptions, refusals and restarts."""
    rows = await collect_many(options.collect_s, options.market_rate, 1 if options.seed is None else options.seed)
    for row in rows:
        _say(row)
    return [{**dict.fromkeys(rows[0], ""), **row} for row in rows]


async def chaos(options: argparse.Namespace) -> list[Row]:
    """D4, D5, D10, D11: everything fails on one store, which is compared with the venue's trades after each step and each kill."""
    begun_s, seed = time.monotonic(), 1 if options.seed is None else options.seed
    with tempfile.TemporaryDirectory() as name:
        row: Row = await chaos_run(Path(name), seed, outage=options.outage, kills=options.kills, tell=partial(print, flush=True))
    row["seconds"] = round(time.monotonic() - begun_s)
    _say(row)
    return [row]


PARTS: dict[str, Callable[[argparse.Namespace], Coroutine[Any, Any, list[Row]]]] = {
    part.__name__: part for part in (disconnects, kills, chaos, walk, frames, readers, hole, hang, burst, markets)
}


def main() -> int:
    """Run the selected parts and write their results; return 1 if any failed, else 0."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults.soak", formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__
    )
    parser.add_argument("--parts", default=",".join(PARTS), help="with commas between")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--seed", type=int, help="this one alone, to have it again")
    parser.add_argument("--faults", type=int, default=100, help="for each seed")
    parser.add_argument("--rate", type=float, default=5_000.0, help="trades a second")
    parser.add_argument("--hole-s", type=float, default=60.0)
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--reader", default="", help="this one alone")
    parser.add_argument("--cases", type=int, default=20_000, help="for each reader")
    parser.add_argument("--case", type=int, help="this one alone")
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--collect-s", type=float, default=300.0, help="seconds to collect many markets; 3600 for an hour")
    parser.add_argument("--market-rate", type=float, default=2.0, help="trades a second of each of them")
    parser.add_argument("--outage", type=int, default=800_000, help="trades that pass by unseen")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    structlog.configure(processors=[_nothing])
    text, failed = [], 0
    for name in options.parts.split(","):
        print(f"== {name}", flush=True)
        try:
            rows, trouble = asyncio.run(PARTS[name](options)), ""
        except Exception as error:
            traceback.print_exc()
            rows, trouble, failed = [], f"**does not hold:** {error}", failed + 1
        text += [f"### {name}", "", (PARTS[name].__doc__ or "").strip(), "", *(_markdown(rows) if rows else [trouble]), ""]
        _WRITTEN.parent.mkdir(parents=True, exist_ok=True)
        _WRITTEN.write_text("\n".join(text), encoding="utf-8")
    return int(failed > 0)


def _nothing(logger: object, name: str, event: object) -> str:
    raise structlog.DropEvent


def _say(row: Row) -> None:
    print("   ".join(f"{name} {value:,}" if isinstance(value, int) else f"{name} {value}" for name, value in row.items()), flush=True)


def _markdown(rows: list[Row]) -> list[str]:
    lines = [list(rows[0]), ["---"] * len(rows[0]), *([f"{v:,}" if isinstance(v, int) else str(v) for v in row.values()] for row in rows)]
    return ["| " + " | ".join(cells) + " |" for cells in lines]


if __name__ == "__main__":
    sys.exit(main())
