"""How a feed's state looks, in the status bar and on the chart: a word, a shape, and a mode that brings colour and dimming."""

from __future__ import annotations

from typing import NamedTuple

from app.market.feed import FeedState
from rendering.view.frame import Mode


class StateLook(NamedTuple):
    """The shape before the state's word, so that colour is never alone, and how the chart looks meanwhile."""

    shape: str
    mode: Mode


LOOKS: dict[FeedState, StateLook] = {
    FeedState.CONNECTING: StateLook("◌", "stale"),
    FeedState.SYNCING: StateLook("◔", "stale"),
    FeedState.LIVE: StateLook("●", "live"),
    FeedState.LAGGING: StateLook("▲", "stale"),
    FeedState.STALE: StateLook("■", "stale"),
    FeedState.DISCONNECTED: StateLook("✕", "offline"),
    FeedState.STOPPED: StateLook("⊗", "offline"),
    FeedState.SIMULATED: StateLook("◆", "simulated"),
    FeedState.REPLAY: StateLook("▶", "replay"),
}
"""Only trades that arrive on time look live; an open line without a trade yet does not."""


def word_of(state: FeedState) -> str:
    """The state's word with its shape."""
    return f"{LOOKS[state].shape} {state.value}"


def badge_of(state: FeedState) -> str:
    """What stays on the chart; nothing while all is well."""
    return "" if LOOKS[state].mode == "live" else word_of(state)
