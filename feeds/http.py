"""REST with one venue: typed answers, its weight limit kept, its errors in plain words."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import httpx2
import msgspec

from app.errors import DecodeError, VenueRefusedError, VenueUnreachableError
from feeds.connection import explained_status

T = TypeVar("T")

_MINUTE_S = 60.0


class Rest:
    """Requests to one host.

    Parameters
    ----------
    base_url : str
    weight_limit : int
        What the venue allows in a minute; half of it is used at most.
    weight_header : str
        The answer's header that tells the weight used in this minute.
    wall, sleep : callables
        The clock and the wait, for tests.
    """

    def __init__(
        self,
        base_url: str,
        *,
        weight_limit: int = 1200,
        weight_header: str = "X-MBX-USED-WEIGHT-1M",
        wall: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client = httpx2.AsyncClient(base_url=base_url, timeout=10.0)
        self._host = base_url.split("//")[-1]
        self._limit, self._header = weight_limit // 2, weight_header
        self._wall, self._sleep = wall, sleep
        self._minute = 0
        self._used = 0

    async def get(self, path: str, params: Mapping[str, str | int], kind: type[T], *, weight: int) -> T:
        """The answer to a GET, decoded as `kind`.

        Raises
        ------
        VenueUnreachableError, VenueBusyError, VenueRefusedError
            See `app.errors`.
        DecodeError
            If the answer has another shape than documented.
        """
        await self._wait_for_weight(weight)
        try:
            answer = await self._client.get(path, params=dict(params))
        except httpx2.TimeoutException:
            raise VenueUnreachableError(f"{self._host} does not answer") from None
        except httpx2.InvalidURL as error:
            raise VenueRefusedError(f"{self._host}: {error}") from None
        except httpx2.TransportError as error:
            why = str(error).rpartition("] ")[2] or type(error).__name__  # without the number of the system's error
            raise VenueUnreachableError(f"{self._host} cannot be reached: {why}", detail=f"{self._host}{path}: {error!r}") from None
        used = answer.headers.get(self._header, "")
        if used.isdigit():
            self._used = max(self._used, int(used))
        if answer.status_code == 400:
            raise VenueRefusedError(f"{self._host}: {_venue_message(answer.content)}", detail=f"{path} {params}: {answer.text[:200]}")
        if answer.status_code != 200:
            raise explained_status(answer.status_code, answer.headers.get("Retry-After"), self._host)
        try:
            return msgspec.json.decode(answer.content, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise DecodeError(f"{self._host} sent an answer that is not what it documents", detail=f"{path}: {error}") from None

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _wait_for_weight(self, weight: int) -> None:
        """Stay below half of the venue's limit; its minutes begin with the clock's."""
        while True:
            now = self._wall()
            minute = int(now // _MINUTE_S)
            if minute != self._minute:
                self._minute, self._used = minute, 0
            if self._used + weight <= self._limit or not self._used:
                self._used += weight
                return
            await self._sleep((minute + 1) * _MINUTE_S - now + 0.05)


def _venue_message(content: bytes) -> str:
    """The text of the venue's own error, as in `{"code":-1121,"msg":"Invalid symbol."}`."""
    try:
        error: Any = msgspec.json.decode(content)
        return str(error["msg"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return "the request was not understood"
