"""How late trades arrive, against the soonest that they can: no clock has to be right for that."""

from __future__ import annotations

_WINDOW_NS = 60_000_000_000


class LagEstimator:
    """Distance of two clocks and the way between them are measured by the soonest arrival of the last minute or two.

    Attributes
    ----------
    late_s : float
        How much later than the soonest the newest trade came; never negative.
    offset_ns : int
        Our time of arrival less the venue's time of trade, for the soonest; may be negative.
    """

    def __init__(self) -> None:
        self.late_s = 0.0
        self.offset_ns = 0
        self._began_ns: int | None = None
        self._soonest_before = self._soonest = 0

    def arrived(self, trade_ns: int, received_ns: int) -> None:
        """A trade newer than any before came in, at `received_ns` of a clock that runs evenly; a jump of it costs two minutes at most."""
        distance = received_ns - trade_ns
        if self._began_ns is None or not 0 <= received_ns - self._began_ns < 2 * _WINDOW_NS:  # at first, and after our clock was set
            self._began_ns, self._soonest_before, self._soonest = received_ns, distance, distance
        elif received_ns - self._began_ns >= _WINDOW_NS:
            self._began_ns, self._soonest_before, self._soonest = received_ns, self._soonest, distance
        self._soonest = min(self._soonest, distance)
        self.offset_ns = min(self._soonest, self._soonest_before)
        self.late_s = (distance - self.offset_ns) / 1e9
