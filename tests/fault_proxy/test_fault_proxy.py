"""The proxy passes on what it is given, and spoils it exactly as it is told."""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trustme

from tests.fault_proxy import (
    Bandwidth,
    BlackHole,
    Corrupt,
    FaultProxy,
    Latency,
    LimitData,
    Slicer,
    SlowClose,
    Step,
    play,
    random_plan,
    replayable,
)
from tests.feeds.lines import until

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def run(story: Coroutine[Any, Any, None]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(20):
            await story
        await asyncio.sleep(0.02)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(limited())


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.transport.abort() if writer.is_closing() else writer.close()


@asynccontextmanager
async def proxied(talk: Talk = echo, **options: Any) -> AsyncIterator[FaultProxy]:
    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        async with FaultProxy(server.sockets[0].getsockname()[1], **options) as proxy:
            yield proxy
    finally:
        server.close()
        await asyncio.sleep(0.02)


@asynccontextmanager
async def dialled(proxy: FaultProxy, **options: Any) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port, **options)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def answer(line: tuple[asyncio.StreamReader, asyncio.StreamWriter], data: bytes) -> bytes:
    line[1].write(data)
    return await line[0].readexactly(len(data))


def test_without_a_toxic_every_byte_comes_back() -> None:
    async def story() -> None:
        data = random.Random(1).randbytes(1 << 20)
        async with proxied() as proxy, dialled(proxy) as line, dialled(proxy) as other:
            assert await asyncio.gather(answer(line, data), answer(other, b"abc")) == [data, b"abc"]
            assert (proxy.opened, proxy.open_now, proxy.carried) == (2, 2, len(data) + 3)

    run(story())


def test_latency_delays_and_keeps_the_order() -> None:
    async def story() -> None:
        async with proxied() as proxy, dialled(proxy) as line:
            proxy.down = [Latency(0.05, 0.04)]
            begun = time.monotonic()
            for number in range(50):
                line[1].write(bytes([number]))
                await asyncio.sleep(0.001)
            assert await line[0].readexactly(50) == bytes(range(50))
            assert 0.05 < time.monotonic() - begun < 1.0, "they are on the way at the same time"

    run(story())


def test_bandwidth_is_what_it_says() -> None:
    async def story() -> None:
        async with proxied() as proxy, dialled(proxy) as line:
            proxy.down = [Bandwidth(100_000)]
            begun = time.monotonic()
            await answer(line, bytes(20_000))
            assert time.monotonic() - begun > 0.17  # the last portion is not paused behind

    run(story())


def test_a_black_hole_holds_everything_until_it_is_taken_away() -> None:
    async def story() -> None:
        async with proxied() as proxy, dialled(proxy) as line:
            proxy.down = proxy.up = [BlackHole()]
            line[1].write(b"abc")
            async with dialled(proxy) as late:
                late[1].write(b"d")
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(line[0].read(1), 0.05)
                proxy.clear()
                assert await line[0].readexactly(3) == b"abc" and await late[0].readexactly(1) == b"d"

    run(story())


def test_the_end_of_a_line_may_come_late() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def story() -> None:
        async with proxied(hang_up) as proxy:
            proxy.down = [SlowClose(0.1)]
            async with dialled(proxy) as (reader, _):
                begun = time.monotonic()
                assert await reader.read() == b""
                assert time.monotonic() - begun > 0.09

    run(story())


def test_a_reset_is_a_reset_and_an_end_is_an_end() -> None:
    async def story() -> None:
        async with proxied() as proxy:
            async with dialled(proxy) as line:
                await answer(line, b"a")
                proxy.reset()
                with pytest.raises(ConnectionResetError):
                    await line[0].read(1)
            async with dialled(proxy) as line:
                await answer(line, b"a")
                proxy.cut()
                assert await line[0].read(1) == b""
            await until(lambda: proxy.open_now == 0)

    run(story())


def test_a_proxy_may_refuse_new_lines_alone() -> None:
    async def story() -> None:
        async with proxied() as proxy, dialled(proxy) as line:
            await answer(line, b"a")
            proxy.refusing = True
            async with dialled(proxy) as other:
                with pytest.raises(ConnectionResetError):
                    await other[0].read(1)
            assert await answer(line, b"b") == b"b"

    run(story())


