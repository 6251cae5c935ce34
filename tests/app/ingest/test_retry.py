"""Attempts are repeated after growing pauses, until one succeeds or cannot."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.errors import BadInputError, StoreError, TapeprintError, VenueBusyError, VenuePausedError, VenueRefusedError, VenueUnreachableError
from app.ingest.retry import retry


class Attempts:
    """Fails with each error in turn, then succeeds; writes down all waits."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.made = 0
        self.announced: list[tuple[TapeprintError, float]] = []
        self.slept: list[float] = []

    async def once(self) -> str:
        self.made += 1
        if self.failures:
            raise self.failures.pop(0)
        return "open"

    async def sleep(self, seconds: float) -> None:
        assert self.announced[-1][1] == seconds  # announced before the wait
        self.slept.append(seconds)

    def run(self, **options: Any) -> str:
        return asyncio.run(retry(self.once, lambda *wait: self.announced.append(wait), sleep=self.sleep, **options))


def test_a_first_success_waits_for_nothing() -> None:
    attempts = Attempts()
    assert (attempts.run(), attempts.made, attempts.slept) == ("open", 1, [])


def test_the_pause_doubles_up_to_the_longest() -> None:
    errors = [VenueUnreachableError(f"no answer {n}") for n in range(7)]
    attempts = Attempts(*errors)
    assert (attempts.run(), attempts.made) == ("open", 8)
    assert attempts.slept == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert [error for error, _ in attempts.announced] == errors


def test_the_longest_pause_can_be_set() -> None:
    attempts = Attempts(*(StoreError("busy") for _ in range(4)))
    attempts.run(longest_wait_s=3.0)
    assert attempts.slept == [1.0, 2.0, 3.0, 3.0]


def test_the_first_pause_can_be_set() -> None:
    attempts = Attempts(*(StoreError("busy") for _ in range(3)))
    attempts.run(first_wait_s=0.5)
    assert attempts.slept == [0.5, 1.0, 2.0]


def test_the_caller_gives_up_by_raising() -> None:
    def give_up(error: TapeprintError, pause_s: float) -> None:
        raise error

    failure = StoreError("busy")
    attempts = Attempts(failure)
    with pytest.raises(StoreError) as caught:
        asyncio.run(retry(attempts.once, give_up, sleep=attempts.sleep))
    assert caught.value is failure and (attempts.made, attempts.slept) == (1, [])


def test_a_busy_venue_sets_the_pause_even_beyond_the_longest() -> None:
    busy = VenueBusyError("429", retry_after_s=600.0)
    attempts = Attempts(VenueUnreachableError("a"), busy, VenueBusyError("429", retry_after_s=0.0), VenueUnreachableError("b"))
    attempts.run(longest_wait_s=30.0)
    assert attempts.slept == [1.0, 600.0, 4.0, 8.0]  # the own pause doubled meanwhile, and is never undercut


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_venue_that_turns_us_away_is_asked_again_after_longer_random_pauses(share: float) -> None:
    """S1: HTTP 403, or a market in maintenance; never sooner than after another failure."""
    attempts = Attempts(*(VenuePausedError("403") for _ in range(6)))
    assert attempts.run(jitter=lambda: share) == "open"
    assert attempts.slept == [
        max(share * longest, own) for longest, own in zip((30, 60, 120, 240, 300, 300), (1, 2, 4, 8, 16, 30), strict=True)
    ]


@pytest.mark.parametrize("error", [VenueRefusedError("unknown symbol"), BadInputError("bar: found 1x"), ZeroDivisionError()])
def test_an_error_that_another_attempt_repeats_is_raised(error: Exception) -> None:
    attempts = Attempts(VenueUnreachableError("first"), error)
    with pytest.raises(type(error)) as caught:
        attempts.run()
    assert caught.value is error
    assert (attempts.made, attempts.slept) == (2, [1.0])


def test_without_a_sleep_of_its_own_it_really_waits() -> None:
    attempts = Attempts(StoreError("busy"))

    async def story() -> float:
        clock = asyncio.get_running_loop().time
        before = clock()
        assert await retry(attempts.once, lambda *wait: attempts.announced.append(wait), first_wait_s=0.02) == "open"
        return clock() - before

    assert asyncio.run(story()) >= 0.019
    assert [pause for _, pause in attempts.announced] == [0.02]
