"""Bars follow the venue's time alone; our clock may be wrong, jump, or have slept."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest
from structlog.testing import LogCapture

from app.market.bar_rule import parse_bar_rule
from app.market.feed import FeedState
from app.settings.settings import FeedSettings, Settings
from app.workspace import ChartChoice, Workspace
from feeds.venues.all_venues import open_venue
from tests.faults.desk import HASTY, desk, live_venue, run

HOUR_S = 3600
CALM = replace(HASTY, silent_after=5.0)


@pytest.mark.parametrize("offset_s", [-HOUR_S, -300, 300, HOUR_S])
def test_a_clock_that_is_wrong_changes_no_figure_and_is_no_delay(offset_s: int) -> None:
    """A14: our clock is five minutes or an hour off, from the start."""

    async def story() -> None:
        async with live_venue() as venue, desk(venue, wall_ns=lambda: time.time_ns() + offset_s * 10**9) as there:
            venue.faults.skip = 0.01
            await there.until(lambda: there.store.n_trades > 700)
            venue.faults.clear()
            await there.caught_up(venue)
            there.hold_against(venue)
            assert there.seen() <= {FeedState.CONNECTING, FeedState.SYNCING, FeedState.LIVE}
            assert there.status.reason == ""

    run(story())


@pytest.mark.parametrize("jump_s", [-HOUR_S, HOUR_S, 60])
def test_a_clock_that_jumps_costs_a_new_line_at_most(jump_s: int, logged: LogCapture) -> None:
    """A14: the clock is set, or the machine slept: reconnected at once, filled, and no lateness is made up."""
    offset_s = [0]

    async def story() -> None:
        async with live_venue() as venue, desk(venue, CALM, wall_ns=lambda: time.time_ns() + offset_s[0] * 10**9) as there:
            there.feed._connection._wall = lambda: time.time() + offset_s[0]
            await there.until(lambda: there.well and there.store.n_trades > 200)
            begun_s = time.monotonic()
            offset_s[0] = jump_s
            await there.until(lambda: there.status.connects == 2)
            await there.caught_up(venue)
            assert time.monotonic() - begun_s < 2.0
            await asyncio.sleep(0.3)
            assert there.status.state is FeedState.LIVE and there.status.connects == 2
            await there.caught_up(venue)
            there.hold_against(venue)

    run(story())


@pytest.mark.parametrize("offset_s", [-600, 0, 600])
def test_a_market_opens_with_the_same_rows_whatever_our_clock_says(
    offset_s: int, monkeypatch: pytest.MonkeyPatch, logged: LogCapture
) -> None:
    """A14: the row size comes from the venue's last price; our clock is ten minutes off."""
    right_ns = time.time_ns

    async def story() -> None:
        async with live_venue(100) as venue:
            await asyncio.sleep(0.1)
            monkeypatch.setattr(time, "time_ns", lambda: right_ns() + offset_s * 10**9)
            settings = Settings(data=FeedSettings(history_hours=0.01)).with_hosts("binance", venue.ws_url, venue.rest_url)
            workspace = Workspace(lambda name: open_venue(name, settings), ChartChoice(parse_bar_rule("1m")))
            workspace.open("binance:BTCUSDT")
            async with asyncio.timeout(10):
                while workspace.chart is None or not workspace.chart.series.n_trades:
                    await asyncio.sleep(0.01)
            assert workspace.chart.spec.ticks_per_row == 500
            await workspace.aclose()

    run(story())
