"""Kraken's trades (WebSocket v2): messages, and conversion to columns.

A message of the stream, as Kraken documents it (https://docs.kraken.com/api/docs/websocket-v2/trade):

    {"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy","price":105944.20,"qty":0.00027625,
     "ord_type":"limit","trade_id":10218208,"timestamp":"2023-10-06T17:35:55.440295Z"}]}

`side` is the taker's. `trade_id` grows by one within a book. Prices and quantities are JSON numbers; they are read from their text as
decimals, never as binary fractions.

A page of history is a list of lists: price, quantity, seconds since 1970, side (b, s), order type, and so on, id last:

    ["105433.60000","0.00027625",1762795433.9717445,"b","l","",10218208]

Its times have seven decimal places, the stream's six: the times of one trade may differ by less than a microsecond.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Generic, Literal, TypeVar

import msgspec
import numpy as np

from app.errors import VenueRefusedError, VenueUnreachableError
from app.market.decimals import to_steps
from app.market.instrument import Instrument
from app.market.trade import BUY, SELL, TradeBatch
from feeds.network.websocket_session import Subscription
from feeds.venues.decoder import UNREADABLE, Decoder, NonTradeMessage, TradeId, columns, require_symbol
from feeds.venues.rfc3339 import require_trade_times, rfc3339_ns

T = TypeVar("T")

_NANOSECOND = Decimal("1e-9")


class Trade(msgspec.Struct, frozen=True, gc=False):
    """The fields that we use of a trade in the stream."""

    symbol: str
    side: Literal["buy", "sell"]
    price: msgspec.Raw
    qty: msgspec.Raw
    trade_id: TradeId
    timestamp: str


class Message(msgspec.Struct, Generic[T], frozen=True):
    """A stream message with trades, oldest first."""

    channel: Literal["trade"]
    type: Literal["snapshot", "update"]
    data: list[T]


class HistoryTrade(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A trade in a page of Kraken's trade history."""

    price: str
    volume: str
    time: msgspec.Raw
    side: Literal["b", "s"]
    order_type: str
    misc: str
    trade_id: TradeId


class Answer(msgspec.Struct, frozen=True):
    """The field common to all REST answers of Kraken, whose errors come with HTTP 200."""

    error: list[str]


class TradesAnswer(Answer, frozen=True):
    """A page of trade history: `result` has the trades under the pair's name, and under `last` the time where the next page begins."""

    result: dict[str, list[msgspec.Raw] | str] = {}

    @property
    def trades(self) -> list[msgspec.Raw]:
        """The trades of the page as sent, oldest first, not decoded."""
        nothing: list[msgspec.Raw] = []
        return next((value for name, value in self.result.items() if name != "last" and not isinstance(value, str)), nothing)


class _Result(msgspec.Struct, frozen=True):
    channel: str = ""
    symbol: str = ""


class _Talk(msgspec.Struct, frozen=True):
    """The fields that we use of a message from a channel or a reply to a request."""

    channel: str = ""
    method: str = ""
    success: bool | None = None
    error: str = ""
    result: _Result = _Result()


_talk = msgspec.json.Decoder(_Talk)


def pair_of(symbol: str) -> str:
    """Kraken's name of a pair in its stream: `BTC/USD` for our `BTC-USD`.

    Our names can be part of a file name.
    """
    return symbol.replace("-", "/")


def decoder(instrument: Instrument, saw: Callable[[TradeBatch], None] = lambda batch: None) -> Decoder[Trade]:
    """A decoder for the trade stream of one Kraken pair, which also passes each batch of trades to `saw`."""

    def shown(instrument: Instrument, trades: Sequence[Trade]) -> TradeBatch:
        batch = _live(instrument, trades)
        saw(batch)
        return batch

    return Decoder(instrument, Trade, shown, _talk_of, message=Message)


def greeting(symbol: str) -> Subscription:
    """The subscription to one pair's trades, without a snapshot of earlier trades."""
    pair = pair_of(symbol)

    def accepted(frame: bytes) -> bool:
        try:
            talk = _talk.decode(frame)
        except UNREADABLE:
            return False
        if talk.error or talk.success is False:
            words = talk.error[:200] or "the subscription was refused"
            kind = VenueRefusedError if pair in words else VenueUnreachableError  # other errors are temporary
            raise kind(f"kraken:{symbol}: {words}", detail=frame[:300].decode(errors="replace"))
        return bool(talk.success) and talk.method == "subscribe" and (talk.result.channel, talk.result.symbol) == ("trade", pair)

    wanted = {"method": "subscribe", "params": {"channel": "trade", "symbol": [pair], "snapshot": False}}
    return Subscription((msgspec.json.encode(wanted).decode(),), accepted)


def history_batch(instrument: Instrument, trades: Sequence[HistoryTrade]) -> TradeBatch:
    """Convert a page of history to columns in the same order, without trades of zero quantity.

    Raises
    ------
    OffGridError
        If a price or a quantity is negative or not a multiple of the tick or lot size, or a time is invalid.
    """
    return columns(
        instrument,
        require_trade_times(to_steps([_text(trade.time) for trade in trades], _NANOSECOND, "time")),
        [trade.price for trade in trades],
        [trade.volume for trade in trades],
        np.where(np.array([trade.side == "b" for trade in trades], bool), BUY, SELL),
        np.array([trade.trade_id for trade in trades], np.int64),
    )


def _live(instrument: Instrument, trades: Sequence[Trade]) -> TradeBatch:
    require_symbol(instrument, {symbol.replace("/", "-") for symbol in {trade.symbol for trade in trades}})
    return columns(
        instrument,
        rfc3339_ns([trade.timestamp for trade in trades]),
        [_text(trade.price) for trade in trades],
        [_text(trade.qty) for trade in trades],
        np.where(np.array([trade.side == "buy" for trade in trades], bool), BUY, SELL),
        np.array([trade.trade_id for trade in trades], np.int64),
    )


def _text(number: msgspec.Raw) -> str:
    return bytes(number).decode(errors="replace")  # text that is not UTF-8 is not a number either, and is rejected as such


def _talk_of(frame: bytes) -> NonTradeMessage:
    try:
        talk = _talk.decode(frame)
    except UNREADABLE:
        return NonTradeMessage.BAD
    if talk.error or talk.channel == "trade" or not (talk.channel or talk.method):
        return NonTradeMessage.BAD
    return NonTradeMessage.IGNORED
