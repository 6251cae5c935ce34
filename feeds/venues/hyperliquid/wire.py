"""Hyperliquid's trades: messages, and conversion to columns.

A message of the stream is `{"channel":"trades","data":[…]}` with trades such as this one, recorded from `recentTrades`
(https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/websocket/subscriptions):

    {"coin":"BTC","side":"A","px":"104320.0","sz":"0.01500",
     "hash":"0x0000000000000000000000000000000000000000000000000000000000000003","time":1769916002000,"tid":300003,
     "users":["0xbuyer3","0xseller3"]}

`side` is the aggressor's: B the buyer's (bid), A the seller's (ask). `tid` is a hash of the two orders: it identifies a trade, but
gives no order and no sign of a missing one. The first message after subscribing has old trades. A list may be newest first; then it
is reversed.
"""

from __future__ import annotations

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

T = TypeVar("T")

WELCOME = b"Websocket connection established."
"""Sent as plain text when a connection opens."""

PING = KeepAlive('{"method":"ping"}', 30.0)  # without a message from us for a minute the venue closes the connection


class Trade(msgspec.Struct, frozen=True, gc=False):
    """The fields that we use of a Hyperliquid trade."""

    coin: str
    side: Literal["A", "B"]
    px: str
    sz: str
    time: Ms
    tid: TradeId


class Message(msgspec.Struct, Generic[T], frozen=True):
    """A stream message with trades."""

    channel: Literal["trades"]
    data: list[T]


class _Coin(msgspec.Struct, frozen=True, gc=False):
    coin: str


class _Talk(msgspec.Struct, frozen=True):
    channel: str
    data: msgspec.Raw = msgspec.Raw(b"null")


class _Subscription(msgspec.Struct, frozen=True):
    type: str = ""
    coin: str = ""


class _Answer(msgspec.Struct, frozen=True):
    method: str = ""
    subscription: _Subscription = _Subscription()


_coins = msgspec.json.Decoder(Message[_Coin])
_talk = msgspec.json.Decoder(_Talk)
_answer = msgspec.json.Decoder(_Answer)


def decoder(instrument: Instrument) -> Decoder[Trade]:
    """A decoder for the trade stream of one Hyperliquid coin."""
    return Decoder(instrument, Trade, batch_of, _talk_of, message=Message, trades_of=lambda message: oldest_first(message.data))


def market_of(frame: bytes) -> str | None:
    """The coin of a message with trades; None for any other message."""
    try:
        trades = _coins.decode(frame).data
    except UNREADABLE:
        return None
    return trades[0].coin if trades else None


def sharing(coin: str) -> Sharing:
    """The settings for one coin on a socket shared with other coins.

    The venue allows 10 sockets, 1,000 subscriptions and 2,000 messages a minute for each address.
    """
    return Sharing(coin, market_of, (_request("unsubscribe", coin),), per_socket=250, sockets=4, apart_s=0.04)


def greeting(coin: str) -> Subscription:
    """The subscription to one coin's trades; refusals of other coins on the same socket are ignored."""

    def accepted(frame: bytes) -> bool:
        try:
            talk = _talk.decode(frame)
            if talk.channel == "error":
                words = str(msgspec.json.decode(talk.data))[:200]
                if "Already unsubscribed" in words or ('"coin":' in words and f'"coin":"{coin}"' not in words):
                    return False
                if "Already subscribed" in words:
                    return True
                kind = VenueRefusedError if "Invalid subscription" in words else VenueUnreachableError  # other errors are temporary
                raise kind(f"hyperliquid:{coin}: {words}")
            if talk.channel != "subscriptionResponse":
                return False
            answer = _answer.decode(talk.data)
        except UNREADABLE:
            return False
        return answer.method == "subscribe" and answer.subscription == _Subscription("trades", coin)

    return Subscription((_request("subscribe", coin),), accepted)


def _request(method: str, coin: str) -> str:
    return msgspec.json.encode({"method": method, "subscription": {"type": "trades", "coin": coin}}).decode()


def oldest_first(trades: Sequence[T]) -> Sequence[T]:
    """The trades of a message or page, oldest first: reversed if the first trade is newer than the last.

    Trades that are not decoded yet are returned in the order given.
    """
    if len(trades) < 2:
        return trades
    first, last = trades[0], trades[-1]
    return trades[::-1] if isinstance(first, Trade) and isinstance(last, Trade) and first.time > last.time else trades


def batch_of(instrument: Instrument, trades: Sequence[Trade]) -> TradeBatch:
    """Convert decoded trades to columns in the same order, without trades of zero quantity.

    Raises
    ------
    OffGridError
        If a price or a quantity is negative or not a multiple of the tick or lot size, or a trade is of another coin.
    """
    require_symbol(instrument, {trade.coin for trade in trades})
    return columns(
        instrument,
        np.array([trade.time for trade in trades], np.int64) * 1_000_000,
        [trade.px for trade in trades],
        [trade.sz for trade in trades],
        np.where(np.array([trade.side == "B" for trade in trades], bool), BUY, SELL),
        np.array([trade.tid for trade in trades], np.int64),
    )


def _talk_of(frame: bytes) -> NonTradeMessage:
    if frame.strip() == WELCOME:
        return NonTradeMessage.IGNORED
    try:
        channel = _talk.decode(frame).channel
    except UNREADABLE:
        return NonTradeMessage.BAD
    return NonTradeMessage.BAD if channel in ("trades", "error") else NonTradeMessage.IGNORED
