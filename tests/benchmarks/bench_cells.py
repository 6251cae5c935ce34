"""Compare building footprint cells with polars' group-by on the same arrays, and a live batch with little and with much history."""

from __future__ import annotations

import time
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from app.analytics.footprint import FootprintSeries
from app.market.bar_rule import BarRule
from app.market.price_grid import PriceGrid
from app.market.trade import TradeBatch

MINUTE_NS = 60_000_000_000
TICKS_PER_ROW = 100
SIZES = {"quiet": 200_000, "busy": 2_000_000, "crash": 10_000_000}
HOUR_TRADES, MONTH_TRADES, BATCHES = 60 * 600, 30 * 1440 * 120, 400


def _trades(n: int, per_minute: int, seed: int = 1) -> TradeBatch:
    """Trades of a random walk near 64,000 in ticks of 0.1, with exponential time gaps and sizes up to 5."""
    rng = np.random.default_rng(seed)
    times = 1_700_000_000 * 10**9 + np.cumsum(rng.exponential(MINUTE_NS / per_minute, n)).astype(np.int64)
    prices = np.maximum(640_000 + np.cumsum(rng.normal(0, 1, n)), 1).astype(np.int64)
    return TradeBatch.of(times, prices, rng.integers(1, 5000, n), rng.choice((-1, 1), n), np.arange(n))


def _cells(trades: TradeBatch) -> FootprintSeries:
    series = FootprintSeries(BarRule(MINUTE_NS), PriceGrid(Decimal("0.1"), TICKS_PER_ROW))
    series.append(trades)
    return series


def _polars(frame: pl.DataFrame) -> pl.DataFrame:
    lots = pl.col("lots")
    return frame.group_by((pl.col("time") // MINUTE_NS).alias("bar"), (pl.col("price") // TICKS_PER_ROW).alias("row")).agg(
        lots.filter(pl.col("side") == 1).sum().alias("buy"), lots.filter(pl.col("side") == -1).sum().alias("sell")
    )


@pytest.mark.parametrize("size", SIZES)
def test_trades_to_footprint_cells_against_polars(benchmark: BenchmarkFixture, size: str) -> None:
    n = SIZES[size]
    trades = _trades(n, per_minute=7_500)
    frame = pl.DataFrame({"time": trades.time_ns, "price": trades.price_ticks, "lots": trades.quantity_lots, "side": trades.side})
    theirs, ours = [], []
    for _ in range(7):  # by turns, so that a busy neighbour slows both
        started = time.perf_counter()
        grouped = _polars(frame)
        theirs.append(time.perf_counter() - started)
        started = time.perf_counter()
        series = _cells(trades)
        ours.append(time.perf_counter() - started)
    traded = (series.cell_buy + series.cell_sell) > 0
    assert int(traded.sum()) == len(grouped)
    assert int(series.cell_buy.sum()) == grouped["buy"].sum() and int(series.cell_sell.sum()) == grouped["sell"].sum()
    benchmark.pedantic(_cells, args=(trades,), rounds=3)
    ratio = np.median(theirs) / np.median(ours)
    print(f"\ncells {size}: ours {n / np.median(ours) / 1e6:.1f} M trades/s, polars {n / np.median(theirs) / 1e6:.1f}, ratio {ratio:.2f}")


def test_a_live_trade_costs_the_same_beside_an_hour_and_beside_thirty_days(benchmark: BenchmarkFixture) -> None:
    hour, month = _cells(_trades(HOUR_TRADES, 600)), _cells(_trades(MONTH_TRADES, 120))
    batch = 20
    costs: dict[str, list[float]] = {"hour": [], "month": []}
    for _ in range(BATCHES):
        for name, series in (("hour", hour), ("month", month)):
            last_ns = series.start_ns(series.n_bars - 1) + MINUTE_NS - 1
            trades = TradeBatch.of(
                np.full(batch, last_ns), np.full(batch, series.close[-1]), np.full(batch, 3), np.tile((1, -1), batch // 2), np.arange(batch)
            )
            started = time.perf_counter()
            series.append(trades)
            costs[name].append(time.perf_counter() - started)
    benchmark.pedantic(month.append, args=(trades,), rounds=50)
    ratio = np.median(costs["month"]) / np.median(costs["hour"])
    print(
        f"\nlive batch of {batch}: {1e6 * np.median(costs['hour']):.0f} us beside an hour, "
        f"{1e6 * np.median(costs['month']):.0f} us beside 30 days ({month.n_bars} bars), ratio {ratio:.2f}"
    )
