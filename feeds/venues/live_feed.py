"""The live feed of any venue: its connection, its decoder and its status.

All differences between venues are in a `StreamSpec`. The rest is common: trades are decoded many at a time, a silent connection is
checked by requesting the newest trades, and before an announced shutdown the next connection is opened.

Where ids are consecutive, a gap shows in them and the owner of the trades fetches what is missing. Where they are not, only the feed
can detect one: after each break of its stream it requests the newest trades once and returns those that are new; if even these do not
go back to the last trade before the break, it reports a gap in `FeedStatus.gaps` until the gap is filled.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import structlog

from app.errors import FeedError, TapeprintError, VenueRefusedError
from app.market.feed import FeedState, FeedStatus
from app.market.instrument import Instrument
from app.market.steps import common_steps, in_steps
from app.market.trade import TradeBatch, concatenate
from feeds.feed_state import state_when_connected
from feeds.lag_estimator import LagEstimator
from feeds.network.backoff import Timeouts
from feeds.network.connection import Connection
from feeds.network.shared_sockets import Sharing
from feeds.network.venue_clock import VenueClock
from feeds.network.websocket_session import KeepAlive, Subscription
from feeds.side_check import SideCheck
from feeds.venues.complete_spans import CompleteSpans
from feeds.venues.decoder import OddTrades
from feeds.venues.seen_trades import SeenTrades

_log = structlog.get_logger(__name__)

_ASK_AGAIN_NS = 10_000_000_000
_ASKS_FOR_STEPS = 3  # answers without a change, until trades between two steps count as impossible
_ASKS = 2  # requests for the newest trades after a break, while the stream waits


class TradeDecoder(Protocol):
    """Decodes stream messages to trades.

    Most venues use `feeds.venues.decoder.Decoder`.

    `odd` counts and lists unreadable messages and impossible trades, `ignored` counts messages without trades, `empty` trades with zero
    quantity. `shutdown` is True once the venue has announced that it will close the connection; the reader resets it.
    """

    odd: OddTrades
    ignored: int
    empty: int
    shutdown: bool

    def decode(self, frames: list[bytes]) -> TradeBatch:
        """The trades in these messages, in the order of the tape; never raises for bad content."""
        ...


@runtime_checkable
class RegriddingDecoder(TradeDecoder, Protocol):
    """A decoder that can change to another tick and lot size while it decodes; see `feeds.venues.decoder.Decoder`."""

    keeps_waiting: bool

    @property
    def pending(self) -> int:
        """Number of trades that wait for `use`, as their price or quantity is not a multiple of the tick or lot size."""
        ...

    def use(self, instrument: Instrument) -> TradeBatch:
        """Decode with an instrument's tick and lot size from now on; return the trades that waited for this change."""
        ...


class RecentTrades(Protocol):
    """A source of a market's newest trades, over REST."""

    async def recent(self) -> TradeBatch:
        """The newest trades, oldest first, from one cheap request; raises `FeedError` if the request fails.

        Where ids are consecutive, the newest trade alone is enough.
        """
        ...

    async def aclose(self) -> None:
        """Close the connections to the venue."""
        ...


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """Address, decoder and subscription of one market's stream.

    Attributes
    ----------
    url : str
    decoder : TradeDecoder
        Used for this stream only, as it has its counts.
    greeting : Subscription or None
        The subscription and its acknowledgement, sent on every new connection; None where the address is enough.
    ping : KeepAlive or None
        For a venue that requires more than the pings of the WebSocket itself.
    sharing : Sharing or None
        Set where the market shares sockets with others of the venue.
    retells : bool
        Whether a new connection first sends trades from before it; they do not count as late, and may fill a break.
    """

    url: str
    decoder: TradeDecoder
    greeting: Subscription | None = None
    ping: KeepAlive | None = None
    sharing: Sharing | None = None
    retells: bool = False


@runtime_checkable
class Countable(Protocol):
    """A source of trades or candles whose prices and quantities are counted in the ticks and lots of `instrument`."""

    instrument: Instrument


@runtime_checkable
class RefiningHistory(Protocol):
    """A history that may have trades with a finer tick or lot size than today's."""

    go_over: Callable[[Instrument], object]


