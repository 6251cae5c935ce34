"""What a source of trades promises, and what it says of itself.

Status is pulled: a feed replaces its `status` as a whole, whoever shows it reads it once a frame.
"""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from app.market.candle import CandleBatch
from app.market.instrument import Instrument
from app.market.span import Span
from app.market.trade import TradeBatch

_T = TypeVar("_T")


class FeedState(enum.Enum):
    """Where a feed stands; the value is the word shown. Only LIVE may look healthy."""

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
    """One look at a feed.

    Attributes
    ----------
    state : FeedState
        Where it stands.
    reason : str
        Why, in words for the screen; empty while all is well.
    retry_at_s : float or None
        Wall-clock second of the next attempt, while DISCONNECTED.
    last_trade_ns, received_at_ns : int
        The newest trade's venue time, and when it reached us by our own clock; 0 before the first.
    messages, trades, rejected, connects : int
        Counts since the start: frames read, trades decoded, frames put aside as unreadable, connections opened.
    gaps : tuple of Span
        Where trades may have been missed, oldest first, as far as the feed could not fill them itself (what it fills later,
        it takes back); only of a market whose trades are not numbered: of the others the ids say it.
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


class TradeFeed(Protocol):
    """Trades as they happen."""

    @property
    def instrument(self) -> Instrument:
        """What it tells of."""
        ...

    @property
    def status(self) -> FeedStatus:
        """Where it stands; a new value each time something changed."""
        ...

    def batches(self) -> AsyncIterator[TradeBatch]:
        """All trades decoded from all frames that were waiting, again and again; reconnects by itself.

        Ends only when the feed is closed, or when the venue refuses for good (state STOPPED).
        """
        ...

    async def aclose(self) -> None:
        """Let go of the connection; `batches` ends."""
        ...


class TradeHistory(Protocol):
    """Trades of the past, in pages, oldest first, ids ascending inside a page."""

    @property
    def reaches_ns(self) -> int:
        """The earliest time that `since` can be asked for; 0 where that is the market's beginning, or where nobody can tell."""
        ...

    def between(self, first_id: int, last_id: int) -> AsyncIterator[TradeBatch]:
        """The trades with ids from `first_id` to `last_id`, both included."""
        ...

    def since(self, start_ns: int, before_id: int | None = None) -> AsyncIterator[TradeBatch]:
        """The trades from `start_ns` on, up to but without `before_id`, or up to now.

        Of a market whose trades are not numbered `before_id` is None, and the venue may have less than was asked for:
        the first page then begins later than `start_ns`.
        """
        ...


class CandleHistory(Protocol):
    """Candles of the past, where trades are not to be had."""

    @property
    def lengths_ns(self) -> tuple[int, ...]:
        """The lengths that can be asked for, finest first."""
        ...

    def candles(self, length_ns: int, span: Span) -> AsyncIterator[CandleBatch]:
        """The candles of one length that begin in a span, in pages, oldest first.

        Raises
        ------
        BadInputError
            If the venue has no candles of this length.
        FeedError
            As for trades.
        """
        ...


@asynccontextmanager
async def closing(pages: AsyncIterator[_T]) -> AsyncIterator[AsyncIterator[_T]]:
    """The same pages or batches; a generator behind them is closed when we stop early."""
    try:
        yield pages
    finally:
        aclose = getattr(pages, "aclose", None)
        if aclose is not None:
            await aclose()
