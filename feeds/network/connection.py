"""A WebSocket that is watched over: it comes back by itself, at a pace the venue allows, and knows when it is deaf.

`websockets`' own endless iterator reconnects at once after a clean close and gives up on HTTP 429; exchanges
ban for the one and recover from the other. So the loop is ours:

- pauses are drawn from a range that doubles from half a second to half a minute, also after a clean close, and
  begin anew only after a line has delivered for some seconds; a budget of connections per five minutes holds whatever happens;
- the age of the last *data* decides whether the line is deaf, pongs prove nothing; before a silent line is cut
  the venue is asked whether anything traded at all;
- before the venue's 24 hours are over, and when it announces a shutdown, a second line is opened and has to
  deliver before the first is closed.
"""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, replace

import structlog

from app.errors import FeedError, VenueBusyError, VenueRefusedError, VenueUnreachableError
from app.market.feed import FeedState
from feeds.network.backoff import ReconnectBackoff, Timeouts
from feeds.network.message_queue import MessageQueue
from feeds.network.websocket_session import KeepAlive, Subscription, WebSocketSession, open_socket

_log = structlog.get_logger(__name__)

_FRAME_S = 0.016  # at most one batch of frames for each frame of the screen
_CLOCK_JUMP_S = 5.0
_SOONEST_SILENT_S = 2.5  # even the busiest market may hold its breath for so long
_TOO_SILENT = 6.0  # times the patience with silence: then the line is lost even if nobody could say so
_UNUSUAL = 20.0  # so many times the usual distance of data is silence


@dataclass(frozen=True, slots=True)
class ConnectionStatus:
    """Where the connection stands; `state` is CONNECTING, SYNCING (open, no data yet), LIVE, DISCONNECTED or STOPPED."""

    state: FeedState
    reason: str = ""
    retry_at_s: float | None = None
    connects: int = 0


