"""Coinbase's trades ("matches"): messages, and conversion to columns.

A message of the Exchange feed, as it was recorded (https://docs.cdp.coinbase.com/exchange/websocket-feed/channels):

    {"type":"last_match","trade_id":881613,"maker_order_id":"27fff20b-af29-4f45-8744-56dd1ef57dc0",
     "taker_order_id":"1da6ce16-c8da-4732-9f71-6049f4c6aaf8","side":"sell","size":"0.04","price":"14.7775",
     "product_id":"BAND-GBP","sequence":333938798,"time":"2021-04-17T16:43:30.244075Z"}

`side` is the side of the order in the book, the maker's: "sell" means that the buyer was the aggressor. `trade_id` grows by one
within a product. A `match` is a new trade; the one `last_match` after subscribing is the newest before it, and may come ahead of the
acknowledgement. A page of history has the same fields without `type` and `product_id`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np

from app.errors import VenueRefusedError, VenueUnreachableError
from app.market.instrument import Instrument
from app.market.trade import BUY, SELL, TradeBatch
from feeds.network.websocket_session import Subscription
from feeds.venues.decoder import UNREADABLE, Decoder, NonTradeMessage, TradeId, columns, require_symbol
from feeds.venues.rfc3339 import rfc3339_ns


class Trade(msgspec.Struct, frozen=True, gc=False):
    """The fields that we use of a trade, as in a page of history."""

    trade_id: TradeId
    side: Literal["buy", "sell"]
    size: str
    price: str
    time: str


class Match(Trade, frozen=True, gc=False):
    """A trade in Coinbase's stream."""

    type: Literal["match", "last_match"]
    product_id: str


class _Channel(msgspec.Struct, frozen=True):
    name: str
    product_ids: list[str] = []


class _Talk(msgspec.Struct, frozen=True):
    """The fields that we use of a stream message that may be an acknowledgement or an error."""

    type: str
    channels: list[_Channel] = []
    message: str = ""
    reason: str = ""


_talk = msgspec.json.Decoder(_Talk)


def decoder(instrument: Instrument) -> Decoder[Match]:
    """A decoder for the trade stream of one Coinbase product."""
    return Decoder(instrument, Match, _matches, _talk_of)


def greeting(product: str) -> Subscription:
    """The subscription to the trades of one product, which Coinbase calls matches."""

    def accepted(frame: bytes) -> bool:
        try:
            talk = _talk.decode(frame)
        except UNREADABLE:
            return False
        if talk.type == "error":
            words = (talk.reason or talk.message)[:200]
            kind = VenueRefusedError if product in words else VenueUnreachableError  # other errors are temporary
            raise kind(f"coinbase:{product}: {words}", detail=frame[:300].decode(errors="replace"))
        return talk.type == "subscriptions" and any(c.name == "matches" and product in c.product_ids for c in talk.channels)

    wanted = {"type": "subscribe", "product_ids": [product], "channels": ["matches"]}
    return Subscription((msgspec.json.encode(wanted).decode(),), accepted)


def batch_of(instrument: Instrument, trades: Sequence[Trade]) -> TradeBatch:
    """Convert decoded trades to columns in the same order, without trades of zero quantity.

    Raises
    ------
    OffGridError
        If a price or a quantity is negative or not a multiple of the tick or lot size, or a time is invalid.
    """
    maker_sold = np.array([trade.side == "sell" for trade in trades], bool)
    return columns(
        instrument,
        rfc3339_ns([trade.time for trade in trades]),
        [trade.price for trade in trades],
        [trade.size for trade in trades],
        np.where(maker_sold, BUY, SELL),
        np.array([trade.trade_id for trade in trades], np.int64),
    )


def _matches(instrument: Instrument, matches: Sequence[Match]) -> TradeBatch:
    require_symbol(instrument, {match.product_id for match in matches})
    return batch_of(instrument, matches)


def _talk_of(frame: bytes) -> NonTradeMessage:
    try:
        kind = _talk.decode(frame).type
    except UNREADABLE:
        return NonTradeMessage.BAD
    return NonTradeMessage.BAD if kind in ("match", "last_match", "error") else NonTradeMessage.IGNORED
