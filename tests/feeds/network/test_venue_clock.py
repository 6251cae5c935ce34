"""The offset of our clock is found from answers and trades, whatever the offset and the network."""

from __future__ import annotations

import email.utils
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.network.rest_client import RestClient
from feeds.network.venue_clock import VenueClock
from tests.feeds.lines import run
from tests.feeds.network.test_rest_client import Answer, server

SECOND = 1_000_000_000
START = 1_800_000_000 * SECOND
OFFSETS = st.integers(-86_400 * SECOND, 86_400 * SECOND) | st.integers(-3 * SECOND, 3 * SECOND)
DELAYS = st.integers(0, 3 * SECOND) | st.integers(0, SECOND // 10)


class World:
    """A venue's time, our clock, which is ahead of it, and one that counts from the start of the machine."""

    def __init__(self, ahead_ns: int, rate: float = 1.0) -> None:
        self.venue_ns, self.ahead_ns, self.rate = START, ahead_ns, rate
        self.machine_ns = 77 * SECOND
        self.clock = VenueClock(lambda: self.venue_ns + self.ahead_ns, lambda: self.machine_ns)

    def passes(self, ns: int) -> None:
        self.venue_ns += ns
        self.machine_ns += round(ns * self.rate)

    def answers(self, there_ns: int, back_ns: int) -> None:
        asked = self.machine_ns
        self.passes(there_ns)
        date = email.utils.formatdate(self.venue_ns // SECOND, usegmt=True)
        self.passes(back_ns)
        self.clock.answered(date, asked, self.machine_ns)

    def trades(self, delay_ns: int) -> int:
        """A trade arrives; return its lag by our clock, corrected."""
        at = self.venue_ns
        self.passes(delay_ns)
        self.clock.traded(at)
        return self.venue_ns + self.ahead_ns - self.clock.ahead_ns - at


@given(OFFSETS, st.lists(st.tuples(st.booleans(), DELAYS, DELAYS, st.integers(0, 5 * SECOND)), min_size=1, max_size=30))
def test_the_offset_is_within_the_bounds_of_each_answer_and_trade(ahead: int, events: list[tuple[bool, int, int, int]]) -> None:
    """S2: never beyond the truth by more than a second and the quickest round trip; lags never negative."""
    world, quickest = World(ahead), 1 << 62
    for answer, there, back, pause in events:
        if answer:
            world.answers(there, back)
            quickest = min(quickest, there + back)
        else:
            assert world.trades(there) >= 0
        if quickest < 1 << 62:
            assert abs(world.clock.ahead_ns - ahead) <= SECOND + quickest
        world.passes(pause)


@given(OFFSETS.filter(lambda ahead: abs(ahead) > SECOND))
def test_many_answers_narrow_the_offset_down_to_the_round_trip(ahead: int) -> None:
    world = World(ahead)
    for n in range(40):
        world.answers(10_000_000, 10_000_000)
        world.passes(SECOND * 37 // 40 + n)
    assert abs(world.clock.ahead_ns - ahead) < 60_000_000


@pytest.mark.parametrize("ahead_ms", [-400, -20, 0, 20, 400])
def test_a_clock_that_may_be_right_is_not_corrected_by_a_guess(ahead_ms: int) -> None:
    world = World(ahead_ms * 1_000_000)
    world.passes(SECOND // 2)
    world.answers(1_000_000, 1_000_000)
    assert world.clock.ahead_ns == 0


@given(OFFSETS, OFFSETS)
def test_a_clock_that_is_set_is_seen_at_once(before: int, after: int) -> None:
    """S2: without another answer."""
    world = World(before)
    world.answers(5_000_000, 5_000_000)
    world.ahead_ns = after
    assert abs(world.clock.ahead_ns - after) <= SECOND + 10_000_000


@given(OFFSETS, st.integers(10 * SECOND, 10**6 * SECOND))
def test_after_a_sleep_the_newest_counts(ahead: int, slept: int) -> None:
    """S2: the clock that is never set stands still meanwhile."""
    world = World(ahead)
    world.answers(5_000_000, 5_000_000)
    world.venue_ns += slept
    assert world.trades(20_000_000) >= 0
    world.answers(5_000_000, 5_000_000)
    assert abs(world.clock.ahead_ns - ahead) <= SECOND + 10_000_000


@pytest.mark.parametrize("rate", [0.9999, 1.0001])
@pytest.mark.parametrize("ahead_s", [-600, 600])
def test_clocks_that_drift_do_not_undo_what_is_known(rate: float, ahead_s: int) -> None:
    """S2: 100 parts in a million, for three hours with one answer at their start."""
    world = World(ahead_s * SECOND, rate)
    world.answers(1_000_000, 1_000_000)
    for _ in range(3 * 360):
        assert world.trades(15_000_000) >= 0
        assert abs(world.clock.ahead_ns - ahead_s * SECOND) <= 2.2 * SECOND
        world.passes(10 * SECOND)


@pytest.mark.parametrize("date", [None, "", "soon", "Thu, 99 Foo 2026 99:99:99 GMT", "1", "Fri, 31 Dec 9999 23:59:59 -9999", "\0"])
def test_a_date_that_is_none_changes_nothing(date: str | None) -> None:
    world = World(600 * SECOND)
    world.clock.answered(date, 1, 2)
    assert world.clock.ahead_ns == 0


@pytest.mark.parametrize("behind_s", [-600, 0, 600])
@pytest.mark.parametrize("cached", [False, True])
def test_rest_answers_measure_the_clock(behind_s: int, cached: bool) -> None:
    """S2: by their `Date`, unless they come from a cache."""

    async def story() -> None:
        headers = {"Date": email.utils.formatdate(time.time() - behind_s, usegmt=True)} | ({"Age": "120"} if cached else {})
        async with server(lambda _: (200, headers, b'{"a":1}')) as url:
            rest = RestClient(url)
            await rest.get("/x", {}, Answer, weight=1)
            await rest.aclose()
            assert abs(rest.clock.ahead_ns / 1e9 - (0 if cached else behind_s)) < 3

    run(story())


@given(OFFSETS, st.lists(st.tuples(st.booleans(), DELAYS, DELAYS, st.integers(0, 5 * SECOND)), min_size=1, max_size=30))
def test_the_error_is_how_far_the_offset_may_be_from_the_truth(ahead: int, events: list[tuple[bool, int, int, int]]) -> None:
    world, answered = World(ahead), False
    for answer, there, back, pause in events:
        if answer:
            world.answers(there, back)
        else:
            world.trades(there)
        answered = answered or answer
        error_ns = world.clock.error_ns
        assert (error_ns is None) == (not answered), "a trade alone gives one bound"
        assert error_ns is None or abs(world.clock.ahead_ns - ahead) <= error_ns
        world.passes(pause)


def test_answers_at_different_parts_of_a_second_narrow_the_error() -> None:
    world = World(600 * SECOND)
    for _ in range(20):
        world.answers(SECOND // 100, SECOND // 100)
        world.passes(SECOND + SECOND // 7)
    error_ns = world.clock.error_ns
    assert error_ns is not None and error_ns < SECOND // 5
