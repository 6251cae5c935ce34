"""REST client for one venue, with typed answers, rate limits and errors in plain words."""

from __future__ import annotations

import asyncio
import math
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import httpx2
import msgspec

from app.errors import DecodeError, FeedError, VenueBusyError, VenueRefusedError, VenueUnreachableError
from feeds.network.failures import certificate_error, http_status_error

T = TypeVar("T")

_MINUTE_S = 60.0
_TIMEOUT_S = 10.0
_RESERVED = 10  # a tenth of our weight is reserved for urgent requests


class RestClient:
    """REST client for one host; each request is sent once, and retries are the caller's task.

    Parameters
    ----------
    base_url : str
    weight_limit : int
        The venue's limit per minute; at most half of it is used.
    weight_header : str
        Response header with the weight used in this minute.
    apart_s : float
        Minimum seconds between two requests, for venues with a limit per second.
    wall, monotonic, sleep : callables
        Clocks and wait, for tests.

    Raises
    ------
    VenueRefusedError
        If the address or the proxy set in the environment cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        *,
        weight_limit: int = 1200,
        weight_header: str = "X-MBX-USED-WEIGHT-1M",
        apart_s: float = 0.0,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._host = base_url.split("//")[-1]
        self._client = client_for(base_url, self._host, _TIMEOUT_S)
        self._limit, self._header = weight_limit // 2, weight_header
        self._wall, self._monotonic, self._sleep = wall, monotonic, sleep
        self._apart_s, self._next_at = apart_s, -float("inf")
        self._minute = 0
        self._used = 0
        self._banned_until_s = 0.0

    async def get(self, path: str, params: Mapping[str, str | int], kind: type[T], *, weight: int, urgent: bool = False) -> T:
        """Send a GET request, and decode the answer as `kind`.

        Waits until the minute has weight left; `urgent` requests may use the reserved weight.

        Raises
        ------
        VenueUnreachableError, VenueBusyError, VenueRefusedError
            See `app.errors`.
        DecodeError
            If the answer does not have the documented shape.
        """
        return await self._ask("GET", path, kind, weight, urgent, params=dict(params))

    async def post(self, path: str, body: Mapping[str, object], kind: type[T], *, weight: int, urgent: bool = False) -> T:
        """Send a POST request with a JSON body, and decode the answer as `kind`; limits and errors are those of `get`."""
        return await self._ask("POST", path, kind, weight, urgent, json=dict(body))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _ask(self, method: str, path: str, kind: type[T], weight: int, urgent: bool, **question: Any) -> T:
        await self._wait_for_weight(weight, self._limit if urgent else self._limit - self._limit // _RESERVED)
        await self._wait_for_turn()
        if (banned_s := self._banned_until_s - self._wall()) > 0:  # requests during a rate limit are what venues ban for
            raise http_status_error(429, str(math.ceil(banned_s)), self._host, self._wall())
        answer = await self._answer(method, path, question)
        used = answer.headers.get(self._header, "")
        if used.isdigit():
            self._used = max(self._used, int(used))
        if answer.status_code != 200:
            raise self._failure(answer, f"{path} {question}")
        try:
            return msgspec.json.decode(answer.content, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise DecodeError(f"{self._host} sent an undocumented response", detail=f"{path}: {error}") from None

    def _failure(self, answer: httpx2.Response, question: str) -> FeedError:
        """The error for a response with a status other than 200; after a rate limit, later requests are blocked until it ends."""
        words = venue_message(answer.content)
        if answer.status_code == 400 or (answer.status_code == 404 and words):
            return VenueRefusedError(f"{self._host}: {words or 'bad request'}", detail=f"{question}: {answer.text[:200]}")
        status, retry_after = answer.status_code, answer.headers.get("Retry-After")
        if status == 403 and b"too frequent" in answer.content.lower():  # Bybit's 429, with a wait of ten minutes
            status, retry_after = 429, retry_after or "600"
        failure = http_status_error(status, retry_after, self._host, self._wall())
        if isinstance(failure, VenueBusyError):
            self._banned_until_s = self._wall() + failure.retry_after_s
        return failure

    async def _answer(self, method: str, path: str, question: Mapping[str, Any]) -> httpx2.Response:
        try:
            return await self._client.request(method, path, **question)
        except (httpx2.RequestError, httpx2.InvalidURL) as error:
            raise request_failure(error, self._host, path) from None

    async def _wait_for_weight(self, weight: int, limit: int) -> None:
        """Wait until a request of this weight fits within `limit` for the current minute, and count its weight."""
        while True:
            now = self._wall()
            minute = int(now // _MINUTE_S)
            if minute != self._minute:
                self._minute, self._used = minute, 0
            if self._used + weight <= limit or not self._used:
                self._used += weight
                return
            await self._sleep((minute + 1) * _MINUTE_S - now + 0.05)

    async def _wait_for_turn(self) -> None:
        """Wait until the minimum time between two requests has passed."""
        now = self._monotonic()
        at, self._next_at = self._next_at, max(now, self._next_at) + self._apart_s
        if at > now:
            await self._sleep(at - now)


def request_failure(error: httpx2.RequestError | httpx2.InvalidURL, host: str, path: str) -> FeedError:
    """The error for a request that failed without a complete response."""
    if isinstance(error, httpx2.TimeoutException):
        return VenueUnreachableError(f"no answer from {host}")
    if isinstance(error, (httpx2.InvalidURL, httpx2.UnsupportedProtocol)):
        return VenueRefusedError(f"{host}: {error}")
    detail = f"{host}{path}: {error!r}"
    if (fault := _certificate_fault(error)) is not None:
        return certificate_error(fault, host)
    if isinstance(error, (httpx2.DecodingError, httpx2.RemoteProtocolError)):
        return VenueUnreachableError(f"{host} closed the connection mid-response", detail=detail)
    why = str(error).rpartition("] ")[2] or type(error).__name__  # without the system's error number
    return VenueUnreachableError(f"cannot reach {host}: {why}", detail=detail)


def client_for(base_url: str, host: str, timeout_s: float) -> httpx2.AsyncClient:
    """An HTTP client of one host, named `host` in errors.

    Raises
    ------
    VenueRefusedError
        If the address or the proxy set in the environment cannot be used.
    """
    try:
        return httpx2.AsyncClient(base_url=base_url, timeout=timeout_s)
    except (httpx2.InvalidURL, ValueError, ImportError) as error:
        raise VenueRefusedError(f"cannot use {host} or its proxy: {error}") from None


def _certificate_fault(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    """The certificate error that caused an error; None if it has another cause."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error


def venue_message(content: bytes) -> str:
    """The error text in a venue's JSON response; empty if there is none.

    E.g. of `{"code":-1121,"msg":"Invalid symbol."}` or `{"message":"NotFound"}`.
    """
    try:
        error: Any = msgspec.json.decode(content)
        return str(error["msg"] if "msg" in error else error["message"])[:200]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError, TypeError):
        return ""
