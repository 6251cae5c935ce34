"""OKX's REST interface; the class of an error shows whether a retry can help."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from app.errors import DecodeError, FeedError, VenueBusyError, VenuePausedError, VenueRefusedError, VenueUnreachableError
from feeds.network.rest_client import RestClient
from feeds.network.venue_clock import VenueClock
from feeds.venues.decoder import UNREADABLE
from feeds.venues.entries import Entries, entries_of

T = TypeVar("T")

_APART_S = 0.1  # 20 requests in two seconds, counted per endpoint
_REQUESTS = 1200  # a minute, of which half is used, the rate above
_BUSY_S = 2.0
_BUSY = {"50011", "50061"}  # too many requests
_TROUBLED = {"50001", "50004", "50005", "50013", "50026"}  # out of service, timeout, offline, overload, system error
_LASTING = {"51000", "51001"}  # invalid parameters, an unknown instrument


class _Answer(msgspec.Struct, frozen=True):
    code: str
    msg: str = ""
    data: msgspec.Raw = msgspec.Raw(b"[]")


class OkxRest:
    """REST client for OKX.

    Parameters
    ----------
    base_url : str
    """

    def __init__(self, base_url: str) -> None:
        self._rest = RestClient(base_url, weight_limit=_REQUESTS, apart_s=_APART_S)

    @property
    def clock(self) -> VenueClock:
        """The offset of our clock from the venue's."""
        return self._rest.clock

    async def ask(self, path: str, kind: type[T], *, urgent: bool = False, **params: str | int) -> Entries[T]:
        """Request a list and decode its entries as `kind`; entries that cannot be decoded are left out.

        Raises
        ------
        FeedError
            See `RestClient.get`; also for errors that OKX returns as codes with HTTP 200.
        """
        answer = await self._rest.get(f"/api/v5/{path}", params, _Answer, weight=1, urgent=urgent)
        if answer.code != "0":
            raise _explained(answer)
        try:
            rows = msgspec.json.decode(answer.data, type=list[msgspec.Raw])
        except UNREADABLE as error:
            raise DecodeError("OKX sent an undocumented response", detail=f"{path}: {error}") from None
        return entries_of(rows, kind, f"OKX {path}", strict=False)

    async def aclose(self) -> None:
        """Close the connections to OKX's REST host."""
        await self._rest.aclose()


def _explained(answer: _Answer) -> FeedError:
    words = f"OKX: {answer.msg[:200] or 'no reason given'} (code {answer.code[:20]})"
    if answer.code in _BUSY:
        return VenueBusyError(words, retry_after_s=_BUSY_S)
    if answer.code in _LASTING:
        return VenueRefusedError(words)
    return (VenueUnreachableError if answer.code in _TROUBLED else VenuePausedError)(words)
