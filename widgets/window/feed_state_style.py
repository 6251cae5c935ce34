"""The style of each feed state: its symbol, and the chart's display mode in that state."""

from __future__ import annotations

from typing import NamedTuple

from app.market.feed import FeedState
from rendering.view.frame import Mode


class FeedStateStyle(NamedTuple):
    """The symbol of a feed state, as colour alone is not enough, and the chart's display mode in that state."""

    shape: str
    mode: Mode


FEED_STATE_STYLES: dict[FeedState, FeedStateStyle] = {
    FeedState.CONNECTING: FeedStateStyle("◌", "stale"),
    FeedState.SYNCING: FeedStateStyle("◔", "stale"),
    FeedState.LIVE: FeedStateStyle("●", "live"),
    FeedState.LAGGING: FeedStateStyle("▲", "stale"),
    FeedState.STALE: FeedStateStyle("■", "stale"),
    FeedState.DISCONNECTED: FeedStateStyle("✕", "offline"),
    FeedState.STOPPED: FeedStateStyle("⊗", "offline"),
    FeedState.SIMULATED: FeedStateStyle("◆", "simulated"),
    FeedState.REPLAY: FeedStateStyle("▶", "replay"),
}
"""Only a feed whose trades arrive on time gets the live style; an open connection without trades does not."""


def word_of(state: FeedState) -> str:
    """A feed state as text: its symbol and its name, e.g. `● LIVE`."""
    return f"{FEED_STATE_STYLES[state].shape} {state.value}"


def badge_of(state: FeedState) -> str:
    """The text of the badge on the chart for a feed state: symbol and name; empty for LIVE."""
    return "" if FEED_STATE_STYLES[state].mode == "live" else word_of(state)
