"""How a feed's state looks, in the status bar and on the chart: a word, a shape, and a mode that brings colour and dimming."""

from __future__ import annotations

from typing import NamedTuple

from app.market.feed import FeedState
from rendering.view.frame import Mode


class FeedStateStyle(NamedTuple):
    """The shape before the state's word, so that colour is never alone, and how the chart looks meanwhile."""

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
"""Only trades that arrive on time look live; an open line without a trade yet does not."""


def word_of(state: FeedState) -> str:
    """The state's word with its shape."""
    return f"{FEED_STATE_STYLES[state].shape} {state.value}"


def badge_of(state: FeedState) -> str:
    """What stays on the chart; nothing while all is well."""
    return "" if FEED_STATE_STYLES[state].mode == "live" else word_of(state)
