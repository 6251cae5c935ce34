"""Hyperliquid's perpetual contracts: trades live, and the few newest by REST.

Trades are not numbered, and REST tells only the last few of them: what a broken line hid longer than that is said to be
missing, nobody can fetch it. Spot pairs and the markets of builders are other universes at the venue, and are not offered.

There is no tick size. A price may have five significant digits and at most `6 - szDecimals` decimals, whole numbers any
digits at all: the step between allowed prices grows with the price. We count in the finest step that any price may
have, since every allowed price is a multiple of it, today's and that after a fall by half; rows are made of many anyway.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta

from app.errors import DecodeError, OffGridError, VenueRefusedError
from app.market.instrument import Instrument
from app.market.trade import TradeBatch
from app.settings import Settings
from app.workspace import Market
from feeds.backoff import Patience
from feeds.http import Rest
from feeds.venues.hyperliquid_candles import candles
from feeds.venues.hyperliquid_wire import PING, Trade, batch_of, decoder, greeting, oldest_first
from feeds.venues.live import LiveFeed, Wire

WS_URL, REST_URL = "wss://api.hyperliquid.xyz", "https://api.hyperliquid.xyz"

_PRICE_DECIMALS = 6
_PER_MINUTE, _WEIGHT = 1200, 20
_CONNECTS = 100  # in five minutes; the venue allows thirty in one


class _Contract(msgspec.Struct, frozen=True):
    name: str
    szDecimals: Annotated[int, Meta(ge=0, le=_PRICE_DECIMALS)]  # noqa: N815
    isDelisted: bool | None = None  # noqa: N815


class _Meta(msgspec.Struct, frozen=True):
    universe: list[_Contract]


async def fetch_instrument(rest: Rest, coin: str) -> Instrument:
    """Steps of a coin's perpetual contract, under the name that the venue gives it, as in `kPEPE`.

    Raises
    ------
    VenueRefusedError
        If there is no such contract, or no longer.
    FeedError
        As `Rest.post`.
    """
    known = await rest.post("/info", {"type": "meta"}, _Meta, weight=_WEIGHT)
    by_name = {contract.name: contract for contract in known.universe}
    found = by_name.get(coin) or {name.upper(): contract for name, contract in by_name.items()}.get(coin.upper())
    if found is None:
        raise VenueRefusedError(f"hyperliquid knows no perpetual contract {coin}")
    if found.isDelisted:
        raise VenueRefusedError(f"hyperliquid:{found.name} is not traded any more")
    tick, lot = (Decimal(1).scaleb(-digits) for digits in (_PRICE_DECIMALS - found.szDecimals, found.szDecimals))
    return Instrument("hyperliquid", found.name, tick, lot, numbered=False)


class HyperliquidHistory:
    """The newest trades of one contract, which is all of the past that the venue tells."""

    reaches_ns = 0
    """How far back the newest trades go is known when they are there."""

    def __init__(self, instrument: Instrument, rest: Rest) -> None:
        self.instrument, self._rest = instrument, rest

    async def recent(self) -> TradeBatch:
        """The newest trades, oldest first."""
        question = {"type": "recentTrades", "coin": self.instrument.symbol}
        page = await self._rest.post("/info", question, list[Trade], weight=_WEIGHT, urgent=True)
        try:
            return batch_of(self.instrument, oldest_first(page))
        except OffGridError as error:
            raise DecodeError(f"hyperliquid: {error.user_message}") from error

    async def between(self, first_id: int, last_id: int) -> AsyncIterator[TradeBatch]:
        """Nothing: ids do not count here."""
        return
        yield TradeBatch.empty()

    async def since(self, start_ns: int, before_id: int | None = None) -> AsyncIterator[TradeBatch]:
        """What of the newest trades is not older than `start_ns`.

        Raises
        ------
        FeedError
            As `Rest.post`.
        """
        newest = await self.recent()
        wanted = newest[newest.time_ns >= start_ns]
        if len(wanted):
            yield wanted

    async def aclose(self) -> None:
        """Close the connections."""
        await self._rest.aclose()


async def open_symbol(symbol: str, settings: Settings) -> Market:
    """A coin's perpetual contract, as in BTC, watched live."""
    hosts = settings.hosts("hyperliquid")
    rest = Rest(hosts.rest_url or REST_URL, weight_limit=_PER_MINUTE)
    try:
        instrument = await fetch_instrument(rest, symbol)
        history = HyperliquidHistory(instrument, rest)
        newest = await history.recent()
    except BaseException:
        await rest.aclose()
        raise
    wire = Wire(f"{hosts.ws_url or WS_URL}/ws", decoder(instrument), greeting(instrument.symbol), PING, retells=True)
    patience = Patience(silent_after=settings.data.stale_after_s, connects=_CONNECTS)
    feed = LiveFeed(instrument, wire, history, patience)
    usual = int(newest.price_ticks[-1]) if len(newest) else 0
    return Market(
        instrument, feed, history, round(settings.data.history_hours * 3_600e9), usual_price_ticks=usual, candles=candles(instrument, rest)
    )
