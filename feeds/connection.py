"""A WebSocket that is watched over: it comes back by itself, at a pace the venue allows, and knows when it is deaf.

`websockets`' own endless iterator reconnects at once after a clean close and gives up on HTTP 429; exchanges
ban for the one and recover from the other. So the loop is ours:

- pauses double from half a second to half a minute, with jitter, also after a clean close, and begin anew
  only after data has flowed; a budget of connections per five minutes holds whatever happens;
- the age of the last *data* decides whether the line is deaf, pongs prove nothing; before a silent line is cut
  the venue is asked whether anything traded at all;
- before the venue's 24 hours are over, and when it announces a shutdown, a second line is opened and has to
  deliver before the first is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from app.errors import FeedError, VenueBusyError, VenueRefusedError, VenueUnreachableError
from app.market.feed import FeedState

_log = structlog.get_logger(__name__)

_FRAME_S = 0.016  # at most one batch of frames for each frame of the screen
_LOOK_S = 0.25  # how often the watchdog looks
_MAX_FRAME_BYTES = 1 << 20
_QUEUE_FRAMES = 1 << 14  # the library's own buffer; ours is the list that is emptied each frame
_WINDOW_S = 300.0


@dataclass(frozen=True, slots=True)
class Patience:
    """The times of a connection, all in seconds.

    Attributes
    ----------
    silent_after : float
        Without data for so long, the venue is asked whether there was any.
    renew_after : float
        A line this old is replaced; venues cut after 24 h.
    first_pause, longest_pause : float
        Between attempts.
    open_timeout : float
        For one attempt.
    fruitless_connects, connects : int
        Attempts per five minutes: without data between them, and in any case.
    """

    silent_after: float = 10.0
    renew_after: float = 23.5 * 3600
    first_pause: float = 0.5
    longest_pause: float = 30.0
    open_timeout: float = 10.0
    fruitless_connects: int = 20
    connects: int = 250


@dataclass(frozen=True, slots=True)
class LineStatus:
    """Where the connection stands; `state` is CONNECTING, SYNCING (open, no data yet), LIVE, DISCONNECTED or STOPPED."""

    state: FeedState
    reason: str = ""
    retry_at_s: float | None = None
    connects: int = 0


class Pace:
    """When the next attempt may be made.

    Parameters
    ----------
    patience : Patience
    jitter : callable
        A number from 0 to 1.
    """

    def __init__(self, patience: Patience, jitter: Callable[[], float] = random.random) -> None:
        self._patience, self._jitter = patience, jitter
        self._attempts: deque[float] = deque()
        self._fruitless: deque[float] = deque()
        self._failures = 0

    def pause_s(self, now_s: float, at_least_s: float = 0.0) -> float:
        """Seconds to wait before the next attempt, which counts as made then."""
        patience = self._patience
        pause = 0.0
        if self._failures:
            longest = min(patience.longest_pause, patience.first_pause * 2.0 ** (self._failures - 1))
            pause = longest * (0.5 + 0.5 * self._jitter())
        pause = max(pause, at_least_s)
        for made, allowed in ((self._attempts, patience.connects), (self._fruitless, patience.fruitless_connects)):
            while made and made[0] <= now_s - _WINDOW_S:
                made.popleft()
            if len(made) >= allowed:
                pause = max(pause, made[-allowed] + _WINDOW_S - now_s)
            made.append(now_s + pause)
        self._failures += 1
        return pause

    def data_flowed(self) -> None:
        """The last attempt was worth it."""
        self._failures = 1  # a line that breaks after having worked is not dialled again at once
        self._fruitless.clear()


class Connection:
    """One stream of frames from a venue, over as many sockets as it takes.

    Parameters
    ----------
    url : str
    probe : coroutine function, optional
        Whether the venue has data that did not reach us; asked when the line is silent.
    patience : Patience
    ssl_context : SSLContext, optional
        Further trusted authorities.
    monotonic, wall, sleep, jitter : callables
        Clocks, the wait and chance, for tests.
    """

    def __init__(
        self,
        url: str,
        *,
        probe: Callable[[], Awaitable[bool]] | None = None,
        patience: Patience | None = None,
        ssl_context: ssl.SSLContext | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.url = url
        self.patience = patience or Patience()
        self.status = LineStatus(FeedState.CONNECTING)
        self._probe, self._ssl = probe, ssl_context
        self._monotonic, self._wall, self._sleep = monotonic, wall, sleep
        self._pace = Pace(self.patience, jitter)
        self._waiting: list[bytes] = []
        self._waiting_since = 0.0
        self._arrived = asyncio.Event()
        self._renew = False
        self._data_at = 0.0
        self._data_frames = 0
        self._refusal: VenueRefusedError | None = None
        self._closed = False

    # -- for the one who reads -------------------------------------------------------------------

    async def frames(self) -> AsyncIterator[list[bytes]]:
        """All frames that were waiting, as long as the connection is wanted.

        Raises
        ------
        VenueRefusedError
            When the venue will not serve us.
        """
        supervisor = asyncio.create_task(self._supervise())
        try:
            taken_at = -_FRAME_S
            while True:
                if not self._waiting:
                    if self._refusal is not None:
                        raise self._refusal
                    if self._closed:
                        return
                    await self._arrived.wait()
                    self._arrived.clear()
                    continue
                rest = taken_at + _FRAME_S - self._monotonic()
                if rest > 0:
                    await self._sleep(rest)
                taken_at = self._monotonic()
                frames, self._waiting = self._waiting, []
                yield frames
        finally:
            supervisor.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await supervisor

    def heard_data(self) -> None:
        """The reader found data, not just talk, in what it took: the line works."""
        self._data_at = self._monotonic()
        self._data_frames += 1
        self._pace.data_flowed()
        if self.status.state is not FeedState.LIVE:
            self.status = replace(self.status, state=FeedState.LIVE, reason="", retry_at_s=None)

    def renew(self) -> None:
        """The venue said that it will close the line: open the next one before."""
        self._renew = True

    @property
    def silent_s(self) -> float:
        """Seconds since the last data, or since the venue confirmed that there was none."""
        return self._monotonic() - self._data_at

    @property
    def queue_age_s(self) -> float:
        """How long the oldest frame has been waiting to be read."""
        return self._monotonic() - self._waiting_since if self._waiting else 0.0

    def close(self) -> None:
        """Let go; `frames` ends once what was waiting has been taken."""
        self._closed = True
        self._arrived.set()

    # -- the loop --------------------------------------------------------------------------------

    async def _supervise(self) -> None:
        at_least_s = 0.0
        while not self._closed:
            await self._wait_for_turn(at_least_s)
            at_least_s = 0.0
            try:
                line = await self._open()
                await self._serve(line)
            except VenueRefusedError as error:
                self.status = replace(self.status, state=FeedState.STOPPED, reason=error.user_message, retry_at_s=None)
                self._refusal = error
                self._arrived.set()
                return
            except VenueBusyError as error:
                at_least_s = error.retry_after_s
                self._lost(error)
            except FeedError as error:
                self._lost(error)

    def _lost(self, error: FeedError) -> None:
        _log.info("connection lost", url=self.url, reason=error.detail)
        self.status = replace(self.status, state=FeedState.DISCONNECTED, reason=error.user_message)

    async def _wait_for_turn(self, at_least_s: float) -> None:
        pause_s = self._pace.pause_s(self._monotonic(), at_least_s)
        if pause_s > 0:
            self.status = replace(self.status, state=FeedState.DISCONNECTED, retry_at_s=self._wall() + pause_s)
            await self._sleep(pause_s)
        self.status = replace(self.status, state=FeedState.CONNECTING, retry_at_s=None)

    async def _open(self) -> _Line:
        self.status = replace(self.status, connects=self.status.connects + 1)
        secured: dict[str, Any] = {} if self._ssl is None else {"ssl": self._ssl}
        try:
            # extensions cost time and have stalled streams; the limits keep one frame from eating the memory
            socket = await connect(
                self.url,
                compression=None,
                max_size=_MAX_FRAME_BYTES,
                max_queue=_QUEUE_FRAMES,
                open_timeout=self.patience.open_timeout,
                close_timeout=1.0,
                **secured,
            )
        except (OSError, InvalidHandshake, InvalidURI, TimeoutError, ConnectionClosed, EOFError) as error:
            raise _explained(error, self.url) from error
        self._data_at = self._monotonic()
        return _Line(socket, self._monotonic(), asyncio.create_task(self._read(socket)))

    async def _serve(self, line: _Line) -> None:
        """Stay with a line until it breaks; raises why it did."""
        self.status = replace(self.status, state=FeedState.SYNCING, reason="", retry_at_s=None)
        wall_offset = self._wall() - self._monotonic()
        try:
            while not self._closed:
                await asyncio.wait({line.reader}, timeout=_LOOK_S)
                if line.reader.done():
                    raise VenueUnreachableError(line.reader.result())
                if abs(self._wall() - self._monotonic() - wall_offset) > 5.0:
                    raise VenueUnreachableError("the clock jumped: the machine was asleep, or its time was set")
                if self._renew or self._monotonic() - line.opened_at > self.patience.renew_after:
                    self._renew = False
                    line = await self._replaced(line)
                await self._listen_closely()
        finally:
            await line.aclose()

    async def _read(self, socket: ClientConnection) -> str:
        """Move frames from the socket to the list until the socket ends; returns why it did."""
        try:
            while True:
                frame = await socket.recv(decode=False)
                if not self._waiting:
                    self._waiting_since = self._monotonic()
                    self._arrived.set()
                self._waiting.append(frame)
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd is not None else None
            return f"the venue closed the connection (code {code})" if code is not None else "the connection broke"

    async def _listen_closely(self) -> None:
        """If the line is silent, ask whether it should be."""
        if self.silent_s <= self.patience.silent_after:
            return
        missed = True
        if self._probe is not None:
            before = self._data_frames
            try:
                missed = await self._probe()
            except FeedError as error:
                raise VenueUnreachableError(f"no data for {self.silent_s:.0f} s, and {error.user_message}") from error
            if self._data_frames != before:
                return
        if missed:
            raise VenueUnreachableError(f"no data for {self.silent_s:.0f} s although the market trades")
        self._data_at = self._monotonic()  # a quiet market, confirmed

    async def _replaced(self, line: _Line) -> _Line:
        """A second line that delivers, and the first one closed; the first one if no second can be had."""
        try:
            successor = await self._open()
        except VenueRefusedError:
            raise
        except FeedError as error:
            _log.warning("line not renewed", url=self.url, reason=error.detail)
            return line
        heard = self._data_frames
        deadline = self._monotonic() + self.patience.silent_after
        while self._data_frames == heard and self._monotonic() < deadline and not line.reader.done():
            await asyncio.sleep(_LOOK_S / 5)
        await line.aclose()
        return successor


@dataclass(frozen=True, slots=True)
class _Line:
    """One socket and the task that reads it."""

    socket: ClientConnection
    opened_at: float
    reader: asyncio.Task[str]

    async def aclose(self) -> None:
        self.reader.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.reader
        # a peer that does not answer the closing handshake must not hold us up
        with contextlib.suppress(TimeoutError, ConnectionClosed, OSError):
            await asyncio.wait_for(self.socket.close(), 1.5)


def _explained(error: BaseException, url: str) -> FeedError:
    """A failed attempt in the words of a user, sorted by whether trying again can help."""
    host = url.split("/")[2] if url.count("/") >= 2 else url
    detail = f"{url}: {type(error).__name__}: {error}"
    if isinstance(error, InvalidStatus):
        return explained_status(error.response.status_code, error.response.headers.get("Retry-After"), host)
    if isinstance(error, ssl.SSLCertVerificationError):
        return VenueRefusedError(f"{host}: the certificate is not to be trusted: {error.verify_message}", detail=detail)
    if isinstance(error, InvalidURI):
        return VenueRefusedError(f"{url} is not a WebSocket address", detail=detail)
    if isinstance(error, TimeoutError):
        return VenueUnreachableError(f"{host} does not answer", detail=detail)
    if isinstance(error, ConnectionRefusedError):
        return VenueUnreachableError(f"{host} refuses connections", detail=detail)
    if isinstance(error, OSError):
        return VenueUnreachableError(f"{host} cannot be reached: {error.strerror or error}", detail=detail)
    return VenueUnreachableError(f"{host} broke off the connection", detail=detail)


def explained_status(code: int, retry_after: str | None, host: str) -> FeedError:
    """What an HTTP status of a venue means for us."""
    if code in (418, 429):
        wait_s = float(retry_after) if retry_after and retry_after.isdigit() else 60.0
        until = time.strftime("%H:%M:%S", time.localtime(time.time() + wait_s))
        return VenueBusyError(f"{host} limits our rate until {until}", retry_after_s=wait_s, detail=f"{host}: HTTP {code}")
    if code in (401, 403, 404, 451):
        why = {401: "wants a key", 403: "forbids access from here", 404: "knows no such stream", 451: "does not serve this country"}[code]
        return VenueRefusedError(f"{host} {why} (HTTP {code})")
    return VenueUnreachableError(f"{host} answers with HTTP {code}")
