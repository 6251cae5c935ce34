"""Bybit spot and linear contracts: live trades, the newest trades, and candles.

Trades have no consecutive ids, so gaps cannot be proved: after each break the live feed requests the newest trades (60 on spot, 1,000
of a contract) and reports a gap where these do not reach back far enough. There is no paging, so history ends there; the venue's
daily files have the rest. For the messages see `feeds.venues.bybit.wire`.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from app.errors import BadInputError, DecodeError, VenueBusyError, VenueRefusedError, VenueUnreachableError
from app.market.bar_rule import DAY_NS
from app.market.decimals import parse_step
from app.market.instrument import Instrument
from app.market.market import Market
from app.market.trade import TradeBatch
from app.settings.settings import Settings
from feeds.network.rest_client import RestClient
from feeds.venues.bybit.wire import PING, RecentTrade, StreamDecoder, batch_of_page, greeting
from feeds.venues.candles import MINUTE_NS, Candle, Candles
from feeds.venues.decoder import UNREADABLE, Ms, venue_at_fault
from feeds.venues.latest_page import LatestPageHistory
from feeds.venues.live_feed import StreamSpec
from feeds.venues.open_market import closed_on_failure, live_market

T = TypeVar("T")

_REQUESTS = 1200  # a minute; the venue allows 600 in five seconds per address
_CANDLES = 1000
_BUSY_S = 5.0
_BUSY = {10006, 10018}  # too many requests by a user or an address
_TROUBLED = {10000, 10016, 10019}  # timeout, server error, restart
_INTERVALS = {minutes * MINUTE_NS: str(minutes) for minutes in (1, 3, 5, 15, 30, 60, 120, 240, 360, 720)} | {
    DAY_NS: "D",
    7 * DAY_NS: "W",
}


@dataclass(frozen=True, slots=True)
class BybitMarket:
    """One of Bybit's market groups: our name, Bybit's name, and the number of trades in a page of the newest."""

    venue: str
    category: str
    newest: int


SPOT = BybitMarket("bybit", "spot", 60)
LINEAR = BybitMarket("bybit-linear", "linear", 1000)

WS_URL, REST_URL = "wss://stream.bybit.com", "https://api.bybit.com"


class _Answer(msgspec.Struct, frozen=True):
    retCode: int  # noqa: N815
    retMsg: str = ""  # noqa: N815
    result: msgspec.Raw = msgspec.Raw(b"{}")
    time: int = 0


class _Result(msgspec.Struct, Generic[T], frozen=True):
    rows: list[T] = msgspec.field(name="list", default_factory=list[T])


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
    """Bybit's REST interface for one category.

    Errors are sorted by whether a retry can help.

    Parameters
    ----------
    rest : RestClient
    market : BybitMarket
    """

    def __init__(self, rest: RestClient, market: BybitMarket) -> None:
        self._rest, self.market = rest, market

    async def ask(self, path: str, kind: type[T], *, urgent: bool = False, **params: str | int) -> tuple[list[T], int]:
        """Request a list; return its entries as `kind`, and the venue's time in milliseconds.

        Raises
        ------
        FeedError
            As `RestClient.get`, and for the same errors that Bybit returns as codes with HTTP 200.
        """
        question = {"category": self.market.category, **params}
        answer = await self._rest.get(f"/v5/market/{path}", question, _Answer, weight=1, urgent=urgent)
        if answer.retCode:
            raise _explained(answer)
        try:
            shape: Any = _Result[kind]  # chosen at run time, which static types cannot express
            return msgspec.json.decode(answer.result, type=shape, strict=False).rows, answer.time
        except UNREADABLE as error:
            raise DecodeError("Bybit sent an undocumented response", detail=f"{path}: {error}") from None

    async def aclose(self) -> None:
        """Close the connections."""
        await self._rest.aclose()


async def fetch_instrument(rest: BybitRest, symbol: str) -> Instrument:
    """The instrument of a symbol, with tick and lot size from the venue.

    Raises
    ------
    VenueRefusedError
        If there is no such symbol, or it is not trading now.
    FeedError
        As `BybitRest.ask`.
    """
    venue = rest.market.venue
    try:
        known, _ = await rest.ask("instruments-info", _Symbol, symbol=symbol)
    except VenueRefusedError as error:
        raise VenueRefusedError(f"{venue}:{symbol}: {error.user_message}", detail=error.detail) from None
    found = next((entry for entry in known if entry.symbol == symbol), None)
    if found is None:
        raise VenueRefusedError(f"{venue} has no symbol {symbol}")
    if found.status != "Trading":
        raise VenueRefusedError(f"{venue}:{symbol} is not trading now (status {found.status})")
    lot = found.lotSizeFilter.qtyStep or found.lotSizeFilter.basePrecision
    try:
        steps = parse_step(found.priceFilter.tickSize, "tick size"), parse_step(lot, "lot size")
    except BadInputError as error:
        raise DecodeError(f"{venue}:{symbol}: {error.user_message}") from None
    return Instrument(venue, symbol, *steps, numbered=False)


def wire(instrument: Instrument, market: BybitMarket, ws_url: str) -> StreamSpec:
    """Address, subscription and decoder of a symbol's stream."""
    return StreamSpec(f"{ws_url}/v5/public/{market.category}", StreamDecoder(instrument), greeting(instrument.symbol), PING)


def newest_trades(instrument: Instrument, rest: BybitRest) -> LatestPageHistory:
    """A history with only the newest trades of one symbol, as Bybit offers no older ones over REST."""

    async def recent() -> TradeBatch:
        page, _ = await rest.ask("recent-trade", RecentTrade, urgent=True, symbol=instrument.symbol, limit=rest.market.newest)
        with venue_at_fault(instrument):
            return batch_of_page(instrument, page)

    return LatestPageHistory(recent, rest.aclose)


def candles(instrument: Instrument, rest: BybitRest, wall_ns: Callable[[], int] = time.time_ns) -> Candles:
    """Candles of one symbol, without buy volume."""
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
    """A function that opens a symbol of one of Bybit's markets."""

    async def open_symbol(symbol: str, settings: Settings) -> Market:
        hosts = settings.hosts(market.venue)
        rest = BybitRest(RestClient(hosts.rest_url or REST_URL, weight_limit=_REQUESTS), market)
        async with closed_on_failure(rest):
            instrument = await fetch_instrument(rest, symbol.upper())
        listening = wire(instrument, market, hosts.ws_url or WS_URL)
        return live_market(instrument, listening, newest_trades(instrument, rest), settings, candles=candles(instrument, rest))

    return open_symbol


def _explained(answer: _Answer) -> VenueBusyError | VenueUnreachableError | VenueRefusedError:
    words = f"Bybit: {answer.retMsg[:200] or 'no reason given'} (code {answer.retCode})"
    if answer.retCode in _BUSY:
        return VenueBusyError(words, retry_after_s=_BUSY_S)
    return (VenueUnreachableError if answer.retCode in _TROUBLED else VenueRefusedError)(words)
