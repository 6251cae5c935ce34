"""A file server on loopback, with the faults of real ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Fault:
    """A fault of one answer: another status, or a connection cut before its end."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut_after: int | None = None
    """Number of bytes of the answer's body after which the connection is cut."""


@dataclass
class DumpServer:
    """The files of a server by path, its faults, and the requests so far."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    faults: list[Fault | None] = field(default_factory=list)
    """Faults of the next requests, one each; None for no fault."""
    etag: bool = True
    ranges: bool = True
    asked: list[str] = field(default_factory=list)
    heads: list[dict[str, str]] = field(default_factory=list)

    def ranges_asked(self) -> list[str]:
        return [head["range"] for head in self.heads if "range" in head]

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        target = lines[0].split()[1]
        head = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)}
        self.asked.append(target)
        self.heads.append(head)
        fault = self.faults.pop(0) if self.faults else None
        status, headers, body = self._answer(target, head)
        cut = None
        if fault is not None:
            cut = fault.cut_after
            if fault.status:
                status, headers, body = fault.status, fault.headers, fault.body
        said = {"Content-Length": str(len(body)), "Connection": "close"} | headers
        writer.write(
            f"HTTP/1.1 {status} X\r\n".encode() + "".join(f"{name}: {value}\r\n" for name, value in said.items()).encode() + b"\r\n"
        )
        writer.write(body if cut is None else body[:cut])
        await writer.drain()
        writer.close()

    def _answer(self, target: str, head: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        body = self.files.get(target)
        if body is None:
            return 404, {}, b"<Error>NoSuchKey</Error>"
        mark = f'"{hash(body)}"'
        headers = {"ETag": mark} if self.etag else {}
        if self.ranges and "range" in head and head.get("if-range") == mark:
            start = int(head["range"].removeprefix("bytes=").removesuffix("-"))
            if start >= len(body):
                return 416, {}, b""
            return 206, headers | {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"}, body[start:]
        return 200, headers, body


@asynccontextmanager
async def publisher(**files: bytes) -> AsyncIterator[DumpServer]:
    """A running server of these files; it stops at the end of the block."""
    server = DumpServer(files={f"/{name}": content for name, content in files.items()})
    async with await asyncio.start_server(server.talk, "127.0.0.1", 0) as listening:
        server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        yield server
