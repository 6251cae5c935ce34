"""How a feed's state looks on the chart."""

from __future__ import annotations

from app.market.feed import FeedState
from rendering.frame import Mode

MODES: dict[FeedState, Mode] = {
    FeedState.LIVE: "live",
    FeedState.SYNCING: "live",
    FeedState.CONNECTING: "offline",
    FeedState.LAGGING: "stale",
    FeedState.STALE: "stale",
    FeedState.DISCONNECTED: "offline",
    FeedState.STOPPED: "offline",
    FeedState.SIMULATED: "simulated",
    FeedState.REPLAY: "replay",
}
"""Only trades that arrive on time look live."""


def badge_of(state: FeedState) -> str:
    """The word that stays on the chart; none while all is well."""
    return "" if MODES[state] == "live" else state.value
