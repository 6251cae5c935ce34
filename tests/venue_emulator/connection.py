"""The venue's side of one socket."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections import deque

from websockets.asyncio.server import ServerConnection
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN, Event

from tests.venue_emulator.subscriptions import Subscriptions

_COUNTED = (Opcode.TEXT, Opcode.BINARY, Opcode.PING, Opcode.PONG)


class VenueConnection(ServerConnection):
    """A server connection that limits the client's messages, writes many frames at once, and can break on request."""

    subscriptions: Subscriptions
    messages_per_second: int | None = None
    flooded = False
    _incoming: deque[float] | None = None

    @property
    def is_open(self) -> bool:
        """Whether the handshake is done and no side has begun to close."""
        return self.protocol.state is OPEN

    def process_event(self, event: Event) -> None:
        """Reset the connection if the client sends more frames per second than the venue allows; pings and pongs count."""
        if self.messages_per_second and isinstance(event, Frame) and event.opcode in _COUNTED:
            now = time.monotonic()
            self._incoming = self._incoming or deque()
            self._incoming.append(now)
            while self._incoming[0] < now - 1.0:
                self._incoming.popleft()
            if len(self._incoming) > self.messages_per_second:
                self.flooded = True
                self.reset()
                return
        super().process_event(event)

    def write(self, data: bytes) -> int:
        """Send encoded frames as they are; return the number of bytes that the client has not read yet.

        `send` of websockets takes about 20 µs per message; this way 1,000 frames cost as much as one.
        """
        if not self.is_open:
            return 0
        self.transport.write(data)
        return self.transport.get_write_buffer_size()

    def reset(self) -> None:
        """Cut the connection with a TCP RST."""
        raw = self.transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def vanish(self) -> None:
        """End the TCP stream without a close frame: the client sees code 1006."""
        self.transport.abort()

    def freeze(self, frozen: bool) -> None:
        """Stop reading from the client, or start again."""
        transport = self.transport
        if isinstance(transport, asyncio.Transport) and not transport.is_closing() and transport.is_reading() is frozen:
            (transport.pause_reading if frozen else transport.resume_reading)()
