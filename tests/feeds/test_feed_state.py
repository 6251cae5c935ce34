"""A connected feed is LIVE only while its trades arrive on time."""

from __future__ import annotations

import pytest

from app.market.feed import FeedState
from feeds.feed_state import state_when_connected


@pytest.mark.parametrize(
    ("queue_age_s", "silent_s", "late_s", "state", "reason"),
    [
        (1.0, 20.0, 1.0, FeedState.LIVE, ""),  # each limit belongs to LIVE
        (1.1, 0.0, 0.0, FeedState.LAGGING, "1.1 s behind the stream"),
        (0.0, 20.1, 0.0, FeedState.STALE, "no trade for 20 s"),
        (0.0, 0.0, 1.1, FeedState.LAGGING, "trades come 1.1 s late"),
        (2.0, 30.0, 9.0, FeedState.LAGGING, "2.0 s behind the stream"),  # messages wait: the silence is ours, not the market's
        (0.0, 30.0, 9.0, FeedState.STALE, "no trade for 30 s"),
    ],
)
def test_late_and_missing_trades_are_never_live(queue_age_s: float, silent_s: float, late_s: float, state: FeedState, reason: str):
    assert state_when_connected(queue_age_s, silent_s, 20.0, late_s) == (state, reason)
