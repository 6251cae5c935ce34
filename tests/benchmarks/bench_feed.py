"""Measure a feed from a venue in another process to the cells: trades per second, and age of the trades at each frame."""

from __future__ import annotations

import asyncio
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import msgspec
import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from app.chart.chart import Chart, ChartSpec
from app.ingest.ingest import Ingest
from app.market.bar_rule import parse_bar_rule
from app.settings.settings import FeedSettings, Settings
from app.storage.trade_store import TradeStore
from feeds.venues.all_venues import open_venue

FRAME_S = 1 / 60
RATES = {"quiet": 1_000, "busy": 10_000}
SECONDS = 8.0


@dataclass
class _Run:
    ages_ms: list[float] = field(default_factory=list)
    trades: int = 0
    missing: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0


@contextmanager
def _venue(rate: int) -> Iterator[str]:
    """Run an emulator in another process until the end of the block; yield its host and port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "tests.venue_emulator", "--port", str(port), "--rate", str(rate), "--history-hours", "0.01"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None and process.stdout.readline()
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()
            process.communicate(timeout=5)  # read its statistics, so that it can write them and exit


async def _watch(host: str) -> _Run:
    settings = Settings(data=FeedSettings(history_hours=0.0)).with_hosts("binance", f"ws://{host}", f"http://{host}")
    market = await open_venue("binance:BTCUSDT", settings)
    store = TradeStore()
    chart = Chart(ChartSpec(market.instrument, parse_bar_rule("1m"), 100))
    ingest = Ingest(market.feed, market.history, store, [chart], history_ns=0)
    pump = asyncio.create_task(ingest.run())
    run = _Run()
    while not store.n_trades:
        await asyncio.sleep(FRAME_S)
    before, cpu, started = store.n_trades, time.process_time(), time.perf_counter()
    seen = store.last_id
    while time.perf_counter() - started < SECONDS:
        await asyncio.sleep(FRAME_S)
        if store.last_id != seen:
            seen = store.last_id
            run.ages_ms.append((time.time_ns() - market.feed.status.last_trade_ns) / 1e6)
    run.wall_s, run.cpu_s = time.perf_counter() - started, time.process_time() - cpu
    run.trades, run.missing = store.n_trades - before, store.missing
    assert chart.series.n_trades == store.n_trades
    await market.feed.aclose()
    await asyncio.wait_for(pump, 5)
    return run


@pytest.mark.parametrize("size", RATES)
def test_emulator_to_cells(benchmark: BenchmarkFixture, size: str) -> None:
    with _venue(RATES[size]) as host:
        run: _Run = benchmark.pedantic(lambda: asyncio.run(_watch(host)), rounds=1)
    p50, p99 = np.percentile(run.ages_ms, [50, 99])
    figures = {
        "msg_per_s": round(run.trades / run.wall_s),
        "age_ms_p50": round(float(p50), 1),
        "age_ms_p99": round(float(p99), 1),
        "cpu_share": round(run.cpu_s / run.wall_s, 3),
        "headroom": round(run.wall_s / run.cpu_s, 1),  # how many times this load one core could take
        "missing": run.missing,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    assert run.missing == 0
    print(f"\nfeed {size}: {msgspec.json.encode(figures).decode()}")
