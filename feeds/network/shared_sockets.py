"""Sockets that several markets of a venue share, since venues limit the sockets of an address.

Each market has its own line on the socket, which is subscribed, confirmed, silent, refused or closed independently of the others. The
socket is opened once for all markets that wait for it, at its own pace. When it breaks, all lines on it end, and the next socket is
opened for all. A market whose subscription was lost is subscribed again on the same socket, as long as other markets' trades arrive on it.
"""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

import structlog
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from app.errors import FeedError, VenueBusyError, VenuePausedError, VenueUnreachableError
from feeds.network.backoff import ReconnectBackoff, Timeouts
from feeds.network.failures import host_of
from feeds.network.host_limits import HostLimits
from feeds.network.websocket_session import KeepAlive, Subscription, close_socket, closing_error, keep_awake, open_socket, unconfirmed

_log = structlog.get_logger(__name__)

_FULL_S = 60.0  # until a market is tried again for which no socket has room


@dataclass(frozen=True, slots=True)
class Sharing:
    """Messages and limits of a market that shares sockets with other markets of the same address.

    Attributes
    ----------
    market : str
        The market, as messages name it.
    market_of : callable
        The market that a message belongs to; None for a message that concerns all markets of the socket, or that cannot be read.
    unsubscribe : tuple of str
        Sent when the market is closed while others stay.
    per_socket, sockets : int
        Most markets on a socket, and most sockets, without those that are being replaced.
    apart_s : float
        Minimum seconds between two messages that are sent.
    """

    market: str
    market_of: Callable[[bytes], str | None]
    unsubscribe: tuple[str, ...]
    per_socket: int
    sockets: int
    apart_s: float = 0.0


class SharedLine:
    """One market's stream of messages on a shared socket; a `Connection` uses it like a `WebSocketSession`.

    Attributes
    ----------
    opened_at, socket_opened_at : float
        Times at which the line and its socket were opened.
    frames : int
        Number of messages received.
    delivers : bool
        True once the venue has confirmed the subscription.
    reader : Future
        Ends with the line; its result is the error with the reason.
    """

    def __init__(
        self,
        socket: SharedSocket,
        sharing: Sharing,
        greeting: Subscription,
        opened_at: float,
        take: Callable[[bytes], None],
        begun: Callable[[], None],
    ) -> None:
        self.opened_at, self.socket_opened_at = opened_at, socket.opened_at
        self.frames = 0
        self.delivers = False
        self.reader: asyncio.Future[FeedError] = asyncio.get_running_loop().create_future()
        self.sharing, self.greeting = sharing, greeting
        self._socket, self._take, self._begun = socket, take, begun
        self._deadline: asyncio.TimerHandle | None = None

    @property
    def others_heard(self) -> bool:
        """True if a message of another market on the socket has arrived since this market's last message."""
        return self._socket.heard_at > self._socket.heard_from.get(self.sharing.market, self.opened_at)

    def hear(self, frame: bytes) -> None:
        """Pass on a received message, which may confirm the subscription; one that refuses it ends the line instead.

        Does nothing once the line has ended.
        """
        if self.reader.done():
            return
        try:
            accepted = self.delivers or self.greeting.accepted(frame)
        except FeedError as error:
            self.end(error)
            return
        self._take(frame)
        self.frames += 1
        if accepted and not self.delivers:
            self.deliver()

    def asked(self) -> None:
        """Start the time limit for the venue's confirmation, as the subscription has been sent."""
        if not self.delivers and self._deadline is None:
            self._deadline = asyncio.get_running_loop().call_later(self.greeting.within_s, self._unconfirmed)

    def deliver(self) -> None:
        """Record that the venue has confirmed the subscription."""
        self.delivers = True
        self._begun()

    def end(self, error: Exception) -> None:
        """End the line with an error as the reason, unless the line has ended already."""
        if self.reader.done():
            return
        if isinstance(error, FeedError):
            self.reader.set_result(error)
        else:
            self.reader.set_exception(error)

    def doubt(self, silent_s: float) -> None:
        """Break the shared socket, with all its lines, if no market on it has sent anything for `silent_s` seconds."""
        self._socket.doubt(silent_s)

    async def aclose(self) -> None:
        """Close the line; the last line of a market also unsubscribes the market, and the last line of the socket closes the socket."""
        if self._deadline is not None:
            self._deadline.cancel()
        self.end(VenueUnreachableError("closed"))
        await self._socket.leave(self)

    def _unconfirmed(self) -> None:
        if not self.delivers:
            self.end(unconfirmed(self.greeting))
            self.doubt(self.greeting.within_s)


