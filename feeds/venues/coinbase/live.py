"""Coinbase: trades of the Exchange feed, live and history.

Of Coinbase's two public feeds this is the one whose trades can be proved complete: each `match` is a message, sent as it happens, with
an id that grows by one within a product, and REST serves any range of these ids. (Advanced Trade packs a quarter of a second into one
message, and its documents disagree on whose side it reports.)

REST goes back in pages by id only; a time is found by bisection.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from functools import partial

import msgspec
import numpy as np

from app.errors import BadInputError, DecodeError, VenuePausedError, VenueRefusedError
from app.market.decimals import parse_step
from app.market.instrument import Instrument
from app.market.market import Market
from app.market.trade import TradeBatch
from app.settings.settings import Settings
from feeds.network.rest_client import RestClient
from feeds.venues.coinbase.candles import candles
from feeds.venues.coinbase.wire import Trade, batch_of, decoder, greeting
from feeds.venues.decoder import OddTrades, batch_of_page
from feeds.venues.entries import entries_at
from feeds.venues.live_feed import StreamSpec
from feeds.venues.open_market import closed_on_failure, live_market, newest_price

WS_URL, REST_URL = "wss://ws-feed.exchange.coinbase.com", "https://api.exchange.coinbase.com"

_PAGE = 1000
_TRIES = 3
_PRODUCT = re.compile(r"[A-Z0-9]+-[A-Z0-9]+")
_PER_MINUTE, _APART_S = 600, 0.2  # Coinbase allows ten requests per second and address; half of that is enough


class _Product(msgspec.Struct, frozen=True):
    id: str
    quote_increment: str
    base_increment: str
    status: str


def rest_of(url: str) -> RestClient:
    """A REST client that stays within Coinbase's rate limit."""
    return RestClient(url, weight_limit=_PER_MINUTE, apart_s=_APART_S)


async def fetch_instrument(rest: RestClient, product: str) -> Instrument:
    """The instrument of a product, with tick and lot size from the venue.

    Raises
    ------
    VenueRefusedError
        If there is no such product.
    VenuePausedError
        If it is not trading now.
    FeedError
        See `RestClient.get`.
    """
    if not _PRODUCT.fullmatch(product):
        raise VenueRefusedError(f"coinbase:{product}: expected a product such as BTC-USD")
    try:
        found = await rest.get(f"/products/{product}", {}, _Product, weight=1)
    except VenueRefusedError as error:
        raise VenueRefusedError(f"coinbase:{product}: {error.user_message}", detail=error.detail) from None
    if found.id != product or found.status != "online":
        raise VenuePausedError(f"coinbase:{product} is not trading now (status {found.status[:40]})")
    try:
        tick, lot = parse_step(found.quote_increment, "tick size"), parse_step(found.base_increment, "lot size")
    except BadInputError as error:
        raise DecodeError(f"coinbase:{product}: {error.user_message}") from None
    return Instrument("coinbase", product, tick, lot)


