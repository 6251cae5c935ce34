"""Binance's aggregate trades: the venue's messages, and their conversion to columns.

A message of the stream, as Binance documents it
(https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams):

    {"e":"aggTrade","E":1672515782136,"s":"BNBBTC","a":12345,"p":"0.001","q":"100","f":100,"l":105,
     "T":1672515782136,"m":true,"M":true}

`m` true means that the buyer was the maker, so the seller was the aggressor. Futures have further fields, a page of history has the
same without `e`, `E` and `s`; fields that we do not use are skipped, whatever they contain.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np

from app.market.instrument import Instrument
from app.market.trade import BUY, SELL, TradeBatch
from feeds.venues.decoder import UNREADABLE, Decoder, Ms, NonTradeMessage, TradeId, columns, require_symbol


class AggregateTrade(msgspec.Struct, frozen=True, gc=False):
    """The fields that we use of an aggregate trade, as in a page of history."""

    a: TradeId
    p: str
    q: str
    T: Ms
    m: bool


class _Event(msgspec.Struct, frozen=True, gc=False):
    """The field common to all stream messages; `e` is the type."""

    e: str


_ANY_EVENT = msgspec.json.Decoder(_Event)


class Update(AggregateTrade, frozen=True, gc=False):
    """An aggregate trade in Binance's stream."""

    e: Literal["aggTrade"]
    s: str


def stream_decoder(instrument: Instrument) -> Decoder[Update]:
    """A decoder for the aggregate trade stream of one Binance symbol."""
    return Decoder(instrument, Update, _stream_batch, _talk_of)


def batch_of(instrument: Instrument, trades: Sequence[AggregateTrade]) -> TradeBatch:
    """Convert decoded trades to columns, without trades of zero quantity.

    Raises
    ------
    OffGridError
        If a price or a quantity is negative, or not a multiple of the tick or lot size.
    """
    seller_is_aggressive = np.array([trade.m for trade in trades], bool)
    return columns(
        instrument,
        np.array([trade.T for trade in trades], np.int64) * 1_000_000,
        [trade.p for trade in trades],
        [trade.q for trade in trades],
        np.where(seller_is_aggressive, SELL, BUY),
        np.array([trade.a for trade in trades], np.int64),
    )


def _stream_batch(instrument: Instrument, trades: Sequence[Update]) -> TradeBatch:
    require_symbol(instrument, {trade.s for trade in trades})
    return batch_of(instrument, trades)


def _talk_of(frame: bytes) -> NonTradeMessage:
    try:
        event = _ANY_EVENT.decode(frame).e
    except UNREADABLE:
        event = ""
    if event == "serverShutdown":
        return NonTradeMessage.SHUTDOWN
    return NonTradeMessage.BAD if event in ("", "aggTrade") and not frame.startswith(b'{"result":') else NonTradeMessage.IGNORED
