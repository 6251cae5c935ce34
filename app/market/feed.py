"""Protocols for live feeds, trade history and candle history; the status of a feed.

Status is pulled: a feed replaces its `status` object, and the screen reads it once per frame.
"""

from __future__ import annotations

import enum
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar, runtime_checkable

from app.market.candle import CandleBatch
from app.market.instrument import Instrument
from app.market.span import Span
from app.market.steps import Steps
from app.market.trade import TradeBatch

_T = TypeVar("_T")


class FeedState(enum.Enum):
    """The states of a feed; the value is the word shown on screen.

    Only LIVE is shown as healthy.
    """

    CONNECTING = "CONNECTING"
    SYNCING = "SYNCING"
    LIVE = "LIVE"
    LAGGING = "LAGGING"
    STALE = "STALE"
    DISCONNECTED = "DISCONNECTED"
    STOPPED = "STOPPED"
    SIMULATED = "SIMULATED"
    REPLAY = "REPLAY"


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """The status of a feed at one moment.

    Attributes
    ----------
    state : FeedState
        State of the feed.
    reason : str
        Reason for the state, as shown to the user; empty while all is well.
    retry_at_s : float or None
        Time of the next attempt in seconds since 1970, while DISCONNECTED.
    last_trade_ns, received_at_ns : int
        Venue time of the newest trade, and local time of its arrival; 0 before the first trade.
    messages, trades, rejected, connects : int
        Counts since the start: messages read, trades decoded, messages and trades rejected as unreadable or impossible, connections opened.
    gaps : tuple of Span
        Times in which trades may be missing, oldest first, unless the feed could fill them itself (a gap that it fills later is
        removed). Only for markets without numbered trades: in others the ids show the gaps.
    odd : tuple of str
        The latest rejected messages and trades, live and in history, each with its reason.
    clock_ahead_ns : int
        Time by which our clock is ahead of the venue's, as measured; 0 while it may be right.
    """

    state: FeedState
    reason: str = ""
    retry_at_s: float | None = None
    last_trade_ns: int = 0
    received_at_ns: int = 0
    messages: int = 0
    trades: int = 0
    rejected: int = 0
    connects: int = 0
    gaps: tuple[Span, ...] = ()
    odd: tuple[str, ...] = ()
    clock_ahead_ns: int = 0


class TradeFeed(Protocol):
    """The live trades of one market."""

    @property
    def instrument(self) -> Instrument:
        """The instrument whose trades this feed delivers."""
        ...

    @property
    def status(self) -> FeedStatus:
        """The current status of the feed; each change replaces the object."""
        ...

    def batches(self) -> AsyncIterator[TradeBatch]:
        """Yield live trades in batches as they arrive; a lost connection is opened again.

        Ends only when the feed is closed, or when the venue refuses permanently (state STOPPED).
        """
        ...

    async def aclose(self) -> None:
        """Close the connection; the iteration over `batches` then ends."""
        ...


class TradeHistory(Protocol):
    """Source of a market's older trades, in pages, oldest first.

    Where the venue numbers its trades, ids ascend inside a page.
    """

    @property
    def reaches_ns(self) -> int:
        """The earliest start time that `since` accepts, in ns; 0 if the venue has all trades of the market, or if unknown."""
        ...

    def between(self, first_id: int, last_id: int) -> AsyncIterator[TradeBatch]:
        """Yield the trades with ids from `first_id` to `last_id`, both included; nothing if the venue does not number its trades."""
        ...

    def since(self, start_ns: int, before_id: int | None = None) -> AsyncIterator[TradeBatch]:
        """Yield the trades from the time `start_ns` to the one before the id `before_id`; without an id, to the newest trade.

        In a market without numbered trades `before_id` is None, and the venue may have less than requested: the first page
        then begins later than `start_ns`.
        """
        ...


@runtime_checkable
class TimedHistory(Protocol):
    """A source of older trades that finds them by time alone, so that it has trades from before the venue's ids restarted."""

    def through(self, span: Span) -> AsyncIterator[TradeBatch]:
        """Yield the trades of a time span, in pages, in order of time."""
        ...


class CandleHistory(Protocol):
    """Source of a market's older candles, for times whose trades are not loaded."""

    @property
    def lengths_ns(self) -> tuple[int, ...]:
        """The candle lengths that the venue offers, in ns, shortest first."""
        ...

    def candles(self, length_ns: int, span: Span) -> AsyncIterator[CandleBatch]:
        """Yield the candles of one length that start in a time span, in pages, oldest first.

        Raises
        ------
        BadInputError
            If the venue has no candles of this length.
        FeedError
            If the venue fails, as for trades.
        """
        ...


def steps_of(source: object) -> Steps | None:
    """The tick and lot size that a feed or history uses now; None if it has no instrument."""
    instrument = getattr(source, "instrument", None)
    return instrument.steps if isinstance(instrument, Instrument) else None


@asynccontextmanager
async def closing(pages: AsyncIterator[_T]) -> AsyncGenerator[AsyncIterator[_T]]:
    """Async context that closes a generator of pages or batches on exit, also after a break or an error."""
    try:
        yield pages
    finally:
        aclose = getattr(pages, "aclose", None)
        if aclose is not None:
            await aclose()
