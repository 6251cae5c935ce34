"""A small venue of questions and answers, over HTTP on loopback, for the tests of what is asked of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from app.market.trade import TradeBatch

Answer = tuple[int, object]
"""HTTP status, and what is told as JSON; bytes are told as they are."""
Answers = Callable[[str, dict[str, Any]], Answer]
"""From a path, and the fields of the query or of the JSON that was posted, to the answer."""


@asynccontextmanager
async def answering(answers: Answers) -> AsyncIterator[str]:
    """The address of a server that answers as it is told."""

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
    """All pages of an answer."""
    return [page async for page in pages]


def ids(pages: list[TradeBatch]) -> list[int]:
    """The ids of all trades of some pages, in their order."""
    return [number for page in pages for number in page.trade_id.tolist()]
