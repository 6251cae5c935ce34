"""Code shared by the functions that open a market."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Protocol

from app.market.feed import CandleHistory, TradeHistory
from app.market.instrument import Instrument
from app.market.market import Market
from app.settings.settings import Settings
from feeds.network.backoff import Timeouts
from feeds.venues.live_feed import LiveFeed, RecentTrades, StreamSpec


class Closable(Protocol):
    """An object with connections that can be closed."""

    async def aclose(self) -> None:
        """Close the connections."""
        ...


class TradeHistoryWithRecent(TradeHistory, RecentTrades, Protocol):
    """A market's history, including its newest trades."""


@asynccontextmanager
async def closed_on_failure(rest: Closable) -> AsyncGenerator[None]:
    """In a `with` statement that opens a market, close the connections of `rest` if an error is raised."""
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
    """A market with a live feed from `wire` and older trades from `history`.

    Parameters
    ----------
    instrument : Instrument
    wire : StreamSpec
    history : TradeHistoryWithRecent
        Closed with the feed.
    settings : Settings
    candles : CandleHistory
    usual_price_ticks : int
        See `Market`.
    patience : int
        Values of `Timeouts` that differ for this venue.
    """
    feed = LiveFeed(instrument, wire, history, Timeouts(silent_after=settings.data.stale_after_s, **patience))
    history_ns = round(settings.data.history_hours * 3_600e9)
    return Market(instrument, feed, history, history_ns, usual_price_ticks=usual_price_ticks, candles=candles)


async def newest_price(history: RecentTrades) -> int:
    """The price of the newest trade, in ticks; 0 if there is none."""
    newest = await history.recent()
    return int(newest.price_ticks[-1]) if len(newest) else 0
