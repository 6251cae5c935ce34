"""Hyperliquid's perpetual contracts: live trades, and the few newest by REST. All markets share a few sockets.

Ids are not consecutive, and REST has only the last few trades: after a longer break a gap is reported that cannot be fetched. Spot
pairs are a separate universe at the venue, and are not offered. The markets of a builder, such as `xyz:TSLA`, are listed by its name.

There is no tick size. A price may have five significant digits and at most `6 - szDecimals` decimal places, whole numbers any digits
at all: the step between allowed prices grows with the price. We use the finest step that any price may have, since every allowed
price is a multiple of it, even after a large fall; a row has many ticks anyway.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta

from app.errors import DecodeError, VenueRefusedError
from app.market.instrument import Instrument
from app.market.market import Market
from app.market.trade import TradeBatch
from app.settings.settings import Settings
from feeds.network.rest_client import RestClient
from feeds.venues.decoder import OddTrades, batch_of_page
from feeds.venues.entries import entries_of
from feeds.venues.hyperliquid.candles import candles
from feeds.venues.hyperliquid.wire import PING, Trade, batch_of, decoder, greeting, oldest_first, sharing
from feeds.venues.latest_page import LatestPageHistory
from feeds.venues.live_feed import StreamSpec
from feeds.venues.open_market import closed_on_failure, live_market, newest_price

WS_URL, REST_URL = "wss://api.hyperliquid.xyz", "https://api.hyperliquid.xyz"

_PRICE_DECIMALS = 6
_PER_MINUTE, _WEIGHT = 1200, 20
_ROWS = 20  # of `recentTrades`, which cost 1 more
_CONNECTS, _CONNECTS_APART_S = 100, 2.5  # in five minutes; the venue allows 30 in one, to an address


class _Contract(msgspec.Struct, frozen=True):
    name: str
    szDecimals: Annotated[int, Meta(ge=0, le=_PRICE_DECIMALS)]  # noqa: N815
    isDelisted: bool | None = None  # noqa: N815


class _Meta(msgspec.Struct, frozen=True):
    universe: list[msgspec.Raw]


async def fetch_instrument(rest: RestClient, coin: str) -> Instrument:
    """The instrument of a coin's perpetual contract; upper or lower case does not matter.

    The instrument has the venue's exact name, e.g. `kPEPE`.

    Raises
    ------
    VenueRefusedError
        If there is no such contract, or it is delisted.
    FeedError
        See `RestClient.post`.
    """
    builder, colon, _ = coin.partition(":")  # the markets of a builder have its name before a second colon, e.g. xyz:TSLA
    question = {"type": "meta"} | ({"dex": builder.lower()} if colon else {})
    known = await rest.post("/info", question, _Meta, weight=_WEIGHT)
    contracts = entries_of(known.universe, _Contract, "hyperliquid meta")
    by_name = {contract.name: contract for contract in contracts}
    found = by_name.get(coin) or {name.upper(): contract for name, contract in by_name.items()}.get(coin.upper())
    if found is None and contracts.names(coin):
        raise DecodeError(f"hyperliquid: cannot read the venue's entry of {coin}")
    if found is None:
        raise VenueRefusedError(f"hyperliquid has no perpetual {coin}")
    if found.isDelisted:
        raise VenueRefusedError(f"hyperliquid:{found.name} is delisted")
    tick, lot = (Decimal(1).scaleb(-digits) for digits in (_PRICE_DECIMALS - found.szDecimals, found.szDecimals))
    return Instrument("hyperliquid", found.name, tick, lot, numbered=False)


def newest_trades(instrument: Instrument, rest: RestClient) -> LatestPageHistory:
    """A trade history with only the newest trades of one contract, as Hyperliquid offers no older trades over REST."""

    odd = OddTrades()

    async def recent(instrument: Instrument) -> TradeBatch:
        question = {"type": "recentTrades", "coin": instrument.symbol}
        sent = await rest.post("/info", question, list[msgspec.Raw], weight=_WEIGHT, urgent=True)
        rest.charge(len(sent) // _ROWS)
        page = entries_of(sent, Trade, "hyperliquid recentTrades")
        return batch_of_page(instrument, oldest_first(page), batch_of, odd)

    return LatestPageHistory(recent, rest.aclose, odd, instrument)


async def open_symbol(symbol: str, settings: Settings) -> Market:
    """Open the market of a coin's perpetual contract on Hyperliquid, e.g. BTC, with its live feed."""
    hosts = settings.hosts("hyperliquid")
    rest = RestClient(hosts.rest_url or REST_URL, weight_limit=_PER_MINUTE)
    async with closed_on_failure(rest):
        instrument = await fetch_instrument(rest, symbol)
        history = newest_trades(instrument, rest)
        usual = await newest_price(history)
    coin = instrument.symbol
    wire = StreamSpec(f"{hosts.ws_url or WS_URL}/ws", decoder(instrument), greeting(coin), PING, sharing(coin), retells=True)
    past = candles(instrument, rest)
    facts = lambda: fetch_instrument(rest, symbol)  # noqa: E731
    return live_market(
        instrument,
        wire,
        history,
        settings,
        candles=past,
        facts=facts,
        usual_price_ticks=usual,
        connects=_CONNECTS,
        connects_apart=_CONNECTS_APART_S,
        clock=rest.clock,
    )
