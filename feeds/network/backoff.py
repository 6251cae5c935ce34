"""Timeouts of a connection, and pauses between attempts to connect."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

_WINDOW_S = 300.0


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Timeouts of a connection in seconds, and limits of its attempts to connect.

    Attributes
    ----------
    silent_after : float
        Time without data after which the venue is asked whether there was any; shorter where data is frequent.
    look_every : float
        Interval between checks for silence.
    answer_within : float
        Time for the venue's answer to that question.
    grace : float
        Allowance for trades that the venue has but its stream has not sent yet.
    renew_after : float
        Age at which a connection is replaced; venues close them after 24 h.
    overlap : float
        Time for which the old connection is still read after the new one has begun to deliver.
    proven_after : float
        Age from which a connection with data counts as working; later pauses start from the shortest again.
    first_pause, longest_pause : float
        Shortest and longest upper limit of the random pause between attempts.
    first_paused, longest_paused : float
        The same while the venue turns us away, e.g. with HTTP 403.
    open_timeout : float
        Time limit of one attempt.
    connects_apart : float
        Minimum time between two attempts of all markets of a host together.
    fruitless_connects : int
        Limit of attempts per five minutes without a working connection between them.
    connects : int
        Limit of attempts per five minutes of all markets of a host together.
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
    first_paused: float = 30.0
    longest_paused: float = 300.0
    open_timeout: float = 10.0
    connects_apart: float = 0.0
    fruitless_connects: int = 20
    connects: int = 250


class ReconnectBackoff:
    """Pauses between attempts to connect: random up to a limit that doubles with each failure.

    Too many attempts without a working connection lengthen the pauses.

    Parameters
    ----------
    patience : Timeouts
    jitter : callable
        Returns a number from 0 to 1, the share of that limit to wait.
    """

    def __init__(self, patience: Timeouts, jitter: Callable[[], float] = random.random) -> None:
        self._patience, self._jitter = patience, jitter
        self._fruitless: deque[float] = deque()
        self._failures = 0

    def pause_s(self, now_s: float, at_least_s: float = 0.0, waited_s: float = 0.0, *, turned_away: bool = False) -> float:
        """Count the next attempt and return the seconds to wait before it, at least `at_least_s`.

        The `waited_s` that the last attempt took to fail are subtracted from the random pause, which has other limits if the venue has
        `turned_away` that attempt.
        """
        patience = self._patience
        pause = at_least_s
        if self._failures:
            first, longest = (
                (patience.first_paused, patience.longest_paused) if turned_away else (patience.first_pause, patience.longest_pause)
            )
            longest = min(longest, first * 2.0 ** min(self._failures - 1, 60))
            pause = max(pause, longest * self._jitter() - waited_s)
        made, allowed = self._fruitless, patience.fruitless_connects
        while made and made[0] <= now_s - _WINDOW_S:
            made.popleft()
        if len(made) >= allowed:
            pause = max(pause, made[-allowed] + _WINDOW_S - now_s)
        made.append(now_s + pause)
        self._failures += 1
        return pause

    def proven(self) -> None:
        """Record that the last connection worked, so that the next pauses start from the shortest again."""
        self._failures = 1  # a connection that breaks after having worked is not opened again at once
        self._fruitless.clear()
