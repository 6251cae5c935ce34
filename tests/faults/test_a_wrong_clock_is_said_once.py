"""A clock that is wrong by minutes, at the window; `tapeprint collect` has its test beside its other ones of the network."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot
from structlog.testing import LogCapture

from app.entry.desktop import DesktopOptions
from app.market.bar_rule import parse_bar_rule
from app.workspace import ChartChoice
from tests.counting_venue import CountingVenue, Okx
from tests.journeys.desks import settings_in
from tests.journeys.stories import at_the_window, tell, until

PAIR = "COIN-USDT"


@pytest.mark.parametrize(
    ("ahead_s", "words"),
    [(-600.0, "Your clock is 10 min fast"), (-7_200.0, "Your clock is 2 h fast"), (600.0, "Your clock is 10 min slow")],
)
def test_the_window_says_a_wrong_clock_once_and_corrects_its_lags(
    ahead_s: float, words: str, qtbot: QtBot, tmp_path: Path, logged: LogCapture
) -> None:
    """S2: lags are those of trades that have just been made, and never negative; the chart is LIVE, in the venue's times."""

    async def story() -> None:
        async with CountingVenue(Okx(), [PAIR], rate=50.0, ahead_s=ahead_s) as venue:
            await venue.trade(PAIR, 5)
            settings = settings_in(tmp_path).with_hosts("okx", venue.ws_url, venue.rest_url)
            async with at_the_window(DesktopOptions(f"okx:{PAIR}", settings, ChartChoice(parse_bar_rule("1s")))) as window:
                said: list[str] = []
                show = window.show_message
                window.show_message = lambda message: (said.append(message), show(message))[1]  # type: ignore[method-assign]
                await until(lambda: any(words in message for message in said) and words in window.status_bar.notice.text())
                await until(lambda: window.status_bar.state.text() == "● LIVE" and "ms" in window.status_bar.lag.text())
                for _ in range(20):
                    await asyncio.sleep(0.02)
                    lag = window._workspace.lag
                    assert lag is not None and 0 <= lag.session.p50 <= lag.session.worst < 2_000, lag
                    assert "-" not in window.status_bar.lag.text()
                assert sum("clock" in message for message in said) == 1
                newest_ns = max(trade.time_ms for trade in venue.tapes[PAIR]) * 10**6
                assert window.view is not None and window.view.chart_scene.frame is not None
                series = window.view.chart_scene.frame.chart.series
                assert abs(series.start_ns(series.n_bars - 1) - newest_ns) < 5 * 10**9

    tell(story())
