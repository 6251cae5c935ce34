"""Decision whether a connected feed is LIVE, LAGGING or STALE."""

from __future__ import annotations

from app.market.feed import FeedState

_LAGGING_S = 1.0  # a message that has waited longer than this shows that we are too slow
_LATE_S = 1.0  # a trade this much later than the fastest shows that the network is congested, or we are too slow


def state_when_connected(queue_age_s: float, silent_s: float, silent_after_s: float, late_s: float) -> tuple[FeedState, str]:
    """The state of a feed whose subscription is confirmed, and the reason for this state as text, empty if LIVE.

    Parameters
    ----------
    queue_age_s : float
        How long the oldest unread message has waited.
    silent_s, silent_after_s : float
        Time without a trade, and how much of it is usual for this market.
    late_s : float
        How much later than the fastest the newest trade arrived.
    """
    if queue_age_s > _LAGGING_S:
        return FeedState.LAGGING, f"{queue_age_s:.1f} s behind the stream"
    if silent_s > silent_after_s:
        return FeedState.STALE, f"no trade for {silent_s:.0f} s"
    if late_s > _LATE_S:
        return FeedState.LAGGING, f"trades come {late_s:.1f} s late"
    return FeedState.LIVE, ""
