"""OKX's trades: messages, REST answers, and conversion to columns.

A message of the channel `trades-all` (https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-all-trades-channel):

    {"arg":{"channel":"trades-all","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":"674510826","px":"95634.9",
     "sz":"0.00011186","side":"buy","source":"0","ts":"1740394561685"}]}

One trade each, with an id that grows by one; the channel `trades` combines several of one taker order and would leave gaps in the ids.
`side` is the taker's. `sz` of a swap is in contracts. All numbers are text. A trade by REST
(https://www.okx.com/docs-v5/en/#order-book-trading-market-data-get-trades-history) has the same fields.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Generic, Literal, TypeVar

import msgspec
import numpy as np

from app.errors import VenueRefusedError, VenueUnreachableError
from app.market.instrument import Instrument
from app.market.trade import BUY, SELL, TradeBatch
from feeds.network.shared_sockets import Sharing
from feeds.network.websocket_session import KeepAlive, Subscription
from feeds.venues.decoder import UNREADABLE, Decoder, Ms, NonTradeMessage, TradeId, columns, require_symbol

PING = KeepAlive("ping", 20.0)
"""The venue closes a connection without messages for 30 s; the answer is the bare word `pong`."""

T = TypeVar("T")

_LASTING = {"60012", "60013", "60018"}
"""Codes for an invalid request, invalid arguments, and an unknown channel or instrument."""
_CLOSING = "64008"
"""Code of the notice that the connection will be closed for an upgrade in half a minute."""


class Trade(msgspec.Struct, frozen=True, gc=False):
    """The fields that we use of an OKX trade."""

    instId: str  # noqa: N815
    tradeId: TradeId  # noqa: N815
    px: str
    sz: str
    side: Literal["buy", "sell"]
    ts: Ms


class _Message(msgspec.Struct, Generic[T], frozen=True):
    data: list[T]


class _Event(msgspec.Struct, frozen=True):
    event: str
    code: str = ""
    msg: str = ""


class _Channel(msgspec.Struct, frozen=True):
    channel: str
    instId: str = ""  # noqa: N815


class _Push(msgspec.Struct, frozen=True):
    arg: _Channel


_EVENT = msgspec.json.Decoder(_Event)
_PUSH = msgspec.json.Decoder(_Push)


def stream_decoder(instrument: Instrument) -> Decoder[Trade]:
    """A decoder for the trade stream of one OKX instrument."""
    return Decoder(instrument, Trade, batch_of, _talk_of, message=_Message, strict=False)


def greeting(symbol: str) -> Subscription:
    """The subscription to every trade of one OKX instrument; refusals of other instruments on the same socket are ignored."""

    def accepted(frame: bytes) -> bool:
        try:
            answer = _EVENT.decode(frame)
        except UNREADABLE:
            return False
        if answer.event == "error" and ("instId:" not in answer.msg or _named(symbol, answer.msg)):
            error = VenueRefusedError if answer.code in _LASTING else VenueUnreachableError
            raise error(f"OKX: {answer.msg[:200]} (code {answer.code})")
        return answer.event == "subscribe"

    return Subscription((_request("subscribe", symbol),), accepted)


def market_of(frame: bytes) -> str | None:
    """The instrument of a message of trades, or of the answer to its subscription; None for any other message."""
    try:
        return _PUSH.decode(frame).arg.instId or None
    except UNREADABLE:
        return None


def sharing(symbol: str) -> Sharing:
    """The settings for one instrument on a socket shared with other instruments.

    The venue allows 480 subscriptions an hour on each socket, and does not limit the number of sockets.
    """
    return Sharing(symbol, market_of, (_request("unsubscribe", symbol),), per_socket=50, sockets=100)


def _request(operation: str, symbol: str) -> str:
    return msgspec.json.encode({"op": operation, "args": [{"channel": "trades-all", "instId": symbol}]}).decode()


def _named(symbol: str, words: str) -> bool:
    return re.search(rf"instId:{re.escape(symbol)}(?![\w-])", words) is not None


def batch_of(instrument: Instrument, trades: Sequence[Trade]) -> TradeBatch:
    """Convert decoded trades to columns, without trades of zero quantity.

    Raises
    ------
    OffGridError
        See `columns`; also if a trade is of another instrument.
    """
    require_symbol(instrument, {trade.instId for trade in trades})
    return columns(
        instrument,
        np.array([trade.ts for trade in trades], np.int64) * 1_000_000,
        [trade.px for trade in trades],
        [trade.sz for trade in trades],
        np.where(np.array([trade.side for trade in trades], "U4") == "buy", BUY, SELL),
        np.array([trade.tradeId for trade in trades], np.int64),
    )


def _talk_of(frame: bytes) -> NonTradeMessage:
    """The kind of a message that is not decoded as trades; replies and notices are recognized by their field `event`.

    Messages of other channels are ignored.
    """
    if frame == b"pong":
        return NonTradeMessage.IGNORED
    try:
        return NonTradeMessage.SHUTDOWN if _EVENT.decode(frame).code == _CLOSING else NonTradeMessage.IGNORED
    except UNREADABLE:
        pass
    try:
        return NonTradeMessage.BAD if _PUSH.decode(frame).arg.channel.startswith("trades") else NonTradeMessage.IGNORED
    except UNREADABLE:
        return NonTradeMessage.BAD
