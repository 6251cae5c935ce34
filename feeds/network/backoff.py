"""How patient a connection is, and when it may be dialled again."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

_WINDOW_S = 300.0


@dataclass(frozen=True, slots=True)
class Timeouts:
    """The times of a connection, all in seconds.

    Attributes
    ----------
    silent_after : float
        Without data for so long, the venue is asked whether there was any; sooner where data is frequent.
    look_every : float
        How often that is looked at.
    answer_within : float
        For the venue's answer to that.
    grace : float
        The venue may know of a trade before its stream tells it.
    renew_after : float
        A line this old is replaced; venues cut after 24 h.
    overlap : float
        How long the old line is read after the new one has begun to deliver.
    proven_after : float
        A line that delivers at this age worked: pauses begin anew.
    first_pause, longest_pause : float
        Between attempts.
    open_timeout : float
        For one attempt.
    fruitless_connects, connects : int
        Attempts per five minutes: without a proven line between them, and in any case.
    """

    silent_after: float = 10.0
    look_every: float = 0.25
    answer_within: float = 4.0
    grace: float = 1.0
    renew_after: float = 23.5 * 3600
    overlap: float = 1.0
    proven_after: float = 5.0
    first_pause: float = 0.5
    longest_pause: float = 30.0
    open_timeout: float = 10.0
    fruitless_connects: int = 20
    connects: int = 250


class ReconnectBackoff:
    """When the next attempt may be made: pauses drawn from a range that doubles, and never too many in five minutes.

    Parameters
    ----------
    patience : Patience
    jitter : callable
        A number from 0 to 1: which share of the longest pause is waited.
    """

    def __init__(self, patience: Timeouts, jitter: Callable[[], float] = random.random) -> None:
        self._patience, self._jitter = patience, jitter
        self._attempts: deque[float] = deque()
        self._fruitless: deque[float] = deque()
        self._failures = 0

    def pause_s(self, now_s: float, at_least_s: float = 0.0, waited_s: float = 0.0) -> float:
        """Seconds to wait before the next attempt, which counts as made then; the last one took `waited_s` to come to nothing."""
        patience = self._patience
        pause = at_least_s
        if self._failures:
            longest = min(patience.longest_pause, patience.first_pause * 2.0 ** min(self._failures - 1, 60))
            pause = max(pause, longest * self._jitter() - waited_s)
        limited = ((self._attempts, patience.connects), (self._fruitless, patience.fruitless_connects))
        for made, allowed in limited:
            _forget(made, now_s)
            if len(made) >= allowed:
                pause = max(pause, made[-allowed] + _WINDOW_S - now_s)
        for made, _ in limited:
            made.append(now_s + pause)
        self._failures += 1
        return pause

    def spare(self, now_s: float) -> bool:
        """Whether a further attempt is allowed now, beside a line that works; it counts as made."""
        _forget(self._attempts, now_s)
        if len(self._attempts) >= self._patience.connects:
            return False
        self._attempts.append(now_s)
        return True

    def proven(self) -> None:
        """The last attempt was worth it."""
        self._failures = 1  # a line that breaks after having worked is not dialled again at once
        self._fruitless.clear()


def _forget(made: deque[float], now_s: float) -> None:
    while made and made[0] <= now_s - _WINDOW_S:
        made.popleft()
