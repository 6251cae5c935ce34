"""The firings of every alert by the time of their trade, to find out if an alert has fired in a bar or by a trade."""

from __future__ import annotations

from bisect import bisect_left, insort

from app.alerts.alert import FiredAlert


class FiringIndex:
    """The firings of all alerts, each as the time, the trade and a hash of the text."""

    def __init__(self) -> None:
        self._of: dict[int, list[tuple[int, int, int]]] = {}

    def add(self, fired: FiredAlert) -> None:
        """Add a firing."""
        insort(self._of.setdefault(fired.alert, []), _key(fired))

    def has(self, fired: FiredAlert) -> bool:
        """True if the same alert has fired by the same trade, with the same text."""
        keys, key = self._of.get(fired.alert, []), _key(fired)
        place = bisect_left(keys, key)
        return place < len(keys) and keys[place] == key

    def any_in(self, number: int, start_ns: int, end_ns: int) -> bool:
        """True if an alert has fired by a trade with a time in `[start_ns, end_ns)`."""
        keys = self._of.get(number, [])
        place = bisect_left(keys, (start_ns,))
        return place < len(keys) and keys[place][0] < end_ns


def _key(fired: FiredAlert) -> tuple[int, int, int]:
    return fired.time_ns, fired.trade_id, hash(fired.text)
