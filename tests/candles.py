"""Candles made of trades, one trade after the other, and a venue that serves them as far back as a test allows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

import numpy as np

from app.market.candle import CandleBatch
from app.market.span import Span
from app.market.trade import BUY, TradeBatch

MINUTE_NS = 60_000_000_000


def candles_of(trades: TradeBatch, length_ns: int, span: Span, *, told: bool = True) -> CandleBatch:
    """All candles that start in a span, those without trades at the previous close; buy volume is -1 unless `told`."""
    rows: list[tuple[int, ...]] = []
    columns = (trades.time_ns, trades.price_ticks, trades.quantity_lots, trades.side)
    listed = sorted(zip(*(column.tolist() for column in columns), strict=True), key=lambda trade: trade[0])
    close = listed[0][1] if listed else 1
    place = 0
    for start_ns in range(-(-span.start_ns // length_ns) * length_ns, span.end_ns, length_ns):
        while place < len(listed) and listed[place][0] < start_ns:
            close = listed[place][1]
            place += 1
        inside = [trade for trade in listed[place : place + 100_000] if trade[0] < start_ns + length_ns]
        prices = [price for _, price, _, _ in inside] or [close]
        bought = sum(lots for _, _, lots, side in inside if side == BUY)
        volume = sum(lots for _, _, lots, _ in inside)
        rows.append((start_ns, prices[0], max(prices), min(prices), prices[-1], volume, bought if told else -1))
    columns = np.array(rows, np.int64).reshape(-1, 7).T
    return CandleBatch(length_ns, *columns, closed=np.ones(columns.shape[1], bool))


class CandleVenue:
    """A venue that serves the candles of some trades in pages.

    It has no candle that starts before `reaches_ns` of its length, and marks as not closed those that end after `now_ns`.

    Attributes
    ----------
    asked : list of (int, Span)
        Length and span of each request so far.
    failures : list of Exception
        Errors for the next requests, one each.
    """

    def __init__(
        self,
        trades: TradeBatch,
        lengths_ns: Sequence[int],
        now_ns: int = 1 << 62,
        *,
        reaches_ns: Mapping[int, int] | None = None,
        told: bool = True,
        page: int = 100,
    ) -> None:
        self.trades, self.lengths_ns, self.now_ns = trades, tuple(lengths_ns), now_ns
        self.reaches_ns, self.told, self.page = reaches_ns or {}, told, page
        self.asked: list[tuple[int, Span]] = []
        self.failures: list[Exception] = []
        self.open = 0

    def page_of(self, length_ns: int, span: Span) -> CandleBatch:
        """All candles of a length in a span, in one batch."""
        span = Span(max(span.start_ns, self.reaches_ns.get(length_ns, span.start_ns)), min(span.end_ns, self.now_ns))
        found = candles_of(self.trades, length_ns, span, told=self.told)
        closed = found.start_ns + length_ns <= self.now_ns
        return CandleBatch(length_ns, *found.columns[:-1], closed=closed)

    async def candles(self, length_ns: int, span: Span) -> AsyncIterator[CandleBatch]:
        """Yield the candles in pages, or raise the next of `failures`; record the request."""
        self.asked.append((length_ns, span))
        self.open += 1
        try:
            if self.failures:
                raise self.failures.pop(0)
            found = self.page_of(length_ns, span)
            for start in range(0, len(found), self.page):
                yield found[start : start + self.page]
        finally:
            self.open -= 1
