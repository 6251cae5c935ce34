"""Hyperliquid's perpetual contracts: live trades, and the few newest by REST.

Ids are not consecutive, and REST has only the last few trades: after a longer break a gap is reported that cannot be fetched. Spot
pairs and the markets of builders are separate universes at the venue, and are not offered.

There is no tick size. A price may have five significant digits and at most `6 - szDecimals` decimal places, whole numbers any digits
at all: the step between allowed prices grows with the price. We use the finest step that any price may have, since every allowed
price is a multiple of it, even after a large fall; a row has many ticks anyway.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta

from app.errors import VenueRefusedError
from app.market.instrument import Instrument
from app.market.market import Market
from app.market.trade import TradeBatch
from app.settings.settings import Settings
from feeds.network.rest_client import RestClient
from feeds.venues.decoder import venue_at_fault
from feeds.venues.hyperliquid.candles import candles
from feeds.venues.hyperliquid.wire import PING, Trade, batch_of, decoder, greeting, oldest_first
from feeds.venues.latest_page import LatestPageHistory
from feeds.venues.live_feed import StreamSpec
from feeds.venues.open_market import closed_on_failure, live_market, newest_price

WS_URL, REST_URL = "wss://api.hyperliquid.xyz", "https://api.hyperliquid.xyz"

_PRICE_DECIMALS = 6
_PER_MINUTE, _WEIGHT = 1200, 20
_CONNECTS = 100  # in five minutes; the venue allows 30 in one


class _Contract(msgspec.Struct, frozen=True):
    name: str
    szDecimals: Annotated[int, Meta(ge=0, le=_PRICE_DECIMALS)]  # noqa: N815
    isDelisted: bool | None = None  # noqa: N815


class _Meta(msgspec.Struct, frozen=True):
    universe: list[_Contract]


async def fetch_instrument(rest: RestClient, coin: str) -> Instrument:
    """The instrument of a coin's perpetual contract; upper or lower case does not matter.

    The instrument has the venue's exact name, e.g. `kPEPE`.

    Raises
    ------
    VenueRefusedError
        If there is no such contract, or it is delisted.
    FeedError
        As `RestClient.post`.
    """
    known = await rest.post("/info", {"type": "meta"}, _Meta, weight=_WEIGHT)
    by_name = {contract.name: contract for contract in known.universe}
    found = by_name.get(coin) or {name.upper(): contract for name, contract in by_name.items()}.get(coin.upper())
    if found is None:
        raise VenueRefusedError(f"hyperliquid has no perpetual {coin}")
    if found.isDelisted:
        raise VenueRefusedError(f"hyperliquid:{found.name} is delisted")
    tick, lot = (Decimal(1).scaleb(-digits) for digits in (_PRICE_DECIMALS - found.szDecimals, found.szDecimals))
    return Instrument("hyperliquid", found.name, tick, lot, numbered=False)


def newest_trades(instrument: Instrument, rest: RestClient) -> LatestPageHistory:
    """A history with only the newest trades of one contract, as the venue offers no older ones."""

    async def recent() -> TradeBatch:
        question = {"type": "recentTrades", "coin": instrument.symbol}
        page = await rest.post("/info", question, list[Trade], weight=_WEIGHT, urgent=True)
        with venue_at_fault(instrument):
            return batch_of(instrument, oldest_first(page))

    return LatestPageHistory(recent, rest.aclose)


async def open_symbol(symbol: str, settings: Settings) -> Market:
    """Open a coin's perpetual contract, e.g. BTC, with its live feed."""
    hosts = settings.hosts("hyperliquid")
    rest = RestClient(hosts.rest_url or REST_URL, weight_limit=_PER_MINUTE)
    async with closed_on_failure(rest):
        instrument = await fetch_instrument(rest, symbol)
        history = newest_trades(instrument, rest)
        usual = await newest_price(history)
    wire = StreamSpec(f"{hosts.ws_url or WS_URL}/ws", decoder(instrument), greeting(instrument.symbol), PING, retells=True)
    past = candles(instrument, rest)
    return live_market(instrument, wire, history, settings, candles=past, usual_price_ticks=usual, connects=_CONNECTS)
