"""Decoding of stream messages to trades, many messages at once."""

from __future__ import annotations

import enum
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar

import msgspec
import numpy as np
import structlog
from msgspec import Meta

from app.errors import DecodeError, OffGridError
from app.market.arrays import Int64Array
from app.market.decimals import to_steps
from app.market.instrument import Instrument
from app.market.steps import Steps, common_step
from app.market.trade import TradeBatch, concatenate

_log = structlog.get_logger(__name__)

_REPORT_EVERY_S = 10.0
_LISTED, _SHOWN = 100, 200
_MOST_WAITING = 500_000
_SEVERAL = 10  # trades of a page between two steps; fewer may be the venue's mistakes
_FINEST, _LONGEST_NUMBER = 1_000, 40  # venues change a step by ten or a hundred; more is not a step but a wrong number
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
    odd : OddTrades
        The rejected messages and trades.
    ignored : int
        Acknowledgements, and events that we do not use.
    empty : int
        Trades with zero quantity, which are skipped.
    shutdown : bool
        True once the venue has announced that it will close the connection.
    keeps_waiting : bool
        True if trades off the tick or lot grid wait for `use`, as the venue may have changed its tick or lot size; else they are rejected.
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
        self.ignored = self.empty = 0
        self.odd = OddTrades()
        self.shutdown = self.keeps_waiting = False
        self._pending: list[T] = []
        whole = trade if message is None else message[trade]
        many: Any = list[whole]  # chosen at run time, which static types cannot express
        self._many = msgspec.json.Decoder(many, strict=strict)
        self._one = msgspec.json.Decoder(whole, strict=strict)
        self._raw = None if message is None else msgspec.json.Decoder(message[msgspec.Raw])
        self._trade = msgspec.json.Decoder(trade, strict=strict)
        self._batch_of, self._talk_of, self._trades_of = batch_of, talk_of, trades_of

    def decode(self, frames: list[bytes]) -> TradeBatch:
        """The trades in these messages; bad messages and impossible trades are skipped and counted.

        If `keeps_waiting`, trades that are not multiples of the tick and lot size wait for `use` instead.
        """
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
        """Yield the trades in one batch, or in several if some are impossible, which are counted and skipped or wait for `use`."""
        before, rejected, pending = 0, self.rejected, self.pending
        for batch in sound_batches(self.instrument, trades, self._batch_of, self._impossible):
            before += len(batch)
            yield batch
        self.empty += len(trades) - before - (self.rejected - rejected) - (self.pending - pending)

    @property
    def pending(self) -> int:
        """Number of trades that wait for `use`, as their price or quantity is not a multiple of the tick or lot size."""
        return len(self._pending)

    def use(self, instrument: Instrument) -> TradeBatch:
        """Decode with an instrument's tick and lot size from now on; return the waiting trades; those still impossible are rejected."""
        self.instrument = instrument
        waited, self._pending = self._pending, []
        keeps, self.keeps_waiting = self.keeps_waiting, False
        try:
            return concatenate(self._batches(waited)) if waited else TradeBatch.empty()
        finally:
            self.keeps_waiting = keeps

    def _impossible(self, error: OffGridError, trade: T) -> None:
        if self.keeps_waiting and error.between_steps and self.pending < _MOST_WAITING:
            self._pending.append(trade)
            return
        self._reject(error, msgspec.json.encode(trade))

    def _reject(self, error: Exception, message: bytes) -> None:
        self.odd.add(self.instrument, error, message)

    @property
    def rejected(self) -> int:
        """Number of messages that are not JSON or have an undocumented shape, and of trades with an impossible price or quantity.

        Where only some trades of a message have an undocumented shape, each of these counts, not the message.
        """
        return self.odd.n


class OddTrades:
    """The rejected trades and messages of one source: their number, and the latest 100 of them in words.

    Attributes
    ----------
    n : int
    latest : deque of str
        Reason and trade, newest last.
    """

    def __init__(self) -> None:
        self.n = 0
        self.latest: deque[str] = deque(maxlen=_LISTED)
        self.reported_at = -float("inf")

    def add(self, instrument: Instrument, why: Exception, trade: bytes) -> None:
        """Count and list a rejected trade or message; log it unless another was logged in the last 10 s."""
        self.n += 1
        reason = str(why)[:_SHOWN]
        self.latest.append(_in_words(why, trade))
        if time.monotonic() - self.reported_at > _REPORT_EVERY_S:  # bad messages may come by the thousand
            self.reported_at = time.monotonic()
            _log.warning("message rejected", instrument=instrument.id, why=reason, message=trade[:_SHOWN], so_far=self.n)

    def lists(self, why: Exception, trade: bytes) -> bool:
        """True if this trade is one of the latest that were rejected, for the same reason."""
        return _in_words(why, trade) in self.latest


