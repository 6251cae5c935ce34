"""The proxy: two connections per client, and a task for each direction."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import ssl
import struct
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from tests.fault_proxy.toxics import Toxic

HOST = "127.0.0.1"
_CHUNK = 1 << 16
_CHUNKS_ON_THE_WAY = 64  # maximum per direction; then the sender has to wait, as with a full TCP window
_LOOK_EVERY_S = 0.002


class FaultProxy:
    """A proxy that forwards TCP connections to a port of this machine.

    Used as `async with FaultProxy(port) as proxy:`; leaving cuts all open connections.

    Parameters
    ----------
    to_port : int
        Port that connections are forwarded to.
    seed : int
        Seed of all random faults.
    context : SSLContext, optional
        Clients use TLS to the proxy; the forwarded connection has none.

    Attributes
    ----------
    down, up : sequence of Toxic
        Faults of the bytes to the client, and from it; may be replaced at any time.
    refusing : bool
        Whether new connections are reset at once.
    opened : int
        Number of connections accepted so far.
    carried : int
        Number of bytes written to clients.
    """

    def __init__(self, to_port: int, seed: int = 1, context: ssl.SSLContext | None = None) -> None:
        self.down: Sequence[Toxic] = ()
        self.up: Sequence[Toxic] = ()
        self.refusing = False
        self.opened = self.carried = 0
        self.port = 0
        self.chance = random.Random(seed)
        self._to_port, self._context = to_port, context
        self._lines: dict[asyncio.Task[None], tuple[asyncio.StreamWriter, ...]] = {}

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accepted, HOST, self.port, ssl=self._context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.close()
        self.cut()
        lines = list(self._lines)
        for line in lines:
            line.cancel()
        await asyncio.gather(*lines, return_exceptions=True)

    @property
    def open_now(self) -> int:
        """Number of open connections."""
        return len(self._lines)

    @property
    def ws_url(self) -> str:
        """The proxy's address for WebSockets."""
        return f"{'ws' if self._context is None else 'wss'}://{HOST}:{self.port}"

    @property
    def rest_url(self) -> str:
        """The proxy's address for HTTP."""
        return f"{'http' if self._context is None else 'https'}://{HOST}:{self.port}"

    def clear(self) -> None:
        """Remove all faults."""
        self.down, self.up, self.refusing = (), (), False

    def reset(self) -> None:
        """Cut all connections, on both sides, with a TCP RST."""
        for writers in self._lines.values():
            for writer in writers:
                _reset(writer)

    def cut(self) -> None:
        """Abort all connections without a clean close."""
        for writers in self._lines.values():
            for writer in writers:
                writer.transport.abort()

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        if self.refusing:
            _reset(writer)
            return
        task = asyncio.current_task()
        assert task is not None
        self._lines[task] = (writer,)
        try:
            behind_reader, behind = await asyncio.open_connection(HOST, self._to_port)
            self._lines[task] = (writer, behind)
            down, up = _Direction(self, behind_reader, writer, "down"), _Direction(self, reader, behind, "up")
            try:
                async with asyncio.TaskGroup() as pumps:
                    for direction in (down, up):
                        pumps.create_task(direction.run())
            finally:
                behind.transport.abort()
        except (OSError, ExceptionGroup, asyncio.CancelledError):
            pass  # broken connections are the purpose of the proxy; asyncio would log them
        finally:
            del self._lines[task]
            writer.transport.abort()


class _Direction:
    """One direction of a connection: a reader that gives each chunk its due time, and a writer that writes it then."""

    def __init__(self, proxy: FaultProxy, source: asyncio.StreamReader, target: asyncio.StreamWriter, name: str) -> None:
        self._proxy, self._source, self._target, self._name = proxy, source, target, name
        self._on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_CHUNKS_ON_THE_WAY)
        self._due = 0.0
        self._written = 0

    @property
    def _toxics(self) -> Sequence[Toxic]:
        return self._proxy.down if self._name == "down" else self._proxy.up

    async def run(self) -> None:
        reading = asyncio.create_task(self._read())
        try:
            while data := await self._next():
                await self._write(data)
            await asyncio.sleep(sum(toxic.close_after_s() for toxic in self._toxics))
            if self._target.can_write_eof():
                self._target.write_eof()
            else:
                self._target.close()
        finally:
            reading.cancel()
            await asyncio.wait([reading])

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        data = b"x"
        while data:
            try:
                data = await self._source.read(_CHUNK)
            except OSError:
                data = b""
            delay_s = sum(toxic.delay_s(self._proxy.chance) for toxic in self._toxics)
            self._due = max(self._due, loop.time() + delay_s)
            await self._on_the_way.put((self._due, data))

    async def _next(self) -> bytes:
        due, data = await self._on_the_way.get()
        await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
        while any(toxic.blocks for toxic in self._toxics):
            await asyncio.sleep(_LOOK_EVERY_S)
        return data

    async def _write(self, data: bytes) -> None:
        toxics = self._toxics
        for toxic in toxics:
            data = toxic.changed(data, self._proxy.chance)
        portions = [data]
        for toxic in toxics:
            portions = [piece for portion in portions for piece in toxic.pieces(portion)]
        for portion in portions:
            limits = [most for toxic in self._toxics if (most := toxic.most_bytes()) is not None]
            left = min(limits, default=self._written + len(portion)) - self._written
            self._target.write(portion[: max(0, left)])
            self._written += len(portion)
            if left < len(portion):
                await self._target.drain()
                raise ConnectionAbortedError(f"cut after {min(limits)} bytes")
            self._proxy.carried += len(portion) if self._name == "down" else 0
            await self._target.drain()
            if pause_s := sum(toxic.pause_s(len(portion)) for toxic in toxics):
                await asyncio.sleep(pause_s)


def _reset(writer: asyncio.StreamWriter) -> None:
    raw = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
