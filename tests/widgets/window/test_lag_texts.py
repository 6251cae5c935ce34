from __future__ import annotations

import numpy as np
import pytest

from app.ingest.lag import LagMeter
from app.market.feed import FeedState, FeedStatus
from widgets.window.lag_texts import lag_tooltip

MS = 1_000_000


def measured() -> LagMeter:
    now = [10**18]
    meter = LagMeter(lambda: now[0], lambda: now[0])
    meter.took(np.array([now[0] - 20 * MS] * 3), [(now[0] - 4 * MS) / 1e9], 0)
    now[0] += 10 * MS
    meter.begin()
    now[0] += 6 * MS
    meter.end()
    return meter


def test_the_tooltip_has_the_lag_and_its_parts() -> None:
    assert lag_tooltip(measured(), FeedStatus(FeedState.LIVE)).splitlines() == [
        "Age of trades when they are on the screen: half of them, 99 % of them, the worst",
        "Session: 36 / 36 / 36 ms",
        "Last minute: 36 / 36 / 36 ms",
        "Venue to socket: 16 / 16 / 16 ms",
        "Socket to series: 4 / 4 / 4 ms",
        "Series to frame: 16 / 16 / 16 ms",
        "Time of a frame: 6 / 6 / 6 ms",
        "3 trades",
        "Your clock: not compared with the venue's",
        "Click to diagnose performance",
    ]


def test_the_tooltip_counts_trades_that_were_not_shown() -> None:
    meter = measured()
    meter.took(np.array([10**18]), [1.0], 0)
    meter.skip()
    assert "3 trades, 1 more not shown" in lag_tooltip(meter, FeedStatus(FeedState.LIVE)).splitlines()


@pytest.mark.parametrize(
    ("ahead_ns", "error_ns", "text"),
    [
        (0, 40 * MS, "Your clock: right to within 40 ms"),
        (250 * MS, 40 * MS, "Your clock: 250 ms fast (corrected), to within 40 ms"),
        (-600_000 * MS, 1_200 * MS, "Your clock: 600,000 ms slow (corrected), to within 1,200 ms"),
        (0, None, "Your clock: not compared with the venue's"),
    ],
)
def test_the_tooltip_shows_how_right_the_clock_is(ahead_ns: int, error_ns: int | None, text: str) -> None:
    status = FeedStatus(FeedState.LIVE, clock_ahead_ns=ahead_ns, clock_error_ns=error_ns)
    assert lag_tooltip(measured(), status).splitlines()[-2] == text
