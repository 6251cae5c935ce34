"""All supported venues, and a function that opens a market of any of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from app.errors import BadInputError
from app.market.instrument import parse_instrument_id
from app.market.market import Market
from app.settings.settings import Settings
from feeds.venues.binance import live as binance
from feeds.venues.bybit import live as bybit
from feeds.venues.coinbase import live as coinbase
from feeds.venues.hyperliquid import live as hyperliquid
from feeds.venues.kraken import live as kraken
from feeds.venues.okx import live as okx

Opener = Callable[[str, Settings], Awaitable[Market]]


VENUES: Mapping[str, Opener] = {
    "binance": binance.opener(binance.SPOT),
    "binance-usdm": binance.opener(binance.USDM),
    "bybit": bybit.opener(bybit.SPOT),
    "bybit-inverse": bybit.opener(bybit.INVERSE),
    "bybit-linear": bybit.opener(bybit.LINEAR),
    "coinbase": coinbase.open_symbol,
    "hyperliquid": hyperliquid.open_symbol,
    "kraken": kraken.open_symbol,
    "okx": okx.opener(okx.SPOT),
    "okx-swap": okx.opener(okx.SWAP),
}
"""For each venue, the function that opens one of its markets."""


async def open_venue(instrument_id: str, settings: Settings) -> Market:
    """Open the live market of an instrument id such as `binance:BTCUSDT`.

    Raises
    ------
    BadInputError
        If the id is malformed, or its venue unknown.
    FeedError
        If the venue cannot be reached, or does not have the symbol.
    """
    venue, symbol = parse_instrument_id(instrument_id)
    if venue not in VENUES:
        raise BadInputError(f"venue: found {venue!r}, expected one of {', '.join(sorted(VENUES))}")
    return await VENUES[venue](symbol, settings)