def _in_words(why: Exception, trade: bytes) -> str:
    return f"{str(why)[:_SHOWN]}: {trade[:_SHOWN].decode(errors='replace')}"  # the reason may quote the message


def sound_batches(
    instrument: Instrument,
    trades: Sequence[T],
    batch_of: Callable[[Instrument, Sequence[T]], TradeBatch],
    reject: Callable[[OffGridError, T], object],
) -> Iterator[TradeBatch]:
    """Yield the trades in one batch, or in several if some are impossible; the impossible trades are passed to `reject`."""
    try:
        batch = batch_of(instrument, trades)
    except OffGridError as error:
        if len(trades) == 1:
            reject(error, trades[0])
            return
        half = len(trades) // 2  # a bad one among n costs log n conversions, not n
        yield from sound_batches(instrument, trades[:half], batch_of, reject)
        yield from sound_batches(instrument, trades[half:], batch_of, reject)
    else:
        yield batch


def batch_of_page(
    instrument: Instrument,
    page: Sequence[T],
    batch_of: Callable[[Instrument, Sequence[T]], TradeBatch],
    odd: OddTrades,
    go_over: Callable[[Instrument], object] | None = None,
) -> TradeBatch:
    """The trades of a REST answer as a batch; impossible trades are left out and added to `odd`.

    The venue may have had a finer tick or lot size when they happened, also if it has other ones before and after: if ten of them,
    or half of a short page, are between two steps, `go_over` is called with the instrument on steps that fit, which then count. So is
    it for a trade that was rejected before and is now served alone: a mistake of the venue would hardly be served twice.

    Raises
    ------
    DecodeError
        If all of several trades are impossible: then it is not the venue's answer to this question.
    """
    found: list[tuple[OffGridError, T]] = []
    batch = concatenate(sound_batches(instrument, page, batch_of, lambda error, trade: found.append((error, trade))))
    several = len(page) > 1 and len(found) >= min(_SEVERAL, len(page) / 2)
    again = len(page) == 1 and any(odd.lists(error, msgspec.json.encode(trade)) for error, trade in found)
    if go_over is not None and (several or again) and (finer := _on_finer_steps(instrument, [error for error, _ in found])):
        go_over(finer)
        return batch_of_page(finer, page, batch_of, odd, go_over)
    if len(found) == len(page) > 1:
        raise DecodeError(f"{instrument.venue}: {found[0][0].user_message}") from found[0][0]
    for error, trade in found:
        odd.add(instrument, error, msgspec.json.encode(trade))
    return batch


def _on_finer_steps(instrument: Instrument, errors: Sequence[OffGridError]) -> Instrument | None:
    """The instrument with the largest tick and lot size that fit its own and the rejected trades; None if there are no plausible ones."""
    tick, lot = instrument.tick_size, instrument.lot_size
    for error in errors:
        if not error.between_steps or len(error.value) > _LONGEST_NUMBER:
            return None
        if error.user_message.startswith("price"):
            tick = common_step(tick, abs(Decimal(error.value)))
        elif instrument.multiplier == 1:
            lot = common_step(lot, abs(Decimal(error.value)))
    if instrument.steps == (tick, lot) or max(instrument.tick_size / tick, instrument.lot_size / lot) > _FINEST:
        return None
    return instrument.on_steps(Steps(tick, lot))


def columns(
    instrument: Instrument, time_ns: Int64Array, prices: Sequence[str], quantities: Sequence[str], side: Int64Array, trade_id: Int64Array
) -> TradeBatch:
    """A batch from columns with prices and quantities as text, without trades of zero quantity.

    Quantities are in the venue's unit, base units or contracts.

    Raises
    ------
    OffGridError
        If a quantity is negative, a price is 0 or negative, or one of them is not a multiple of the tick or lot size.
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
        If any trade is of another market.
    """
    if symbols - {instrument.symbol}:
        raise OffGridError(f"expected trades of {instrument.symbol} alone", index=0, value="")