class Connection:
    """One stream of frames from a venue, over as many sockets as it takes.

    Parameters
    ----------
    url : str
    greeting : Greeting, optional
        Said on each line, which has to be accepted; without one a line begins with its first frame.
    ping : Ping, optional
        Keeps each line awake.
    probe : coroutine function, optional
        Whether the venue has data that did not reach us; asked when the line is silent.
    patience : Patience
    ssl_context : SSLContext, optional
        Further trusted authorities.
    monotonic, wall, sleep, jitter : callables
        Clocks, the wait between attempts and chance, for tests.

    Attributes
    ----------
    status : LineStatus
        Where it stands.
    """

    def __init__(
        self,
        url: str,
        *,
        greeting: Subscription | None = None,
        ping: KeepAlive | None = None,
        probe: Callable[[], Awaitable[bool]] | None = None,
        patience: Timeouts | None = None,
        ssl_context: ssl.SSLContext | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.url = url
        self.patience = patience or Timeouts()
        self.status = ConnectionStatus(FeedState.CONNECTING)
        self._greeting, self._ping = greeting, ping
        self._probe, self._ssl = probe, ssl_context
        self._monotonic, self._wall, self._sleep = monotonic, wall, sleep
        self._pace = ReconnectBackoff(self.patience, jitter)
        self._waiting = MessageQueue(monotonic)
        self._arrived = asyncio.Event()
        self._line: WebSocketSession | None = None
        self._lines: list[WebSocketSession] = []
        self._renew = False
        self._renew_not_before = self._ask_not_before = self._dial_not_before = -float("inf")
        self._data_at = 0.0
        self._data_heard = 0
        self._usual_gap = self.patience.silent_after / _UNUSUAL
        self._closed = False

    # -- for the one who reads -------------------------------------------------------------------

    async def messages(self) -> AsyncGenerator[list[bytes], None]:
        """All frames that were waiting, as long as the connection is wanted; at most once a frame of the screen.

        Raises
        ------
        VenueRefusedError
            When the venue will not serve us.
        """
        supervisor = asyncio.create_task(self._supervise())
        supervisor.add_done_callback(lambda _: self._arrived.set())
        taken_at = -_FRAME_S
        try:
            while True:
                if not self._waiting.ready(self._held):
                    if supervisor.done():
                        supervisor.result()
                        return
                    if self._closed:
                        return
                    await self._arrived.wait()
                    self._arrived.clear()
                    continue
                rest = taken_at + _FRAME_S - time.monotonic()
                if rest > 0:
                    await asyncio.sleep(rest)
                if frames := self._waiting.take(self._held):
                    taken_at = time.monotonic()
                    yield frames
        finally:
            supervisor.cancel()
            await asyncio.wait([supervisor])
            if not supervisor.cancelled():
                supervisor.exception()  # whoever stops reading need not hear of it

    def heard_data(self) -> None:
        """The reader found data, not just talk, in what it took: the line works."""
        self._data_heard += 1
        if self._line is None or not self._waiting.current:  # the last words of a line that has ended since
            return
        now = self._monotonic()
        self._usual_gap += 0.05 * (now - self._data_at - self._usual_gap)
        self._works(now)

    def renew(self) -> None:
        """The venue said that it will close the line: open the next one before."""
        self._renew = True

    @property
    def silent_s(self) -> float:
        """Seconds since the last data, or since the venue confirmed that there was none."""
        return self._monotonic() - self._data_at

    @property
    def silent_after_s(self) -> float:
        """When silence is unusual: some times the usual distance of data, within the limits of patience."""
        return min(self.patience.silent_after, max(_SOONEST_SILENT_S, _UNUSUAL * self._usual_gap))

    @property
    def queue_age_s(self) -> float:
        """How long the oldest frame has been waiting to be read."""
        return self._waiting.age_s

    @property
    def beginnings(self) -> int:
        """How often the stream has begun anew: lines, less those that overlapped the one before.

        It goes with the frames last handed out, which never come from both sides of a beginning.
        """
        return self._waiting.beginnings

    @property
    def _held(self) -> bool:
        """Whether a new line's frames are kept back: until the venue has accepted it, it leads nowhere."""
        return self._line is not None and not self._line.delivers

    def close(self) -> None:
        """Let go; `frames` ends once what was waiting has been taken."""
        self._closed = True
        self._arrived.set()

    # -- the loop --------------------------------------------------------------------------------

    async def _supervise(self) -> None:
        at_least_s = waited_s = 0.0
        while not self._closed:
            now = self._monotonic()
            pause_s = self._pace.pause_s(now, max(at_least_s, self._dial_not_before - now), waited_s)
            if pause_s > 0:
                self.status = replace(self.status, state=FeedState.DISCONNECTED, retry_at_s=self._wall() + pause_s)
                await self._sleep(pause_s)
            self.status = replace(self.status, state=FeedState.CONNECTING, retry_at_s=None)
            at_least_s, dialled_at, line = 0.0, self._monotonic(), None
            try:
                line = await self._open()
                await self._serve(line)
            except VenueRefusedError as error:
                self.status = replace(self.status, state=FeedState.STOPPED, reason=error.user_message)
                raise
            except FeedError as error:
                at_least_s = error.retry_after_s if isinstance(error, VenueBusyError) else 0.0
                waited_s = self._monotonic() - dialled_at if line is None else 0.0  # in vain, while the network was gone
                _log.info("connection lost", url=self.url, reason=error.detail)
                self.status = replace(self.status, state=FeedState.DISCONNECTED, reason=error.user_message)
            except Exception:
                self.status = replace(self.status, state=FeedState.STOPPED, reason="stopped by an internal error, see the log")
                raise

    async def _open(self) -> WebSocketSession:
        self.status = replace(self.status, connects=self.status.connects + 1)
        socket = await open_socket(self.url, self.patience, self._ssl)
        line = WebSocketSession(socket, self._monotonic(), self._take, self._arrived.set, greeting=self._greeting, ping=self._ping)
        self._lines.append(line)
        return line

    def _take(self, frame: bytes) -> None:
        self._waiting.add(frame)
        self._arrived.set()

    def _begin(self, line: WebSocketSession) -> None:
        """Read a line that nothing leads to from what came before."""
        self._waiting.begin()
        self._line = line

    async def _serve(self, line: WebSocketSession) -> None:
        """Stay with a line until it breaks; raises why it did."""
        self.status = replace(self.status, state=FeedState.SYNCING, reason="", retry_at_s=None)
        self._data_at, self._renew = line.opened_at, False
        self._begin(line)
        wall_offset = self._wall() - self._monotonic()
        try:
            while not self._closed:
                await asyncio.wait({line.reader}, timeout=self.patience.look_every)
                if line.reader.done():
                    raise line.reader.result()
                now = self._monotonic()
                if abs(self._wall() - now - wall_offset) > _CLOCK_JUMP_S:
                    raise VenueUnreachableError("clock jump: the machine slept or its clock was changed")
                old = self._renew or now - line.opened_at > self.patience.renew_after
                if old and now >= self._renew_not_before:
                    line = self._line = await self._renewed(line)
                    if not line.delivers:
                        self._begin(line)
                await self._listen_closely(line)
        finally:
            self._line = None
            while self._lines:
                await self._lines.pop().aclose()

    def _works(self, now: float) -> None:
        assert self._line is not None
        self._data_at = now
        if now - self._line.opened_at >= self.patience.proven_after:
            self._pace.proven()
        if self.status.state is not FeedState.LIVE:
            self.status = replace(self.status, state=FeedState.LIVE, reason="", retry_at_s=None)

    async def _listen_closely(self, line: WebSocketSession) -> None:
        """If the line is silent, ask whether it should be."""
        if self.silent_s <= self.silent_after_s or self._waiting.ready(self._held) or self._monotonic() < self._ask_not_before:
            return
        silence = f"no data for {self.silent_s:.0f} s"
        if self._probe is None:
            raise VenueUnreachableError(silence)
        before = self._data_heard
        asked = asyncio.ensure_future(self._probe())
        try:
            await asyncio.wait({asked, line.reader}, timeout=self.patience.answer_within, return_when=asyncio.FIRST_COMPLETED)
            if line.reader.done() or self._data_heard != before:
                return
            if not asked.done():
                raise VenueUnreachableError("no answer from the venue")
            missed = asked.result()
        except FeedError as error:
            # where the question alone was refused, a line that may be good is not given up for it at once
            if isinstance(error, VenueUnreachableError) or self.silent_s > _TOO_SILENT * self.patience.silent_after:
                raise VenueUnreachableError(f"{silence}, and {error.user_message}", detail=f"{silence}; {error.detail}") from error
            pause_s = error.retry_after_s if isinstance(error, VenueBusyError) else self.patience.silent_after
            self._ask_not_before = self._monotonic() + min(pause_s, _TOO_SILENT * self.patience.silent_after)
            return
        finally:
            if not asked.done():
                asked.cancel()
                await asyncio.wait([asked])
            elif not asked.cancelled():
                asked.exception()
        if missed:
            await asyncio.wait({line.reader}, timeout=self.patience.grace)
            if self._data_heard == before and not line.reader.done():
                raise VenueUnreachableError(f"{silence}, although the market is trading")
            return
        self._usual_gap = min(2 * self._usual_gap, self.patience.silent_after / _UNUSUAL)
        self._works(self._monotonic())  # a quiet market, confirmed

    async def _renewed(self, line: WebSocketSession) -> WebSocketSession:
        """A second line that delivers, and the first one closed; the first one if no better can be had."""
        self._renew = False
        self._renew_not_before = self._monotonic() + self.patience.longest_pause
        if not self._pace.spare(self._monotonic()):
            return line
        try:
            successor = await self._open()
        except FeedError as error:  # as long as the line works it is kept, whatever the venue says to a second one
            _log.warning("connection not renewed", url=self.url, reason=error.detail)
            if isinstance(error, VenueBusyError):  # also for the next line, should this one end before
                self._dial_not_before = self._monotonic() + error.retry_after_s
                self._renew_not_before = max(self._renew_not_before, self._dial_not_before)
            return line
        kept, other = successor, line
        before, deadline = line.frames, self._monotonic() + self.patience.silent_after
        ended = {line.reader, successor.reader}
        while not successor.delivers and self._monotonic() < deadline and not any(reader.done() for reader in ended):
            await asyncio.wait(ended, timeout=self.patience.look_every / 5, return_when=asyncio.FIRST_COMPLETED)
        if successor.delivers:
            await asyncio.wait({line.reader}, timeout=self.patience.overlap)  # what both tell is known by its id
        elif not line.reader.done() and (line.frames > before or successor.reader.done()):
            reason = successor.reader.result().detail if successor.reader.done() else "the second connection delivered nothing"
            _log.warning("connection not renewed", url=self.url, reason=reason)
            kept, other = line, successor
        await other.aclose()
        self._lines.remove(other)
        return kept
