"""Proxies on loopback that lead every host to a venue, and list what they were asked for."""

from __future__ import annotations

import asyncio
import base64
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit


class LocalProxy:
    """A proxy for HTTP (`CONNECT`) or SOCKS5.

    Parameters
    ----------
    kind : str
        `http` or `socks`.
    to : dict of int to str
        Where a port leads to, as the URL of a venue's server; port 0 stands for all others.
    login : str
        `user:password` that is required; empty for none.
    status : int
        HTTP status for each request; 200 lets it through.

    Attributes
    ----------
    asked : list of str
        Host and port of each request, as the client wrote them.
    """

    def __init__(self, kind: str, to: dict[int, str], *, login: str = "", status: int = 200) -> None:
        self.asked: list[str] = []
        self._kind, self._to, self._login, self._status = kind, to, login, status

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            port = await (self._socks(reader, writer) if self._kind == "socks" else self._http(reader, writer))
            if port:
                place = urlsplit(self._to.get(port, self._to[0]))
                onward, back = await asyncio.open_connection(place.hostname, place.port)
                await asyncio.gather(_pump(reader, back), _pump(onward, writer))
        writer.close()

    async def _http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, target, _ = head.splitlines()[0].split()
        assert method == "CONNECT"
        self.asked.append(target)
        wanted = f"basic {base64.b64encode(self._login.encode()).decode()}".lower()
        status = 407 if self._login and f"proxy-authorization: {wanted}" not in head.lower() else self._status
        writer.write(f"HTTP/1.1 {status} X\r\n\r\n".encode())
        await writer.drain()
        return int(target.rpartition(":")[2]) if status == 200 else 0

    async def _socks(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        _, n = await reader.readexactly(2)
        await reader.readexactly(n)
        writer.write(b"\x05\x00")
        _, _, _, kind = await reader.readexactly(4)
        host = (await reader.readexactly((await reader.readexactly(1))[0])).decode() if kind == 3 else "an address"
        if kind != 3:
            await reader.readexactly({1: 4, 4: 16}[kind])
        port = int.from_bytes(await reader.readexactly(2), "big")
        self.asked.append(f"{host}:{port}")
        writer.write(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")
        await writer.drain()
        return port


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    writer.close()
