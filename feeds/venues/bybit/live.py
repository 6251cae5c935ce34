"""Bybit spot, linear and inverse contracts: live trades, the newest trades, and candles.

Trades have no consecutive ids, so gaps cannot be proved: after each break the live feed requests the newest trades (60 on spot, 1,000
of a contract) and reports a gap where these do not reach back far enough. There is no paging, so history ends there; the venue's
daily files have the rest. For the messages see `feeds.venues.bybit.wire`.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from app.errors import BadInputError, DecodeError, FeedError, VenueBusyError, VenuePausedError, VenueRefusedError, VenueUnreachableError
from app.market.bar_rule import DAY_NS
from app.market.decimals import parse_step
from app.market.instrument import Instrument
from app.market.market import Market
from app.market.trade import TradeBatch
from app.settings.settings import Settings
from feeds.network.rest_client import RestClient
from feeds.network.venue_clock import VenueClock
from feeds.venues.bybit.wire import PING, RecentTrade, StreamDecoder, batch_of_page, greeting
from feeds.venues.candles import MINUTE_NS, Candle, Candles
from feeds.venues.decoder import UNREADABLE, Ms, OddTrades
from feeds.venues.decoder import batch_of_page as sound_page
from feeds.venues.entries import Entries, entries_of
from feeds.venues.latest_page import LatestPageHistory
from feeds.venues.live_feed import StreamSpec
from feeds.venues.open_market import closed_on_failure, live_market, urls_of

T = TypeVar("T")

_REQUESTS = 1200  # a minute; the venue allows 600 in five seconds per address
_CANDLES = 1000
_BUSY_S = 5.0
_BUSY = {10006, 10018}  # too many requests by a user or an address
_TROUBLED = {10000, 10016, 10019}  # timeout, server error, restart
_LASTING = {10001}  # invalid parameters: an unknown symbol
_INTERVALS = {minutes * MINUTE_NS: str(minutes) for minutes in (1, 3, 5, 15, 30, 60, 120, 240, 360, 720)} | {
    DAY_NS: "D",
    7 * DAY_NS: "W",
}


@dataclass(frozen=True, slots=True)
class BybitMarket:
    """One of Bybit's market groups: our name, Bybit's name, and the number of newest trades that one request returns."""

    venue: str
    category: str
    newest: int


SPOT = BybitMarket("bybit", "spot", 60)
LINEAR = BybitMarket("bybit-linear", "linear", 1000)

INVERSE = BybitMarket("bybit-inverse", "inverse", 1000)

WS_URL, REST_URL = "wss://stream.bybit.com", "https://api.bybit.com"
REGIONS = {
    "": (WS_URL, REST_URL),
    "ae": ("wss://stream.bybit.ae", "https://api.bybit.ae"),
    "eu": ("wss://stream.bybit.eu", "https://api.bybit.eu"),
    "ge": ("wss://stream.bybit.ge", "https://api.bybit.ge"),
    "jp": ("wss://stream.manepa.jp", "https://api.manepa.jp"),
    "kz": ("wss://stream.bybit.kz", "https://api.bybit.kz"),
    "nl": ("wss://stream.bybit.nl", "https://api.bybit.nl"),
    "tr": ("wss://stream.bybit.tr", "https://api.bybit.tr"),
}
"""WebSocket and REST URLs by region."""


class _Answer(msgspec.Struct, frozen=True):
    retCode: int  # noqa: N815
    retMsg: str = ""  # noqa: N815
    result: msgspec.Raw = msgspec.Raw(b"{}")
    time: int = 0


class _Result(msgspec.Struct, frozen=True):
    rows: list[msgspec.Raw] = msgspec.field(name="list", default_factory=list[msgspec.Raw])


class _PriceFilter(msgspec.Struct, frozen=True):
    tickSize: str = ""  # noqa: N815


class _LotSizeFilter(msgspec.Struct, frozen=True):
    basePrecision: str = ""  # noqa: N815
    qtyStep: str = ""  # noqa: N815


class _Symbol(msgspec.Struct, frozen=True):
    symbol: str
    status: str
    priceFilter: _PriceFilter  # noqa: N815
    lotSizeFilter: _LotSizeFilter  # noqa: N815


class _Kline(msgspec.Struct, frozen=True, array_like=True):
    """A candle as Bybit documents it; its last value, the turnover, is not read.

    `["1709891679000","27450","27460","27440","27455","123.45","3390000"]`
    """

    start_ms: Ms
    open: str
    high: str
    low: str
    close: str
    volume: str


class BybitRest:
    """REST client for one of Bybit's market groups; the class of an error shows whether a retry can help.

    Parameters
    ----------
    rest : RestClient
    market : BybitMarket
    """

    def __init__(self, rest: RestClient, market: BybitMarket) -> None:
        self._rest, self.market = rest, market

    @property
    def clock(self) -> VenueClock:
        """The offset of our clock from the venue's."""
        return self._rest.clock

    async def ask(self, path: str, kind: type[T], *, urgent: bool = False, **params: str | int) -> tuple[Entries[T], int]:
        """Request a list; return its entries decoded as `kind`, and the venue's time in ms. Entries that cannot be decoded are left out.

        Raises
        ------
        FeedError
            See `RestClient.get`; also for errors that Bybit returns as codes with HTTP 200.
        """
        question = {"category": self.market.category, **params}
        answer = await self._rest.get(f"/v5/market/{path}", question, _Answer, weight=1, urgent=urgent)
        if answer.retCode:
            raise _explained(answer)
        try:
            rows = msgspec.json.decode(answer.result, type=_Result).rows
        except UNREADABLE as error:
            raise DecodeError("Bybit sent an undocumented response", detail=f"{path}: {error}") from None
        return entries_of(rows, kind, f"Bybit {path}", strict=False), answer.time

    async def aclose(self) -> None:
        """Close the connections to Bybit's REST host."""
        await self._rest.aclose()


