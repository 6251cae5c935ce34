"""A file server on loopback, with the faults of real ones."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
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
    pages: dict[str, Callable[[str], bytes]] = field(default_factory=dict)
    """Answers that depend on the query, by path: a function of the target."""
    redirects: dict[str, str] = field(default_factory=dict)
    """Addresses to which paths are redirected."""
    stuck: dict[str, int] = field(default_factory=dict)
    """Paths whose answers stop after so many bytes, with the connection left open."""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """Set to end stopped answers."""
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
        cut, said_in_full = None, len(body)
        if target in self.stuck:
            body = body[: self.stuck[target]]
        if fault is not None:
            cut = fault.cut_after
            if fault.status:
                status, headers, body = fault.status, fault.headers, fault.body
                said_in_full = len(body)
        said = {"Content-Length": str(said_in_full), "Connection": "close"} | headers
        writer.write(
            f"HTTP/1.1 {status} X\r\n".encode() + "".join(f"{name}: {value}\r\n" for name, value in said.items()).encode() + b"\r\n"
        )
        writer.write(body if cut is None else body[:cut])
        await writer.drain()
        try:
            if cut is None and target in self.stuck:
                await self.over.wait()
        finally:
            writer.close()

    def _answer(self, target: str, head: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        if target in self.redirects:
            return 302, {"Location": self.redirects[target]}, b""
        page = self.pages.get(target.partition("?")[0])
        body = self.files.get(target) if page is None else page(target)
        if body is None:
            return 404, {}, b"<Error>NoSuchKey</Error>"
        mark = f'"{hashlib.sha256(body).hexdigest()}"'
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


@contextmanager
def publishing() -> Iterator[DumpServer]:
    """A running server in a thread of its own, for a program that runs in this one; it stops at the end of the block."""
    begun, loop = threading.Event(), asyncio.new_event_loop()
    server = DumpServer()
    stop = asyncio.Event()

    async def serve() -> None:
        async with await asyncio.start_server(server.talk, "127.0.0.1", 0) as listening:
            server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
            begun.set()
            await stop.wait()
            server.over.set()  # since Python 3.12 the block ends only after every connection has
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True)
        await asyncio.sleep(0.01)  # closed transports let go of their sockets

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    begun.wait(10)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()
