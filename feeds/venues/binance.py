"""Binance spot and USD-M futures: aggregate trades, live and of the past.

An aggregate trade is what one taker order (futures: all within 100 ms) traded at one price; its id `a` grows
by one within a symbol, so a step by more is a hole, and `fromId` fetches it. A message of the stream, as
Binance documents it (https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams):

    {"e":"aggTrade","E":1672515782136,"s":"BNBBTC","a":12345,"p":"0.001","q":"100","f":100,"l":105,
     "T":1672515782136,"m":true,"M":true}

`m` true says that the buyer was the maker: the seller was aggressive.

Futures streams are served under `/market` since April 2026; the old path accepts and stays silent, which the
connection's silence check would report. Pages of the past are asked for by id, never by time: a millisecond
may hold more trades than a page.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

import msgspec
import numpy as np
import structlog
from msgspec import Meta

from app.errors import DecodeError, OffGridError, VenueRefusedError
from app.market.decimals import parse_step, to_steps
from app.market.feed import FeedState, FeedStatus
from app.market.instrument import Instrument
from app.market.trade import BUY, SELL, TradeBatch, concatenate
from app.settings import Settings
from app.workspace import Market
from feeds.connection import Connection, Patience
from feeds.http import Rest

_log = structlog.get_logger(__name__)

_PAGE = 1000
_TRIES = 3
_LAGGING_S = 1.0  # a frame that has waited longer than this for us says that we are too slow
_HOUR_MS = 3_600_000
_FIRST_MS, _LAST_MS = 1_230_768_000_000, 4_102_444_800_000  # 2009 to 2100: anything else is no trade time

_Id = Annotated[int, Meta(ge=0, le=2**63 - 1)]
_Ms = Annotated[int, Meta(ge=_FIRST_MS, lt=_LAST_MS)]


class AggregateTrade(msgspec.Struct, frozen=True, gc=False):
    """The fields of an aggregate trade that we use, in a page of the past."""

    a: _Id
    p: str
    q: str
    T: _Ms
    m: bool


class _Event(msgspec.Struct, frozen=True, gc=False):
    """What every message of a stream has; `e` tells which it is."""

    e: str


class _Update(AggregateTrade, frozen=True, gc=False, tag_field="e", tag="aggTrade"):
    """An aggregate trade in a stream."""

    s: str


class _Filter(msgspec.Struct, frozen=True):
    filterType: str  # noqa: N815
    tickSize: str = ""  # noqa: N815
    stepSize: str = ""  # noqa: N815


class _Symbol(msgspec.Struct, frozen=True):
    symbol: str
    status: str
    filters: list[_Filter]


class _ExchangeInfo(msgspec.Struct, frozen=True):
    symbols: list[_Symbol]


@dataclass(frozen=True, slots=True)
class BinanceMarket:
    """One of Binance's markets.

    Attributes
    ----------
    venue : str
        Its name in instrument ids.
    ws_url, rest_url : str
        Where it is reached unless overridden.
    stream_path, rest_path : str
        What stands before the stream's and the endpoint's name.
    weight_limit, page_weight, info_weight : int
        A minute's allowance, and what a page of trades and the exchange information cost.
    by_hours : bool
        A search by time must end within an hour.
    one_symbol : bool
        The exchange information can be asked for one symbol.
    """

    venue: str
    ws_url: str
    rest_url: str
    stream_path: str
    rest_path: str
    weight_limit: int
    page_weight: int
    info_weight: int
    by_hours: bool
    one_symbol: bool


SPOT = BinanceMarket(
    "binance", "wss://data-stream.binance.vision", "https://data-api.binance.vision", "/ws", "/api/v3", 6000, 4, 20, False, True
)
USDM = BinanceMarket(
    "binance-usdm", "wss://fstream.binance.com", "https://fapi.binance.com", "/market/ws", "/fapi/v1", 2400, 20, 1, True, False
)


async def fetch_instrument(rest: Rest, market: BinanceMarket, symbol: str) -> Instrument:
    """Tick and lot size of a symbol, from the exchange information.

    Raises
    ------
    VenueRefusedError
        If there is no such symbol, or it is not traded at present.
    FeedError
        As `Rest.get`.
    """
    params = {"symbol": symbol} if market.one_symbol else {}
    info = await rest.get(f"{market.rest_path}/exchangeInfo", params, _ExchangeInfo, weight=market.info_weight)
    found = next((entry for entry in info.symbols if entry.symbol == symbol), None)
    if found is None:
        raise VenueRefusedError(f"{market.venue} knows no symbol {symbol}")
    if found.status != "TRADING":
        raise VenueRefusedError(f"{market.venue}:{symbol} is not traded at present (status {found.status})")
    tick = next((f.tickSize for f in found.filters if f.filterType == "PRICE_FILTER"), "")
    lot = next((f.stepSize for f in found.filters if f.filterType == "LOT_SIZE"), "")
    return Instrument(market.venue, symbol, parse_step(tick, f"{symbol} tick size"), parse_step(lot, f"{symbol} lot size"))


class Decoder:
    """Messages of a stream to trades, many at a time.

    Attributes
    ----------
    rejected : int
        Messages that are no JSON, or not of the documented shape, or have an impossible price or quantity.
    empty : int
        Trades of no quantity, which are left out.
    shutdown : bool
        The venue has announced that it will close the line.
    """

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.rejected = self.empty = 0
        self.shutdown = False
        self._many = msgspec.json.Decoder(list[_Update])
        self._one = msgspec.json.Decoder(_Update)
        self._any = msgspec.json.Decoder(_Event)
        self._reported_at = -60.0

    def decode(self, frames: list[bytes]) -> TradeBatch:
        """The trades in these messages; a bad one is counted and put aside, the others are kept."""
        try:
            # one call for all of them: the array costs a fraction of decoding each by itself
            return self._batch(self._many.decode(b"[" + b",".join(frames) + b"]"))
        except (msgspec.DecodeError, UnicodeDecodeError, OffGridError):
            return concatenate(self._by_itself(frame) for frame in frames)

    def _by_itself(self, frame: bytes) -> TradeBatch:
        try:
            return self._batch([self._one.decode(frame)])
        except (msgspec.DecodeError, UnicodeDecodeError, OffGridError, RecursionError) as error:
            return self._other(frame, error)

    def _other(self, frame: bytes, error: Exception) -> TradeBatch:
        """A message that is no trade: another event of the venue, an acknowledgement, or rubbish."""
        try:
            event = self._any.decode(frame).e
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            event = ""
        if event == "serverShutdown":
            self.shutdown = True
        elif event in ("", "aggTrade") and not frame.startswith(b'{"result":'):
            self.rejected += 1
            if time.monotonic() - self._reported_at > 10.0:  # rubbish may come by the thousand
                self._reported_at = time.monotonic()
                _log.warning("message put aside", instrument=self.instrument.id, why=str(error), message=frame[:200], so_far=self.rejected)
        return TradeBatch.empty()

    def _batch(self, trades: list[_Update]) -> TradeBatch:
        symbol = self.instrument.symbol
        if any(trade.s != symbol for trade in trades):
            raise OffGridError(f"expected trades of {symbol} alone", index=0, value="")
        batch = batch_of(self.instrument, trades)
        self.empty += len(trades) - len(batch)
        return batch


def batch_of(instrument: Instrument, trades: list[AggregateTrade] | list[_Update]) -> TradeBatch:
    """Decoded trades as columns; those of no quantity are left out.

    Raises
    ------
    OffGridError
        If a price or a quantity is negative, or no multiple of its step.
    """
    price = instrument.grid().ticks([trade.p for trade in trades])
    lots = to_steps([trade.q for trade in trades], instrument.lot_size, "quantity")
    if len(lots) and lots.min() < 0:
        raise OffGridError("quantity: found a negative one", index=int(np.argmin(lots)), value="")
    seller_is_aggressive = np.array([trade.m for trade in trades], bool)
    batch = TradeBatch.of(
        np.array([trade.T for trade in trades], np.int64) * 1_000_000,
        price,
        lots,
        np.where(seller_is_aggressive, SELL, BUY),
        np.array([trade.a for trade in trades], np.int64),
    )
    return batch if lots.all() else batch[lots > 0]


class BinanceFeed:
    """Aggregate trades of one symbol as they happen.

    Parameters
    ----------
    instrument : Instrument
    market : BinanceMarket
    ws_url : str
        Host of the stream.
    history : BinanceHistory
        Asked whether a silent line should be silent.
    patience : Patience
    wall_ns : callable
        Our clock.
    """

    def __init__(
        self,
        instrument: Instrument,
        market: BinanceMarket,
        ws_url: str,
        history: BinanceHistory,
        patience: Patience | None = None,
        *,
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.instrument = instrument
        self._history, self._wall_ns = history, wall_ns
        self._connection = Connection(
            f"{ws_url}{market.stream_path}/{instrument.symbol.lower()}@aggTrade", probe=self._missed_any, patience=patience
        )
        self._decoder = Decoder(instrument)
        self._last_id = -1
        self._last_trade_ns = self._received_at_ns = 0
        self._messages = self._trades = 0

    @property
    def status(self) -> FeedStatus:
        """Where the feed stands at this moment."""
        line = self._connection.status
        state, reason = line.state, line.reason
        if state is FeedState.LIVE and self._connection.queue_age_s > _LAGGING_S:
            state, reason = FeedState.LAGGING, f"{self._connection.queue_age_s:.1f} s behind the stream"
        elif state is FeedState.LIVE and self._connection.silent_s > self._connection.patience.silent_after / 2:
            state, reason = FeedState.STALE, f"no trade for {self._connection.silent_s:.0f} s"
        return FeedStatus(
            state,
            reason,
            line.retry_at_s,
            self._last_trade_ns,
            self._received_at_ns,
            self._messages,
            self._trades,
            self._decoder.rejected,
            line.connects,
        )

    async def batches(self) -> AsyncIterator[TradeBatch]:
        """All trades that were waiting, at most once a frame; ends when closed, or when the venue refuses."""
        try:
            async for frames in self._connection.frames():
                self._messages += len(frames)
                batch = self._decoder.decode(frames)
                if self._decoder.shutdown:
                    self._decoder.shutdown = False
                    self._connection.renew()
                if not len(batch):
                    continue
                self._connection.heard_data()
                self._trades += len(batch)
                self._received_at_ns = self._wall_ns()
                self._last_trade_ns = max(self._last_trade_ns, int(batch.time_ns.max()))
                self._last_id = max(self._last_id, int(batch.trade_id.max()))
                yield batch
        except VenueRefusedError as error:
            _log.warning("the venue refuses", instrument=self.instrument.id, reason=error.detail)

    async def aclose(self) -> None:
        """Close the line; `batches` ends."""
        self._connection.close()
        await self._history.aclose()

    async def _missed_any(self) -> bool:
        return await self._history.newest_id() > self._last_id


class BinanceHistory:
    """Aggregate trades of the past, by id.

    Parameters
    ----------
    instrument : Instrument
    market : BinanceMarket
    rest : Rest
    wall_ns : callable
        Our clock; only for how far a search by time has to go.
    """

    def __init__(self, instrument: Instrument, market: BinanceMarket, rest: Rest, *, wall_ns: Callable[[], int] = time.time_ns) -> None:
        self.instrument, self._market, self._rest, self._wall_ns = instrument, market, rest, wall_ns

    async def newest_id(self) -> int:
        """Id of the newest trade; -1 when there is none."""
        page = await self._page({"limit": 1})
        return page[-1].a if page else -1

    async def between(self, first_id: int, last_id: int) -> AsyncIterator[TradeBatch]:
        """The trades with ids from `first_id` to `last_id`, as far as the venue has them, in pages."""
        fruitless = 0
        while first_id <= last_id:
            limit = min(_PAGE, last_id - first_id + 1)
            page = await self._page({"fromId": first_id, "limit": limit})
            wanted = [trade for trade in page if first_id <= trade.a <= last_id]
            if wanted:
                fruitless = 0
                first_id = wanted[-1].a + 1
                yield self._batch(wanted)
            elif page and page[0].a > last_id:
                return  # the venue goes on behind the hole: it has nothing in it
            else:
                fruitless += 1
                if fruitless == _TRIES:
                    return
        return

    async def since(self, start_ns: int, before_id: int | None = None) -> AsyncIterator[TradeBatch]:
        """The trades from `start_ns` on, up to but without `before_id`, or up to now, in pages."""
        page = await self._first_page(-(-start_ns // 1_000_000))
        while page:
            wanted = page if before_id is None else [trade for trade in page if trade.a < before_id]
            if not wanted:
                return
            yield self._batch(wanted)
            next_id = wanted[-1].a + 1
            if next_id == before_id or (before_id is None and len(page) < _PAGE):
                return
            last_id = next_id + _PAGE - 1 if before_id is None else before_id - 1
            page = await self._advancing_page(next_id, last_id)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._rest.aclose()

    async def _advancing_page(self, first_id: int, last_id: int) -> list[AggregateTrade]:
        """The page that begins at `first_id`; a page that does not advance is asked for three times.

        Raises
        ------
        DecodeError
            If the venue keeps answering with other trades than those asked for.
        """
        for _ in range(_TRIES):
            page = await self._page({"fromId": first_id, "limit": min(_PAGE, last_id - first_id + 1)})
            ahead = [trade for trade in page if trade.a >= first_id]
            if ahead or not page:
                return ahead
        raise DecodeError(f"{self._market.venue} keeps sending trades before id {first_id}")

    async def _first_page(self, start_ms: int) -> list[AggregateTrade]:
        if not self._market.by_hours:
            return await self._page({"startTime": start_ms, "limit": _PAGE})
        now_ms = self._wall_ns() // 1_000_000
        while start_ms <= now_ms:
            page = await self._page({"startTime": start_ms, "endTime": start_ms + _HOUR_MS - 1, "limit": _PAGE})
            if page:
                return page
            start_ms += _HOUR_MS
        return []

    async def _page(self, params: dict[str, int]) -> list[AggregateTrade]:
        query: dict[str, str | int] = {"symbol": self.instrument.symbol, **params}
        page = await self._rest.get(f"{self._market.rest_path}/aggTrades", query, list[AggregateTrade], weight=self._market.page_weight)
        page.sort(key=lambda trade: trade.a)
        return page

    def _batch(self, page: list[AggregateTrade]) -> TradeBatch:
        try:
            return batch_of(self.instrument, page)
        except OffGridError as error:
            raise DecodeError(f"{self._market.venue}: {error.user_message}") from error


def opener(market: BinanceMarket) -> Callable[[str, Settings], Awaitable[Market]]:
    """What opens a symbol of one of Binance's markets."""

    async def open_symbol(symbol: str, settings: Settings) -> Market:
        hosts = settings.hosts(market.venue)
        rest = Rest(hosts.rest_url or market.rest_url, weight_limit=market.weight_limit)
        try:
            instrument = await fetch_instrument(rest, market, symbol.upper())
        except BaseException:
            await rest.aclose()
            raise
        history = BinanceHistory(instrument, market, rest)
        patience = Patience(silent_after=settings.data.stale_after_s)
        feed = BinanceFeed(instrument, market, hosts.ws_url or market.ws_url, history, patience)
        return Market(instrument, feed, history, round(settings.data.history_hours * 3_600e9))

    return open_symbol
