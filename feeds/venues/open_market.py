"""What the openers of all venues have in common."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from app.market.feed import CandleHistory, TradeHistory
from app.market.instrument import Instrument
from app.market.market import Market
from app.settings.settings import Settings
from feeds.network.backoff import Timeouts
from feeds.venues.live import LiveFeed, RecentTrades, StreamSpec


class Closable(Protocol):
    """Holds connections."""

    async def aclose(self) -> None:
        """Close them."""
        ...


class TradeHistoryWithRecent(TradeHistory, RecentTrades, Protocol):
    """A market's past, and the newest of it."""


@asynccontextmanager
async def closed_on_failure(rest: Closable) -> AsyncIterator[None]:
    """While a market is asked for: connections that will be of no use are closed."""
    try:
        yield
    except BaseException:
        await rest.aclose()
        raise


def live_market(
    instrument: Instrument,
    wire: StreamSpec,
    history: TradeHistoryWithRecent,
    settings: Settings,
    *,
    candles: CandleHistory,
    usual_price_ticks: int = 0,
    **patience: int,
) -> Market:
    """A market that is listened to by its wire, and whose past is told by its history.

    Parameters
    ----------
    instrument : Instrument
    wire : Wire
    history : PastTrades
        Closed with the feed.
    settings : Settings
    candles : CandleHistory
    usual_price_ticks : int
        See `Market`.
    patience : int
        What the venue wants otherwise than usual, see `Patience`.
    """
    feed = LiveFeed(instrument, wire, history, Timeouts(silent_after=settings.data.stale_after_s, **patience))
    history_ns = round(settings.data.history_hours * 3_600e9)
    return Market(instrument, feed, history, history_ns, usual_price_ticks=usual_price_ticks, candles=candles)


async def newest_price(history: RecentTrades) -> int:
    """The price of the newest trade in ticks; 0 where there never was one."""
    newest = await history.recent()
    return int(newest.price_ticks[-1]) if len(newest) else 0
