"""What is said on a line before it is read, and while it is."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from structlog.testing import LogCapture

from app.errors import VenueRefusedError, VenueUnreachableError
from app.market.feed import FeedState
from feeds.network.connection import Connection
from feeds.network.websocket_session import KeepAlive, Subscription
from tests.feeds.lines import QUICK, Line, read, run, until, venue

CALM = replace(QUICK, silent_after=9.0)


def accepted(frame: bytes) -> bool:
    if frame == b"no such symbol":
        raise VenueRefusedError("the venue says: no such symbol")
    if frame == b"busy":
        raise VenueUnreachableError("the venue is busy")
    return frame == b"welcome"


def greeting(within_s: float = 1.0) -> Subscription:
    return Subscription(("subscribe a", "subscribe b"), accepted, within_s)


def test_subscription_is_sent_first_on_every_connection() -> None:
    """A4: three lines, three subscriptions."""
    heard: list[tuple[int, str | bytes]] = []

    async def talk(line: Line) -> None:
        heard.extend([(line.number, await line.socket.recv()), (line.number, await line.socket.recv())])
        await line.tell("welcome", f"{line.number}")
        if line.number == 1:
            line.reset()
        await line.stay()

    async def story() -> None:
        async with venue(talk) as there:
            connection = Connection(there.url, patience=CALM, greeting=greeting())
            got = await read(connection, lambda got: b"2" in got)
            assert got[-2:] == [b"welcome", b"2"], "the answer is a frame like others"
            assert heard == [(1, "subscribe a"), (1, "subscribe b"), (2, "subscribe a"), (2, "subscribe b")]
            assert connection.beginnings == 2

    run(story())


def test_data_before_the_confirmation_is_passed_on() -> None:
    async def talk(line: Line) -> None:
        await line.tell("1", "2", "welcome", "3")
        await line.stay()

    async def story() -> None:
        async with venue(talk) as there:
            got = await read(Connection(there.url, patience=CALM, greeting=greeting()), lambda got: b"3" in got)
            assert got == [b"1", b"2", b"welcome", b"3"]

    run(story())


def test_unconfirmed_subscription_ends_the_connection() -> None:
    """A4: SUBSCRIBE is ignored."""
    reasons = []

    async def talk(line: Line) -> None:
        while True:
            await line.tell("something else")
            await asyncio.sleep(0.01)

    async def story() -> None:
        async def sleep(seconds: float) -> None:
            reasons.append(connection.status.reason)
            await asyncio.sleep(0)

        async with venue(talk) as there:
            connection = Connection(there.url, patience=CALM, greeting=greeting(0.05), sleep=sleep)
            reading = asyncio.create_task(read(connection, lambda got: False, data=False))
            await until(lambda: len(reasons) >= 2)
            reading.cancel()
            await asyncio.wait([reading])

    run(story())
    assert reasons[:2] == ["the venue did not confirm the subscription within 0.05 s"] * 2


def test_refused_subscription_stops_with_the_venues_words() -> None:
    """A4, A6: SUBSCRIBE is refused for good."""

    async def talk(line: Line) -> None:
        await line.tell("no such symbol")
        await line.stay()

    async def story() -> None:
        async with venue(talk) as there:
            connection = Connection(there.url, patience=CALM, greeting=greeting())
            with pytest.raises(VenueRefusedError, match="no such symbol"):
                await read(connection, lambda got: False)
            assert (connection.status.state, connection.status.connects) == (FeedState.STOPPED, 1)

    run(story())


def test_temporary_subscription_error_is_retried() -> None:
    async def talk(line: Line) -> None:
        await line.tell("busy" if line.number == 1 else "welcome")
        await line.stay()

    async def story() -> None:
        async with venue(talk) as there:
            connection = Connection(there.url, patience=CALM, greeting=greeting())
            assert await read(connection, lambda got: b"welcome" in got) == [b"welcome"]
            assert connection.status.connects == 2

    run(story())


def test_keep_alive_is_sent_at_intervals() -> None:
    pings = []

    async def talk(line: Line) -> None:
        while len(pings) < 3:
            pings.append(await line.socket.recv())
            await line.tell("pong")
        await line.tell("enough")
        await line.stay()

    async def story() -> None:
        async with venue(talk) as there:
            connection = Connection(there.url, patience=CALM, ping=KeepAlive("ping", 0.02))
            assert (await read(connection, lambda got: b"enough" in got))[:3] == [b"pong"] * 3

    run(story())
    assert pings[:3] == ["ping"] * 3


@pytest.mark.parametrize("confirmed", [True, False])
def test_renewed_connection_is_confirmed_before_the_old_one_closes(confirmed: bool, logged: LogCapture) -> None:
    """A2, A4: the second line of a rollover."""

    async def talk(line: Line) -> None:
        if line.number == 1 or confirmed:
            await line.tell("welcome")
        while True:
            await line.tell(f"{line.number}")
            await asyncio.sleep(0.005)

    async def story() -> None:
        async with venue(talk) as there:
            connection = Connection(there.url, patience=replace(CALM, longest_pause=60.0), greeting=greeting(0.1))
            reading = asyncio.create_task(read(connection, lambda got: False))
            await until(lambda: connection.status.state is FeedState.LIVE)
            connection.renew()
            await until(lambda: there.opened == 2 and there.now_open == 1)
            assert there.history[-1] == ("close 1" if confirmed else "close 2")
            assert connection.beginnings == 1, "nothing can have been missed"
            reading.cancel()
            await asyncio.wait([reading])

    run(story())
    reasons = [entry["reason"] for entry in logged.entries if entry["log_level"] == "warning"]
    assert reasons == ([] if confirmed else ["the venue did not confirm the subscription within 0.1 s"])