class SharedSocket:
    """An open socket with the lines of the markets that share it.

    Parameters
    ----------
    socket : ClientConnection
    opened_at : float
        Time of opening.
    market_of : callable
        See `Sharing`.
    ping : KeepAlive or None
    send_turn : coroutine function
        Waits until a message may be sent.
    ended : callable
        Called with this socket when it is closed or breaks, and whether it broke.
    monotonic : callable
        Clock.

    Attributes
    ----------
    lines : dict of str to list of SharedLine
        The lines by market.
    heard_at : float
        Time of the latest message of any market.
    heard_from : dict of str to float
        The same for each market.
    """

    def __init__(
        self,
        socket: ClientConnection,
        opened_at: float,
        market_of: Callable[[bytes], str | None],
        ping: KeepAlive | None,
        send_turn: Callable[[], Awaitable[None]],
        ended: Callable[[SharedSocket, bool], None],
        monotonic: Callable[[], float],
    ) -> None:
        self.opened_at = self.heard_at = opened_at
        self.lines: dict[str, list[SharedLine]] = {}
        self.heard_from: dict[str, float] = {}
        self.broken = False
        self._socket, self._market_of, self._send_turn, self._ended, self._monotonic = socket, market_of, send_turn, ended, monotonic
        self._asked: dict[str, tuple[str, ...]] = {}  # the markets subscribed, each with its messages that unsubscribe it
        self._dropped: set[str] = set()
        self._changed: dict[str, None] = {}  # markets to subscribe or unsubscribe, in this order
        self._change = asyncio.Event()
        self._tasks: list[asyncio.Task[Any]] = [asyncio.create_task(self._read()), asyncio.create_task(self._write())]
        if ping is not None:
            self._tasks.append(asyncio.create_task(keep_awake(socket, ping)))

    def join(self, line: SharedLine) -> None:
        """Add a line, and subscribe its market unless another line has done so."""
        market = line.sharing.market
        self.lines.setdefault(market, []).append(line)
        self._note(market)

    async def leave(self, line: SharedLine) -> None:
        """Remove a line; unsubscribe its market if that was the market's last line, and close the socket if no line is left."""
        market = line.sharing.market
        if line not in self.lines.get(market, ()):
            return
        self.lines[market].remove(line)
        if self.lines[market]:
            return
        del self.lines[market]
        if not self.lines:
            await self.aclose()
        elif not self.broken:
            self._dropped.add(market)
            self._note(market)

    def doubt(self, silent_s: float) -> None:
        """Break the socket if no market on it has sent anything for `silent_s` seconds."""
        if self._monotonic() - self.heard_at >= silent_s:
            self._break(VenueUnreachableError("connection lost: no data of any market"))

    async def aclose(self) -> None:
        """Close the socket, waiting at most 1.5 s for the venue to close its side."""
        self.broken = True
        self._ended(self, False)
        await close_socket(self._socket, self._tasks)

    def _note(self, market: str) -> None:
        self._changed[market] = None
        self._change.set()

    async def _read(self) -> None:
        try:
            while True:
                self._pass_on(await self._socket.recv(decode=False))
        except ConnectionClosed as closed:
            self._break(closing_error(closed))
        except Exception as error:
            self._break(error)  # each line's owner stops with it

    def _pass_on(self, frame: bytes) -> None:
        """Pass a message to the lines of its market, or to all lines if it belongs to no single market."""
        market = self._market_of(frame)
        if market is None:
            for line in [each for lines in self.lines.values() for each in lines]:
                line.hear(frame)
            return
        self.heard_at = self.heard_from[market] = self._monotonic()
        for line in list(self.lines.get(market, ())):
            line.hear(frame)

    async def _write(self) -> None:
        """Subscribe markets that have a line and unsubscribe markets without one, one market after another, until the socket closes."""
        try:
            while True:
                await self._change.wait()
                while self._changed:
                    market = next(iter(self._changed))
                    del self._changed[market]
                    await self._reconcile(market)
                self._change.clear()
        except ConnectionClosed:
            pass  # the reader reports the reason

    async def _reconcile(self, market: str) -> None:
        if market in self._dropped:  # also where it is wanted again: its subscription may be what was lost
            self._dropped.discard(market)
            await self._send(self._asked.pop(market, ()))
        if lines := self.lines.get(market):
            if market not in self._asked:
                self._asked[market] = lines[0].sharing.unsubscribe
                await self._send(lines[0].greeting.messages)
            confirmed = any(line.delivers for line in lines)
            for line in [line for line in lines if not line.delivers]:
                line.deliver() if confirmed else line.asked()

    async def _send(self, messages: tuple[str, ...]) -> None:
        for message in messages:
            await self._send_turn()
            await self._socket.send(message)

    def _break(self, error: Exception) -> None:
        """End the socket and all its lines with an error as the reason, unless the socket has ended already."""
        if self.broken:
            return
        self.broken = True
        self._socket.transport.abort()  # at once, as the next one counts too
        self._ended(self, True)
        for task in self._tasks[1:]:  # all but the reader; without a line nobody else would end them
            task.cancel()
        for line in [each for lines in self.lines.values() for each in lines]:
            line.end(error)


