"""A supervised connection of one market that detects silence and reconnects, within limits.

The endless iterator of `websockets` reconnects at once after a clean close, for which exchanges ban, and gives up on HTTP 429, which
is temporary. This module has a loop of its own:

- pauses are random in a range that doubles from half a second to half a minute, also after a clean close, and start from the
  shortest again only after a connection has delivered for some seconds; the host's limit of connections, of all markets together,
  always holds;
- a venue that turns us away (HTTP 403) may be a firewall that counts requests: it is tried again after longer pauses, up to minutes;
- the age of the last *data* decides whether a connection is dead, pongs prove nothing; before a silent connection is closed, the
  venue is asked whether anything traded at all;
- before the venue's limit of 24 hours, and when it announces a shutdown, a second connection is opened and has to deliver before
  the first is closed;
- where a venue limits the sockets of an address, several markets share one: see `feeds.network.shared_sockets`.
"""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, replace

import structlog

from app.errors import FeedError, VenueBusyError, VenuePausedError, VenueRefusedError, VenueUnreachableError, WeightSpentError
from app.market.feed import FeedState
from feeds.network.backoff import ReconnectBackoff, Timeouts
from feeds.network.failures import host_of
from feeds.network.host_limits import HostLimits, limits_of
from feeds.network.message_queue import MessageQueue
from feeds.network.shared_sockets import SharedLine, SharedSockets, Sharing, shared_sockets_of
from feeds.network.websocket_session import KeepAlive, Subscription, WebSocketSession, open_socket

_log = structlog.get_logger(__name__)

_FRAME_S = 0.016  # at most one batch of messages per frame
_CLOCK_JUMP_S = 5.0
_SOONEST_SILENT_S = 2.5  # even the busiest market may be silent for this long
_TOO_SILENT = 6.0  # times `silent_after`: then the connection counts as lost even if the venue could not be asked
_UNUSUAL = 20.0  # times the usual interval between data counts as silence
_QUIETEST = 6.0  # times `silent_after`: how rarely a quiet market is asked about while others prove its socket

Line = WebSocketSession | SharedLine


@dataclass(frozen=True, slots=True)
class ConnectionStatus:
    """State of a connection, with the reason, the time of the next attempt and the number of attempts.

    `state` is CONNECTING, SYNCING (open, no data yet), LIVE, DISCONNECTED or STOPPED. `retry_at_s` is wall time; None if no attempt waits.
    """

    state: FeedState
    reason: str = ""
    retry_at_s: float | None = None
    connects: int = 0


