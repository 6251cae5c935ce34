"""Records the times of late trades, so that cached values for earlier times stay valid."""

from __future__ import annotations

from bisect import bisect_right

NEVER_NS = 1 << 62
_MOST = 1024  # a market with late trades all the time must not fill memory: older notes are merged into one


class LateTrades:
    """Records the times of late trades: trades that arrived after a trade with a later time.

    Attributes
    ----------
    told : int
        Number of calls of `note` so far.
    """

    def __init__(self) -> None:
        self.told = 0
        self._latest_ns = -NEVER_NS
        self._numbers: list[int] = []
        self._oldest_ns: list[int] = []  # ascending: a note is dropped once an older time is noted

    def saw(self, first_ns: int, last_ns: int) -> None:
        """Register arrived trades with times from `first_ns` to `last_ns`; call `note` if a trade later than `first_ns` came before."""
        if first_ns < self._latest_ns:
            self.note(first_ns)
        self._latest_ns = max(self._latest_ns, last_ns)

    def note(self, oldest_ns: int) -> None:
        """Record that values computed for times from `oldest_ns` on may have changed."""
        self.told += 1
        while self._oldest_ns and self._oldest_ns[-1] >= oldest_ns:
            self._oldest_ns.pop()
            self._numbers.pop()
        self._oldest_ns.append(oldest_ns)
        self._numbers.append(self.told)
        if len(self._numbers) > _MOST:
            del self._numbers[: _MOST // 2], self._oldest_ns[1 : _MOST // 2 + 1]

    def since(self, told: int) -> int:
        """The oldest time passed to `note` since its call number `told`, or an older one; `NEVER_NS` if there was no call since.

        Older times come from calls that were merged to save memory.
        """
        place = bisect_right(self._numbers, told)
        return self._oldest_ns[place] if place < len(self._numbers) else NEVER_NS
