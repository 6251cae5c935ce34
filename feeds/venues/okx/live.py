"""OKX spot and swaps: single trades, live and history, and candles.

Ids grow by one within an instrument, so a larger step is a gap. For the messages see `feeds.venues.okx.wire`, for history
`feeds.venues.okx.history`. Swaps are traded in contracts: the lot size of such an instrument is the contract lot times the contract
value, so that every quantity here is in base units (BTC), or for a contract of a fixed sum of money in that money (USD).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from app.errors import BadInputError, DecodeError, VenuePausedError, VenueRefusedError
from app.market.decimals import parse_step
from app.market.instrument import Instrument
from app.market.market import Market
from app.settings.settings import Settings
from feeds.venues.live_feed import StreamSpec
from feeds.venues.okx.history import OkxHistory, candles
from feeds.venues.okx.rest import OkxRest
from feeds.venues.okx.wire import PING, greeting, sharing, stream_decoder
from feeds.venues.open_market import closed_on_failure, live_market, urls_of

WS_URL, REST_URL = "wss://ws.okx.com:8443", "https://openapi.okx.com"
REGIONS = {
    "": (WS_URL, REST_URL),
    "eea": ("wss://wseea.okx.com:8443", "https://eea.okx.com"),
    "us": ("wss://wsus.okx.com:8443", "https://us.okx.com"),
    "au": ("wss://wsus.okx.com:8443", "https://us.okx.com"),
}
"""WebSocket and REST URLs by region."""


_CONNECTS_APART_S = 0.4  # the venue allows three connections a second to an address


@dataclass(frozen=True, slots=True)
class OkxMarket:
    """One of OKX's market groups, spot or swaps: our name, and OKX's name."""

    venue: str
    kind: str


SPOT = OkxMarket("okx", "SPOT")
SWAP = OkxMarket("okx-swap", "SWAP")


class _Listed(msgspec.Struct, frozen=True):
    instId: str  # noqa: N815
    state: str
    tickSz: str  # noqa: N815
    lotSz: str  # noqa: N815
    ctVal: str = ""  # noqa: N815
    ctMult: str = ""  # noqa: N815


async def fetch_instrument(rest: OkxRest, market: OkxMarket, symbol: str) -> Instrument:
    """The instrument of a symbol, with tick, lot and contract size from the venue.

    Raises
    ------
    VenueRefusedError
        If there is no such instrument.
    VenuePausedError
        If it is not trading now.
    FeedError
        See `OkxRest.ask`.
    """
    try:
        listed = await rest.ask("public/instruments", _Listed, instType=market.kind, instId=symbol)
    except VenueRefusedError as error:
        raise VenueRefusedError(f"{market.venue}:{symbol}: {error.user_message}", detail=error.detail) from None
    found = next((entry for entry in listed if entry.instId == symbol), None)
    if found is None and listed.names(symbol):
        raise DecodeError(f"{market.venue}: cannot read the venue's entry of {symbol}")
    if found is None:
        raise VenueRefusedError(f"{market.venue} has no instrument {symbol}")
    if found.state != "live":
        raise VenuePausedError(f"{market.venue}:{symbol} is not trading now (state {found.state})")
    try:
        tick, lot = parse_step(found.tickSz, "tick size"), parse_step(found.lotSz, "lot size")
        worth = Decimal(1)
        for factor in (found.ctVal, found.ctMult) if market.kind == "SWAP" else ():
            worth *= parse_step(factor, "contract size")
        return Instrument(market.venue, symbol, tick, parse_step(str(lot * worth), "lot size"), worth.normalize(), status=found.state)
    except BadInputError as error:
        raise DecodeError(f"{market.venue}:{symbol}: {error.user_message}") from None


def wire(instrument: Instrument, ws_url: str) -> StreamSpec:
    """Address, subscription and decoder of an instrument's stream."""
    symbol = instrument.symbol
    return StreamSpec(f"{ws_url}/ws/v5/business", stream_decoder(instrument), greeting(symbol), PING, sharing(symbol))


def opener(market: OkxMarket) -> Callable[[str, Settings], Awaitable[Market]]:
    """Return a function that opens an instrument of one of OKX's market groups."""

    async def open_symbol(symbol: str, settings: Settings) -> Market:
        ws_url, rest_url = urls_of(market.venue, settings, REGIONS)
        rest = OkxRest(rest_url)
        async with closed_on_failure(rest):
            instrument = await fetch_instrument(rest, market, symbol.upper())
        listening = wire(instrument, ws_url)
        return live_market(
            instrument,
            listening,
            OkxHistory(instrument, rest),
            settings,
            candles=candles(instrument, rest),
            facts=lambda: fetch_instrument(rest, market, symbol.upper()),
            clock=rest.clock,
            connects_apart=_CONNECTS_APART_S,
        )

    return open_symbol
