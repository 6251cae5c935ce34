"""Binance spot and USD-M futures: aggregate trades, live and history.

An aggregate trade is what one taker order (futures: all within 100 ms) traded at one price. Its id `a` grows by one within a symbol,
so a larger step is a gap, and `fromId` fetches the missing trades. For the messages see `feeds.venues.binance.wire`.

Futures streams are served under `/market` since April 2026; the old path accepts connections and stays silent, which the
connection's silence check would report. Pages of history are requested by id, never by time: a millisecond may have more trades than
a page.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import msgspec

from app.errors import BadInputError, DecodeError, VenuePausedError, VenueRefusedError
from app.market.decimals import parse_step
from app.market.instrument import Instrument
from app.market.market import Market
from app.market.span import Span
from app.market.times import timestamp_text
from app.market.trade import TradeBatch
from app.settings.settings import Settings
from feeds.network.rest_client import LARGEST_ANSWER, RestClient
from feeds.venues.binance.candles import candles
from feeds.venues.binance.wire import AggregateTrade, batch_of, stream_decoder
from feeds.venues.decoder import OddTrades, batch_of_page
from feeds.venues.entries import entries_at, entries_of
from feeds.venues.live_feed import StreamSpec
from feeds.venues.open_market import closed_on_failure, live_market

_PAGE = 1000
_TRIES = 3
_HOUR_MS = 3_600_000


class _Filter(msgspec.Struct, frozen=True):
    filterType: str  # noqa: N815
    tickSize: str = ""  # noqa: N815
    stepSize: str = ""  # noqa: N815


class _Symbol(msgspec.Struct, frozen=True):
    symbol: str
    filters: list[_Filter]
    status: str = ""
    contractStatus: str = ""  # noqa: N815  # entries of COIN-M contracts have this instead of `status`


class _ExchangeInfo(msgspec.Struct, frozen=True):
    symbols: list[msgspec.Raw]


@dataclass(frozen=True, slots=True)
class BinanceMarket:
    """One of Binance's market groups, spot or futures, with its addresses and limits.

    Attributes
    ----------
    venue : str
        The group's name in instrument ids.
    ws_url, rest_url : str
        Addresses used unless the settings override them.
    stream_path, rest_path : str
        Path before the stream's and the endpoint's name.
    weight_limit, page_weight, info_weight, candles_weight : int
        Weight allowed per minute, and weights of a page of trades, the exchange information and a page of candles.
    by_hours : bool
        Whether a search by time must end within an hour.
    kept_hours : float
        Hours that a search by time may go back.
    one_symbol : bool
        Whether the exchange information can be requested for one symbol.
    seconds : bool
        Whether one-second candles exist.
    """

    venue: str
    ws_url: str
    rest_url: str
    stream_path: str
    rest_path: str
    weight_limit: int
    page_weight: int
    info_weight: int
    candles_weight: int
    by_hours: bool
    kept_hours: float
    one_symbol: bool
    seconds: bool


SPOT = BinanceMarket(
    venue="binance",
    ws_url="wss://data-stream.binance.vision",
    rest_url="https://data-api.binance.vision",
    stream_path="/ws",
    rest_path="/api/v3",
    weight_limit=6000,
    page_weight=4,
    info_weight=20,
    candles_weight=2,
    by_hours=False,
    kept_hours=float("inf"),
    one_symbol=True,
    seconds=True,
)
USDM = BinanceMarket(
    venue="binance-usdm",
    ws_url="wss://fstream.binance.com",
    rest_url="https://fapi.binance.com",
    stream_path="/market/ws",
    rest_path="/fapi/v1",
    weight_limit=2400,
    page_weight=20,
    info_weight=1,
    candles_weight=5,
    by_hours=True,
    kept_hours=47.9,  # 48, less the error of our clock
    one_symbol=False,
    seconds=False,
)


async def fetch_instrument(rest: RestClient, market: BinanceMarket, symbol: str) -> Instrument:
    """The instrument of a symbol, with tick and lot size from the exchange information.

    Raises
    ------
    VenueRefusedError
        If there is no such symbol.
    VenuePausedError
        If it is not trading now.
    FeedError
        See `RestClient.get`.
    """
    params = {"symbol": symbol} if market.one_symbol else {}
    try:
        path = f"{market.rest_path}/exchangeInfo"
        info = await rest.get(path, params, _ExchangeInfo, weight=market.info_weight, largest=LARGEST_ANSWER)
    except VenueRefusedError as error:
        raise VenueRefusedError(f"{market.venue}:{symbol}: {error.user_message}", detail=error.detail) from None
    listed = entries_of(info.symbols, _Symbol, f"{market.venue} exchangeInfo")
    found = next((entry for entry in listed if entry.symbol == symbol), None)
    if found is None and listed.names(symbol):
        raise DecodeError(f"{market.venue}: cannot read the venue's entry of {symbol}")
    if found is None:
        raise VenueRefusedError(f"{market.venue} has no symbol {symbol}")
    status = found.status or found.contractStatus
    if status != "TRADING":
        raise VenuePausedError(f"{market.venue}:{symbol} is not trading now (status {status[:40]})")
    tick = next((f.tickSize for f in found.filters if f.filterType == "PRICE_FILTER"), "")
    lot = next((f.stepSize for f in found.filters if f.filterType == "LOT_SIZE"), "")
    try:
        return Instrument(market.venue, symbol, parse_step(tick, "tick size"), parse_step(lot, "lot size"), status=status)
    except BadInputError as error:
        raise DecodeError(f"{market.venue}:{symbol}: {error.user_message}") from None


def wire(instrument: Instrument, market: BinanceMarket, ws_url: str) -> StreamSpec:
    """Address and decoder of a symbol's stream; the address selects the symbol, so there is no subscription."""
    return StreamSpec(f"{ws_url}{market.stream_path}/{instrument.symbol.lower()}@aggTrade", stream_decoder(instrument))


