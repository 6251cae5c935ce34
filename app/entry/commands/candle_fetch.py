"""Candles for an image's profiles where trades are missing."""

from __future__ import annotations

import asyncio
import time

from app.analytics.candle_fallback import CandleRange
from app.chart.chart import Chart
from app.ingest.candle_loader import CandleLoader
from app.market.feed import CandleHistory

_PATIENCE_S = 60.0  # the longest profile takes some fifty pages of the slowest venue
_LOOK_EVERY_S = 0.02


async def fetch_candles(chart: Chart, history: CandleHistory, patience_s: float = _PATIENCE_S) -> str:
    """Fetch the candles that the chart's profiles need; give up after `patience_s` seconds or a refusal by the venue.

    Returns
    -------
    str
        Why candles are still missing, in one line; empty if none is.
    """
    loader = CandleLoader([chart], history)
    fetching = asyncio.ensure_future(loader.fill())
    deadline_s = time.monotonic() + patience_s
    try:
        while (wishes := _requests(chart)) and not fetching.done() and time.monotonic() < deadline_s:
            chart.candles.wishes = wishes
            await asyncio.sleep(_LOOK_EVERY_S)
    finally:
        fetching.cancel()
        await asyncio.wait([fetching])
    return (loader.trouble or "candles: incomplete, timed out") if wishes else ""


def _requests(chart: Chart) -> tuple[CandleRange, ...]:
    """Candles still to request for all placed profiles and for the period profiles of all bars."""
    series, profiles, periods = chart.series, chart.profiles, chart.anchors.periods
    runs = [profiles.bars_of(placed.stretches) for placed in chart.anchors.profiles]
    if periods is not None and series.n_bars:
        runs += [piece.runs for piece in periods.segments(series.times, int(series.number[0]), int(series.number[-1]), chart.rules.hours)]
    return profiles.candle_requests(runs)
