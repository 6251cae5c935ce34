"""Small charts for the rendering tests: real series and values, invented trades."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from app.chart.chart import Chart, ChartSpec
from app.market.bar_rule import NS_PER_S, BarRule
from app.market.instrument import Instrument
from app.market.trade import TradeBatch
from app.storage.trade_store import TradeStore

MINUTE = BarRule(60 * NS_PER_S)
FIRST_MINUTE = 29_000_000
INSTRUMENT = Instrument("test", "BTCUSDT", Decimal("0.1"), Decimal("0.001"))


class StillChart(Chart):
    """A chart without a store that changes only when a test applies trades."""

    def __init__(self, trades: TradeBatch, ticks_per_row: int = 10, rule: BarRule = MINUTE) -> None:
        super().__init__(ChartSpec(INSTRUMENT, rule, ticks_per_row))
        self.apply(trades)

    def apply(self, fresh: TradeBatch, store: TradeStore | None = None) -> None:
        """Add trades to the bars."""
        self.series.append(fresh)


def random_trades(n_bars: int, per_bar: int, volatility: float = 3.0, seed: int = 7, start_ticks: int = 600_000) -> TradeBatch:
    """Trades of a random walk over `n_bars` minutes, with fat-tailed sizes."""
    rng = np.random.default_rng(seed)
    n = n_bars * per_bar
    time_ns = FIRST_MINUTE * MINUTE.length_ns + np.arange(n) * (MINUTE.length_ns // per_bar)
    drift = np.sin(np.arange(n) / (per_bar * 9)) * volatility * 0.05
    price = start_ticks + np.cumsum(rng.normal(drift, volatility)).round().astype(np.int64)
    lots = np.maximum(1, (rng.pareto(1.4, n) * 90).astype(np.int64))
    side = np.where(rng.random(n) < 0.5 + 0.2 * np.sin(np.arange(n) / per_bar), 1, -1)
    return TradeBatch.of(time_ns, price, lots, side, np.arange(n))


def trade(bar: int, price_ticks: int, lots: int = 1, side: int = 1, second: int = 59) -> TradeBatch:
    """A batch of one trade in the bar `FIRST_MINUTE + bar`."""
    time_ns = (FIRST_MINUTE + bar) * MINUTE.length_ns + second * NS_PER_S
    return TradeBatch.of([time_ns], [price_ticks], [lots], [side], [10**9 + bar])
