"""A venue on loopback that counts what each address uses."""

from __future__ import annotations

import asyncio
import email.utils
import json
import logging
import random
import socket
import ssl
import struct
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tests.counting_venue.protocol import Answer, Protocol, Told

_TICK_S = 0.02
_FIRST = 1_000


@dataclass
class Usage:
    """What one address uses now, and the most that it has ever used of each kind."""

    sockets: int = 0
    times: dict[str, deque[tuple[float, int]]] = field(default_factory=lambda: defaultdict(deque))
    peaks: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    def within(self, kind: str, window_s: float, limit: int, n: int = 1) -> bool:
        """Count `n` of a kind unless that would exceed the limit of a window, which is counted as refused."""
        now, times = time.monotonic(), self.times[kind]
        while times and times[0][0] <= now - window_s:
            times.popleft()
        used = sum(each for _, each in times)
        if used + n > limit:
            self.refused[kind] += 1
            return False
        times.append((now, n))
        self.note(kind, used + n)
        return True

    def note(self, kind: str, used: int) -> None:
        """Remember the most that was used of a kind."""
        self.peaks[kind] = max(self.peaks[kind], used)


class CountingVenue:
    """A venue with trades at random times; used as `async with CountingVenue(Okx(), markets) as venue:`.

    Parameters
    ----------
    protocol : Protocol
    markets : sequence of str
    rate : float
        Trades a second of each market; with 0 only `trade` makes any.
    seed : int
    tls : SSLContext, optional
        Sockets and REST are encrypted with it.
    ahead_s : float
        Seconds by which the venue's clock is ahead of ours.

    Attributes
    ----------
    tapes : dict of str to list of Told
        All trades of each market.
    usage : dict of str to Usage
        By address.
    opened : int
        Sockets so far.
    history : list of str
        The opening and the end of each socket, by its number.
    sent : list of str
        All messages of clients.
    refusal : int
        HTTP status for each handshake; 0 for none.
    rest_refusal : int
        HTTP status for each REST request; 0 for none.
    on_handshake : callable
        Called at each handshake.
    """

    def __init__(
        self,
        protocol: Protocol,
        markets: Sequence[str],
        *,
        rate: float = 0.0,
        seed: int = 1,
        tls: ssl.SSLContext | None = None,
        ahead_s: float = 0.0,
    ) -> None:
        self.protocol, self.markets, self.rate, self.ahead_s = protocol, list(markets), rate, ahead_s
        self._tls = tls
        self.tapes: dict[str, list[Told]] = {market: [] for market in markets}
        self.usage: dict[str, Usage] = defaultdict(Usage)
        self.opened = 0
        self.history: list[str] = []
        self.refusal = 0
        self.rest_refusal = self.refused_handshakes = 0
        self.on_handshake: Callable[[], object] = lambda: None
        self.muted: dict[str, set[ServerConnection]] = {}
        self.sent: list[str] = []
        self._random = random.Random(seed)
        self._sockets: dict[ServerConnection, set[str]] = {}
        self._due = dict.fromkeys(markets, 0.0)

    @property
    def used(self) -> Usage:
        """What loopback's only address has used."""
        return self.usage["127.0.0.1"]

    @property
    def subscribed(self) -> list[str]:
        """The markets subscribed now, over all sockets."""
        return sorted(market for markets in self._sockets.values() for market in markets)

    async def __aenter__(self) -> Self:
        silent = logging.getLogger("tests.counting_venue")
        silent.setLevel(logging.CRITICAL)
        options: dict[str, Any] = {"compression": None, "close_timeout": 0.2, "ping_interval": None, "logger": silent, "ssl": self._tls}
        self._server = await serve(self._talk, "127.0.0.1", 0, process_request=self._handshake, **options)
        self._rest = await asyncio.start_server(self._answer, "127.0.0.1", 0, ssl=self._tls)
        secure = "s" if self._tls is not None else ""
        self.ws_url = f"ws{secure}://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        self.rest_url = f"http{secure}://127.0.0.1:{self._rest.sockets[0].getsockname()[1]}"
        self._pump = asyncio.create_task(self._trade_at_random())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._pump.cancel()
        await asyncio.wait([self._pump])
        if not self._pump.cancelled():
            self._pump.result()
        self._server.close()
        self._rest.close()
        await self._server.wait_closed()
        await self._rest.wait_closed()

    # -- what tests do ---------------------------------------------------------------------------

    async def trade(self, market: str, n: int = 1) -> None:
        """Make `n` trades of a market now, and send them to all that are subscribed."""
        tape, now_ms = self.tapes[market], time.time_ns() // 1_000_000 + round(self.ahead_s * 1000)
        first_ms = max(now_ms, tape[-1].time_ms + 1 if tape else 0)  # a list of one time would have no order
        new = [self._made(_FIRST + len(tape) + each, first_ms + each) for each in range(n)]
        tape += new
        frame = self.protocol.frame(market, new)
        for connection, markets in list(self._sockets.items()):
            if market in markets and connection not in self.muted.get(market, ()):
                with suppress(ConnectionClosed):
                    await connection.send(frame)

    def mute(self, market: str) -> None:
        """Send no more trades of a market to the sockets that are open now, unless they subscribe again."""
        self.muted[market] = set(self._sockets)

    def drop(self, n: int = 1_000) -> None:
        """Cut up to `n` sockets with a TCP RST."""
        for connection in list(self._sockets)[:n]:
            raw = connection.transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.transport.abort()

    @contextmanager
    def refusing(self, status: int) -> Iterator[None]:
        """Refuse every handshake with an HTTP status inside the block."""
        self.refusal = status
        try:
            yield
        finally:
            self.refusal = 0

    # -- sockets ---------------------------------------------------------------------------------

    def _handshake(self, connection: ServerConnection, request: Request) -> Response | None:
        self.on_handshake()
        used, allowed = self.usage[connection.remote_address[0]], self.protocol.allowance
        enough = [
            used.within("connects a second", 1.0, allowed.connects_a_second),
            used.within("connects a minute", 60.0, allowed.connects_a_minute),
            used.within("connects in five minutes", 300.0, allowed.connects_in_five_minutes),
        ]
        if used.sockets >= allowed.sockets:
            used.refused["sockets"] += 1
            enough.append(False)
        status = self.refusal or (0 if all(enough) else 429)
        if not status:
            return None
        self.refused_handshakes += 1
        return Response(status, "Refused", Headers({"Content-Length": "0"}), b"")

    async def _talk(self, connection: ServerConnection) -> None:
        used, allowed = self.usage[connection.remote_address[0]], self.protocol.allowance
        used.sockets += 1
        used.note("sockets", used.sockets)
        self.opened += 1
        number = self.opened
        self.history.append(f"open {number}")
        subscribed = self._sockets[connection] = set()
        try:
            if self.protocol.welcome:
                await connection.send(self.protocol.welcome)
            async for message in connection:
                if not used.within("messages a minute", 60.0, allowed.messages_a_minute):
                    await connection.close(1008, "too many messages")
                    return
                self.sent.append(str(message))
                before = set(subscribed)
                answers = self.protocol.heard(str(message), subscribed, self.tapes)
                for market in before ^ subscribed:
                    self.muted.get(market, set[ServerConnection]()).discard(connection)
                if len(self.subscribed) > allowed.subscriptions:
                    used.refused["subscriptions"] += 1
                    subscribed &= before
                    answers = ['{"channel":"error","data":"Cannot track more subscriptions"}']
                used.note("subscriptions", len(self.subscribed))
                for answer in answers:
                    await connection.send(answer)
        except (ConnectionClosed, OSError):
            pass
        finally:
            used.sockets -= 1
            del self._sockets[connection]
            self.history.append(f"close {number}")

    async def _trade_at_random(self) -> None:
        last = time.monotonic()
        while True:
            await asyncio.sleep(_TICK_S)
            now = time.monotonic()
            for market in self.markets:
                self._due[market] += self.rate * (now - last) * self._random.uniform(0.0, 2.0)
                if n := int(self._due[market]):
                    self._due[market] -= n
                    await self.trade(market, n)
            last = now

    def _made(self, number: int, time_ms: int) -> Told:
        chance = self._random
        price, size = 100_000 + chance.randrange(2_000), chance.randrange(1, 9_000)
        return Told(number, time_ms, f"{price / 1000:.3f}", f"{size / 1000:.3f}", chance.random() < 0.5)

    # -- REST ------------------------------------------------------------------------------------

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            parts = urlsplit(head.split()[1])
            question: dict[str, Any] = dict(parse_qsl(parts.query))
            lengths = [int(line.split(":")[1]) for line in head.lower().splitlines() if line.startswith("content-length:")]
            if lengths and lengths[0]:
                question |= json.loads(await reader.readexactly(lengths[0]))
            answer = self.protocol.ask(parts.path, question, self.tapes)
            used = self.usage[writer.get_extra_info("peername")[0]]
            if not used.within("weight a minute", 60.0, self.protocol.allowance.weight_a_minute, answer.weight):
                answer = Answer(429, {"msg": "too many requests"}, 0)
            if self.rest_refusal:
                answer = Answer(self.rest_refusal, {}, 0)
            body, date = json.dumps(answer.body).encode(), email.utils.formatdate(time.time() + self.ahead_s, usegmt=True)
            writer.write(
                f"HTTP/1.1 {answer.status} X\r\nDate: {date}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
            )
            await writer.drain()
        writer.close()
