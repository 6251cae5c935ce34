"""Candles as a venue reports them, many at a time, as columns of whole numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.market.span import Span


@dataclass(frozen=True, slots=True, eq=False)
class CandleBatch:
    """Candles of one length, oldest first.

    Attributes
    ----------
    length_ns : int
        From one candle's start to the next one's.
    start_ns : int64 [shape=(n,)]
        Ascending; nanoseconds since 1970 UTC.
    open, high, low, close : int64 [shape=(n,)]
        Whole ticks.
    volume : int64 [shape=(n,)]
        Lots.
    buy : int64 [shape=(n,)]
        Of these, lots of aggressive buyers; -1 where the venue does not say.
    closed : bool [shape=(n,)]
        False for a candle that is still growing.
    """

    length_ns: int
    start_ns: np.ndarray
    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    volume: np.ndarray
    buy: np.ndarray
    closed: np.ndarray

    def __len__(self) -> int:
        return len(self.start_ns)

    def within(self, span: Span) -> CandleBatch:
        """The candles that begin in a span."""
        first, end = (int(np.searchsorted(self.start_ns, at)) for at in (span.start_ns, span.end_ns))
        names = ("start_ns", "open", "high", "low", "close", "volume", "buy", "closed")
        return CandleBatch(self.length_ns, *(getattr(self, name)[first:end] for name in names))
