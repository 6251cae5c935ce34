"""One WebSocket to a venue: open, subscribe, keep alive, read until it breaks."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from app.errors import FeedError, VenueUnreachableError
from feeds.network.backoff import Timeouts
from feeds.network.failures import connect_error
from feeds.network.trust import trusted_authorities

_MAX_FRAME_BYTES = 1 << 20
_QUEUE_FRAMES = 1 << 14  # the library's own buffer; ours is the list that is emptied each frame


@dataclass(frozen=True, slots=True)
class Subscription:
    """Messages that subscribe a new connection to a market's data, and the check for the venue's confirmation.

    Attributes
    ----------
    messages : tuple of str
        Sent unchanged, in this order.
    accepted : callable
        Whether a received message confirms the subscription. Called with every message until one does, data included. Raises
        `VenueRefusedError` with the venue's words if it refuses for good, another `FeedError` if a retry may help; unrelated
        or unreadable messages return False.
    within_s : float
        Time for the confirmation; without one the connection is closed.
    """

    messages: tuple[str, ...]
    accepted: Callable[[bytes], bool]
    within_s: float = 5.0


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """A text sent at intervals to keep a connection open.

    The venue's answer, if it sends one, arrives like any other message.
    """

    text: str
    every_s: float


async def open_socket(url: str, patience: Timeouts, ssl_context: ssl.SSLContext | None = None) -> ClientConnection:
    """Open a WebSocket and complete its handshake.

    Raises
    ------
    FeedError
        If the socket cannot be opened; the class of the error shows whether a retry can help.
    """
    secured: dict[str, Any] = {"ssl": ssl_context or trusted_authorities()} if url.startswith("wss:") else {}
    try:
        # extensions cost time and have stalled streams; the limits stop one message from filling the memory
        return await connect(
            url,
            compression=None,
            max_size=_MAX_FRAME_BYTES,
            max_queue=_QUEUE_FRAMES,
            open_timeout=patience.open_timeout,
            close_timeout=1.0,
            proxy=_proxy_for(url),
            **secured,
        )
    except (OSError, WebSocketException, TimeoutError, EOFError, ValueError, ImportError) as error:
        raise connect_error(error, url) from error


def _proxy_for(url: str) -> str | Literal[True] | None:
    """The proxy that ALL_PROXY names, which `websockets` does not read; None if the host is excluded from proxies.

    True, for the choice of `websockets`, if ALL_PROXY is not set or a proxy for this kind of address is.
    """
    proxies = urllib.request.getproxies()
    every = proxies.get("all")
    own = ("wss", "socks", "https") if url.startswith("wss:") else ("ws", "socks", "https", "http")
    if not every or any(proxies.get(name) for name in own):
        return True
    return None if urllib.request.proxy_bypass(urllib.parse.urlsplit(url).netloc) else every


class WebSocketSession:
    """An open socket of one market, with the tasks that read it and keep it open.

    Parameters
    ----------
    socket : ClientConnection
    opened_at : float
        Time of opening, by the owner's clock.
    take : callable
        Called with each message.
    begun : callable
        Called once, when the session `delivers`.
    greeting : Subscription, optional
    ping : KeepAlive, optional

    Attributes
    ----------
    opened_at, socket_opened_at : float
        Time of opening.
    frames : int
        Number of messages read.
    delivers : bool
        True once the venue has confirmed the subscription or, if there is none, sent a message.
    reader : Task
        Ends with the socket; its result is the error with the reason.
    """

    def __init__(
        self,
        socket: ClientConnection,
        opened_at: float,
        take: Callable[[bytes], None],
        begun: Callable[[], None],
        *,
        greeting: Subscription | None = None,
        ping: KeepAlive | None = None,
    ) -> None:
        self.opened_at = self.socket_opened_at = opened_at
        self.frames = 0
        self.delivers = False
        self._socket, self._take, self._begun = socket, take, begun
        self.reader = asyncio.create_task(self._read(greeting))
        self._tasks: list[asyncio.Task[Any]] = [self.reader]
        if ping is not None:
            self._tasks.append(asyncio.create_task(keep_awake(socket, ping)))

    async def aclose(self) -> None:
        """Close the socket, waiting at most 1.5 s for the venue to close its side."""
        await close_socket(self._socket, self._tasks)

    @property
    def others_heard(self) -> bool:
        """Always False, as no other market is on this socket."""
        return False

    def doubt(self, silent_s: float) -> None:
        """Do nothing, as the connection of the only market on this socket closes it."""

    async def _read(self, greeting: Subscription | None) -> FeedError:
        try:
            if greeting is not None:
                await self._greet(greeting)
            while True:
                frame = await self._socket.recv(decode=False)
                self._take(frame)
                self.frames += 1
                if not self.delivers:
                    self._deliver()
        except ConnectionClosed as closed:
            return closing_error(closed)
        except FeedError as error:
            return error

    async def _greet(self, greeting: Subscription) -> None:
        """Send the subscription, and read messages until the venue confirms it; raise an error if it does not in time.

        The venue's answer is passed on as a message.
        """
        try:
            async with asyncio.timeout(greeting.within_s):
                for message in greeting.messages:
                    await self._socket.send(message)
                accepted = False
                while not accepted:
                    frame = await self._socket.recv(decode=False)
                    accepted = greeting.accepted(frame)
                    self._take(frame)
                    self.frames += 1
        except TimeoutError:
            raise unconfirmed(greeting) from None
        self._deliver()

    def _deliver(self) -> None:
        self.delivers = True
        self._begun()


def closing_error(closed: ConnectionClosed) -> VenueUnreachableError:
    """The error for a closed socket, which names the code or the reason if there is one."""
    if closed.rcvd is not None:
        return VenueUnreachableError(f"the venue closed the connection (code {closed.rcvd.code})")
    if closed.sent is not None:  # a message too long or not text, or pings without an answer
        return VenueUnreachableError(f"connection dropped: {closed.sent.reason or f'code {closed.sent.code}'}")
    return VenueUnreachableError("connection lost")


def unconfirmed(greeting: Subscription) -> VenueUnreachableError:
    """The error for a subscription that the venue has not confirmed in time."""
    return VenueUnreachableError(f"the venue did not confirm the subscription within {greeting.within_s:g} s")


async def keep_awake(socket: ClientConnection, ping: KeepAlive) -> None:
    """Send the keep-alive text at intervals, until the socket closes."""
    with contextlib.suppress(ConnectionClosed):  # the reader reports the reason
        while True:
            await asyncio.sleep(ping.every_s)
            await socket.send(ping.text)


async def close_socket(socket: ClientConnection, tasks: Sequence[asyncio.Task[Any]]) -> None:
    """Cancel the tasks of a socket and close it, waiting at most 1.5 s for the venue to close its side.

    The socket is closed even if the caller is cancelled meanwhile.
    """

    async def close() -> None:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        with contextlib.suppress(TimeoutError, ConnectionClosed, OSError):
            async with asyncio.timeout(1.5):
                await socket.close()

    await asyncio.shield(close())
