"""The offset of this machine's clock from a venue's, narrowed down by each answer and each trade."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Callable

_SECOND_NS = 1_000_000_000
_FOREVER_NS = 1 << 62


class VenueClock:
    """Bounds of the difference between our clock and a venue's.

    Each `Date` header gives the venue's time, cut to whole seconds, at a moment between request and answer; each trade was made before
    it arrived. The difference is measured by a clock that is never set, so that setting ours shows at once; where a bound contradicts
    the others, as after a machine has slept, only the newest counts.

    Parameters
    ----------
    wall_ns, monotonic_ns : callables
        Our clock, and one that is never set.
    """

    def __init__(self, wall_ns: Callable[[], int] = time.time_ns, monotonic_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._wall_ns, self._monotonic_ns = wall_ns, monotonic_ns
        self._low, self._high = -_FOREVER_NS, _FOREVER_NS  # of our monotonic time less the venue's time

    @property
    def ahead_ns(self) -> int:
        """Nanoseconds by which our clock is ahead of the venue's, negative if behind; 0 while it may be right, or nothing is known."""
        set_by = self._wall_ns() - self._monotonic_ns()
        low, high = self._low + set_by, self._high + set_by
        if low <= 0 <= high:
            return 0
        return (low + high) // 2 if self._low > -_FOREVER_NS and self._high < _FOREVER_NS else high if high < 0 else low

    @property
    def error_ns(self) -> int | None:
        """Largest possible error of `ahead_ns`, in ns; None until both bounds are known, by an answer and a trade or another answer."""
        if self._low == -_FOREVER_NS or self._high == _FOREVER_NS:
            return None
        ahead = self.ahead_ns - (self._wall_ns() - self._monotonic_ns())
        return max(ahead - self._low, self._high - ahead)

    def answered(self, date: str | None, asked_ns: int, answered_ns: int) -> None:
        """Update the bounds by the `Date` header of an answer, unless it is unreadable; both times are by the monotonic clock, in ns."""
        try:
            venue_ns = int(email.utils.parsedate_to_datetime(date or "").timestamp()) * _SECOND_NS
        except (ValueError, TypeError, OverflowError):
            return
        self._narrow(asked_ns - venue_ns - _SECOND_NS, answered_ns - venue_ns)

    def traded(self, trade_ns: int) -> None:
        """Update the bounds by the time of a trade that arrived just now."""
        self._narrow(-_FOREVER_NS, self._monotonic_ns() - trade_ns)

    def _narrow(self, low: int, high: int) -> None:
        if -_FOREVER_NS < high < self._low <= high + _SECOND_NS:  # clocks drift: a trade moves narrow bounds, and does not undo them
            low = max(low, high - _SECOND_NS)
        lowest, highest = max(self._low, low), min(self._high, high)
        self._low, self._high = (lowest, highest) if lowest <= highest else (low, high)
