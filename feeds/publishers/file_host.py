"""Downloads from one host: resumed, checked, and renamed when complete."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import httpx2

from app.errors import (
    BadRequestError,
    ChecksumError,
    TradeFileError,
    VenueBusyError,
    VenuePausedError,
    VenueRefusedError,
    VenueUnreachableError,
)
from feeds.network.bounded_body import read_body, read_refusal
from feeds.network.failures import http_status_error
from feeds.network.rest_client import LARGEST_ANSWER, client_for, request_failure, venue_message
from feeds.publishers.bulk import Progress, no_progress

T = TypeVar("T")

_TIMEOUT_S = 30.0
_ATTEMPTS = 6  # consecutive, without a single byte
_FIRST_PAUSE_S, _LONGEST_WAIT_S = 1.0, 900.0
_REDIRECTS = (301, 302, 303, 307, 308)
_COMPLETE_S = 60.0  # for a response that is read into memory


class FileHost:
    """HTTP client for a host that publishes files.

    Parameters
    ----------
    base_url : str
    headers : callable
        Further headers of each request, e.g. with an API key; called for each request, never stored.
    absences : int
        Number of consecutive 404 responses after which a file counts as not published.
    wall, sleep, jitter : callables
        Clock, wait, and a random number from 0 to 1, for tests.

    Raises
    ------
    VenueRefusedError
        If the address or the proxy set in the environment cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        *,
        headers: Callable[[], Mapping[str, str]] = dict,
        absences: int = 1,
        wall: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._host = base_url.split("//")[-1].split("/")[0]
        self._client = client_for(base_url, self._host, _TIMEOUT_S)
        self._headers, self._absences = headers, absences
        self._wall, self._sleep, self._jitter = wall, sleep, jitter

    async def text(self, path: str, params: Mapping[str, str | int] | None = None) -> bytes | None:
        """Request a path and return the body of the response; None if nothing is published at this path.

        Raises
        ------
        FeedError
            See `BulkSource.fetch`.
        """

        async def ask() -> bytes | None:
            async with self._answer(path, {}, params) as answer:
                if answer.status_code == 404:
                    return None
                await self._require(answer, (200,))
                return await read_body(answer, self._host, LARGEST_ANSWER)

        async def ask_in_time() -> bytes | None:
            try:
                async with asyncio.timeout(_COMPLETE_S):
                    return await ask()
            except TimeoutError:
                raise VenueUnreachableError(f"{self._host} did not complete its response within {_COMPLETE_S:g} s") from None

        return await self._persistently(path, ask_in_time)

    async def download(self, path: str, to: Path, progress: Progress = no_progress, sha256: str | None = None) -> Path | None:
        """Download a file and return its path `to`; None if nothing is published at this path.

        Raises
        ------
        ChecksumError
            If the file does not match `sha256`, and a second download does not either.
        FeedError, TradeFileError
            See `BulkSource.fetch`.
        """
        part = to.with_name(f"{to.name}.part")
        found = ""
        for _ in range(2):
            for absence in range(self._absences):
                if absence:
                    await self._sleep(_FIRST_PAUSE_S)
                if await self._persistently(path, lambda: self._take_up(path, part, progress), lambda: _size(part)):
                    break
            else:
                return None
            found = await asyncio.to_thread(sha256_of, part) if sha256 else None
            if found == sha256:
                await asyncio.to_thread(_put_in_place, part, to)
                return to
            _forget(part)
        raise ChecksumError(f"{self._host}: {to.name}: checksum mismatch", detail=f"{path}: found {found}, expected {sha256}")

    async def aclose(self) -> None:
        """Close the client's connections."""
        await self._client.aclose()

    async def _take_up(self, path: str, part: Path, progress: Progress) -> bool:
        """Download the rest of a file, or all of it if it cannot be resumed; False if the file is not published."""
        have, mark = _size(part), _read_mark(part)
        headers = {"Accept-Encoding": "identity"}
        if have and mark:
            headers |= {"Range": f"bytes={have}-", "If-Range": mark}
        async with self._answer(path, headers) as answer:
            if answer.status_code == 404:
                return False
            if answer.status_code == 416 and have:  # our part is not the beginning of the file that is there now
                _forget(part)
                raise VenueUnreachableError(f"{self._host}: the file has changed")
            await self._require(answer, (200, 206))
            taken_up = answer.status_code == 206 and _begins_at(answer, have)
            if answer.status_code == 206 and not taken_up:
                _forget(part)
                raise VenueUnreachableError(f"{self._host} returned the wrong byte range")
            done = have if taken_up else 0
            length = answer.headers.get("Content-Length", "")
            total = done + int(length) if length.isascii() and length.isdigit() else None
            try:
                with part.open("ab" if taken_up else "wb") as file:
                    if not taken_up:
                        _write_mark(part, answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", ""))
                    async for data in answer.aiter_raw():
                        file.write(data)
                        done += len(data)
                        progress(done, total)
                    file.flush()
                    await asyncio.to_thread(os.fsync, file.fileno())
            except OSError as error:
                raise TradeFileError(part, None, error.strerror or str(error), "a writable file") from None
        return True

    @asynccontextmanager
    async def _answer(
        self, path: str, headers: Mapping[str, str], params: Mapping[str, str | int] | None = None
    ) -> AsyncGenerator[httpx2.Response]:
        """Send a GET request, follow at most one redirect, and yield the response; the host's own headers go to no other origin."""
        async with self._client.stream("GET", path, params=dict(params or {}), headers=dict(headers) | dict(self._headers())) as answer:
            to = answer.headers.get("Location")
            if answer.status_code not in _REDIRECTS or not to:
                yield answer
                return
            origin, target = answer.url, answer.url.join(to)
        if target.scheme not in ("http", "https") or (origin.scheme == "https" and target.scheme == "http"):
            raise VenueRefusedError(f"{self._host} redirects to an unencrypted address", detail=f"{path}: {target}")
        ours = dict(self._headers()) if _origin(target) == _origin(origin) else {}
        async with self._client.stream("GET", target, headers=dict(headers) | ours) as answer:
            if answer.status_code in _REDIRECTS:
                raise VenueRefusedError(f"{self._host} redirects more than once", detail=f"{path}: {target}")
            yield answer

    async def _require(self, answer: httpx2.Response, allowed: tuple[int, ...]) -> None:
        if answer.status_code in allowed:
            return
        if answer.status_code == 400:
            said = await read_refusal(answer, self._host)
            words = venue_message(said) or "bad request"
            raise BadRequestError(f"{self._host}: {words}", detail=f"{answer.url.path}: {said[:200]!r}")
        failure = http_status_error(answer.status_code, answer.headers.get("Retry-After"), self._host, self._wall())
        if isinstance(failure, VenuePausedError):  # of a file: a missing key or permission, which does not pass
            raise VenueRefusedError(failure.user_message, detail=failure.detail)
        raise failure

    async def _persistently(self, path: str, ask: Callable[[], Awaitable[T]], done: Callable[[], int] = lambda: 0) -> T:
        """Call `ask` until it succeeds, and return its result; at most six calls while the host is unreachable or busy.

        New bytes (`done`) start the count again. If the host requests a wait of more than 15 minutes, its error is raised at once.
        """
        tries, most = 0, done()
        while True:
            try:
                try:
                    return await ask()
                except (httpx2.RequestError, httpx2.InvalidURL) as error:
                    raise request_failure(error, self._host, path) from None
            except (VenueUnreachableError, VenueBusyError) as failure:
                tries, most = (1, done()) if done() > most else (tries + 1, most)
                if tries >= _ATTEMPTS:
                    raise
                pause_s = _FIRST_PAUSE_S * 2.0 ** (tries - 1) * (0.5 + self._jitter() / 2)
                if isinstance(failure, VenueBusyError):
                    if failure.retry_after_s > _LONGEST_WAIT_S:
                        raise
                    pause_s = failure.retry_after_s
            await self._sleep(pause_s)


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    default = {"http": 80, "https": 443}.get(url.scheme)
    return url.scheme, url.host, url.port or default


def _begins_at(answer: httpx2.Response, start: int) -> bool:
    return answer.headers.get("Content-Range", "").startswith(f"bytes {start}-")


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _mark_of(part: Path) -> Path:
    return part.with_name(f"{part.name}-of")


def _read_mark(part: Path) -> str:
    """The server's version tag (ETag or date) of the file that was downloaded in part.

    Empty if the server sent none.
    """
    mark = _mark_of(part)
    return mark.read_text("ascii", "replace") if mark.exists() else ""


def _write_mark(part: Path, etag: str, modified: str) -> None:
    mark = etag if etag and not etag.startswith("W/") else modified
    _mark_of(part).write_text(mark if mark.isascii() and mark.isprintable() else "", "ascii")


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _mark_of(part).unlink(missing_ok=True)


def sha256_of(path: Path) -> str:
    """The SHA-256 checksum of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _put_in_place(part: Path, to: Path) -> None:
    part.replace(to)
    _mark_of(part).unlink(missing_ok=True)
