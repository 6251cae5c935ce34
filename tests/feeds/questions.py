"""A small HTTP server on loopback, for the tests of requests to a venue."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from app.market.trade import TradeBatch

Answer = tuple[int, object]
"""HTTP status and body; bytes are sent as they are, other values as JSON."""
Answers = Callable[[str, dict[str, Any]], Answer]
"""A function from the path and the fields of the query or the posted JSON to the answer."""


@asynccontextmanager
async def answering(answers: Answers) -> AsyncIterator[str]:
    """The address of a running server that answers with `answers`."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        parts = urlsplit(head.split()[1])
        asked: dict[str, Any] = dict(parse_qsl(parts.query))
        lengths = [int(line.split(":")[1]) for line in head.lower().splitlines() if line.startswith("content-length:")]
        if lengths and lengths[0]:
            asked |= json.loads(await reader.readexactly(lengths[0]))
        status, told = answers(parts.path, asked)
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


async def all_of(pages: AsyncIterator[TradeBatch]) -> list[TradeBatch]:
    """All pages in a list."""
    return [page async for page in pages]


def ids(pages: list[TradeBatch]) -> list[int]:
    """The ids of all trades in the given pages, in their order."""
    return [number for page in pages for number in page.trade_id.tolist()]
