"""A picture of a chart without a window: of the built-in market, a trades file, or a live instrument."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from app.chart import Chart, ChartSpec
from app.entry.headless import Reading, read
from app.errors import BadInputError
from app.market.bar_rule import BarRule
from app.market.price_grid import nice_ticks_per_row
from app.market.trade import TradeBatch
from app.settings import Settings
from app.storage.memory import TradeStore

ROW_SHARE_OF_PRICE = 1e-4  # the same as the window's first choice
_DEMO_ORIGIN_NS = 1_763_650_800 * 10**9  # 20 November 2025, 15:00 UTC: the same picture every time
_DEMO_NS = 3 * 3600 * 10**9


@dataclass(frozen=True, slots=True)
class SnapshotRequest:
    """What picture is asked for.

    Attributes
    ----------
    source : str
        `demo`, a trades file, or an instrument id.
    out : Path
    size : (int, int)
        Logical pixels.
    scale : float
    rule : BarRule
    ticks_per_row : int or None
        None: by the price.
    bars : int or None
        How many bars to show; None: as many as stay legible.
    colouring : str
    seconds : float
        How long a live instrument is listened to.
    seed : int
        Of the demo.
    """

    source: str
    out: Path
    size: tuple[int, int]
    scale: float
    rule: BarRule
    ticks_per_row: int | None
    bars: int | None
    colouring: str
    seconds: float
    seed: int


def snapshot(request: SnapshotRequest, reading: Reading | None, settings: Settings) -> None:
    """Write a picture of a chart; needs no display."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    chart, mode = _chart_of(request, reading, settings)
    if not chart.series.n_bars:
        raise BadInputError(f"{request.source}: no trades to draw")
    from app.entry.picture import write_picture  # Qt is loaded only when something is drawn

    write_picture(chart, mode, request, settings, f"Tapeprint {version('tapeprint')}")


def _chart_of(request: SnapshotRequest, reading: Reading | None, settings: Settings) -> tuple[Chart, str]:
    if request.source == "demo":
        from feeds.synthetic import TAPE, SyntheticMarket

        trades = SyntheticMarket(request.seed, _DEMO_ORIGIN_NS).until(_DEMO_ORIGIN_NS + _DEMO_NS)
        store = TradeStore()
        store.insert(trades)
        return _chart(settings.chart_spec(TAPE, request.rule, _ticks_per_row(request, trades)), store), "simulated"
    if Path(request.source).exists() or ":" not in request.source:
        if reading is None:
            raise BadInputError("snapshot of a file: expected --tick-size")
        found = read(Path(request.source), reading)
        store = TradeStore(contiguous=False)
        store.insert(found.trades)
        return _chart(settings.chart_spec(found.instrument, request.rule, _ticks_per_row(request, found.trades)), store), "replay"
    return asyncio.run(_collected(request, settings)), "live"


def _chart(spec: ChartSpec, store: TradeStore) -> Chart:
    chart = Chart(spec)
    chart.apply(store.trades(), store)
    if chart.refused:
        raise BadInputError(chart.refused)
    chart.holes = store.holes()
    return chart


async def _collected(request: SnapshotRequest, settings: Settings) -> Chart:
    """Listen to a live instrument for a while; the hours before are fetched as in the window."""
    from app.entry.markets import market_opener
    from app.ingest import Ingest

    market = await market_opener(settings, request.seed)(request.source)
    store = TradeStore(by_time=not market.instrument.numbered)
    ingest = Ingest(market.feed, market.history, store, [], history_ns=market.history_ns)
    pump = asyncio.ensure_future(ingest.run())
    try:
        deadline = time.monotonic() + request.seconds
        # the past may need longer than was asked for; a minute more, and the picture says what is missing
        while time.monotonic() < deadline or (ingest.progress is not None and time.monotonic() < deadline + 60):
            done, _ = await asyncio.wait({pump}, timeout=0.2)
            if done:
                break
    finally:
        pump.cancel()
        await market.feed.aclose()
        await asyncio.gather(pump, return_exceptions=True)
    trades = store.trades()
    if not len(trades):
        raise BadInputError(f"{request.source}: no trade in {request.seconds:g} s ({market.feed.status.reason or 'a quiet market'})")
    return _chart(settings.chart_spec(market.instrument, request.rule, _ticks_per_row(request, trades)), store)


def _ticks_per_row(request: SnapshotRequest, trades: TradeBatch) -> int:
    if request.ticks_per_row is not None:
        return request.ticks_per_row
    return nice_ticks_per_row(float(trades.price_ticks[-1]) * ROW_SHARE_OF_PRICE) if len(trades) else 1