class Connection:
    """A connection to a venue that delivers messages, and reconnects when its socket breaks.

    Parameters
    ----------
    url : str
    greeting : Subscription, optional
        Sent on each new connection, which the venue must accept; without it a connection starts with its first message.
    ping : KeepAlive, optional
        Sent at intervals to keep a connection open.
    probe : coroutine function, optional
        Returns True if the venue has data that did not arrive here; called when the connection is silent.
    patience : Timeouts
    ssl_context : SSLContext, optional
        For trusted certificate authorities besides the system's.
    sharing : Sharing, optional
        How the market shares a socket with others; requires a greeting. Without it the connection has a socket of its own.
    limits : HostLimits, optional
        By default those of the host; a connection with clocks of its own has its own limits.
    monotonic, wall, sleep, jitter : callables
        Clocks, the wait between attempts and random numbers, for tests.

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
        sharing: Sharing | None = None,
        limits: HostLimits | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.url = url
        self.patience = patience or Timeouts()
        self._status: ConnectionStatus = ConnectionStatus(FeedState.CONNECTING)
        self._greeting, self._ping = greeting, ping
        self._probe, self._ssl = probe, ssl_context
        self._monotonic, self._wall, self._sleep, self._jitter = monotonic, wall, sleep, jitter
        self._pace = ReconnectBackoff(self.patience, jitter)
        own_clocks = (monotonic, wall, sleep) != (time.monotonic, time.time, asyncio.sleep)
        self._own_limits = limits or (HostLimits(wall, monotonic, sleep) if own_clocks else None)
        self._sharing = sharing
        self._shared: SharedSockets | None = None
        self._waiting = MessageQueue(monotonic)
        self._arrived = asyncio.Event()
        self._line: Line | None = None
        self._lines: list[Line] = []
        self._renew = False
        self._renew_not_before = self._ask_not_before = self._dial_not_before = -float("inf")
        self._data_at = 0.0
        self._data_heard = 0
        self._usual_gap = self.patience.silent_after / _UNUSUAL
        self._quiet = 1.0
        self._closed = False

    # -- for the reader --------------------------------------------------------------------------

    async def messages(self) -> AsyncGenerator[list[bytes], None]:
        """Iterate over batches of received messages until `close`, at most one batch per screen frame (16 ms).

        Raises
        ------
        VenueRefusedError
            If the venue refuses us for good.
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
                supervisor.exception()  # retrieved, or asyncio would log it; the reader has stopped

    @property
    def status(self) -> ConnectionStatus:
        """Current state of the connection; DISCONNECTED, not CONNECTING, while it waits for a shared socket that may not be opened yet."""
        status = self._status
        if status.state is FeedState.CONNECTING and self._shared is not None and (wait_s := self._shared.wait_s) > 0:
            return replace(status, state=FeedState.DISCONNECTED, retry_at_s=self._wall() + wait_s)  # it waits with others
        return status

    def heard_data(self) -> None:
        """Record that the messages taken last contain data, which shows that the connection works."""
        self._data_heard += 1
        if self._line is None or not self._waiting.current:  # the last messages of a connection that has ended since
            return
        now = self._monotonic()
        self._usual_gap += 0.05 * (now - self._data_at - self._usual_gap)
        self._quiet = 1.0
        self._works(now)

    def renew(self) -> None:
        """Request a new connection, as the venue has announced that it will close the current one."""
        self._renew = True

    @property
    def silent_s(self) -> float:
        """Seconds since the last data, or since the venue confirmed that there was none."""
        return self._monotonic() - self._data_at

    @property
    def silent_after_s(self) -> float:
        """Seconds without data that count as silence: 20 times the usual interval, within limits; more for a quiet market.

        A market counts as quiet once the venue has confirmed that the market had no data while other markets on its socket had.
        """
        return self._quiet * min(self.patience.silent_after, max(_SOONEST_SILENT_S, _UNUSUAL * self._usual_gap))

    @property
    def queue_age_s(self) -> float:
        """Age of the oldest message not taken yet, in seconds; 0 if there is none."""
        return self._waiting.age_s

    @property
    def arrived_s(self) -> list[float]:
        """When each of the messages taken last was received, in seconds of `monotonic`."""
        return self._waiting.arrived_s

    @property
    def beginnings(self) -> int:
        """Number of connections so far that did not overlap the previous one, counted up to the messages taken last.

        A batch of messages never mixes two such connections.
        """
        return self._waiting.beginnings

    @property
    def _held(self) -> bool:
        """True while the current connection's messages are held back until the venue accepts the connection."""
        return self._line is not None and not self._line.delivers

    def close(self) -> None:
        """Close the connection; `messages` ends once all waiting messages are taken."""
        self._closed = True
        self._arrived.set()

    # -- the loop --------------------------------------------------------------------------------

    async def _supervise(self) -> None:
        at_least_s = waited_s = 0.0
        turned_away = False
        while not self._closed:
            now = self._monotonic()
            others_s = self._shared.wait_s if self._shared is not None else 0.0
            pause_s = self._pace.pause_s(now, max(at_least_s, self._dial_not_before - now, others_s), waited_s, turned_away=turned_away)
            if pause_s > 0:
                self._status = replace(self._status, state=FeedState.DISCONNECTED, retry_at_s=self._wall() + pause_s)
                await self._sleep(pause_s)
            self._status = replace(self._status, state=FeedState.CONNECTING, retry_at_s=None)
            at_least_s, dialled_at, line = 0.0, self._monotonic(), None
            try:
                await self._await_host()
                line = await self._open()
                await self._serve(line)
            except VenueRefusedError as error:
                self._status = replace(self._status, state=FeedState.STOPPED, reason=error.user_message)
                raise
            except FeedError as error:
                at_least_s = error.retry_after_s if isinstance(error, VenueBusyError) else 0.0
                turned_away = isinstance(error, VenuePausedError)
                waited_s = self._monotonic() - dialled_at if line is None else 0.0  # a failed attempt, while the network was down
                _log.info("connection lost", url=self.url, reason=error.detail)
                self._status = replace(self._status, state=FeedState.DISCONNECTED, reason=error.user_message)
            except Exception:
                self._status = replace(self._status, state=FeedState.STOPPED, reason="stopped by an internal error, see the log")
                raise

    @property
    def _limits(self) -> HostLimits:
        return self._own_limits or limits_of(host_of(self.url))

    async def _await_host(self) -> None:
        """Wait until the host allows another connection; return at once if the market shares a socket, which has its own wait."""
        wait_s = 0.0 if self._sharing is not None else self._limits.reserve_connect(self.patience.connects_apart, self.patience.connects)
        if wait_s > 0:
            reason = self._status.reason or f"as many connections as {host_of(self.url)} allows"
            self._status = replace(self._status, state=FeedState.DISCONNECTED, reason=reason, retry_at_s=self._wall() + wait_s)
            await self._sleep(wait_s)
            self._status = replace(self._status, state=FeedState.CONNECTING, retry_at_s=None)

    async def _open(self, newer_than: float = -float("inf")) -> Line:
        """Open a line: a socket for this market alone, or a place on a shared socket that was opened after `newer_than`."""
        self._status = replace(self._status, connects=self._status.connects + 1)
        line: Line
        if self._sharing is not None and self._greeting is not None:
            self._shared = self._shared or shared_sockets_of(self.url, self._new_shared_sockets)
            line = await self._shared.join(self._sharing, self._greeting, self._take, self._arrived.set, newer_than=newer_than)
        else:
            socket = await open_socket(self.url, self.patience, self._ssl)
            line = WebSocketSession(socket, self._monotonic(), self._take, self._arrived.set, greeting=self._greeting, ping=self._ping)
        self._lines.append(line)
        return line

    def _new_shared_sockets(self) -> SharedSockets:
        return SharedSockets(
            self.url,
            self.patience,
            self._limits,
            ping=self._ping,
            ssl_context=self._ssl,
            monotonic=self._monotonic,
            sleep=self._sleep,
            jitter=self._jitter,
        )

    def _take(self, frame: bytes) -> None:
        self._waiting.add(frame)
        self._arrived.set()

    def _begin(self, line: Line) -> None:
        """Make a connection the current one, given that it does not overlap the one before it."""
        self._waiting.begin()
        self._line = line

    async def _serve(self, line: Line) -> None:
        """Supervise a connection until `close`, and replace it before the venue closes it; if it breaks, raise the reason."""
        self._status = replace(self._status, state=FeedState.SYNCING, reason="", retry_at_s=None)
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
                    line.doubt(0.0)
                    raise VenueUnreachableError("clock jump: the machine slept or its clock was changed")
                old = self._renew or now - line.socket_opened_at > self.patience.renew_after
                if old and now >= self._renew_not_before:
                    line = self._line = await self._renewed(line)
                    if not line.delivers:
                        self._begin(line)
                try:
                    await self._listen_closely(line)
                except VenueUnreachableError:
                    line.doubt(self.silent_s)
                    raise
        finally:
            self._line = None
            stopped: asyncio.CancelledError | None = None
            while self._lines:
                try:
                    await self._lines.pop().aclose()
                except asyncio.CancelledError as error:  # the other lines are closed first
                    stopped = error
            if stopped is not None:
                raise stopped

    def _works(self, now: float) -> None:
        assert self._line is not None
        self._data_at = now
        if now - self._line.opened_at >= self.patience.proven_after:
            self._pace.proven()
            if self._shared is not None:
                self._shared.proven()
        if self._status.state is not FeedState.LIVE:
            self._status = replace(self._status, state=FeedState.LIVE, reason="", retry_at_s=None)

    async def _listen_closely(self, line: Line) -> None:
        """If the connection is silent, ask the venue whether there was data; raise `VenueUnreachableError` if the connection is lost."""
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
        except WeightSpentError as error:  # that too many markets were asked about says nothing of this connection
            self._ask_not_before = self._monotonic() + error.retry_after_s
            return
        except FeedError as error:
            # if only this request was refused, the connection may be good and stays open for now
            hopeless = self.silent_s > _TOO_SILENT * self.patience.silent_after and not line.others_heard
            if isinstance(error, VenueUnreachableError) or hopeless:
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
        self._quiet = min(2 * self._quiet, _QUIETEST) if line.others_heard else 1.0
        self._works(self._monotonic())  # a quiet market, confirmed

    async def _renewed(self, line: Line) -> Line:
        """Open a second connection and close the first; return the one that stays open.

        The first stays open if the limits allow no second one, the second cannot be opened, or it delivers nothing while the first does.
        """
        self._renew = False
        self._renew_not_before = self._monotonic() + self.patience.longest_pause
        most = self.patience.connects
        if not (self._limits.spare_connect(most) if self._shared is None else self._shared.spare(line.socket_opened_at)):
            return line
        try:
            if self._shared is None and (wait_s := self._limits.reserve_connect(self.patience.connects_apart, most)):
                await self._sleep(wait_s)
            successor = await self._open(line.socket_opened_at)
        except FeedError as error:  # a working connection stays open, whatever the venue answers to a second one
            _log.warning("connection not renewed", url=self.url, reason=error.detail)
            if isinstance(error, VenueBusyError):  # also for the next connection, should this one end before
                self._dial_not_before = self._monotonic() + error.retry_after_s
                self._renew_not_before = max(self._renew_not_before, self._dial_not_before)
            return line
        kept, other = successor, line
        before, deadline = line.frames, self._monotonic() + self.patience.silent_after
        ended = {line.reader, successor.reader}
        while not successor.delivers and self._monotonic() < deadline and not any(reader.done() for reader in ended):
            await asyncio.wait(ended, timeout=self.patience.look_every / 5, return_when=asyncio.FIRST_COMPLETED)
        if successor.delivers:
            await asyncio.wait({line.reader}, timeout=self.patience.overlap)  # trades that both send are recognized by their ids
        elif not line.reader.done() and (line.frames > before or successor.reader.done()):
            reason = successor.reader.result().detail if successor.reader.done() else "the second connection delivered nothing"
            _log.warning("connection not renewed", url=self.url, reason=reason)
            kept, other = line, successor
        await other.aclose()
        self._lines.remove(other)
        return kept