class SharedSockets:
    """The shared sockets of one address, with one pace for all attempts to open them.

    Parameters
    ----------
    url : str
    patience : Timeouts
    limits : HostLimits
    ping : KeepAlive, optional
    ssl_context : SSLContext, optional
    monotonic, sleep, jitter : callables
        Clock, wait and random numbers, for tests.
    """

    def __init__(
        self,
        url: str,
        patience: Timeouts,
        limits: HostLimits,
        *,
        ping: KeepAlive | None = None,
        ssl_context: ssl.SSLContext | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.sockets: list[SharedSocket] = []
        self._url, self._patience, self._limits = url, patience, limits
        self._ping, self._ssl, self._monotonic, self._sleep = ping, ssl_context, monotonic, sleep
        self._pace = ReconnectBackoff(patience, jitter)
        self._next_at = -float("inf")
        self._opening: asyncio.Task[None] | None = None
        self._waiting = 0

    @property
    def wait_s(self) -> float:
        """Seconds until a socket may be opened; 0 while one is open."""
        return 0.0 if self.sockets else max(0.0, self._next_at - self._monotonic())

    def proven(self) -> None:
        """Record that a socket works, so that the next pauses start from the shortest again."""
        self._pace.proven()

    def spare(self, newer_than: float) -> bool:
        """True if a socket was opened after `newer_than` and is still open, or another one may be opened now."""
        if any(each.opened_at > newer_than for each in self.sockets):
            return True
        return self._monotonic() >= self._next_at and self._limits.spare_connect(self._patience.connects)

    async def join(
        self,
        sharing: Sharing,
        greeting: Subscription,
        take: Callable[[bytes], None],
        begun: Callable[[], None],
        *,
        newer_than: float = -float("inf"),
    ) -> SharedLine:
        """Return a line on an open socket that has room and was opened after `newer_than`; if there is none, open a new socket.

        Raises
        ------
        FeedError
            If no socket can be opened; `VenueBusyError` if all allowed sockets are full.
        """
        line: SharedLine | None = None
        self._waiting += 1
        try:
            while (socket := self._with_room(sharing, newer_than)) is None:
                if self._opening is None:
                    self._require_spare_socket(sharing, newer_than)
                    self._opening = asyncio.create_task(self._open(sharing))
                opening = self._opening
                await asyncio.wait([opening])
                if self._opening is opening:
                    self._opening = None
                opening.result()
            line = SharedLine(socket, sharing, greeting, self._monotonic(), take, begun)
            socket.join(line)
        finally:
            self._waiting -= 1
            try:
                await self._close_unused()
            except asyncio.CancelledError:  # nobody would get this line, and so nobody close it
                if line is not None:
                    await line.aclose()
                raise
        assert line is not None
        return line

    def _with_room(self, sharing: Sharing, newer_than: float) -> SharedSocket | None:
        """The newest socket that has room for a market and was opened after `newer_than`; None if there is none."""
        fitting = (
            each
            for each in reversed(self.sockets)
            if each.opened_at > newer_than and (len(each.lines) < sharing.per_socket or sharing.market in each.lines)
        )
        return next(fitting, None)

    def _require_spare_socket(self, sharing: Sharing, newer_than: float) -> None:
        if newer_than == -float("inf") and len(self.sockets) >= sharing.sockets:
            most = sharing.sockets * sharing.per_socket
            raise VenueBusyError(f"{host_of(self._url)}: {most:,} markets are open, the most for one address", retry_after_s=_FULL_S)

    async def _open(self, sharing: Sharing) -> None:
        """Wait until the pace and the host's limits allow it, then open a socket for all markets that wait for one."""
        if not self.sockets and self._next_at == -float("inf"):
            self._next_at = self._monotonic() + self._pace.pause_s(self._monotonic())
        wait_s = self.wait_s
        if wait_s > 0:
            await self._sleep(wait_s)
        wait_s = self._limits.reserve_connect(self._patience.connects_apart, self._patience.connects)
        if wait_s > 0:
            self._next_at = max(self._next_at, self._monotonic() + wait_s)
            await self._sleep(wait_s)
        begun_at = self._monotonic()
        try:
            socket = await open_socket(self._url, self._patience, self._ssl)
        except FeedError as error:
            self._pause(error, self._monotonic() - begun_at)
            raise
        turn = lambda: self._limits.send_turn(sharing.apart_s)  # noqa: E731
        self.sockets.append(SharedSocket(socket, self._monotonic(), sharing.market_of, self._ping, turn, self._gone, self._monotonic))

    def _pause(self, error: FeedError | None = None, waited_s: float = 0.0) -> None:
        """Postpone the next attempt to open a socket, longer after each failure."""
        at_least_s = error.retry_after_s if isinstance(error, VenueBusyError) else 0.0
        now, turned_away = self._monotonic(), isinstance(error, VenuePausedError)
        self._next_at = now + self._pace.pause_s(now, at_least_s, waited_s, turned_away=turned_away)

    def _gone(self, socket: SharedSocket, broke: bool) -> None:
        """Remove a socket that was closed or broke; after a break, the next socket is opened only after a pause."""
        if socket not in self.sockets:
            return
        self.sockets.remove(socket)
        if broke:
            _log.info("shared connection lost", url=self._url, markets=len(socket.lines))
            self._pause()

    async def _close_unused(self) -> None:
        """Cancel the attempt to open a socket, and close sockets without lines, unless a market waits for a socket."""
        if self._waiting:
            return
        if self._opening is not None:
            opening, self._opening = self._opening, None
            opening.cancel()
            await asyncio.wait([opening])
            if not opening.cancelled():
                opening.exception()  # retrieved, or asyncio would log it
        for socket in [each for each in self.sockets if not each.lines]:
            await socket.aclose()


_BY_URL: WeakValueDictionary[str, SharedSockets] = WeakValueDictionary()


def shared_sockets_of(url: str, create: Callable[[], SharedSockets]) -> SharedSockets:
    """The shared sockets of an address, the same for all connections in this process; dropped with the last of these connections."""
    found = _BY_URL.get(url)
    if found is None:
        found = _BY_URL[url] = create()
    return found
