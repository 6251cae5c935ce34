"""Answers without limit: packed bombs, endless bodies, a byte now and then."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import resource
import sys
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import FeedError, VenueUnreachableError
from feeds.network.bounded_body import read_body
from feeds.network.rest_client import RestClient
from feeds.publishers.file_host import FileHost
from tests.feeds.lines import Clock, run

LIMIT = 50_000
Talk = Callable[[asyncio.StreamWriter], AsyncIterator[bytes]]


class Answer(msgspec.Struct):
    a: int


class Pieces:
    """A response that has these pieces, and counts how many of them were taken."""

    def __init__(self, pieces: list[bytes], **headers: str) -> None:
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.taken = 0
        self._pieces = pieces

    async def aiter_raw(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            self.taken += 1
            yield piece


def body_of(pieces: list[bytes], **headers: str) -> bytes:
    return asyncio.run(read_body(Pieces(pieces, **headers), "venue", LIMIT))  # type: ignore[arg-type]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in itertools.pairwise(ends)]


@given(st.lists(st.binary(max_size=3000), min_size=1, max_size=4), st.lists(st.integers(0, 1 << 20), max_size=6), st.integers(0, 9))
def test_packed_bodies_are_read_exactly_however_they_are_cut(members: list[bytes], places: list[int], level: int) -> None:
    packed = b"".join(gzip.compress(member, level) for member in members)
    assert body_of(cut(packed, places), Content_Encoding="gzip") == b"".join(members)


@given(st.integers(0, 3 * LIMIT), st.lists(st.integers(0, 1 << 20), max_size=4), st.sampled_from(["gzip", "identity", "members"]))
def test_the_limit_is_exact_in_unpacked_bytes(size: int, places: list[int], packing: str) -> None:
    """X1: plain, packed, and packed in several members."""
    if packing == "identity":
        data = bytes(size)
    else:
        parts = [size] if packing == "gzip" else [size // 2, size - size // 2]
        data = b"".join(gzip.compress(bytes(part)) for part in parts)
    headers = {"Content_Encoding": "identity" if packing == "identity" else "gzip"}
    if size <= LIMIT:
        assert body_of(cut(data, places), **headers) == bytes(size)
    else:
        with pytest.raises(VenueUnreachableError, match="response larger than 50,000 bytes"):
            body_of(cut(data, places), **headers)


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, gzip", "compress"])
def test_packing_that_was_not_asked_for_is_not_unpacked(encoding: str) -> None:
    with pytest.raises(VenueUnreachableError, match="unknown packing"):
        body_of([zlib.compress(bytes(LIMIT * 9))], Content_Encoding=encoding)


@pytest.mark.parametrize(
    "data", [b"no gzip", gzip.compress(b"abc") + b"tail", gzip.compress(bytes(900))[:-9]], ids=["no gzip", "tail", "cut"]
)
def test_a_damaged_body_is_an_error_with_a_retry(data: bytes) -> None:
    with pytest.raises(VenueUnreachableError):
        body_of([data], Content_Encoding="gzip")


def bomb(unpacked: int) -> bytes:
    """Zeros, packed; the many megabytes are never in memory."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    block = bytes(1 << 20)
    return b"".join(packer.compress(block) for _ in range(unpacked >> 20)) + packer.flush()


@asynccontextmanager
async def server(head: str, talk: Talk) -> AsyncIterator[tuple[str, list[int]]]:
    """HTTP on loopback that never ends its answers; the list has the bytes written."""
    written = [0]

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head.encode())
        try:
            async for data in talk(writer):
                writer.write(data)
                written[0] += len(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", written


def head_of(status: int, *lines: str) -> str:
    return "\r\n".join([f"HTTP/1.1 {status} X", *lines, "Connection: close", "", ""])


async def endless(_: asyncio.StreamWriter) -> AsyncIterator[bytes]:
    while True:
        yield b" " * 65_536


async def drips(_: asyncio.StreamWriter) -> AsyncIterator[bytes]:
    while True:
        yield b" "
        await asyncio.sleep(0.01)


async def asked(url: str, by: str) -> FeedError:
    """The error of one request."""
    clock = Clock()
    if by == "page":
        rest = RestClient(url)
        with pytest.raises(FeedError) as caught:
            await rest.get("/x", {}, Answer, weight=1)
        await rest.aclose()
    else:
        host = FileHost(url, wall=clock, sleep=clock.sleep)
        with pytest.raises(FeedError) as caught:
            await host.text("/x")
        await host.aclose()
    return caught.value


@pytest.mark.parametrize("by", ["page", "file host"])
@pytest.mark.parametrize("status", [200, 400, 403, 429, 500])
@pytest.mark.parametrize("talk", [endless, drips])
def test_no_answer_is_waited_for_without_end(talk: Talk, status: int, by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """X1: endless, and byte by byte; answers and refusals."""
    for module in ("feeds.network.rest_client", "feeds.publishers.file_host"):
        monkeypatch.setattr(f"{module}._COMPLETE_S", 0.05 if talk is drips else 10.0)
    monkeypatch.setattr("feeds.publishers.file_host.LARGEST_ANSWER", 1 << 20)
    monkeypatch.setattr("feeds.publishers.file_host._ATTEMPTS", 1)

    async def story() -> None:
        async with server(head_of(status), talk) as (url, _):
            error = await asked(url, by)
            if status == 200:
                assert type(error) is VenueUnreachableError
                assert ("larger than" if talk is endless else "did not complete its response within 0.05 s") in error.user_message

    run(story())


def test_a_gzip_bomb_takes_no_more_memory_than_its_limit(record_property) -> None:
    """X1: 256 MB in 1 MB of gzip."""
    packed = bomb(1 << 28)

    async def once(_: asyncio.StreamWriter) -> AsyncIterator[bytes]:
        yield packed

    async def story() -> None:
        async with server(head_of(200, "Content-Encoding: gzip", f"Content-Length: {len(packed)}"), once) as (url, _):
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            error = await asked(url, "page")
            grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / (1024 if sys.platform == "linux" else 1 << 20)
            assert type(error) is VenueUnreachableError and "response larger than 8 MB" in error.user_message
            assert grown_mb < 64
            record_property("MB of memory for 256 MB of packed zeros", round(grown_mb))

    run(story())
