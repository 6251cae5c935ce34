"""Delay of a feed's trades compared with the fastest recent one; works with inaccurate clocks."""

from __future__ import annotations

_WINDOW_NS = 60_000_000_000


class LagEstimator:
    """Delay of a feed's newest trade compared with the fastest trade of the last one to two minutes.

    Attributes
    ----------
    late_s : float
        Delay of the newest trade beyond that of the fastest one, in seconds; never negative.
    offset_ns : int
        Our time of arrival minus the venue's trade time, for the fastest trade; may be negative.
    """

    def __init__(self) -> None:
        self.late_s = 0.0
        self.offset_ns = 0
        self._began_ns: int | None = None
        self._soonest_before = self._soonest = 0

    def arrived(self, trade_ns: int, received_ns: int) -> None:
        """Record a trade that is newer than all recorded before, and was received at `received_ns`.

        Use a monotonic clock for `received_ns`; after a jump the lag is wrong for two minutes at most.
        """
        distance = received_ns - trade_ns
        if self._began_ns is None or not 0 <= received_ns - self._began_ns < 2 * _WINDOW_NS:  # first trade, or our clock was set
            self._began_ns, self._soonest_before, self._soonest = received_ns, distance, distance
        elif received_ns - self._began_ns >= _WINDOW_NS:
            self._began_ns, self._soonest_before, self._soonest = received_ns, self._soonest, distance
        self._soonest = min(self._soonest, distance)
        self.offset_ns = min(self._soonest, self._soonest_before)
        self.late_s = (distance - self.offset_ns) / 1e9