def test_slices_are_as_small_as_asked_for() -> None:
    async def story() -> None:
        async with proxied() as proxy, dialled(proxy) as line:
            proxy.down = [Slicer(1, 0.002)]
            line[1].write(b"abcdef")
            sizes = []
            while sum(sizes) < 6:
                sizes.append(len(await line[0].read(100)))
            assert len(sizes) > 3

    run(story())


@pytest.mark.parametrize("limit", [0, 1, 999, 1000])
def test_a_line_is_cut_after_exactly_so_many_bytes(limit: int) -> None:
    async def story() -> None:
        async with proxied() as proxy:
            proxy.down = [LimitData(limit)]
            async with dialled(proxy) as line:
                line[1].write(bytes(1001))
                assert len(await line[0].read()) == limit
            async with dialled(proxy) as line:
                line[1].write(bytes(1001))
                assert len(await line[0].read()) == limit, "each line has a limit of its own"

    run(story())


def test_a_share_of_the_bytes_is_changed_and_the_same_ones_for_the_same_seed() -> None:
    async def spoilt(seed: int) -> bytes:
        async with proxied(seed=seed) as proxy, dialled(proxy) as line:
            proxy.down = [Corrupt(0.01)]
            return await answer(line, bytes(50_000))

    async def story() -> None:
        once = await spoilt(1)
        assert 350 < sum(byte != 0 for byte in once) < 650
        assert once != await spoilt(2)

    run(story())
    toxic = Corrupt(0.01)
    assert toxic.changed(bytes(9999), random.Random(5)) == toxic.changed(bytes(9999), random.Random(5))


def test_clients_may_have_to_speak_tls() -> None:
    async def story() -> None:
        authority, context, client = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
        authority.issue_cert("127.0.0.1").configure_cert(context)
        authority.configure_trust(client)
        async with proxied(context=context) as proxy, dialled(proxy, ssl=client) as line:
            assert proxy.ws_url.startswith("wss://") and proxy.rest_url.startswith("https://")
            assert await answer(line, b"secret") == b"secret"

    run(story())


def test_nobody_behind_ends_the_line() -> None:
    async def story() -> None:
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        async with FaultProxy(port) as proxy, dialled(proxy) as line:
            assert await line[0].read() == b""

    run(story())


def test_a_plan_follows_its_seed_and_holds_every_kind() -> None:
    assert random_plan(1, 40, 10.0) == random_plan(1, 40, 10.0) != random_plan(2, 40, 10.0)
    plan = random_plan(1, 200, 10.0, longest_s=0.5)
    assert [step.at_s for step in plan] == sorted(step.at_s for step in plan) and 0 <= plan[0].at_s <= plan[-1].at_s <= 10
    assert all(0.05 <= step.for_s <= 0.5 for step in plan)
    kinds = {type(step.toxic) for step in plan}
    assert kinds == {type(None), Latency, Bandwidth, BlackHole, Slicer, LimitData, Corrupt, SlowClose}
    assert Corrupt not in {type(step.toxic) for step in random_plan(1, 200, 10.0, corrupt=False)}


def test_the_steps_of_a_plan_happen_and_end() -> None:
    async def story() -> None:
        async with proxied() as proxy, dialled(proxy) as line:
            await answer(line, b"a")
            latency, hole = Latency(0.001), BlackHole()
            playing = asyncio.create_task(play(proxy, [Step(0.0, 0.1, latency), Step(0.03, 0.02, hole), Step(0.06, 0.0, None)]))
            await until(lambda: list(proxy.down) == [latency, hole])
            with pytest.raises(ConnectionResetError):
                await line[0].read()
            await playing
            assert list(proxy.down) == []

    run(story())


def test_a_failure_names_the_seed_that_gives_it_again() -> None:
    with pytest.raises(AssertionError) as caught, replayable(17, "a fault"):
        raise AssertionError
    assert caught.value.__notes__ == ["to have it again: seed 17\n  a fault"]