class CoinbaseHistory:
    """History of one product's trades, requested by id.

    Parameters
    ----------
    instrument : Instrument
    rest : RestClient
    """

    reaches_ns = 0
    """A search by time goes back to the first trade."""

    def __init__(self, instrument: Instrument, rest: RestClient) -> None:
        self.instrument, self._rest = instrument, rest
        self.odd = OddTrades()
        self.go_over: Callable[[Instrument], object] = partial(setattr, self, "instrument")
        """Called with the instrument on finer steps, when trades of an earlier time need them."""

    async def recent(self) -> TradeBatch:
        """A batch with only the newest trade; empty if there is none."""
        return self._batch(await self._page({"limit": 1}, urgent=True))

    async def between(self, first_id: int, last_id: int) -> AsyncIterator[TradeBatch]:
        """Iterate in pages over the trades with ids from `first_id` to `last_id`, inclusive.

        Raises
        ------
        FeedError
            See `RestClient.get`; also if the venue keeps returning other trades than those requested.
        """
        while first_id <= last_id:
            next_id = min(first_id + _PAGE, last_id + 1)
            page = await self._before(next_id, next_id - first_id)
            wanted = [trade for trade in page if trade.trade_id >= first_id]
            if wanted:
                yield self._batch(wanted)
            first_id = next_id

    async def since(self, start_ns: int, before_id: int | None = None) -> AsyncIterator[TradeBatch]:
        """Iterate over pages of the trades from `start_ns` to now; with `before_id`, only of those with lower ids.

        Raises
        ------
        FeedError
            See `between`.
        """
        if before_id is None:
            newest = await self.recent()
            before_id = int(newest.trade_id[-1]) + 1 if len(newest) else 0
        begun = False
        async for page in self.between(await self._first_since(start_ns, before_id), before_id - 1):
            inside = page.time_ns >= start_ns
            if begun or inside.any():
                yield page if begun else page[int(np.argmax(inside)) :]
                begun = True

    async def aclose(self) -> None:
        """Close the connections to Coinbase's REST host."""
        await self._rest.aclose()

    async def _first_since(self, start_ns: int, before_id: int) -> int:
        """An id at most 1,000 lower than the id of the first trade at or after a time.

        The search goes back from `before_id` over distances that double, then bisects.
        """
        low = high = before_id
        step = _PAGE
        while high > 1:
            low = max(1, high - step)
            if await self._is_before(low, start_ns):
                break
            high, step = low, 2 * step
        while high - low > _PAGE:
            middle = (low + high) // 2
            low, high = (middle, high) if await self._is_before(middle, start_ns) else (low, middle)
        return low

    async def _is_before(self, trade_id: int, time_ns: int) -> bool:
        """True if the last trade with an id up to `trade_id` was before a time, or if there is no such trade."""
        found = self._batch(await self._before(trade_id + 1, 1))
        return not len(found) or int(found.time_ns[-1]) < time_ns

    async def _before(self, trade_id: int, count: int) -> list[Trade]:
        """Up to `count` trades with the largest ids below `trade_id`, oldest first.

        A page with only other trades is requested again, twice; then `DecodeError` is raised.
        """
        page: list[Trade] = []
        for _ in range(_TRIES):
            page = await self._page({"limit": count, "after": trade_id})  # "after" means further down Coinbase's list, so older
            older = [trade for trade in page if trade.trade_id < trade_id]
            if older or not page:
                return older
        raise DecodeError(f"coinbase keeps sending trades from id {page[0].trade_id} on, asked for those before {trade_id}")

    async def _page(self, params: dict[str, str | int], *, urgent: bool = False) -> list[Trade]:
        path = f"/products/{self.instrument.symbol}/trades"
        page = await entries_at(self._rest, path, params, Trade, weight=1, urgent=urgent)
        page.sort(key=lambda trade: trade.trade_id)
        return page

    def _batch(self, page: list[Trade]) -> TradeBatch:
        return batch_of_page(self.instrument, page, batch_of, self.odd, self.go_over)


_CONNECTS_APART_S = 0.15  # the venue allows eight connections a second to an address


async def open_symbol(symbol: str, settings: Settings) -> Market:
    """Open the market of a Coinbase product such as BTC-USD, with its live feed."""
    hosts = settings.hosts("coinbase")
    rest = rest_of(hosts.rest_url or REST_URL)
    async with closed_on_failure(rest):
        instrument = await fetch_instrument(rest, symbol.upper())
        history = CoinbaseHistory(instrument, rest)
        usual = await newest_price(history)
    wire = StreamSpec(hosts.ws_url or WS_URL, decoder(instrument), greeting(instrument.symbol), retells=True)
    past, facts = candles(instrument, rest), lambda: fetch_instrument(rest, symbol.upper())
    return live_market(
        instrument,
        wire,
        history,
        settings,
        candles=past,
        facts=facts,
        usual_price_ticks=usual,
        connects_apart=_CONNECTS_APART_S,
        clock=rest.clock,
    )
