"""`tapeprint snapshot`: an image of a chart, without a window."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app import __version__
from app.analytics.footprint import FootprintSeries
from app.chart.chart import Chart, ChartSpec
from app.entry.commands.candle_fetch import fetch_candles
from app.entry.commands.common import Reading, print_note, read, stored_text
from app.entry.commands.replay import with_sequential_ids
from app.entry.commands.snapshot_request import SnapshotRequest
from app.errors import BadInputError, FeedError
from app.market.coverage import CoveredSpan, Source
from app.market.default_rows import default_ticks_per_row
from app.market.feed import FeedStatus
from app.market.instrument import Instrument
from app.market.span import Span
from app.market.times import timestamp_text
from app.market.trade import TradeBatch
from app.settings.settings import Settings
from app.storage.tape_ranges import TapeRanges, id_ranges
from app.storage.trade_store import TradeStore
from widgets.window.feed_state_style import FEED_STATE_STYLES

if TYPE_CHECKING:
    from app.ingest.ingest import Ingest

_DEMO_ORIGIN_NS = 1_763_650_800 * 10**9  # 20 November 2025, 15:00 UTC: the same picture every time
_DEMO_NS = 3 * 3600 * 10**9


def snapshot(request: SnapshotRequest, reading: Reading | None, settings: Settings) -> None:
    """Save an image of a chart as PNG; needs no display.

    Raises
    ------
    BadInputError
        If the source has no trades to draw, or the request does not fit the chart.
    FeedError
        If the venue cannot be reached and no trades of the market are stored.
    """
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    chart, mode = _chart_of(request, reading, settings)
    if not chart.series.n_bars:
        raise BadInputError(f"{request.source}: no trades to draw")
    if request.as_of_ns is not None:
        _require_as_of(chart.series, request.as_of_ns)
    _require_profiles(chart)
    from app.entry.commands.snapshot_image import write_picture  # loads Qt only when an image is drawn

    write_picture(chart, mode, request, settings, f"Tapeprint {__version__}")


def _require_as_of(series: FootprintSeries, as_of_ns: int) -> None:
    """Raise `BadInputError` unless at the as-of time the first bar had closed and the last had not.

    At other times an as-of view would be empty, or the same as the chart.
    """
    begin_ns, end_ns = (series.times.start_ns(int(series.number[bar]) + 1) for bar in (0, -1))
    if not begin_ns <= as_of_ns < end_ns:
        raise BadInputError(
            f"--as-of: found {timestamp_text(as_of_ns)}, expected a time from {timestamp_text(begin_ns)}, when the first bar closed, "
            f"and before {timestamp_text(end_ns)}, when the last one does"
        )


def _require_profiles(chart: Chart) -> None:
    """Raise `BadInputError` unless every time range of each placed profile has trades, or candles where trades are missing."""
    times, number = chart.series.times, chart.series.number
    for placed in chart.anchors.profiles:
        rows, percent, method = placed.inputs.rows, placed.inputs.percent, placed.inputs.method
        for time_range in placed.stretches:
            if chart.profiles.of([time_range], rows, percent, method) is None:
                until = "" if time_range.end_ns is None else f" to {timestamp_text(time_range.end_ns)}"
                first_ns, end_ns = times.start_ns(int(number[0])), times.start_ns(int(number[-1]) + 1)
                raise BadInputError(
                    f"profile from {timestamp_text(time_range.start_ns)}{until}: no trades; "
                    f"the chart has trades from {timestamp_text(first_ns)} to {timestamp_text(end_ns)}"
                )


def _chart_of(request: SnapshotRequest, reading: Reading | None, settings: Settings) -> tuple[Chart, str]:
    if request.source == "demo":
        from feeds.simulated.candles import SimulatedCandles
        from feeds.simulated.market import TAPE, SimulatedMarket

        trades = SimulatedMarket(request.seed, _DEMO_ORIGIN_NS).until(_DEMO_ORIGIN_NS + _DEMO_NS)
        chart = _chart_of_trades(TAPE, trades, request)
        asyncio.run(fetch_candles(chart, SimulatedCandles(request.seed, _DEMO_ORIGIN_NS)))
        return chart, "simulated"
    if Path(request.source).exists() or ":" not in request.source:
        if not Path(request.source).exists():
            raise BadInputError(f"{request.source}: no such file; expected demo, a trades file, or an instrument such as binance:BTCUSDT")
        if reading is None:
            raise BadInputError("snapshot of a file requires --tick-size")
        found = read(Path(request.source), reading)
        return _chart_of_trades(found.instrument, with_sequential_ids(found.trades), request), "replay"
    return asyncio.run(_collected(request, settings))


def _chart_of_trades(instrument: Instrument, trades: TradeBatch, request: SnapshotRequest) -> Chart:
    """A chart of all trades of a file or simulation; ids that are missing between them are gaps."""
    store = TradeStore()
    store.insert(trades)
    covered = TapeRanges(id_ranges(trades, Source.ARCHIVE)).covered(proven=True)
    return _chart(instrument, request, store, covered)


def _chart(instrument: Instrument, request: SnapshotRequest, store: TradeStore, covered: Sequence[CoveredSpan]) -> Chart:
    """A chart of the store's trades, with the profiles of the request on it; raises `BadInputError` if a bar has too many rows."""
    trades = store.trades()
    chart = Chart(ChartSpec(instrument, request.rule, _ticks_per_row(request, trades)), request.rules)
    chart.apply(trades, store)
    if chart.refused:
        raise BadInputError(chart.refused)
    chart.holes, chart.covered = store.gaps(), covered
    if request.profiles is not None:
        request.profiles.put_on(chart.anchors)
    return chart


