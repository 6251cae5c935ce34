"""A small WebSocket server for the tests of the connection, and helpers that read from it."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from feeds.network.backoff import Timeouts
from feeds.network.connection import Connection

QUICK = Timeouts(
    silent_after=0.1,
    look_every=0.02,
    answer_within=0.1,
    grace=0.05,
    overlap=0.05,
    proven_after=0.0,
    first_pause=0.001,
    longest_pause=0.01,
    first_paused=0.001,
    longest_paused=0.01,
)
"""Short timeouts for tests, without the limits of a venue."""

_QUICKER = 300.0

Talk = Callable[["Line"], Awaitable[None]]


def run(story: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine of a test; fail if it leaves tasks running or takes 20 s."""

    async def watched() -> None:
        async with asyncio.timeout(20):
            await story
        for _ in range(50):  # the server's side of a socket ends a little later
            if not (left := asyncio.all_tasks() - {asyncio.current_task()}):
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"left running: {left}")

    asyncio.run(watched())


@dataclass
class Line:
    """One accepted socket with its number, counted from 1."""

    number: int
    socket: ServerConnection

    async def tell(self, *messages: object) -> None:
        """Send each argument as a message."""
        for message in messages:
            await self.socket.send(str(message))

    async def stay(self) -> None:
        """Keep the socket open until the client closes it."""
        await self.socket.wait_closed()

    def reset(self) -> None:
        """Cut the connection with a TCP RST."""
        raw = self.socket.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.transport.abort()


@dataclass
class Lines:
    """The address of the server, and counts and a history of its sockets."""

    url: str = ""
    opened: int = 0
    now_open: int = 0
    most_open: int = 0
    history: list[str] = field(default_factory=list)


@asynccontextmanager
async def venue(
    talk: Talk, *, answer: Callable[[ServerConnection, Request], Response | None] | None = None, **options: Any
) -> AsyncIterator[Lines]:
    """A running server that calls `talk` with each socket; `answer` may refuse a handshake with an HTTP response."""
    lines = Lines()

    async def accept(connection: ServerConnection) -> None:
        lines.opened += 1
        lines.now_open += 1
        lines.most_open = max(lines.most_open, lines.now_open)
        number = lines.opened
        lines.history.append(f"open {number}")
        try:
            with suppress(ConnectionClosed, OSError):
                await talk(Line(number, connection))
        finally:
            lines.now_open -= 1
            lines.history.append(f"close {number}")

    async with serve(
        accept, "127.0.0.1", 0, compression=None, process_request=answer, close_timeout=0.2, ping_interval=None, **options
    ) as server:
        scheme = "wss" if "ssl" in options else "ws"
        lines.url = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws/x"
        yield lines


async def read(connection: Connection, enough: Callable[[list[bytes]], bool], *, data: bool = True) -> list[bytes]:
    """Read messages until `enough` returns true; each batch is reported to the connection as data unless `data` is False."""
    got: list[bytes] = []
    async with aclosing(connection.messages()) as batches:
        async for batch in batches:
            got += batch
            if data:
                connection.heard_data()
            if enough(got):
                break
    return got


async def until(true: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait until `true` returns true; raise TimeoutError after `seconds`."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.002)


class QuickClock:
    """A clock that runs 300 times as fast as ours, for stories of several who wait at the same time."""

    def __init__(self, start_s: float = 1_000.0) -> None:
        self._start_s, self._begun_s = start_s, time.monotonic()

    def __call__(self) -> float:
        return self._start_s + _QUICKER * (time.monotonic() - self._begun_s)

    async def sleep(self, seconds: float) -> None:
        """Wait for a part of the time."""
        await asyncio.sleep(seconds / _QUICKER)


class Clock:
    """A clock that only its own `sleep` moves; it records the waits."""

    def __init__(self, start_s: float = 1_000.0) -> None:
        self.now_s = start_s
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        """Move the clock forward at once, and record the wait."""
        self.waits.append(seconds)
        self.now_s += seconds
        await asyncio.sleep(0)
