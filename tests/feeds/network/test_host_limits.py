"""Ten markets of one host have one allowance."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import VenueBusyError
from feeds.network.host_limits import HostLimits, limits_of
from feeds.network.rest_client import RestClient
from tests.feeds.lines import Clock, run
from tests.feeds.network.test_rest_client import GOOD, Answer, failure, server


@given(st.lists(st.tuples(st.integers(1, 60), st.floats(0, 20)), min_size=1, max_size=40))
def test_no_minute_has_more_weight_than_the_limit(requests: list[tuple[int, float]]) -> None:
    """A6: whoever asks, and whenever; a single request beyond the limit has its minute for itself."""
    clock, minutes = Clock(6_000.0), dict[int, list[int]]()
    limits = HostLimits(clock, clock, clock.sleep)

    async def story() -> None:
        for weight, pause_s in requests:
            await limits.weight(weight, 50)
            minutes.setdefault(int(clock.now_s // 60), []).append(weight)
            clock.now_s += pause_s

    asyncio.run(story())
    assert all(sum(used) <= 50 or len(used) == 1 for used in minutes.values())


@pytest.mark.parametrize("turn", ["connect_turn", "request_turn"])
def test_turns_are_apart(turn: str) -> None:
    clock = Clock()
    limits = HostLimits(clock, clock, clock.sleep)
    at: list[float] = []

    async def story() -> None:
        for _ in range(4):
            await getattr(limits, turn)(0.5)
            at.append(clock.now_s)

    asyncio.run(story())
    assert at == [1000.0, 1000.5, 1001.0, 1001.5]


def test_clients_of_a_host_share_its_weight_and_its_ban() -> None:
    """A6: a second market of a host waits for what the first has used, and asks nothing during its ban."""
    answers = [GOOD, (429, {"Retry-After": "30"}, b"")]
    asked: list[str] = []

    def answer(target: str) -> tuple[int, dict[str, str], bytes]:
        asked.append(target)
        return answers[min(len(asked), 2) - 1]

    async def story() -> None:
        async with server(answer) as url:
            one, other = RestClient(url), RestClient(url)
            await one.get("/x", {}, Answer, weight=7)
            host = url.split("//")[1]
            assert limits_of(host).used == 7
            one.charge(3)
            assert isinstance(await failure(one), VenueBusyError)
            assert limits_of(host).used == 11
            assert isinstance(await failure(other), VenueBusyError)
            assert len(asked) == 2
            await one.aclose()
            await other.aclose()

    run(story())
