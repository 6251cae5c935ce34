"""Invented trades and footprints for tests, and hypothesis strategies that draw them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

import numpy as np
from hypothesis import strategies as st

from app.analytics.footprint import FootprintSeries
from app.market.bar_rule import BarRule
from app.market.price_grid import PriceGrid
from app.market.trade import BUY, SELL, UNKNOWN, TradeBatch

SECOND_NS = 1_000_000_000
START_NS = 1_700_000_040 * SECOND_NS
"""Start time of the invented trades, on the boundary of a minute."""


def trades_of(rows: Sequence[tuple[float, int, int, int]]) -> TradeBatch:
    """A batch of (seconds after the start, price ticks, lots, side); ids count from 1."""
    times = [START_NS + round(second * SECOND_NS) for second, *_ in rows]
    price, lots, side = ([row[k] for row in rows] for k in (1, 2, 3))
    return TradeBatch.of(times, price, lots, side, np.arange(1, len(rows) + 1))


def random_trades(
    seed: int, n: int, *, start_ns: int = START_NS, seconds: float = 600.0, price: int = 1000, spread: int = 40, unknown: float = 0.0
) -> TradeBatch:
    """`n` trades drawn from a seed, in bursts, with fat-tailed sizes and prices within `spread` ticks of `price`."""
    rng = np.random.default_rng(seed)
    gaps = rng.exponential(1.0, n) * rng.choice([0.0, 0.05, 1.0, 8.0], n, p=[0.2, 0.4, 0.35, 0.05])
    time_ns = start_ns + np.int64(seconds * SECOND_NS / max(float(gaps.sum()), 1e-9) * np.cumsum(gaps))
    walk = np.cumsum(rng.choice([-2, -1, 0, 1, 2], n))
    price_ticks = np.maximum(1, price + (walk + spread) % (2 * spread + 1) - spread)
    quantity = np.maximum(1, np.exp(rng.normal(2.0, 2.0, n))).astype(np.int64)
    side = rng.choice([BUY, SELL, UNKNOWN], n, p=[(1 - unknown) / 2, (1 - unknown) / 2, unknown])
    return TradeBatch.of(time_ns, price_ticks, quantity, side, np.arange(1, n + 1))


def series_of(trades: TradeBatch, *, bar_s: int = 60, ticks_per_row: int = 1, tick_size: str = "0.01") -> FootprintSeries:
    """The footprint series of trades that are appended in one batch."""
    series = FootprintSeries(BarRule(bar_s * SECOND_NS), PriceGrid(Decimal(tick_size), ticks_per_row))
    series.append(trades)
    return series


def split(trades: TradeBatch, cuts: Sequence[int]) -> list[TradeBatch]:
    """Split a batch at the indices `cuts`, which may be in any order; equal cuts give empty parts."""
    edges = [0, *sorted(min(cut, len(trades)) for cut in cuts), len(trades)]
    return [trades[start:end] for start, end in pairwise(edges)]


@st.composite
def trade_batches(draw: st.DrawFn, *, min_size: int = 1, max_size: int = 60, sides: Sequence[int] = (BUY, SELL, UNKNOWN)) -> TradeBatch:
    """Draw trades in time order: with equal times, bar boundaries, gaps of many bars, few or many prices, small or huge sizes."""
    n = draw(st.integers(min_size, max_size))
    gap = st.sampled_from([0, 0, 1, SECOND_NS // 3, SECOND_NS, 20 * SECOND_NS, 60 * SECOND_NS, 900 * SECOND_NS])
    times = np.cumsum(draw(st.lists(gap, min_size=n, max_size=n)), dtype=np.int64)
    width = draw(st.sampled_from([0, 1, 3, 30]))
    prices = draw(st.lists(st.integers(100, 100 + width), min_size=n, max_size=n))
    largest = draw(st.sampled_from([1, 3, 50, 10**12]))
    quantities = draw(st.lists(st.integers(1, largest), min_size=n, max_size=n))
    side = draw(st.lists(st.sampled_from(list(sides)), min_size=n, max_size=n))
    return TradeBatch.of(START_NS + times, prices, quantities, side, np.arange(1, n + 1))


@st.composite
def row_volumes(draw: st.DrawFn, *, max_rows: int = 24) -> list[int]:
    """Draw volumes by row, at least one above 0: with ties, empty rows also at the ends, runs of equal rows, huge rows."""
    largest = draw(st.sampled_from([1, 2, 5, 1000, 10**15]))
    rows = draw(st.lists(st.integers(0, largest), min_size=1, max_size=max_rows))
    if not any(rows):
        rows[draw(st.integers(0, len(rows) - 1))] = largest
    return rows
