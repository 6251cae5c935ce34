"""Candles of any venue: requested page by page, returned as columns.

Venues differ in the names of their intervals, in the order of a page and in whether they report buying; all of them accept a range
with both ends. Each candle is returned once, in the page of its start; the last one may still be open.

Some venues have made their tick and lot sizes larger over the years: older, finer prices and volumes are rounded to today's nearest tick
and lot, halves to the even one. Trades are never rounded.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from app.errors import BadInputError, DecodeError, OffGridError
from app.market.arrays import Int64Array
from app.market.bar_rule import DAY_NS
from app.market.candle import CandleBatch
from app.market.decimals import to_steps
from app.market.instrument import Instrument
from app.market.span import Span

MINUTE_NS, HOUR_NS = 60_000_000_000, 3_600_000_000_000

_UNITS = ((DAY_NS, "d"), (HOUR_NS, "h"), (MINUTE_NS, "m"), (1_000_000_000, "s"))


class Candle(NamedTuple):
    """A candle with the venue's numbers as text; `buy` is the volume of aggressive buyers, empty if not reported."""

    start_ms: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    buy: str
    closed: bool


CandlePage = Callable[[str, int, int], Awaitable[list[Candle]]]
"""Requests candles from a venue, in any order: of an interval, with starts from a first to a last millisecond, inclusive."""


class Candles:
    """Candle history of one market, requested from its venue.

    Parameters
    ----------
    instrument : Instrument
    intervals : mapping
        The venue's name for each candle length in nanoseconds.
    per_page : int
        Maximum number of candles in one answer.
    page : CandlePage
    wall_ns : callable
        Our clock; only used to exclude the future.
    """

    def __init__(
        self,
        instrument: Instrument,
        intervals: Mapping[int, str],
        per_page: int,
        page: CandlePage,
        *,
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.instrument = instrument
        self._intervals, self._per_page, self._page, self._wall_ns = intervals, per_page, page, wall_ns

    @property
    def lengths_ns(self) -> tuple[int, ...]:
        """The candle lengths that the venue offers, in nanoseconds, shortest first."""
        return tuple(sorted(self._intervals))

    async def candles(self, length_ns: int, span: Span) -> AsyncIterator[CandleBatch]:
        """Iterate in pages over the candles that start in a span, oldest first.

        Raises
        ------
        BadInputError
            If the venue has no candles of this length.
        FeedError
            See `RestClient.get`; `DecodeError` also if a price or a volume is impossible.
        """
        if length_ns not in self._intervals:
            known = ", ".join(_name(length) for length in sorted(self._intervals))
            raise BadInputError(f"candles of {self.instrument.venue}: found a length of {_name(length_ns)}, expected one of {known}")
        interval, length_ms = self._intervals[length_ns], length_ns // 1_000_000
        start_ms = -(-span.start_ns // 1_000_000)
        end_ms = -(-min(span.end_ns, self._wall_ns() + length_ns) // 1_000_000)  # with one length more, as our clock may be slow
        while start_ms < end_ms:
            last_ms = min(end_ms, start_ms + self._per_page * length_ms) - 1
            page = await self._page(interval, start_ms, last_ms)
            inside = {candle.start_ms: candle for candle in page if start_ms <= candle.start_ms <= last_ms}
            if inside:
                yield self._batch(length_ns, [inside[start] for start in sorted(inside)])
            start_ms = last_ms + 1

    def _batch(self, length_ns: int, candles: list[Candle]) -> CandleBatch:
        tick, lot = self.instrument.tick_size, self.instrument.written_step
        try:
            opened = _steps([candle.open for candle in candles], tick, "price")
            high = _steps([candle.high for candle in candles], tick, "price")
            low = _steps([candle.low for candle in candles], tick, "price")
            close = _steps([candle.close for candle in candles], tick, "price")
            volume = _steps([candle.volume for candle in candles], lot, "volume")
            told = all(candle.buy for candle in candles)
            buy = _steps([candle.buy for candle in candles], lot, "volume") if told else np.full(len(candles), -1, np.int64)
        except OffGridError as error:
            raise DecodeError(f"{self.instrument.venue}: candle: {error.user_message}") from None
        bottom, top = np.minimum(opened, close), np.maximum(opened, close)
        if low.min() <= 0 or volume.min() < 0 or np.any(low > bottom) or np.any(high < top) or np.any(buy > volume) or buy.min() < -1:
            raise DecodeError(f"{self.instrument.venue} sent a candle with impossible prices or volume", detail=f"{candles[0]}…")
        start_ns = np.array([candle.start_ms for candle in candles], np.int64) * 1_000_000
        closed = np.array([candle.closed for candle in candles], bool)
        columns = (start_ns, opened, high, low, close, volume, buy, closed)
        for column in columns:
            column.flags.writeable = False
        return CandleBatch(length_ns, *columns)


def _steps(texts: list[str], step: Decimal, what: str) -> Int64Array:
    """Convert prices to ticks, or volumes to lots, int64 [shape=(n,)], rounded where the venue once had a finer tick or lot size."""
    try:
        return to_steps(texts, step, what)
    except OffGridError:
        return np.array([_rounded(text, step, what) for text in texts], np.int64)


def _rounded(text: str, step: Decimal, what: str) -> int:
    steps = None
    with suppress(ArithmeticError):
        value = Decimal(text)
        if value.is_finite() and value.adjusted() < 19:
            steps = int((value / step).to_integral_value())
    if steps is None or not -(2**63) <= steps < 2**63:
        raise OffGridError(f"{what}: found {text[:40]!r}, expected a decimal number", index=0, value=text)
    return steps


def _name(length_ns: int) -> str:
    """A candle length as text, e.g. `1m`, `4h`, `7d`."""
    unit_ns, unit = next((each for each in _UNITS if length_ns % each[0] == 0), (1, "ns"))
    return f"{length_ns // unit_ns}{unit}"
