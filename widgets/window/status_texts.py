"""Texts of the status bar about a feed: state, rates and lag."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

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
    """Message rate, trade rate and lag of a feed over the last seconds.

    Attributes
    ----------
    messages_per_s, trades_per_s : float
    lag_ms_p50, lag_ms_p99 : float
        Time from a trade at the venue to the screen frame that showed it, ms: median and 99th percentile, corrected for the offset
        of our clock and never negative; NaN before the first trade.
    """

    messages_per_s: float
    trades_per_s: float
    lag_ms_p50: float
    lag_ms_p99: float


class FeedRateMeter:
    """Measures the message rate, trade rate and lag of a feed, from its status in each screen frame.

    Parameters
    ----------
    wall_ns : callable
        Our clock, compared with trade times, nanoseconds since 1970.
    window_s : float
        Time range of the rates and lags.
    """

    def __init__(self, wall_ns: Callable[[], int] = time.time_ns, window_s: float = 10.0) -> None:
        self._wall_ns = wall_ns
        self._window_ns = int(window_s * 1e9)
        self._counts: deque[tuple[int, int, int]] = deque()
        self._lags: deque[tuple[int, float]] = deque()
        self._last_trade_ns = 0

    def sample(self, status: FeedStatus) -> None:
        """Record a feed's status for rates and lag; cheap, as it is called in every screen frame."""
        now = self._wall_ns()
        if self._counts and status.messages < self._counts[-1][1]:  # another feed took over
            self._counts.clear()
            self._lags.clear()
        if not self._counts or now - self._counts[-1][0] >= 200_000_000:  # five samples a second are enough
            self._counts.append((now, status.messages, status.trades))
        if status.last_trade_ns != self._last_trade_ns and status.last_trade_ns:
            self._last_trade_ns = status.last_trade_ns
            self._lags.append((now, max(0, now - status.clock_ahead_ns - status.last_trade_ns) / 1e6))
        for samples in (self._counts, self._lags):
            while len(samples) > 1 and now - samples[0][0] > self._window_ns:
                samples.popleft()

    def rates(self) -> FeedRates:
        """The rates and lag over the last `window_s` seconds; rates are 0 without two samples, lag is NaN without a trade."""
        elapsed = (self._counts[-1][0] - self._counts[0][0]) / 1e9 if self._counts else 0.0
        messages = (self._counts[-1][1] - self._counts[0][1]) / elapsed if elapsed else 0.0
        trades = (self._counts[-1][2] - self._counts[0][2]) / elapsed if elapsed else 0.0
        lags = [lag for _, lag in self._lags]
        p50, p99 = np.percentile(lags, [50, 99]) if lags else (float("nan"), float("nan"))
        return FeedRates(messages, trades, float(p50), float(p99))


def rates_text(figures: FeedRates, status: FeedStatus, now_ns: int) -> str:
    """Age of the last trade, rates and lag in one line, with dashes before the first trade; a replay shows no age and no lag.

    The age counts from when we received the trade, so that a wrong clock on either side does not matter. A replay shows the time of
    the last trade and the trade rate, as age and lag would be those of the recording.
    """
    if status.state is FeedState.REPLAY:
        at = f"{timestamp_text(status.last_trade_ns)} UTC" if status.last_trade_ns else "–"
        return f"last trade {at}   {figures.trades_per_s:.0f} trades/s"
    if not status.received_at_ns:
        return "last trade –   0 msg/s   lag –"
    age = duration_text(now_ns - status.received_at_ns)
    lag = "–" if figures.lag_ms_p50 != figures.lag_ms_p50 else f"{figures.lag_ms_p50:.0f} / {figures.lag_ms_p99:.0f} ms"
    return f"last trade {age} ago   {figures.messages_per_s:.0f} msg/s   {figures.trades_per_s:.0f} trades/s   lag {lag}"
