"""Bybit's public trades: messages, REST answers, and conversion to columns.

A message of the stream (https://bybit-exchange.github.io/docs/v5/websocket/public/trade):

    {"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1672304486868,"data":[{"T":1672304486865,"s":"BTCUSDT",
     "S":"Buy","v":"0.001","p":"16578.50","L":"PlusTick","i":"20f43950-d8dd-5b31-9112-a178eb6023af","BT":false,
     "RPI":false,"seq":1783284617}]}

`type` is always "snapshot", yet each message has only new trades, oldest first, up to 1,024 of them. `S` is the taker's side. `i`
identifies a trade and has no order. `BT` marks block trades, agreed elsewhere and reported here: they are traded volume like any
other, and are counted.

A trade by REST (https://bybit-exchange.github.io/docs/v5/market/recent-trade) has the same under other names, newest first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Generic, Literal, TypeVar

import msgspec
import numpy as np
from msgspec import Meta

from app.errors import VenueRefusedError, VenueUnreachableError
from app.market.arrays import Int64Array
from app.market.instrument import Instrument
from app.market.trade import BUY, SELL, TradeBatch
from feeds.network.websocket_session import KeepAlive, Subscription
from feeds.stable_id import stable_id
from feeds.venues.decoder import UNREADABLE, Decoder, Ms, NonTradeMessage, columns, require_symbol

PING = KeepAlive('{"op":"ping"}', 20.0)
"""Recommended by the venue; without it a quiet connection is closed after ten minutes."""

T = TypeVar("T")

_Id = Annotated[str, Meta(min_length=1, max_length=64)]
_LASTING = ("not found", "invalid", "not support", "params error")
"""Words in the texts of errors that a retry cannot help."""


class PublicTrade(msgspec.Struct, frozen=True, gc=False):
    """The fields that we use of a trade in the stream."""

    T: Ms
    s: str
    S: Literal["Buy", "Sell"]
    v: str
    p: str
    i: _Id
    BT: bool = False


class _Message(msgspec.Struct, Generic[T], frozen=True):
    topic: str
    data: list[T]


class _Operation(msgspec.Struct, frozen=True):
    """A reply to a subscription or a ping."""

    op: str
    success: bool = True
    ret_msg: str = ""


class _Topic(msgspec.Struct, frozen=True):
    topic: str


class RecentTrade(msgspec.Struct, frozen=True):
    """The fields that we use of a trade in a REST answer."""

    execId: _Id  # noqa: N815
    symbol: str
    price: str
    size: str
    side: Literal["Buy", "Sell"]
    time: Ms


_OPERATION = msgspec.json.Decoder(_Operation)
_TOPIC = msgspec.json.Decoder(_Topic)


class StreamDecoder(Decoder[PublicTrade]):
    """A decoder for the trade stream of one Bybit symbol, which also counts block trades.

    Attributes
    ----------
    block_trades : int
        Number of block trades among the decoded ones.
    """

    def __init__(self, instrument: Instrument) -> None:
        super().__init__(instrument, PublicTrade, self._batch_and_count, _talk_of, message=_Message)
        self.block_trades = 0

    def _batch_and_count(self, instrument: Instrument, trades: Sequence[PublicTrade]) -> TradeBatch:
        require_symbol(instrument, {trade.s for trade in trades})
        batch = columns(
            instrument,
            np.array([trade.T for trade in trades], np.int64) * 1_000_000,
            [trade.p for trade in trades],
            [trade.v for trade in trades],
            _sides([trade.S for trade in trades]),
            np.array([stable_id(trade.i) for trade in trades], np.int64),
        )
        self.block_trades += sum(trade.BT for trade in trades)
        return batch


def greeting(symbol: str) -> Subscription:
    """The subscription to the trades of one Bybit symbol."""
    topic = f"publicTrade.{symbol}"
    message = msgspec.json.encode({"op": "subscribe", "args": [topic], "req_id": topic}).decode()
    return Subscription((message,), _accepted)


def batch_of_page(instrument: Instrument, trades: Sequence[RecentTrade]) -> TradeBatch:
    """Convert a page of the newest trades, sent newest first, to columns in time order.

    Raises
    ------
    OffGridError
        See `columns`; also if a trade is of another symbol.
    """
    trades = trades[::-1]
    require_symbol(instrument, {trade.symbol for trade in trades})
    batch = columns(
        instrument,
        np.array([trade.time for trade in trades], np.int64) * 1_000_000,
        [trade.price for trade in trades],
        [trade.size for trade in trades],
        _sides([trade.side for trade in trades]),
        np.array([stable_id(trade.execId) for trade in trades], np.int64),
    )
    return batch[np.argsort(batch.time_ns, kind="stable")]


def _sides(names: list[str]) -> Int64Array:
    return np.where(np.array(names, "U4") == "Buy", BUY, SELL)


def _accepted(frame: bytes) -> bool:
    try:
        answer = _OPERATION.decode(frame)
    except UNREADABLE:
        return False
    if answer.op != "subscribe":
        return False
    if answer.success:
        return True
    words = f"Bybit: {answer.ret_msg[:200]}"
    if any(lasting in answer.ret_msg.lower() for lasting in _LASTING):
        raise VenueRefusedError(words)
    raise VenueUnreachableError(words)


def _talk_of(frame: bytes) -> NonTradeMessage:
    """The kind of a message that is not decoded as trades; replies to requests are recognized by their field `op`."""
    for decoder in (_OPERATION, _TOPIC):
        try:
            known = decoder.decode(frame)
        except UNREADABLE:
            continue
        ours = isinstance(known, _Topic) and known.topic.startswith("publicTrade.")
        return NonTradeMessage.BAD if ours else NonTradeMessage.IGNORED
    return NonTradeMessage.BAD
