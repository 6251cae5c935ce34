"""Decoding of stream messages to trades, many messages at once."""

from __future__ import annotations

import enum
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Generic, TypeVar

import msgspec
import numpy as np
import structlog
from msgspec import Meta

from app.errors import DecodeError, OffGridError
from app.market.arrays import Int64Array
from app.market.decimals import to_steps
from app.market.instrument import Instrument
from app.market.trade import TradeBatch, concatenate

_log = structlog.get_logger(__name__)

_REPORT_EVERY_S = 10.0
_FIRST_MS, _LAST_MS = 1_230_768_000_000, 4_102_444_800_000  # 2009 to 2100: anything else is not a trade time

TradeId = Annotated[int, Meta(ge=0, le=2**63 - 1)]
"""A trade id that fits in a column of 64-bit integers."""
Ms = Annotated[int, Meta(ge=_FIRST_MS, lt=_LAST_MS)]
"""A trade time in milliseconds since 1970 UTC, between 2009 and 2100."""
Seconds = Annotated[int, Meta(ge=_FIRST_MS // 1000, lt=_LAST_MS // 1000)]
"""A time in seconds since 1970 UTC, between 2009 and 2100."""

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""All errors that a JSON decoder may raise for bad input."""

T = TypeVar("T")


class NonTradeMessage(enum.Enum):
    """Kinds of messages without trades."""

    IGNORED = "an acknowledgement, a heartbeat, another event of the venue"
    SHUTDOWN = "the venue will close the line"
    BAD = "nothing that the venue documents"


class Decoder(Generic[T]):
    """Decoder for the stream of one market, which decodes many messages at once.

    Parameters
    ----------
    instrument : Instrument
    trade : type
        The msgspec type of one trade as written by the venue.
    batch_of : callable
        Converts trades to columns; raises `OffGridError` if one is impossible or of another market.
    talk_of : callable
        Returns the kind of a message without trades.
    message : generic type, optional
        The msgspec type of a message with several trades: `message[T]`. None if each message is one trade.
    trades_of : callable
        Returns the trades of such a message, in the order of the tape.
    strict : bool
        False if the venue writes whole numbers as text, `"123"`.

    Attributes
    ----------
    rejected : int
        Messages that are not JSON, not of the documented shape, or have an impossible price or quantity; where only some
        trades of a message are bad, these trades.
    ignored : int
        Acknowledgements, and events that we do not use.
    empty : int
        Trades with zero quantity, which are skipped.
    shutdown : bool
        True once the venue has announced that it will close the connection.
    """

    def __init__(
        self,
        instrument: Instrument,
        trade: type[T],
        batch_of: Callable[[Instrument, Sequence[T]], TradeBatch],
        talk_of: Callable[[bytes], NonTradeMessage],
        *,
        message: Any = None,
        trades_of: Callable[[Any], Sequence[Any]] = lambda message: message.data,
        strict: bool = True,
    ) -> None:
        self.instrument = instrument
        self.rejected = self.ignored = self.empty = 0
        self.shutdown = False
        whole = trade if message is None else message[trade]
        many: Any = list[whole]  # chosen at run time, which static types cannot express
        self._many = msgspec.json.Decoder(many, strict=strict)
        self._one = msgspec.json.Decoder(whole, strict=strict)
        self._raw = None if message is None else msgspec.json.Decoder(message[msgspec.Raw])
        self._trade = msgspec.json.Decoder(trade, strict=strict)
        self._batch_of, self._talk_of, self._trades_of = batch_of, talk_of, trades_of
        self._reported_at = -float("inf")

    def decode(self, frames: list[bytes]) -> TradeBatch:
        """The trades in these messages; bad messages are counted and skipped."""
        try:
            # one call for all messages costs a fraction of decoding each by itself
            messages: list[Any] = self._many.decode(b"[" + b",".join(frames) + b"]")
        except UNREADABLE:
            messages = []
        if len(messages) != len(frames):  # one is of another kind, or is not exactly one JSON value
            trades = [trade for frame in frames for trade in self._read(frame)]
        elif self._raw is None:
            trades = messages
        else:
            trades = [trade for message in messages for trade in self._trades_of(message)]
        return concatenate(self._batches(trades)) if trades else TradeBatch.empty()

    def _read(self, frame: bytes) -> Sequence[T]:
        """The valid trades of one message; none if it is of another kind."""
        try:
            message = self._one.decode(frame)
        except UNREADABLE as error:
            return self._saved(frame, error)
        return [message] if self._raw is None else self._trades_of(message)

    def _saved(self, frame: bytes, error: Exception) -> list[T]:
        """The valid trades, if any, of a message that cannot be decoded completely; also updates the counts and `shutdown`."""
        talk = self._talk_of(frame)
        if talk is NonTradeMessage.SHUTDOWN:
            self.shutdown = True
        elif talk is NonTradeMessage.IGNORED:
            self.ignored += 1
        if talk is not NonTradeMessage.BAD:
            return []
        try:
            raws: Sequence[Any] = self._trades_of(self._raw.decode(frame)) if self._raw is not None else []
        except UNREADABLE:
            raws = []
        if not raws:
            self._reject(error, frame)
        trades: list[T] = []
        for raw in raws:
            try:
                trades.append(self._trade.decode(raw))
            except UNREADABLE as why:
                self._reject(why, bytes(raw))
        return trades

    def _batches(self, trades: Sequence[T]) -> Iterator[TradeBatch]:
        """Iterate over the trades in one batch, or in several if some are impossible; impossible trades are counted and skipped."""
        try:
            batch = self._batch_of(self.instrument, trades)
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

    def _reject(self, error: Exception, message: bytes) -> None:
        self.rejected += 1
        if time.monotonic() - self._reported_at > _REPORT_EVERY_S:  # bad messages may come by the thousand
            self._reported_at = time.monotonic()
            why = str(error)[:200]  # it may quote the message
            _log.warning("message rejected", instrument=self.instrument.id, why=why, message=message[:200], so_far=self.rejected)


@contextmanager
def venue_at_fault(instrument: Instrument) -> Generator[None]:
    """In a `with` statement, raise `DecodeError` instead of `OffGridError`: the venue sent an impossible trade.

    Raises
    ------
    DecodeError
        Instead of an `OffGridError`.
    """
    try:
        yield
    except OffGridError as error:
        raise DecodeError(f"{instrument.venue}: {error.user_message}") from error


def columns(
    instrument: Instrument, time_ns: Int64Array, prices: Sequence[str], quantities: Sequence[str], side: Int64Array, trade_id: Int64Array
) -> TradeBatch:
    """A batch from columns with prices and quantities as text, without trades of zero quantity.

    Quantities may be in contracts.

    Raises
    ------
    OffGridError
        If a price or a quantity is negative, a price 0, or one of them not a multiple of its step.
    """
    ticks = instrument.grid().ticks(prices)
    lots = to_steps(quantities, instrument.written_step, "quantity")
    if len(lots) and lots.min() < 0:
        raise OffGridError("quantity: found a negative one", index=int(np.argmin(lots)), value="")
    batch = TradeBatch.of(time_ns, ticks, lots, side, trade_id)
    return batch if lots.all() else batch[lots > 0]


def require_symbol(instrument: Instrument, symbols: set[str]) -> None:
    """Raise if any trade is of another market.

    Raises
    ------
    OffGridError
        If any is.
    """
    if symbols - {instrument.symbol}:
        raise OffGridError(f"expected trades of {instrument.symbol} alone", index=0, value="")
