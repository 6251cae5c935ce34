"""Decoding of lists that a venue sends: entries that cannot be decoded are left out, and the others are used.

The complete list is decoded at once first, which is fast; only if this fails, each entry by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec
import structlog

from app.errors import DecodeError
from feeds.network.rest_client import RestClient
from feeds.venues.decoder import UNREADABLE

_log = structlog.get_logger(__name__)

T = TypeVar("T")

_SHOWN = 200


class Entries(list[T]):
    """A list of the entries that could be decoded; `odd` has the other entries.

    Attributes
    ----------
    odd : list of bytes
        The entries that could not be decoded, as sent.
    """

    def __init__(self, entries: Sequence[T] = (), odd: Sequence[bytes] = ()) -> None:
        super().__init__(entries)
        self.odd = list(odd)

    def names(self, symbol: str) -> bool:
        """True if an entry that could not be decoded mentions a symbol."""
        return any(f'"{symbol}"'.encode() in entry for entry in self.odd)


def entries_of(raws: Sequence[msgspec.Raw], kind: type[T], where: str, *, strict: bool = True) -> Entries[T]:
    """Decode the entries of a list as `kind`; entries that cannot be decoded are logged and left out.

    Raises
    ------
    DecodeError
        If none of the entries can be decoded: then the venue has changed its format.
    """
    many: Any = list[kind]  # chosen at run time, which static types cannot express
    try:
        return Entries(msgspec.json.decode(b"[" + b",".join(bytes(raw) for raw in raws) + b"]", type=many, strict=strict))
    except UNREADABLE:
        pass
    decoder = msgspec.json.Decoder(kind, strict=strict)
    found: Entries[T] = Entries()
    why = ""
    for raw in raws:
        try:
            found.append(decoder.decode(raw))
        except UNREADABLE as error:
            found.odd.append(bytes(raw))
            why = why or str(error)[:_SHOWN]
    if not found:
        raise DecodeError(f"{where}: undocumented response", detail=f"{where}: {why}")
    _log.warning("odd entries left out", where=where, n=len(found.odd), why=why, first=found.odd[0][:_SHOWN])
    return found


async def entries_at(
    rest: RestClient, path: str, params: Mapping[str, str | int], kind: type[T], *, weight: int, urgent: bool = False
) -> Entries[T]:
    """Request a list and decode its entries as `kind`; entries that cannot be decoded are logged and left out.

    Raises
    ------
    FeedError
        See `RestClient.get` and `entries_of`.
    """
    return entries_of(await rest.get(path, params, list[msgspec.Raw], weight=weight, urgent=urgent), kind, path)
