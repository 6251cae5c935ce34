"""Pauses between attempts, on a clock made up."""

from __future__ import annotations

from itertools import pairwise

import pytest

from feeds.network.backoff import ReconnectBackoff, Timeouts


def attempts(pace: ReconnectBackoff, until_s: float, *, at_least_s: float = 0.0) -> list[float]:
    """When attempts are made that all fail at once."""
    now, made = 0.0, []
    while True:
        now += pace.pause_s(now, at_least_s)
        if now >= until_s:
            return made
        made.append(now)


def test_first_attempt_is_made_at_once() -> None:
    assert ReconnectBackoff(Timeouts()).pause_s(100.0) == 0.0


def test_pauses_double_from_half_a_second_to_half_a_minute() -> None:
    """A5: the longest pauses that may be drawn."""
    made = attempts(ReconnectBackoff(Timeouts(fruitless_connects=1000), lambda: 1.0), 130)
    assert [round(b - a, 3) for a, b in pairwise(made)] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_pauses_are_drawn_from_their_range() -> None:
    made = attempts(ReconnectBackoff(Timeouts(), lambda: 0.5), 10)
    assert [round(b - a, 3) for a, b in pairwise(made)] == [0.25, 0.5, 1, 2, 4]


@pytest.mark.parametrize("jitter", [0.0, 0.01, 0.5, 1.0])
def test_failing_connects_stay_within_twenty_in_five_minutes(jitter: float) -> None:
    """A5: an hour of attempts that all fail at once, on a clock made up."""
    made = attempts(ReconnectBackoff(Timeouts(), lambda: jitter), 3600)
    assert all(sum(1 for time in made if start <= time < start + 300) <= 20 for start in made)
    assert len(made) > 100, "and never gives up"


def test_pauses_start_again_after_a_connection_that_worked() -> None:
    pace = ReconnectBackoff(Timeouts(), lambda: 1.0)
    attempts(pace, 100)
    pace.proven()
    assert pace.pause_s(500.0) == 0.5


def test_wait_requested_by_the_venue_is_respected() -> None:
    made = attempts(ReconnectBackoff(Timeouts(), lambda: 0.0), 100, at_least_s=17.0)
    assert made == [17.0, 34.0, 51.0, 68.0, 85.0]


def test_time_of_a_hanging_attempt_counts_as_pause() -> None:
    """A3: what shortens the wait once the network is back."""
    pace = ReconnectBackoff(Timeouts(), lambda: 1.0)
    assert [pace.pause_s(now, waited_s=waited) for now, waited in ((0.0, 0.0), (10.0, 10.0), (20.0, 0.4), (21.0, 0.4))] == [0, 0, 0.6, 1.6]