class BinanceHistory:
    """History of aggregate trades, requested by id.

    Parameters
    ----------
    instrument : Instrument
    market : BinanceMarket
    rest : RestClient
    wall_ns : callable
        Our clock; only used to limit a search by time.
    """

    def __init__(
        self, instrument: Instrument, market: BinanceMarket, rest: RestClient, *, wall_ns: Callable[[], int] = time.time_ns
    ) -> None:
        self.instrument, self._market, self._rest, self._wall_ns = instrument, market, rest, wall_ns
        self.odd = OddTrades()
        self.go_over: Callable[[Instrument], object] = partial(setattr, self, "instrument")
        """Called with the instrument on finer steps, when trades of an earlier time need them."""
        self._left_out = 0  # of the last page

    @property
    def reaches_ns(self) -> int:
        """The earliest time that a search by time can find; 0 if there is no limit."""
        return self._wall_ns() - round(self._market.kept_hours * 3_600e9) if self._market.by_hours else 0

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
            page = await self._advancing_page(first_id, last_id)
            wanted = [trade for trade in page if trade.a <= last_id]
            if not wanted:  # the venue continues after the gap, or has no more
                return
            yield self._batch(wanted)
            first_id = wanted[-1].a + 1

    async def since(self, start_ns: int, before_id: int | None = None) -> AsyncIterator[TradeBatch]:
        """Iterate over pages of the trades from `start_ns` to now; with `before_id`, only of those with lower ids.

        Of futures, trades older than 47.9 h cannot be found by time and are left out.

        Raises
        ------
        FeedError
            See `between`; also if the venue leaves out trades.
        """
        page = await self._first_page(-(-start_ns // 1_000_000))
        if not page and before_id:
            await self._require_none(max(start_ns, self.reaches_ns), before_id)
        while page:
            wanted = page if before_id is None else [trade for trade in page if trade.a < before_id]
            if not wanted:
                return
            yield self._batch(wanted)
            next_id = wanted[-1].a + 1
            if next_id == before_id or (before_id is None and len(page) + self._left_out < _PAGE):
                return
            last_id = next_id + _PAGE - 1 if before_id is None else before_id - 1
            page = await self._advancing_page(next_id, last_id)

    async def through(self, span: Span) -> AsyncIterator[TradeBatch]:
        """Iterate over pages of the trades of a time span, found by time, even if ids start again in the span or after it.

        A page begins at the millisecond in which the last one ended, whose trades may be on both; each is in one batch.

        Raises
        ------
        FeedError
            As `between`.
        """
        known: list[AggregateTrade] = []
        start_ms, next_id = span.start_ns // 1_000_000, None
        while page := await self._first_page(start_ms):
            full = len(page) + self._left_out >= _PAGE
            page.sort(key=lambda trade: trade.T)
            if next_id is not None and page[0].a > next_id:
                raise DecodeError(f"{self._market.venue} does not serve all trades of the millisecond before {start_ms}")
            fresh = [trade for trade in page if trade not in known]
            wanted = [trade for trade in fresh if span.end_ns > trade.T * 1_000_000]
            if wanted:
                yield self._batch(wanted)
            if len(wanted) < len(fresh) or not (full or self._market.by_hours):
                return
            last_ms, next_id = page[-1].T, None
            if full and last_ms == page[0].T:  # more than a page in a millisecond: the rest of it by id
                next_id = page[-1].a + 1
                while rest := await self._page_in(last_ms, next_id):
                    yield self._batch(rest)
                    next_id = rest[-1].a + 1
            if next_id is not None or not (full or fresh):
                start_ms, known = last_ms + 1, []
            else:
                start_ms, known = last_ms, [trade for trade in page if last_ms == trade.T]

    async def aclose(self) -> None:
        """Close the connections to Binance's REST host."""
        await self._rest.aclose()

    async def _page_in(self, time_ms: int, first_id: int) -> list[AggregateTrade]:
        """The trades of a millisecond in a page from `first_id` on."""
        return [trade for trade in await self._advancing_page(first_id, first_id + _PAGE - 1) if time_ms == trade.T]

    async def _advancing_page(self, first_id: int, last_id: int) -> list[AggregateTrade]:
        """One page of up to 1,000 trades with ids from `first_id` on; empty if there are none.

        A page that is empty or has only older trades is requested again, twice.
        """
        page: list[AggregateTrade] = []
        for _ in range(_TRIES):
            page = await self._page({"fromId": first_id, "limit": min(_PAGE, last_id - first_id + 1)})
            ahead = [trade for trade in page if trade.a >= first_id]
            if ahead:
                return ahead
        if page:
            raise DecodeError(f"{self._market.venue} keeps sending trades before id {first_id}")
        return []

    async def _first_page(self, start_ms: int) -> list[AggregateTrade]:
        """The first page of trades at or after a time, of futures at most 47.9 h back; empty if there are none."""
        now_ms = self._wall_ns() // 1_000_000
        if self._market.by_hours:
            start_ms = max(start_ms, now_ms - round(self._market.kept_hours * _HOUR_MS))
        while start_ms <= now_ms:
            asked = {"startTime": start_ms, "limit": _PAGE}
            if self._market.by_hours:
                asked["endTime"] = start_ms + _HOUR_MS - 1
            page: list[AggregateTrade] = []
            for _ in range(_TRIES):
                page = await self._page(asked)
                inside = [trade for trade in page if start_ms <= trade.T]
                if inside:
                    return inside
            if page:
                raise DecodeError(f"{self._market.venue} keeps sending trades before the time asked for")
            if not self._market.by_hours:
                break
            start_ms += _HOUR_MS
        return []

    async def _require_none(self, start_ns: int, before_id: int) -> None:
        """Raise if the trade before id `before_id` is from `start_ns` or later, as the venue has then left out trades."""
        for trade in await self._advancing_page(before_id - 1, before_id - 1):
            if trade.a < before_id and start_ns <= trade.T * 1_000_000:
                raise DecodeError(f"{self._market.venue} leaves out trades from {timestamp_text(start_ns)} on")

    async def _page(self, params: dict[str, int], *, urgent: bool = False) -> list[AggregateTrade]:
        query: dict[str, str | int] = {"symbol": self.instrument.symbol, **params}
        path, weight = f"{self._market.rest_path}/aggTrades", self._market.page_weight
        page = await entries_at(self._rest, path, query, AggregateTrade, weight=weight, urgent=urgent)
        self._left_out = len(page.odd)
        page.sort(key=lambda trade: trade.a)
        return page

    def _batch(self, page: list[AggregateTrade]) -> TradeBatch:
        return batch_of_page(self.instrument, page, batch_of, self.odd, self.go_over)


def opener(market: BinanceMarket) -> Callable[[str, Settings], Awaitable[Market]]:
    """Return a function that opens a symbol of one of Binance's market groups."""

    async def open_symbol(symbol: str, settings: Settings) -> Market:
        hosts = settings.hosts(market.venue)
        rest = RestClient(hosts.rest_url or market.rest_url, weight_limit=market.weight_limit)
        async with closed_on_failure(rest):
            instrument = await fetch_instrument(rest, market, symbol.upper())
        history = BinanceHistory(instrument, market, rest)
        past = candles(instrument, rest, f"{market.rest_path}/klines", market.candles_weight, seconds=market.seconds)
        return live_market(
            instrument,
            wire(instrument, market, hosts.ws_url or market.ws_url),
            history,
            settings,
            candles=past,
            facts=lambda: fetch_instrument(rest, market, symbol.upper()),
            clock=rest.clock,
        )

    return open_symbol
