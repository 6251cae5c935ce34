"""The body of an HTTP response, read up to a limit of unpacked bytes."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import httpx2

from app.errors import VenueUnreachableError

ACCEPTED = "gzip"
"""The only `Accept-Encoding` that we send, as it is unpacked here piece by piece."""

_PIECE = 1 << 20  # unpacked at a time, so a small packed piece cannot fill the memory
_LARGEST_REFUSAL = 1 << 16
_GZIP = 16 + zlib.MAX_WBITS


async def read_body(answer: httpx2.Response, host: str, largest: int) -> bytes:
    """Read and unpack the body of a streamed response, at most `largest` bytes.

    The length is counted while reading: neither a wrong `Content-Length` nor a packed body of any size takes more memory than `largest`.

    Raises
    ------
    VenueUnreachableError
        If the body has more than `largest` bytes, is packed in an unknown way, damaged, or ends too early.
    """
    encoding = answer.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("gzip", "identity", ""):
        raise VenueUnreachableError(f"{host} sent a response with unknown packing", detail=f"{host}: Content-Encoding {encoding[:80]!r}")
    unpacking = _Gzip() if encoding == "gzip" else None
    body = bytearray()
    try:
        async for data in answer.aiter_raw():
            for piece in (data,) if unpacking is None else unpacking.pieces(data):
                body += piece
                if len(body) > largest:
                    raise VenueUnreachableError(f"{host}: response larger than {_megabytes(largest)}")
    except zlib.error as error:
        raise VenueUnreachableError(f"{host} sent a damaged response", detail=f"{host}: {error}") from None
    if unpacking is not None and not unpacking.complete:
        raise VenueUnreachableError(f"{host} closed the connection mid-response")
    return bytes(body)


async def read_refusal(answer: httpx2.Response, host: str) -> bytes:
    """The body of a response with an error status; empty if it is too long or cannot be unpacked."""
    try:
        return await read_body(answer, host, _LARGEST_REFUSAL)
    except VenueUnreachableError:
        return b""


class _Gzip:
    """Unpacks gzip data of one or several members, at most 1 MiB at a time."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP)
        self._begun = False

    @property
    def complete(self) -> bool:
        """True unless the data so far end in the middle of a gzip member."""
        return not self._begun or self._member.eof

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Iterate over the bytes unpacked from `data`, at most 1 MiB at a time."""
        while data:
            if self._member.eof:
                self._member = zlib.decompressobj(_GZIP)
            self._begun = True
            piece = self._member.decompress(data, _PIECE)
            data = self._member.unused_data or self._member.unconsumed_tail
            if piece:
                yield piece
        while not self._member.eof and (piece := self._member.decompress(b"", _PIECE)):  # bytes that did not fit into the last piece
            yield piece


def _megabytes(size: int) -> str:
    return f"{size >> 20} MB" if size >= 1 << 20 else f"{size:,} bytes"
