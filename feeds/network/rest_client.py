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

from app.errors import DecodeError, FeedError, VenueBusyError, VenuePausedError, VenueRefusedError, VenueUnreachableError
from feeds.network.bounded_body import ACCEPTED, read_body, read_refusal
from feeds.network.failures import certificate_error, http_status_error, proxy_status_error, socks_error
from feeds.network.host_limits import HostLimits, limits_of
from feeds.network.trust import trusted_authorities
from feeds.network.venue_clock import VenueClock

T = TypeVar("T")

_TIMEOUT_S = 10.0  # without a byte
_COMPLETE_S = 60.0  # for a request and its whole answer
LARGEST_ANSWER = 64 << 20
"""Most bytes of an unpacked answer: lists of all instruments of a venue are the longest, a few megabytes."""
LARGEST_PAGE = 8 << 20
"""Most bytes of an unpacked page of trades or candles, ten times the longest."""
_RESERVED = 10  # a tenth of our weight is reserved for urgent requests


class RestClient:
    """REST client for one host; each request is sent once, and retries are the caller's task.

    All clients of a host share its limits.

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
        Clocks and wait, for tests; a client with its own has its own limits.

    Attributes
    ----------
    clock : VenueClock
        The offset of our clock from the venue's, measured by each answer.

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
        self.clock = VenueClock()
        self._host = base_url.split("//")[-1]
        self._client = client_for(base_url, self._host, _TIMEOUT_S)
        self._limit, self._header = weight_limit // 2, weight_header
        own_clocks = (wall, monotonic, sleep) != (time.time, time.monotonic, asyncio.sleep)
        self._shared = HostLimits(wall, monotonic, sleep) if own_clocks else limits_of(self._host)
        self._wall, self._apart_s = wall, apart_s

    async def get(
        self,
        path: str,
        params: Mapping[str, str | int],
        kind: type[T],
        *,
        weight: int,
        urgent: bool = False,
        largest: int = LARGEST_PAGE,
    ) -> T:
        """Send a GET request, and decode the answer of at most `largest` bytes as `kind`.

        Waits until the minute has weight left; `urgent` requests may use the reserved weight. An answer that is not complete within a
        minute is an error.

        Raises
        ------
        VenueUnreachableError, VenuePausedError, VenueBusyError, VenueRefusedError
            See `app.errors`.
        DecodeError
            If the answer does not have the documented shape.
        """
        return await self._ask("GET", path, kind, weight, urgent, largest, params=dict(params))

    async def post(
        self, path: str, body: Mapping[str, object], kind: type[T], *, weight: int, urgent: bool = False, largest: int = LARGEST_PAGE
    ) -> T:
        """Send a POST request with a JSON body; all else as `get`."""
        return await self._ask("POST", path, kind, weight, urgent, largest, json=dict(body))

    def charge(self, weight: int) -> None:
        """Count weight that an answer has cost beyond that of its request, e.g. for its rows."""
        self._shared.used += weight

    async def aclose(self) -> None:
        """Close the client's connections."""
        await self._client.aclose()

    async def _ask(self, method: str, path: str, kind: type[T], weight: int, urgent: bool, largest: int, **question: Any) -> T:
        await self._shared.weight(weight, self._limit if urgent else self._limit - self._limit // _RESERVED)
        await self._shared.request_turn(self._apart_s)
        if (banned_s := self._shared.banned_until_s - self._wall()) > 0:  # requests during a rate limit are what venues ban for
            raise http_status_error(429, str(math.ceil(banned_s)), self._host, self._wall())
        answer, content = await self._answer(method, path, question, largest)
        used = answer.headers.get(self._header, "")
        if used.isascii() and used.isdigit() and len(used) < 10:
            self._shared.used = max(self._shared.used, int(used))
        if answer.status_code != 200:
            raise self._failure(answer, content, f"{path} {question}")
        try:
            return msgspec.json.decode(content, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise DecodeError(f"{self._host} sent an undocumented response", detail=f"{path}: {error}") from None

    def _failure(self, answer: httpx2.Response, content: bytes, question: str) -> FeedError:
        """The error for a status other than 200, for 400 and 404 in the venue's words if it sent any.

        A rate limit also blocks later requests.
        """
        words = venue_message(content)
        if answer.status_code == 400 or (answer.status_code == 404 and words):
            error = VenueRefusedError if words and not _in_trouble(content) else VenuePausedError
            return error(f"{self._host}: {words or 'bad request'}", detail=f"{question}: {content[:200]!r}")
        status, retry_after = answer.status_code, answer.headers.get("Retry-After")
        if status == 403 and b"too frequent" in content.lower():  # Bybit's 429, with a wait of ten minutes
            status, retry_after = 429, retry_after or "600"
        failure = http_status_error(status, retry_after, self._host, self._wall())
        if isinstance(failure, VenueBusyError):
            self._shared.banned_until_s = self._wall() + failure.retry_after_s
        return failure

    async def _answer(self, method: str, path: str, question: Mapping[str, Any], largest: int) -> tuple[httpx2.Response, bytes]:
        """Send a request; return the response and its unpacked body, empty for an error response that is too long or cannot be unpacked."""
        try:
            asked_ns = time.monotonic_ns()
            async with asyncio.timeout(_COMPLETE_S), self._client.stream(method, path, **question) as answer:
                if answer.headers.get("Age", "0") == "0":  # else it is from a cache, and so is its date
                    self.clock.answered(answer.headers.get("Date"), asked_ns, time.monotonic_ns())
                if answer.status_code == 200:
                    return answer, await read_body(answer, self._host, largest)
                return answer, await read_refusal(answer, self._host)
        except TimeoutError:
            raise VenueUnreachableError(f"{self._host} did not complete its response within {_COMPLETE_S:g} s") from None
        except (httpx2.RequestError, httpx2.InvalidURL) as error:
            raise request_failure(error, self._host, path) from None


def request_failure(error: httpx2.RequestError | httpx2.InvalidURL, host: str, path: str) -> FeedError:
    """The error for a request that failed without a complete response."""
    if isinstance(error, httpx2.TimeoutException):
        return VenueUnreachableError(f"no answer from {host}")
    if isinstance(error, (httpx2.InvalidURL, httpx2.UnsupportedProtocol)):
        return VenueRefusedError(f"{host}: {error}")
    detail = f"{host}{path}: {error!r}"
    if isinstance(error, httpx2.ProxyError):
        status = str(error)[:3]
        return proxy_status_error(int(status) if status.isascii() and status.isdigit() else 0, host, detail)
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
        return httpx2.AsyncClient(base_url=base_url, timeout=timeout_s, headers={"Accept-Encoding": ACCEPTED}, verify=trusted_authorities())
    except ImportError as error:
        raise (socks_error(host) if "socks" in str(error) else VenueRefusedError(f"cannot use the proxy for {host}: {error}")) from None
    except (httpx2.InvalidURL, ValueError) as error:
        raise VenueRefusedError(f"cannot use {host} or its proxy: {error}") from None


def _certificate_fault(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    """The certificate error that is or caused an error; None if the error has another cause."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error


def _in_trouble(content: bytes) -> bool:
    """True if an answer has one of Binance's error codes -1000 to -1099: a fault on the server's side, even with HTTP 400."""
    try:
        return -1100 < msgspec.json.decode(content, type=_Coded).code <= -1000
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


class _Coded(msgspec.Struct, frozen=True):
    code: int = 0


def venue_message(content: bytes) -> str:
    """The error text in a venue's JSON response, at most 200 characters; empty if there is none.

    Examples: `{"code":-1121,"msg":"Invalid symbol."}`, `{"message":"NotFound"}`.
    """
    try:
        error: Any = msgspec.json.decode(content)
        return str(error["msg"] if "msg" in error else error["message"])[:200]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError, TypeError):
        return ""
