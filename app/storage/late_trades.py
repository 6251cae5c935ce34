"""How far back trades that came late reach: what was figured of times before that still holds."""

from __future__ import annotations

from bisect import bisect_right

NEVER_NS = 1 << 62
_MOST = 1024  # a market whose trades step back all the time must not fill memory: older ones are told as one


class LateTrades:
    """The times of trades that came after a later one.

    Attributes
    ----------
    told : int
        How many times something was noted.
    """

    def __init__(self) -> None:
        self.told = 0
        self._latest_ns = -NEVER_NS
        self._numbers: list[int] = []
        self._oldest_ns: list[int] = []  # ascending: what came after an older one says nothing more

    def saw(self, first_ns: int, last_ns: int) -> None:
        """Take note of trades between two times, both included."""
        if first_ns < self._latest_ns:
            self.note(first_ns)
        self._latest_ns = max(self._latest_ns, last_ns)

    def note(self, oldest_ns: int) -> None:
        """Anything from a time on may be another now."""
        self.told += 1
        while self._oldest_ns and self._oldest_ns[-1] >= oldest_ns:
            self._oldest_ns.pop()
            self._numbers.pop()
        self._oldest_ns.append(oldest_ns)
        self._numbers.append(self.told)
        if len(self._numbers) > _MOST:
            del self._numbers[: _MOST // 2], self._oldest_ns[1 : _MOST // 2 + 1]

    def since(self, told: int) -> int:
        """The oldest time that was noted after so many; `NEVER_NS` if none was."""
        place = bisect_right(self._numbers, told)
        return self._oldest_ns[place] if place < len(self._numbers) else NEVER_NS
