"""Ten markets of one host have one allowance."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import VenueBusyError
from app.market.feed import FeedState
from feeds.network.backoff import Timeouts
from feeds.network.connection import Connection, ConnectionStatus
from feeds.network.host_limits import HostLimits, limits_of
from feeds.network.rest_client import RestClient
from tests.feeds.lines import Clock, Line, QuickClock, read, run, until, venue
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


@given(st.lists(st.tuples(st.floats(0, 40), st.booleans()), min_size=1, max_size=60), st.integers(1, 12), st.sampled_from([0.0, 0.4, 2.5]))
def test_no_five_minutes_have_more_connects_than_the_host_allows(markets: list[tuple[float, bool]], most: int, apart_s: float) -> None:
    """A5: whichever market connects, and whenever; a second connection of a working market is put off instead."""
    clock, made = Clock(), list[float]()
    limits = HostLimits(clock, clock, clock.sleep)
    for later_s, renews in markets:
        clock.now_s += later_s
        if renews and not limits.spare_connect(most):
            assert sum(1 for at in made if at > clock.now_s - 300) >= most, "put off without need"
            continue
        made.append(clock.now_s + limits.reserve_connect(apart_s, most))
    assert all(sum(1 for at in made if start <= at < start + 299.999) <= most for start in made)
    assert all(later - earlier >= apart_s - 1e-9 for earlier, later in pairwise(made))


def test_a_host_is_free_again_after_five_minutes() -> None:
    """A5: and not before."""
    clock = Clock()
    limits = HostLimits(clock, clock, clock.sleep)
    assert [limits.reserve_connect(0.0, 3) for _ in range(4)] == [0, 0, 0, 300.0]
    clock.now_s += 299.0
    assert not limits.spare_connect(3)
    clock.now_s += 1.0
    assert limits.spare_connect(3)


def test_ten_markets_that_break_have_one_allowance_of_connects() -> None:
    """A5: Binance allows an address 300 connections in five minutes; ten markets flap for a quarter of an hour of a clock made up."""
    clock, opened = QuickClock(), list[float]()
    limits = HostLimits(clock, clock, clock.sleep)

    async def talk(line: Line) -> None:
        opened.append(clock())
        await line.tell("a")

    async def story() -> None:
        patience = replace(Timeouts(), proven_after=0.0, fruitless_connects=10_000, connects=40)
        async with venue(talk) as there:
            chosen = {"patience": patience, "limits": limits, "jitter": lambda: 0.2}
            markets = [Connection(there.url, monotonic=clock, wall=clock, sleep=clock.sleep, **chosen) for _ in range(10)]
            reading = [asyncio.create_task(read(market, lambda got: False)) for market in markets]
            await until(lambda: clock() > 1_900.0, 15)
            assert all(market.status.state is not FeedState.STOPPED for market in markets)
            for task in reading:
                task.cancel()
            await asyncio.wait(reading)

    run(story())
    assert 80 < len(opened) <= 40 * ((opened[-1] - 1_000.0) / 300 + 1)


def test_a_market_that_waits_for_its_host_shows_it() -> None:
    """A5: other markets have used up what the host allows."""
    clock, states = Clock(), list[ConnectionStatus]()
    limits = HostLimits(clock, clock, clock.sleep)

    async def talk(line: Line) -> None:
        await line.tell("a")
        await line.stay()

    async def sleep(seconds: float) -> None:
        states.append(market.status)
        await clock.sleep(seconds)

    async def story() -> None:
        nonlocal market
        async with venue(talk) as there:
            market = Connection(
                there.url, patience=replace(Timeouts(), connects=2), limits=limits, monotonic=clock, wall=clock, sleep=sleep
            )
            for _ in range(2):
                limits.reserve_connect(0.0, 2)
            assert await read(market, bool) == [b"a"]

    market = Connection("ws://none")
    run(story())
    assert clock.waits == [300.0] and market.status.state is FeedState.LIVE
    assert [(each.state, each.retry_at_s) for each in states] == [(FeedState.DISCONNECTED, 1300.0)]
    assert "as many connections as 127.0.0.1:" in states[0].reason


@pytest.mark.parametrize("turn", ["send_turn", "request_turn"])
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