async def fetch_instrument(rest: BybitRest, symbol: str) -> Instrument:
    """The instrument of a symbol, with tick and lot size from the venue.

    Raises
    ------
    VenueRefusedError
        If there is no such symbol.
    VenuePausedError
        If it is not trading now.
    FeedError
        See `BybitRest.ask`.
    """
    venue = rest.market.venue
    try:
        known, _ = await rest.ask("instruments-info", _Symbol, symbol=symbol)
    except VenueRefusedError as error:
        raise VenueRefusedError(f"{venue}:{symbol}: {error.user_message}", detail=error.detail) from None
    found = next((entry for entry in known if entry.symbol == symbol), None)
    if found is None and known.names(symbol):
        raise DecodeError(f"{venue}: cannot read the venue's entry of {symbol}")
    if found is None:
        raise VenueRefusedError(f"{venue} has no symbol {symbol}")
    if found.status != "Trading":
        raise VenuePausedError(f"{venue}:{symbol} is not trading now (status {found.status})")
    lot = found.lotSizeFilter.qtyStep or found.lotSizeFilter.basePrecision
    try:
        steps = parse_step(found.priceFilter.tickSize, "tick size"), parse_step(lot, "lot size")
    except BadInputError as error:
        raise DecodeError(f"{venue}:{symbol}: {error.user_message}") from None
    return Instrument(venue, symbol, *steps, numbered=False, status=found.status)


def wire(instrument: Instrument, market: BybitMarket, ws_url: str) -> StreamSpec:
    """Address, subscription and decoder of a symbol's stream."""
    return StreamSpec(f"{ws_url}/v5/public/{market.category}", StreamDecoder(instrument), greeting(instrument.symbol), PING)


def newest_trades(instrument: Instrument, rest: BybitRest) -> LatestPageHistory:
    """A trade history with only the newest trades of one symbol, as Bybit offers no older trades over REST."""

    odd = OddTrades()

    async def recent(instrument: Instrument) -> TradeBatch:
        page, _ = await rest.ask("recent-trade", RecentTrade, urgent=True, symbol=instrument.symbol, limit=rest.market.newest)
        return sound_page(instrument, page, batch_of_page, odd)

    return LatestPageHistory(recent, rest.aclose, odd, instrument)


def candles(instrument: Instrument, rest: BybitRest, wall_ns: Callable[[], int] = time.time_ns) -> Candles:
    """Candles of one Bybit symbol, without buy volume."""
    lengths_ms = {name: length_ns // 1_000_000 for length_ns, name in _INTERVALS.items()}

    async def page(interval: str, start_ms: int, end_ms: int) -> list[Candle]:
        asked: dict[str, Any] = {"symbol": instrument.symbol, "interval": interval, "start": start_ms, "end": end_ms}
        told, now_ms = await rest.ask("kline", _Kline, limit=_CANDLES, **asked)
        length_ms = lengths_ms[interval]
        return [
            Candle(each.start_ms, each.open, each.high, each.low, each.close, each.volume, "", each.start_ms + length_ms <= now_ms)
            for each in told
        ]

    return Candles(instrument, _INTERVALS, _CANDLES, page, wall_ns=wall_ns)


def opener(market: BybitMarket) -> Callable[[str, Settings], Awaitable[Market]]:
    """Return a function that opens a symbol of one of Bybit's market groups."""

    async def open_symbol(symbol: str, settings: Settings) -> Market:
        ws_url, rest_url = urls_of(market.venue, settings, REGIONS)
        rest = BybitRest(RestClient(rest_url, weight_limit=_REQUESTS), market)
        async with closed_on_failure(rest):
            instrument = await fetch_instrument(rest, symbol.upper())
        listening = wire(instrument, market, ws_url)
        past, facts = candles(instrument, rest), lambda: fetch_instrument(rest, symbol.upper())
        return live_market(instrument, listening, newest_trades(instrument, rest), settings, candles=past, facts=facts, clock=rest.clock)

    return open_symbol


def _explained(answer: _Answer) -> FeedError:
    words = f"Bybit: {answer.retMsg[:200] or 'no reason given'} (code {answer.retCode})"
    if answer.retCode in _BUSY:
        return VenueBusyError(words, retry_after_s=_BUSY_S)
    if answer.retCode in _LASTING:
        return VenueRefusedError(words)
    return (VenueUnreachableError if answer.retCode in _TROUBLED else VenuePausedError)(words)
