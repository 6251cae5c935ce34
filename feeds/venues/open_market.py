"""Shared code of the functions that open a venue's markets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

from app.errors import SettingsError, WeightSpentError
from app.market.feed import CandleHistory, TradeHistory
from app.market.instrument import Instrument
from app.market.market import Market
from app.settings.settings import Settings
from feeds.network.backoff import Timeouts
from feeds.network.venue_clock import VenueClock
from feeds.venues.live_feed import Countable, LiveFeed, RecentTrades, StreamSpec


class Closable(Protocol):
    """An object with connections that can be closed."""

    async def aclose(self) -> None:
        """Close the object's connections."""
        ...


class TradeHistoryWithRecent(TradeHistory, RecentTrades, Protocol):
    """A market's trade history that can also return the newest trades."""


def urls_of(venue: str, settings: Settings, regions: Mapping[str, tuple[str, str]]) -> tuple[str, str]:
    """The WebSocket and REST URLs of a venue: each as set in the settings, else that of the venue's region.

    The region is also from the settings, "" by default. A region set for `okx` also applies to `okx-swap`, and likewise for other venues.

    Raises
    ------
    SettingsError
        If the settings name a region that the venue does not have.
    """
    hosts = settings.hosts(venue)
    region = hosts.region or settings.hosts(venue.partition("-")[0]).region
    if region not in regions:
        known = ", ".join(name for name in regions if name)
        raise SettingsError(f"venues.{venue}.region: found {region!r}, expected one of {known}")
    ws_url, rest_url = regions[region]
    return hosts.ws_url or ws_url, hosts.rest_url or rest_url


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
    facts: Callable[[], Awaitable[Instrument]],
    clock: VenueClock,
    usual_price_ticks: int = 0,
    connects: int = 250,
    connects_apart: float = 0.0,
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
    facts : callable
        Requests the instrument again; see `LiveFeed`.
    clock : VenueClock
        That of the venue's REST client.
    usual_price_ticks : int
        See `Market`.
    connects, connects_apart : int, float
        Limits of the host; see `Timeouts`.
    """
    shared = [each for each in (history, candles) if isinstance(each, Countable)]
    patience = Timeouts(silent_after=settings.data.stale_after_s, connects=connects, connects_apart=connects_apart)
    feed = LiveFeed(instrument, wire, history, patience, facts=facts, shared=shared, clock=clock)
    history_ns = round(settings.data.history_hours * 3_600e9)
    return Market(instrument, feed, history, history_ns, usual_price_ticks=usual_price_ticks, candles=candles)


async def newest_price(history: RecentTrades) -> int:
    """The price of the newest trade, in ticks; 0 if there is none. Waits for the next minute if this one has no request left."""
    while True:
        try:
            newest = await history.recent()
            break
        except WeightSpentError as error:
            await asyncio.sleep(error.retry_after_s)
    return int(newest.price_ticks[-1]) if len(newest) else 0
