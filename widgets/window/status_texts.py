"""Texts of the status bar about a feed: its state, the age of its last trade and its rates."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from app.market.feed import FeedState, FeedStatus
from app.market.times import duration_text, timestamp_text
from widgets.window.feed_state_style import word_of


def detail_text(status: FeedStatus, now_s: float) -> str:
    """The reason for a feed's state and, while DISCONNECTED, the time to the next attempt to connect; empty if all is well.

    >>> detail_text(FeedStatus(FeedState.DISCONNECTED, reason="connection refused", retry_at_s=104.2), 100.0)
    'connection refused, retrying in 5 s'
    """
    parts = [status.reason] if status.reason else []
    if status.retry_at_s is not None and status.state is FeedState.DISCONNECTED:
        parts.append(f"retrying in {max(0, -int(-(status.retry_at_s - now_s) // 1))} s")
    return ", ".join(parts)


def state_text(status: FeedStatus, now_s: float) -> str:
    """A feed's state as text: its symbol, its name and, if there are any, details.

    >>> state_text(FeedStatus(FeedState.DISCONNECTED, reason="connection refused", retry_at_s=104.2), 100.0)
    '✕ DISCONNECTED: connection refused, retrying in 5 s'
    """
    detail = detail_text(status, now_s)
    return f"{word_of(status.state)}: {detail}" if detail else word_of(status.state)


@dataclass(frozen=True, slots=True)
class FeedRates:
    """Message rate and trade rate of a feed over the last seconds."""

    messages_per_s: float
    trades_per_s: float


class FeedRateMeter:
    """Measures the message rate and trade rate of a feed, from its status in each screen frame.

    Parameters
    ----------
    wall_ns : callable
        Our clock, nanoseconds since 1970.
    window_s : float
        Time range of the rates.
    """

    def __init__(self, wall_ns: Callable[[], int] = time.time_ns, window_s: float = 10.0) -> None:
        self._wall_ns = wall_ns
        self._window_ns = int(window_s * 1e9)
        self._counts: deque[tuple[int, int, int]] = deque()

    def sample(self, status: FeedStatus) -> None:
        """Record a feed's status for the rates; cheap, as it is called in every screen frame."""
        now = self._wall_ns()
        if self._counts and status.messages < self._counts[-1][1]:  # another feed took over
            self._counts.clear()
        if not self._counts or now - self._counts[-1][0] >= 200_000_000:  # five samples a second are enough
            self._counts.append((now, status.messages, status.trades))
        while len(self._counts) > 1 and now - self._counts[0][0] > self._window_ns:
            self._counts.popleft()

    def rates(self) -> FeedRates:
        """The rates over the last `window_s` seconds; 0 without two samples."""
        elapsed = (self._counts[-1][0] - self._counts[0][0]) / 1e9 if self._counts else 0.0
        messages = (self._counts[-1][1] - self._counts[0][1]) / elapsed if elapsed else 0.0
        trades = (self._counts[-1][2] - self._counts[0][2]) / elapsed if elapsed else 0.0
        return FeedRates(messages, trades)


def rates_text(figures: FeedRates, status: FeedStatus, now_ns: int) -> str:
    """Age of the last trade and rates in one line, with a dash before the first trade; a replay shows no age.

    The age counts from when we received the trade, so that a wrong clock on either side does not matter. A replay shows the time of
    the last trade and the trade rate, as the age would be that of the recording.
    """
    if status.state is FeedState.REPLAY:
        at = f"{timestamp_text(status.last_trade_ns)} UTC" if status.last_trade_ns else "–"
        return f"last trade {at}   {figures.trades_per_s:.0f} trades/s"
    if not status.received_at_ns:
        return "last trade –   0 msg/s"
    age = duration_text(now_ns - status.received_at_ns)
    return f"last trade {age} ago   {figures.messages_per_s:.0f} msg/s   {figures.trades_per_s:.0f} trades/s"
