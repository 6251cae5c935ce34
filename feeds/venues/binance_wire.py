"""Binance's aggregate trades as they come over the wire, and as columns.

A message of the stream, as Binance documents it
(https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams):

    {"e":"aggTrade","E":1672515782136,"s":"BNBBTC","a":12345,"p":"0.001","q":"100","f":100,"l":105,
     "T":1672515782136,"m":true,"M":true}

`m` true says that the buyer was the maker: the seller was aggressive. Futures have further fields, a page of
the past has the same without `e`, `E` and `s`; fields that we do not use are skipped, whatever they are.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

import msgspec
import numpy as np
import structlog
from msgspec import Meta

from app.errors import OffGridError
from app.market.decimals import to_steps
from app.market.instrument import Instrument
from app.market.trade import BUY, SELL, TradeBatch, concatenate

_log = structlog.get_logger(__name__)

_REPORT_EVERY_S = 10.0
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


class Update(AggregateTrade, frozen=True, gc=False):
    """An aggregate trade in a stream."""

    e: Literal["aggTrade"]
    s: str


class Decoder:
    """Messages of a stream to trades, many at a time.

    Attributes
    ----------
    rejected : int
        Messages that are no JSON, or not of the documented shape, or have an impossible price or quantity.
    ignored : int
        Acknowledgements, and events that are none of ours.
    empty : int
        Trades of no quantity, which are left out.
    shutdown : bool
        The venue has announced that it will close the line.
    """

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.rejected = self.ignored = self.empty = 0
        self.shutdown = False
        self._many = msgspec.json.Decoder(list[Update])
        self._one = msgspec.json.Decoder(Update)
        self._any = msgspec.json.Decoder(_Event)
        self._reported_at = -float("inf")

    def decode(self, frames: list[bytes]) -> TradeBatch:
        """The trades in these messages; a bad one is counted and put aside, the others are kept."""
        try:
            # one call for all of them: the array costs a fraction of decoding each by itself
            trades = self._many.decode(b"[" + b",".join(frames) + b"]")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            trades = []
        if len(trades) != len(frames):  # something else is among them, or in one of them
            trades = [trade for frame in frames if (trade := self._one_of(frame)) is not None]
        return concatenate(self._batches(trades)) if trades else TradeBatch.empty()

    def _one_of(self, frame: bytes) -> Update | None:
        try:
            return self._one.decode(frame)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self._other(frame, error)
            return None

    def _batches(self, trades: list[Update]) -> Iterator[TradeBatch]:
        """The trades as one batch, or where some are impossible as several without them."""
        try:
            batch = self._batch(trades)
        except OffGridError as error:
            if len(trades) == 1:
                self._reject(error, msgspec.json.encode(trades[0]))
                return
            half = len(trades) // 2  # a bad one among n costs log n conversions, not n
            yield from self._batches(trades[:half])
            yield from self._batches(trades[half:])
        else:
            self.empty += len(trades) - len(batch)
            yield batch

    def _batch(self, trades: list[Update]) -> TradeBatch:
        symbol = self.instrument.symbol
        if {trade.s for trade in trades} - {symbol}:
            raise OffGridError(f"expected trades of {symbol} alone", index=0, value="")
        return batch_of(self.instrument, trades)

    def _other(self, frame: bytes, error: Exception) -> None:
        """A message that is no trade: another event of the venue, an acknowledgement, or rubbish."""
        try:
            event = self._any.decode(frame).e
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            event = ""
        if event == "serverShutdown":
            self.shutdown = True
        elif event in ("", "aggTrade") and not frame.startswith(b'{"result":'):
            self._reject(error, frame)
        else:
            self.ignored += 1

    def _reject(self, error: Exception, frame: bytes) -> None:
        self.rejected += 1
        if time.monotonic() - self._reported_at > _REPORT_EVERY_S:  # rubbish may come by the thousand
            self._reported_at = time.monotonic()
            _log.warning("message put aside", instrument=self.instrument.id, why=str(error), message=frame[:200], so_far=self.rejected)


def batch_of(instrument: Instrument, trades: Sequence[AggregateTrade]) -> TradeBatch:
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