class LiveFeed:
    """The live feed of one market: its trades as they happen, and its status.

    Parameters
    ----------
    instrument : Instrument
    wire : StreamSpec
    history : RecentTrades
        Source of the newest trades, for a silent connection and after a break without consecutive ids; closed with the feed.
    patience : Timeouts
    facts : callable, optional
        Requests the instrument again, after a trade off the tick or lot grid; without it such trades are rejected.
    shared : sequence of Countable
        Sources that change to another tick and lot size with the feed.
    clock : VenueClock, optional
        The offset of our clock from the venue's; each trade is reported to it.
    wall_ns : callable
        Our clock; only used to note when the newest trade was received.
    monotonic_ns : callable
        A clock that is never set; lag is measured by it.
    """

    def __init__(
        self,
        instrument: Instrument,
        wire: StreamSpec,
        history: RecentTrades,
        patience: Timeouts | None = None,
        *,
        facts: Callable[[], Awaitable[Instrument]] | None = None,
        shared: Sequence[Countable] = (),
        clock: VenueClock | None = None,
        wall_ns: Callable[[], int] = time.time_ns,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.instrument = instrument
        self._history, self._wall_ns, self._monotonic_ns = history, wall_ns, monotonic_ns
        self._patience, self._clock = patience or Timeouts(), clock
        self._connection = Connection(
            wire.url, greeting=wire.greeting, ping=wire.ping, probe=self._missed_any, patience=self._patience, sharing=wire.sharing
        )
        self._decoder = wire.decoder
        self._odd: OddTrades = getattr(history, "odd", OddTrades())
        self._retells = wire.retells
        self._regridding: RegriddingDecoder | None = None
        if facts is not None and isinstance(wire.decoder, RegriddingDecoder):
            self._regridding = wire.decoder
            self._regridding.keeps_waiting = True
        self._facts, self._shared = facts, shared
        self._asking: asyncio.Task[Instrument] | None = None
        self._ask_at_ns, self._asked = 0, 0
        self._waited = TradeBatch.empty()
        if isinstance(history, RefiningHistory):
            history.go_over = self._refine
        self._reached: int | None = None
        """The latest trade known: the highest id if ids are consecutive, else the latest time."""
        self._heard_on: int = 0
        """The number of the connection for which `_reached` holds."""
        self._last_trade_ns = self._received_at_ns = 0
        self._messages = self._trades = 0
        self._lateness = LagEstimator()
        self._sides = SideCheck()
        self._told = SeenTrades()
        self._beginnings = self._bridged_beginnings = 0
        self._whole = CompleteSpans()

    @property
    def status(self) -> FeedStatus:
        """Current state, counts and gaps of the feed."""
        connection = self._connection
        line = connection.status
        state, reason = line.state, line.reason
        if state is FeedState.LIVE:
            silent_s, silent_after_s = connection.silent_s, connection.silent_after_s
            state, reason = state_when_connected(connection.queue_age_s, silent_s, silent_after_s, self._lateness.late_s)
            reason = reason or self._sides.warning
        return FeedStatus(
            state,
            reason,
            line.retry_at_s,
            self._last_trade_ns,
            self._received_at_ns,
            self._messages,
            self._trades,
            self._decoder.odd.n + self._odd.n,
            line.connects,
            self._whole.gaps,
            (*self._odd.latest, *self._decoder.odd.latest),
            self._clock.ahead_ns if self._clock is not None else 0,
        )

    async def batches(self) -> AsyncIterator[TradeBatch]:
        """Iterate over received trades, at most one batch per screen frame (16 ms).

        Ends when the feed is closed or the venue refuses for good.
        """
        try:
            async with aclosing(self._connection.messages()) as stream:
                async for frames in stream:
                    self._messages += len(frames)
                    before = self.instrument.steps
                    batch = self._decoder.decode(frames)
                    if self._regridding is not None and (self._regridding.pending or self._asking is not None):
                        waited = self._ask_for_facts(self._regridding)
                        if waited is not None:
                            batch = concatenate([waited, in_steps(batch, before, self.instrument.steps, self.instrument.id)])
                    batch, self._waited = concatenate([self._waited, batch]), TradeBatch.empty()
                    if self._decoder.shutdown:
                        self._decoder.shutdown = False
                        self._connection.renew()
                    if len(batch):
                        self._note(batch)
                    if not self.instrument.numbered:
                        batch = await self._bridged(batch)
                    if len(batch):
                        yield batch
        except VenueRefusedError as error:
            _log.warning("refused by the venue", instrument=self.instrument.id, reason=error.detail)

    def use(self, instrument: Instrument) -> TradeBatch:
        """Change the feed and its shared sources to an instrument's tick and lot size; return the trades that waited for this change."""
        self.instrument = instrument
        for each in self._shared:
            each.instrument = instrument
        return self._regridding.use(instrument) if self._regridding is not None else TradeBatch.empty()

    def _refine(self, instrument: Instrument) -> None:
        """Change to the finer tick and lot size that older trades need; live trades that waited for it come with the next batch."""
        before = self.instrument.steps
        _log.warning("earlier trades need finer steps", instrument=self.instrument.id, before=before.text, now=instrument.steps.text)
        waited = self.use(self.instrument.on_steps(instrument.steps))
        self._waited = concatenate([in_steps(self._waited, before, instrument.steps, instrument.id), waited])

    def _ask_for_facts(self, decoder: RegriddingDecoder) -> TradeBatch | None:
        """Request the venue's tick and lot size in the background; None until they have arrived, then the trades that waited for them.

        If three answers bring no change, trades that still do not fit are rejected.
        """
        if self._asking is None:
            if self._facts is not None and self._monotonic_ns() >= self._ask_at_ns:
                self._asking = asyncio.ensure_future(self._facts())
            return None
        if not self._asking.done():
            return None
        asking, self._asking = self._asking, None
        self._ask_at_ns = self._monotonic_ns() + _ASK_AGAIN_NS
        try:
            found = asking.result()
        except TapeprintError as error:
            _log.warning("steps not loaded", instrument=self.instrument.id, reason=error.detail)
            return None
        steps = common_steps([self.instrument.steps, found.steps])
        self._asked += 1
        if steps == self.instrument.steps and self._asked < _ASKS_FOR_STEPS:
            return None  # the venue's list may lag behind its trades
        self._asked = 0
        if steps != self.instrument.steps:
            _log.warning("steps changed", instrument=self.instrument.id, before=self.instrument.steps.text, now=steps.text)
        return self.use(replace(self.instrument.on_steps(steps), status=found.status, name=found.name))

    async def aclose(self) -> None:
        """Close the feed's connections, which ends `batches`."""
        if self._asking is not None:
            self._asking.cancel()
        self._connection.close()
        await self._history.aclose()

    def _note(self, batch: TradeBatch) -> None:
        self._connection.heard_data()
        self._trades += len(batch)
        self._sides.saw(batch)
        self._received_at_ns = self._wall_ns()
        newest_ns = int(batch.time_ns.max())
        retold = self._retells and self._connection.beginnings != self._beginnings
        self._beginnings = self._connection.beginnings
        if newest_ns > self._last_trade_ns:
            self._last_trade_ns = newest_ns
            if self._clock is not None:
                self._clock.traded(newest_ns)
            if not retold:
                self._lateness.arrived(newest_ns, self._monotonic_ns())
        self._heard_on, self._reached = self._connection.status.connects, max(self._reached or 0, self._end(batch))

    def _end(self, batch: TradeBatch) -> int:
        return int((batch.trade_id if self.instrument.numbered else batch.time_ns).max())

    async def _missed_any(self) -> bool:
        newest = await self._history.recent()
        line = self._connection.status.connects
        if line != self._heard_on and len(newest):  # trades from before the connection need not have been received on it
            self._heard_on, self._reached = line, self._end(newest)
            await asyncio.sleep(self._patience.grace)  # does the market continue without us?
            newest = await self._history.recent()
        return len(newest) > 0 and self._reached is not None and self._end(newest) > self._reached

    # -- without consecutive ids -----------------------------------------------------------------

    async def _bridged(self, batch: TradeBatch) -> TradeBatch:
        """The new trades of a batch; after a break, the venue's newest trades are requested, and the new ones of them come first."""
        page = TradeBatch.empty()
        if self._connection.beginnings != self._bridged_beginnings and (len(batch) or not self._retells):
            self._bridged_beginnings = self._connection.beginnings
            self._whole.begin()
            if self._told and not (self._retells and self._told.knows_any(batch)):  # else the new connection reaches back far enough
                page = await self._newest()
        known = self._told.knows_any(batch)
        if len(page):
            first_ns = int(page.time_ns.min())
            self._whole.page(first_ns, int(page.time_ns.max()), self._told.knows_any(page[page.time_ns == first_ns]))
        if len(batch):
            self._whole.line(int(batch.time_ns.min()), int(batch.time_ns.max()), known)
        return self._told.add(concatenate([page, batch]))

    async def _newest(self) -> TradeBatch:
        """Request the newest trades, at most twice; empty if the requests fail, which leaves a gap."""
        for attempt in range(_ASKS):
            try:
                async with asyncio.timeout(self._patience.answer_within):
                    return await self._history.recent()
            except (FeedError, TimeoutError) as error:
                if attempt == _ASKS - 1 or isinstance(error, VenueRefusedError):
                    _log.warning(
                        "trades missed during a disconnect were not loaded", instrument=self.instrument.id, reason=str(error) or "no answer"
                    )
                    break
        return TradeBatch.empty()
