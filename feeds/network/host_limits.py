"""Limits that all markets of one host share: request weight per minute, spacing of requests and messages, bans and connections.

Venues count by address, so ten markets of a process have one allowance and not ten.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

_MINUTE_S, _WINDOW_S = 60.0, 300.0


class HostLimits:
    """The limits of one host, for all its clients in this process.

    Parameters
    ----------
    wall, monotonic, sleep : callables
        Clocks and wait, for tests.

    Attributes
    ----------
    used : int
        Weight used in this minute, by our count or the venue's, whichever is more.
    banned_until_s : float
        Wall time until which the host has asked us to be silent.
    """

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.wall, self._monotonic, self._sleep = wall, monotonic, sleep
        self._minute = self.used = 0
        self.banned_until_s = 0.0
        self._next_request_at = self._next_send_at = self._next_connect_at = -float("inf")
        self._connects: deque[float] = deque()

    async def weight(self, weight: int, limit: int, longest_wait_s: float = float("inf")) -> float:
        """Wait until a request of `weight` fits in the `limit` of the current clock minute, or is its first; then count the weight.

        If the wait would be longer than `longest_wait_s`, return it instead, without counting; else return 0.
        """
        while True:
            now = self.wall()
            minute = int(now // _MINUTE_S)
            if minute != self._minute:
                self._minute, self.used = minute, 0
            if self.used + weight <= limit or not self.used:
                self.used += weight
                return 0.0
            wait_s = (minute + 1) * _MINUTE_S - now + 0.05
            if wait_s > longest_wait_s:
                return wait_s
            await self._sleep(wait_s)

    async def request_turn(self, apart_s: float) -> None:
        """Wait until `apart_s` seconds have passed since the last request to the host."""
        now = self._monotonic()
        at, self._next_request_at = self._next_request_at, max(now, self._next_request_at) + apart_s
        if at > now:
            await self._sleep(at - now)

    async def send_turn(self, apart_s: float) -> None:
        """Wait until `apart_s` seconds have passed since the last message that was sent on any socket of the host."""
        now = self._monotonic()
        at, self._next_send_at = self._next_send_at, max(now, self._next_send_at) + apart_s
        if at > now:
            await self._sleep(at - now)

    def reserve_connect(self, apart_s: float, most: int) -> float:
        """Count an attempt to connect; return the seconds to wait before it.

        Attempts are `apart_s` seconds apart, with at most `most` in any five minutes, for all markets together.
        """
        now = self._monotonic()
        self._forget_connects(now)
        at = max(now, self._next_connect_at)
        if len(self._connects) >= most:
            at = max(at, self._connects[-most] + _WINDOW_S)
        self._connects.append(at)
        self._next_connect_at = at + apart_s
        return at - now

    def spare_connect(self, most: int) -> bool:
        """True if fewer than `most` attempts to connect were made in the last five minutes."""
        self._forget_connects(self._monotonic())
        return len(self._connects) < most

    def _forget_connects(self, now_s: float) -> None:
        while self._connects and self._connects[0] <= now_s - _WINDOW_S:
            self._connects.popleft()


_BY_HOST: dict[str, HostLimits] = {}


def limits_of(host: str) -> HostLimits:
    """The limits of a host, the same for each caller in this process."""
    return _BY_HOST.setdefault(host, HostLimits())


def forget_hosts() -> None:
    """Forget the limits of all hosts; for tests, which reuse a port for another venue."""
    _BY_HOST.clear()
