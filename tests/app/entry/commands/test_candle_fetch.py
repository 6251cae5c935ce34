"""An image of an old anchor has candles where there are no trades."""

from __future__ import annotations

import asyncio
from pathlib import Path

from structlog.testing import LogCapture

from app.entry.commands.candle_fetch import fetch_candles
from app.entry.commands.profile_flags import ProfileFlags
from app.entry.commands.snapshot import _collected
from app.entry.commands.snapshot_request import SnapshotRequest
from app.errors import VenueRefusedError
from app.market.bar_rule import parse_bar_rule
from app.profiles.period_profiles import PeriodKind, PeriodProfiles
from app.settings.settings import FeedSettings, Settings
from tests.app.profiles.test_candle_fill import TAPE, Held, between, minute
from tests.venue_emulator import GeneratedTape, VenueEmulator


def test_candles_are_fetched_for_placed_and_period_profiles() -> None:
    there = Held([between(TAPE, 40, 61)])
    there.chart.anchors.add(minute(5))
    there.chart.anchors.show_periods(PeriodProfiles(PeriodKind.BARS, 50))
    assert asyncio.run(fetch_candles(there.chart, there.venue)) == ""
    found = there.profile(minute(5))
    assert found is not None and found.rows.profile.volume == int(between(TAPE, 5, 61).quantity_lots.sum())


def test_fetch_candles_returns_what_went_wrong(logged: LogCapture) -> None:
    there = Held([between(TAPE, 40, 61)])
    there.chart.anchors.add(minute(5))
    there.venue.failures = [VenueRefusedError("not from here")]
    assert asyncio.run(fetch_candles(there.chart, there.venue)) == "candles: not from here"
    assert asyncio.run(fetch_candles(there.chart, there.venue, 0.0)) == "candles: incomplete, timed out"
    assert logged.entries.pop()["event"] == "candles refused"


def test_a_live_snapshot_has_candles_for_an_old_anchor(tmp_path: Path) -> None:
    async def story() -> None:
        async with VenueEmulator(GeneratedTape(4, 50, history_s=86_400, history_rate=0.05)) as venue:
            settings = Settings(data=FeedSettings(history_hours=0.01)).with_hosts("binance", venue.ws_url, venue.rest_url)
            anchor = venue.trades().time_ns[100] // 10**9
            flags = ProfileFlags(anchor=[str(int(anchor))])
            request = SnapshotRequest(
                "binance:BTCUSDT", tmp_path / "x.png", (800, 600), 1.0, parse_bar_rule("1m"), None, None, 0.5, 1, profiles=flags
            )
            chart, mode = await _collected(request, settings)
            assert mode == "live"
            (placed,) = chart.anchors.profiles
            found = chart.profiles.of(placed.stretches, placed.inputs.rows, 70, placed.inputs.method)
            assert found is not None and found.candles.whole
            assert found.candles.shares[0][1] > 20 * 3600 * 10**9

    asyncio.run(story())


def test_a_chart_without_profiles_requests_no_candles() -> None:
    there = Held([between(TAPE, 40, 61)])
    assert asyncio.run(fetch_candles(there.chart, there.venue)) == ""
    assert there.venue.asked == []
