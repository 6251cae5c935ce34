"""Candles of the week before the simulated market, computed on request.

The week is generated in parts, the newest first, each from the same seed; the prices of a part are moved by whole ticks so that the
part ends where the next one begins. The candles are computed from these trades. Same seed and same origin: the same candles.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import numpy as np

from app.errors import BadInputError
from app.market.candle import CandleBatch
from app.market.span import Span
from app.market.trade import BUY, TradeBatch
from feeds.simulated.market import MINUTE_NS, SimulatedMarket

_PART_NS = 360 * MINUTE_NS  # 300,000 trades, computed in a sixth of a second
_PARTS = 28  # a week
_LENGTHS_NS = tuple(minutes * MINUTE_NS for minutes in (1, 3, 5, 15, 30, 60, 240, 1440))


class SimulatedCandles:
    """Candles of the simulated market, from a week before its first trade on.

    Parameters
    ----------
    seed : int
        The seed of the market.
    origin_ns : int
        Time at which its trades begin; rounded down to the minute as in the market.
    """

    lengths_ns = _LENGTHS_NS

    def __init__(self, seed: int, origin_ns: int) -> None:
        self._seed, self._origin_ns = seed, origin_ns // MINUTE_NS * MINUTE_NS
        first = SimulatedMarket(seed, self._origin_ns).until(self._origin_ns + MINUTE_NS)
        self._begins_at = int(first.price_ticks[0]) if len(first) else 0
        self._parts: list[CandleBatch] = []  # one-minute candles, the newest part first

    async def candles(self, length_ns: int, span: Span) -> AsyncIterator[CandleBatch]:
        """Yield all candles that start in a span as one batch, or nothing if there are none; see `app.market.feed.CandleHistory`."""
        if length_ns not in _LENGTHS_NS:
            raise BadInputError(f"candles of the built-in market: found a length of {length_ns} ns, expected one of {_LENGTHS_NS}")
        while len(self._parts) < _PARTS and span.start_ns < self._origin_ns - len(self._parts) * _PART_NS:
            self._parts.append(await asyncio.to_thread(self._part, len(self._parts) + 1))
        minutes = CandleBatch.empty(MINUTE_NS)
        for part in reversed(self._parts):
            minutes = minutes.with_later(part)
        if span.end_ns > self._origin_ns:
            since = await asyncio.to_thread(SimulatedMarket(self._seed, self._origin_ns).until, span.end_ns + length_ns)
            minutes = minutes.with_later(minute_candles(since))
        found = longer(minutes, length_ns).within(span)
        if len(found):
            yield found

    def _part(self, number: int) -> CandleBatch:
        """One-minute candles of the six hours that end `number - 1` times six hours before the first trade.

        Prices are moved so that the part ends where the next one begins.
        """
        end_ns = self._origin_ns - (number - 1) * _PART_NS
        trades = SimulatedMarket(self._seed, end_ns - _PART_NS).until(end_ns)
        minutes = minute_candles(trades)
        follows = int(self._parts[-1].open[0]) if self._parts else self._begins_at
        move = follows - int(minutes.close[-1])
        move = max(move, 1 - int(minutes.low.min()))  # a price is above 0
        return replace(minutes, **{name: getattr(minutes, name) + move for name in ("open", "high", "low", "close")})


def minute_candles(trades: TradeBatch) -> CandleBatch:
    """One-minute candles of trades, for the minutes with trades; the trades must be in time order."""
    if not len(trades):
        return CandleBatch.empty(MINUTE_NS)
    number = trades.time_ns // MINUTE_NS
    starts = np.flatnonzero(np.append(True, np.diff(number) > 0))
    ends = np.append(starts[1:], len(number)) - 1
    price, lots = trades.price_ticks, trades.quantity_lots
    bought = np.where(trades.side == BUY, lots, 0)
    high, low = np.maximum.reduceat(price, starts), np.minimum.reduceat(price, starts)
    volume, buy = np.add.reduceat(lots, starts), np.add.reduceat(bought, starts)
    return CandleBatch(
        MINUTE_NS, number[starts] * MINUTE_NS, price[starts], high, low, price[ends], volume, buy, closed=np.ones(len(starts), bool)
    )


def longer(minutes: CandleBatch, length_ns: int) -> CandleBatch:
    """Combine one-minute candles into candles of `length_ns` nanoseconds."""
    if not len(minutes):
        return CandleBatch.empty(length_ns)
    number = minutes.start_ns // length_ns
    starts = np.flatnonzero(np.append(True, np.diff(number) > 0))
    ends = np.append(starts[1:], len(number)) - 1
    high, low = np.maximum.reduceat(minutes.high, starts), np.minimum.reduceat(minutes.low, starts)
    volume, buy = np.add.reduceat(minutes.volume, starts), np.add.reduceat(minutes.buy, starts)
    closed = np.ones(len(starts), bool)
    return CandleBatch(length_ns, number[starts] * length_ns, minutes.open[starts], high, low, minutes.close[ends], volume, buy, closed)
