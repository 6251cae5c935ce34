"""One WebSocket to a venue: open, subscribe, keep alive, read until it breaks."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from app.errors import FeedError, VenueUnreachableError
from feeds.network.backoff import Timeouts
from feeds.network.failures import connect_error

_MAX_FRAME_BYTES = 1 << 20
_QUEUE_FRAMES = 1 << 14  # the library's own buffer; ours is the list that is emptied each frame


@dataclass(frozen=True, slots=True)
class Subscription:
    """Messages that a venue requires on every new connection before it sends data.

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

    An answer arrives as a message.
    """

    text: str
    every_s: float


async def open_socket(url: str, patience: Timeouts, ssl_context: ssl.SSLContext | None = None) -> ClientConnection:
    """Open a WebSocket and complete its handshake.

    Raises
    ------
    FeedError
        Its class shows whether a retry can help.
    """
    secured: dict[str, Any] = {} if ssl_context is None else {"ssl": ssl_context}
    try:
        # extensions cost time and have stalled streams; the limits stop one message from filling the memory
        return await connect(
            url,
            compression=None,
            max_size=_MAX_FRAME_BYTES,
            max_queue=_QUEUE_FRAMES,
            open_timeout=patience.open_timeout,
            close_timeout=1.0,
            **secured,
        )
    except (OSError, WebSocketException, TimeoutError, EOFError, ValueError, ImportError) as error:
        raise connect_error(error, url) from error


class WebSocketSession:
    """An open socket with the tasks that read it and keep it open.

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
        self.opened_at = opened_at
        self.frames = 0
        self.delivers = False
        self._socket, self._take, self._begun = socket, take, begun
        self.reader = asyncio.create_task(self._read(greeting))
        self._tasks: list[asyncio.Task[Any]] = [self.reader]
        if ping is not None:
            self._tasks.append(asyncio.create_task(self._keep_awake(ping)))

    async def aclose(self) -> None:
        """Close the socket, without waiting long for a peer that does not close its side."""
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        with contextlib.suppress(TimeoutError, ConnectionClosed, OSError):
            async with asyncio.timeout(1.5):
                await self._socket.close()

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
            if closed.rcvd is not None:
                return VenueUnreachableError(f"the venue closed the connection (code {closed.rcvd.code})")
            if closed.sent is not None:  # a message too long or not text, or pings without an answer
                return VenueUnreachableError(f"connection dropped: {closed.sent.reason or f'code {closed.sent.code}'}")
            return VenueUnreachableError("connection lost")
        except FeedError as error:
            return error

    async def _greet(self, greeting: Subscription) -> None:
        """Send the subscription, and read messages until the venue confirms it.

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
            raise VenueUnreachableError(f"the venue did not confirm the subscription within {greeting.within_s:g} s") from None
        self._deliver()

    def _deliver(self) -> None:
        self.delivers = True
        self._begun()

    async def _keep_awake(self, ping: KeepAlive) -> None:
        with contextlib.suppress(ConnectionClosed):  # the reader reports the reason
            while True:
                await asyncio.sleep(ping.every_s)
                await self._socket.send(ping.text)