async def _collected(request: SnapshotRequest, settings: Settings) -> tuple[Chart, str]:
    """Collect live trades for the requested seconds, with history as in the window, and make a chart of them.

    Returns
    -------
    Chart, str
        The chart, and the display mode of the feed's last state; "offline" for stored trades, if the venue cannot be reached.

    Raises
    ------
    BadInputError
        If there are no trades.
    FeedError
        If the venue cannot be reached and no trades of the market are stored.
    """
    from app.entry.markets import market_opener
    from app.ingest.ingest import Ingest

    try:
        market = await market_opener(settings, request.seed)(request.source)
    except FeedError as error:
        chart = await asyncio.to_thread(_stored_chart, request, settings, error)
        if chart is None:
            raise
        return chart, "offline"
    store = TradeStore(by_time=not market.instrument.numbered)
    ingest = Ingest(market.feed, market.history, store, [], history_ns=market.history_ns)
    try:
        status = await _run_for(ingest, request.seconds)
        if not store.n_trades:
            raise BadInputError(f"{request.source}: no trade within {request.seconds:g} s ({status.reason or 'quiet market'})")
        chart = _chart(market.instrument, request, store, ingest.held.covered(proven=not store.by_time))
        if market.candles is not None and (trouble := await fetch_candles(chart, market.candles)):
            print_note(trouble)
    finally:
        await market.feed.aclose()
    return chart, FEED_STATE_STYLES[status.state].mode


def _stored_chart(request: SnapshotRequest, settings: Settings, error: FeedError) -> Chart | None:
    """A chart of the newest hours of stored trades of a market whose venue cannot be reached; None if nothing is stored."""
    from app.storage.shared_store import SharedStore

    store = SharedStore(settings.store_folder(), record=False)
    try:
        tape = store.stored(request.source)
        if tape is None:
            return None
        end_ns = tape.covered()[-1].span.end_ns
        trades = tape.trades(Span(end_ns - round(max(settings.data.history_hours, 1) * 3_600e9), end_ns))
        loaded = TradeStore(by_time=not tape.instrument.numbered)
        loaded.insert(trades)
        chart = _chart(tape.instrument, request, loaded, tape.covered())
    finally:
        store.close()
    print_note(f"{request.source}: venue not reached ({error.user_message}); stored trades only, {stored_text(trades)}")
    return chart


async def _run_for(ingest: Ingest, seconds: float) -> FeedStatus:
    """Receive trades for some seconds, up to a minute more while history is loading, and return the feed's last status."""
    pump = asyncio.ensure_future(ingest.run())
    try:
        deadline = time.monotonic() + seconds
        # history may need longer than `seconds`: allow a minute more, then the image shows what is missing
        while time.monotonic() < deadline or (ingest.progress is not None and time.monotonic() < deadline + 60):
            done, _ = await asyncio.wait({pump}, timeout=0.2)
            if done:
                break
        return ingest.feed.status
    finally:
        pump.cancel()
        await asyncio.gather(pump, return_exceptions=True)


def _ticks_per_row(request: SnapshotRequest, trades: TradeBatch) -> int:
    if request.ticks_per_row is not None:
        return request.ticks_per_row
    return default_ticks_per_row(float(trades.price_ticks[-1]), request.rule) if len(trades) else 1
