"""Candles as a venue reports them, as integer columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.market.arrays import AnyArray, BoolArray, Int64Array
from app.market.span import Span


@dataclass(frozen=True, slots=True, eq=False)
class CandleBatch:
    """Candles of one length, oldest first.

    Attributes
    ----------
    length_ns : int
        Time from the start of one candle to the start of the next.
    start_ns : int64 [shape=(n,)]
        Ascending; nanoseconds since 1970 UTC.
    open, high, low, close : int64 [shape=(n,)]
        Whole ticks.
    volume : int64 [shape=(n,)]
        Lots.
    buy : int64 [shape=(n,)]
        Aggressively bought lots of the volume; -1 if the venue does not report them.
    closed : bool [shape=(n,)]
        False for a candle that is still growing.
    """

    length_ns: int
    start_ns: Int64Array
    open: Int64Array
    high: Int64Array
    low: Int64Array
    close: Int64Array
    volume: Int64Array
    buy: Int64Array
    closed: BoolArray

    def __len__(self) -> int:
        return len(self.start_ns)

    def __getitem__(self, which: slice | Int64Array | BoolArray) -> CandleBatch:
        """The candles that a slice, a bool mask or ascending indices select."""
        return CandleBatch(self.length_ns, *(column[which] for column in self.columns))

    @classmethod
    def empty(cls, length_ns: int) -> CandleBatch:
        """A batch without candles."""
        nothing = np.zeros(0, np.int64)
        return cls(length_ns, *(nothing,) * 7, closed=np.zeros(0, bool))

    @property
    def columns(self) -> tuple[AnyArray, ...]:
        """The eight columns, in the order of the constructor."""
        return (self.start_ns, self.open, self.high, self.low, self.close, self.volume, self.buy, self.closed)

    def within(self, span: Span) -> CandleBatch:
        """The candles that start in a time span."""
        first, end = (int(np.searchsorted(self.start_ns, at)) for at in (span.start_ns, span.end_ns))
        return self[first:end]

    def with_later(self, others: CandleBatch) -> CandleBatch:
        """Return these candles merged with later reports of candles of the same length, in order of time.

        Of two candles with the same start, the one from `others` counts.
        """
        columns = [np.concatenate(pair) for pair in zip(self.columns, others.columns, strict=True)]
        order = np.argsort(columns[0], kind="stable")
        start_ns = columns[0][order]
        last = np.append(start_ns[1:] != start_ns[:-1], True)[: len(order)]
        return CandleBatch(self.length_ns, *(column[order[last]] for column in columns))
