"""The emulated venue: one loopback port with sockets, REST and a control endpoint."""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import http.client
import json
import logging
import time
from collections import deque
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import numpy as np
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from app.market.trade import TradeBatch
from tests.venue_emulator.connection import VenueConnection
from tests.venue_emulator.faults import Faults
from tests.venue_emulator.injection import inject
from tests.venue_emulator.market import Market
from tests.venue_emulator.playback import Playback, Totals, digest_of
from tests.venue_emulator.rest import Answer, Rest, refused
from tests.venue_emulator.subscriptions import opened
from tests.venue_emulator.tape import Tape
from tests.venue_emulator.telling import Telling

HOST = "127.0.0.1"
_TICK_S = 0.005
_AT_ONCE = 2000  # trades sent before other tasks get a turn
_MOST_WAITING = 64 << 20  # bytes a client may leave unread before the venue cuts it off
_CONNECTIONS_WINDOW_S = 300.0


class VenueEmulator:
    """An emulator of Binance's public spot or USD-M protocol on loopback, with faults on request.

    Used as `async with VenueEmulator(tape) as venue:`; leaving raises the errors of its tasks.

    Parameters
    ----------
    tapes : Tape
        One for each symbol, all of one market.
    port : int
        0 for a free one.
    speed : float
        Factor by which the tapes are played faster; with 0, trades only happen by `emit`.
    restamp : bool
        If True, tapes open now, their times divided by `speed`, and the venue's clock is ours. If False, trades have
        their own times, and the venue's clock starts at the opening of the tape and runs at `speed`.
    history_limit_h : float or None
        Maximum age of the trades that REST serves; None for the market's own limit (48 h on futures).
    connection_limit : int or None
        Sockets in five minutes, above which handshakes get a 429; None for no limit.
    message_limit : bool
        Whether clients are cut that send more frames per second than the market allows.
    ping_interval_s : float or None
        Time between the venue's pings; None for the market's own.
    seed : int
        Seed of all random faults.

    Attributes
    ----------
    faults : Faults
        The current faults; set its attributes at any time.
    fault_log : list of (float, str)
        Time and name of each injected fault; seconds since the venue opened.
    requests_s : list of float
        Time of each REST request, monotonic seconds.
    """

    def __init__(
        self,
        *tapes: Tape,
        port: int = 0,
        speed: float = 1.0,
        restamp: bool = True,
        history_limit_h: float | None = None,
        connection_limit: int | None = 300,
        message_limit: bool = True,
        ping_interval_s: float | None = None,
        seed: int = 1,
    ) -> None:
        if not tapes or len({tape.market for tape in tapes}) != 1 or len({tape.symbol for tape in tapes}) != len(tapes):
            raise ValueError("tapes: expected one or more, of one market and different symbols")
        self.tapes = tapes
        self.market: Market = tapes[0].market
        self.faults = Faults()
        self.fault_log: list[tuple[float, str]] = []
        self.connections: set[VenueConnection] = set()
        self.port = port
        self._speed, self._restamp = speed, restamp
        self._history_limit_h = 48.0 if history_limit_h is None and self.market is Market.USDM else history_limit_h
        self._connection_limit, self._message_limit = connection_limit, message_limit
        self._ping_interval_s = ping_interval_s or self.market.facts.ping_interval_s
        self._random = np.random.default_rng([seed, 0xFA])
        self._opened: deque[float] = deque()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._errors: list[Exception] = []
        self._numbers = {"connections_opened": 0, "handshake_refusals": 0, "frames_sent": 0, "slow_disconnects": 0, "flood_disconnects": 0}
        self._requests: dict[str, int] = {}
        self.requests_s: list[float] = []

    async def __aenter__(self) -> Self:
        self._wall_us, self._started_s = time.time_ns() // 1_000_000 * 1000, time.monotonic()
        squeeze = self._speed if self._restamp and self._speed else 1.0
        self.playbacks = {
            tape.symbol: Playback(tape, self._wall_us if self._restamp else tape.origin_us, squeeze, self.faults, self._random)
            for tape in self.tapes
        }
        self._telling = {name: Telling(playback, self.faults, self._random) for name, playback in self.playbacks.items()}
        self._rest = Rest(self.market, self.playbacks, self.faults, self.now_us, self._history_limit_h)
        silent = logging.getLogger("tests.venue_emulator")
        silent.setLevel(logging.CRITICAL)  # dropped clients are intended, so nothing is logged about them
        self._server: Server = await serve(
            self._talk,
            HOST,
            self.port,
            process_request=self._received,
            create_connection=VenueConnection,
            compression=None,
            ping_interval=self._ping_interval_s,
            ping_timeout=self.market.facts.pong_deadline_s,
            open_timeout=300,
            close_timeout=1,
            logger=silent,
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self.spawn(self._pump())
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.faults.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for connection in self.connections:
            connection.freeze(False)
        self._server.close(close_connections=True)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._server.wait_closed()), 0.5)
        for connection in list(self._server.all_connections):
            connection.transport.abort()
        await self._server.wait_closed()
        if self._errors and kind is None:
            raise ExceptionGroup("the venue emulator failed", self._errors)

    @property
    def ws_url(self) -> str:
        """The address to put before `/ws` or `/market/ws`."""
        return f"ws://{HOST}:{self.port}"

    @property
    def rest_url(self) -> str:
        """The address to put before `/api/v3` or `/fapi/v1`."""
        return f"http://{HOST}:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that connect the program to this venue instead of the real one."""
        facts = self.market.facts
        return {facts.ws_variable: self.ws_url, facts.rest_variable: self.rest_url}

    @property
    def tape(self) -> Tape:
        """The first tape."""
        return self.tapes[0]

    @property
    def handshakes_s(self) -> tuple[float, ...]:
        """Times of the handshakes of the last 5 minutes, monotonic seconds."""
        return tuple(self._opened)

    def now_us(self) -> int:
        """The venue's clock, µs since 1970."""
        elapsed_us = (time.monotonic() - self._started_s) * 1e6
        if self._restamp:
            return self._wall_us + int(elapsed_us)
        return min(tape.origin_us for tape in self.tapes) + int(elapsed_us * self._speed)

    def trades(
        self, symbol: str | None = None, first_id: int | None = None, last_id: int | None = None, *, micro: bool = False
    ) -> TradeBatch:
        """All trades that have happened at the venue, with history; times are in whole ms unless `micro`."""
        return self._playback(symbol).trades(first_id, last_id, micro=micro)

    def totals(self, symbol: str | None = None, first_id: int | None = None, last_id: int | None = None) -> Totals:
        """Count and sums of the trades that have happened in a range of ids, both included."""
        return self._playback(symbol).totals(first_id, last_id)

    async def emit(self, count: int, symbol: str | None = None) -> None:
        """Let the next `count` trades happen at once."""
        playback = self._playback(symbol)
        while count > 0:
            self._tell(playback, min(count, _AT_ONCE))
            count -= _AT_ONCE
            await asyncio.sleep(0)

    def inject(self, fault: str, **arguments: Any) -> None:
        """Cause a fault by its name and log it; see `injection.inject`."""
        self.fault_log.append((round(time.monotonic() - self._started_s, 3), fault))
        inject(self, fault, arguments)

    def spawn(self, work: Any) -> None:
        """Run a coroutine until it ends or the venue closes."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def stats(self) -> dict[str, Any]:
        """The content of `/_stats`: the first symbol's trades since the opening, then connections, requests and faults."""
        first = self._playback(None)
        return {
            "market": self.market.value,
            "symbol": first.symbol,
            **first.emitted.as_json(),
            "skipped_ids": len(first.skipped_ids),
            "lost_ids": len(first.lost_ids),
            "connections_open": len(self.connections),
            **self._numbers,
            "rest_requests": dict(self._requests),
            "weight_used": self._rest.meter.used,
            "faults": dict(self.faults.counts),
            "symbols": {name: playback.emitted.as_json() for name, playback in self.playbacks.items()},
        }

    def listeners(self) -> Iterator[VenueConnection]:
        """The open sockets."""
        return (connection for connection in list(self.connections) if connection.is_open)

    def _playback(self, symbol: str | None) -> Playback:
        return self.playbacks[symbol or self.tape.symbol]

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self._errors.append(error)

    async def _pump(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            for connection in self.connections:
                connection.freeze(self.faults.freeze)
            if not self._speed:
                continue
            now_us = self.now_us()
            for playback in self.playbacks.values():
                while due := playback.due(now_us):
                    self._tell(playback, min(due, _AT_ONCE))
                    await asyncio.sleep(0)

    def _tell(self, playback: Playback, count: int) -> None:
        listeners = [c for c in self.listeners() if playback.stream in c.subscriptions.streams and not c.subscriptions.silent]
        telling = self._telling[playback.symbol]
        telling.take(count)
        if self.faults.stall or self.faults.freeze:
            return
        for connection in listeners:
            data, n = telling.data(connection.subscriptions)
            self._numbers["frames_sent"] += n
            if connection.write(data) > _MOST_WAITING:
                self._numbers["slow_disconnects"] += 1
                connection.reset()

    async def _talk(self, connection: ServerConnection) -> None:
        assert isinstance(connection, VenueConnection)
        self._numbers["connections_opened"] += 1
        if self.faults.flap:
            self.faults.counted("flap")
            await connection.close(1001)
            return
        self.connections.add(connection)
        try:
            async for message in connection:
                await self._obey(connection, message)
        except ConnectionClosed:
            pass
        except Exception as error:  # websockets would only log it
            self._errors.append(error)
            raise
        finally:
            self._numbers["flood_disconnects"] += connection.flooded
            self.connections.discard(connection)

    async def _obey(self, connection: VenueConnection, message: str | bytes) -> None:
        subscribing = b'"SUBSCRIBE"' in (message if isinstance(message, bytes) else message.encode())
        if subscribing and self.faults.ignore_subscribe:
            self.faults.counted("ignore_subscribe")
            return
        if subscribing and self.faults.silent_subscribe:
            self.faults.counted("silent_subscribe")
            connection.subscriptions.silent = True
        await connection.send(connection.subscriptions.answer(message))

    async def _received(self, connection: ServerConnection, request: Request) -> Response | None:
        try:
            while self.faults.freeze and not request.path.startswith("/_"):
                await asyncio.sleep(_TICK_S)
            if request.headers.get("Upgrade", "").lower() == "websocket":
                return self._handshake(connection, request)
            return _response(await self._answered(request))
        except Exception as error:
            self._errors.append(error)
            raise

    def _handshake(self, connection: ServerConnection, request: Request) -> Response | None:
        now = time.monotonic()
        while self._opened and self._opened[0] < now - _CONNECTIONS_WINDOW_S:
            self._opened.popleft()
        self._opened.append(now)
        refusal = self.faults.take_refusal("handshake")
        if refusal is None and self._connection_limit is not None and len(self._opened) > self._connection_limit:
            return self._refuse(Answer(429, b"", {"Retry-After": str(round(self._opened[0] + _CONNECTIONS_WINDOW_S - now))}))
        if refusal is not None:
            self.faults.counted(f"handshake-{refusal.status}")
            return self._refuse(refused(refusal, time.time(), self.market.facts.weight_limit))
        subscriptions = opened(request.path, self.market)
        if subscriptions is None:
            return self._refuse(Answer(404, b""))
        assert isinstance(connection, VenueConnection)
        if subscriptions.streams and self.faults.silent_subscribe:
            self.faults.counted("silent_subscribe")
            subscriptions.silent = True
        connection.subscriptions = subscriptions
        if self._message_limit:
            connection.messages_per_second = self.market.facts.messages_per_second
        return None

    def _refuse(self, answer: Answer) -> Response:
        self._numbers["handshake_refusals"] += 1
        return _response(answer)

    async def _answered(self, request: Request) -> Answer:
        parts = urlsplit(request.path)
        query = dict(parse_qsl(parts.query))
        if parts.path == "/_stats":
            return _json_answer(self.stats())
        if parts.path == "/_totals":
            first_id, last_id = (int(query[name]) if name in query else None for name in ("first_id", "last_id"))
            totals = self.totals(query.get("symbol"), first_id, last_id).as_json()
            digest = {"digest": digest_of(self.trades(query.get("symbol"), first_id, last_id))} if "digest" in query else {}
            return _json_answer(totals | digest)
        if parts.path == "/_control":
            return self._controlled(query)
        self.requests_s.append(time.monotonic())
        self._requests[parts.path] = self._requests.get(parts.path, 0) + 1
        if request.method != "GET":
            return Answer(405, b"")
        if self.faults.rest_delay_s:
            self.faults.counted("rest_delay")
            await asyncio.sleep(self.faults.rest_delay_s)
        return self._rest.answer(request.path, request.headers, time.time())

    def _controlled(self, query: dict[str, str]) -> Answer:
        fault = query.pop("fault", "")
        try:
            if fault:
                self.inject(fault, **query)
        except (TypeError, ValueError) as error:
            return _json_answer({"error": str(error)}, 400)
        return _json_answer({"done": fault, "faults": repr(self.faults), "log": self.fault_log[-50:]})


def _json_answer(value: object, status: int = 200) -> Answer:
    return Answer(status, json.dumps(value).encode())


def _response(answer: Answer) -> Response:
    headers = Headers(
        {
            "Date": email.utils.formatdate(usegmt=True),
            "Connection": "close",
            "Content-Length": str(len(answer.body)),
            "Content-Type": answer.content_type,
            **answer.headers,
        }
    )
    phrase = http.client.responses.get(answer.status, "Unknown")
    return Response(answer.status, phrase, headers, answer.body[: len(answer.body) - answer.short_by])
