"""The cases of the benchmarks: charts in which every cell of a rectangle of bars and rows has traded on both sides."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from app.chart.chart import Chart, ChartSpec
from app.market.bar_rule import NS_PER_S, BarRule
from app.market.instrument import Instrument
from app.market.trade import TradeBatch

RULE = BarRule(60 * NS_PER_S)
FIRST_BAR = 29_000_000
LOW_ROW = 60_000
INSTRUMENT = Instrument("bench", "BTCUSDT", Decimal("0.1"), Decimal("0.001"))


@dataclass(frozen=True, slots=True)
class Case:
    """A case: `bars` x `rows` cells in view, and `spare_bars` more to pan to."""

    name: str
    bars: int
    rows: int
    spare_bars: int


CASES = {
    case.name: case
    for case in (
        Case("detail", 24, 40, 48),  # 960 cells, 1,920 numbers
        Case("dense", 80, 100, 120),  # 8,000 cells, 16,000 numbers
        Case("overview", 1000, 1000, 1200),
        Case("text_1200", 30, 40, 60),
        Case("cells_100000", 500, 200, 700),
    )
}


class CellMarket(Chart):
    """A chart full of cells; see `Case`."""

    def __init__(self, case: Case, seed: int = 5) -> None:
        super().__init__(ChartSpec(INSTRUMENT, RULE, 1))
        self.case = case
        self._rng = np.random.default_rng(seed)
        for first in range(0, case.bars + case.spare_bars, 100):  # a hundred bars at a time: memory stays small
            self.series.append(self._bars(first, min(100, case.bars + case.spare_bars - first)))

    def trade(self) -> None:
        """Add 20 small trades near the middle of the last bar, which change its numbers but no scale."""
        case, n = self.case, 20
        last = FIRST_BAR + case.bars + case.spare_bars - 1
        walk = np.cumsum(self._rng.integers(-1, 2, n))
        ticks = np.clip(int(self.series.close[-1]) + walk, LOW_ROW + case.rows // 4, LOW_ROW + case.rows * 3 // 4)
        self.series.append(
            TradeBatch.of(
                np.full(n, last * RULE.length_ns + RULE.length_ns - 1),
                ticks,
                self._rng.integers(1, 20, n),
                self._rng.choice([-1, 1], n),
                np.arange(n),
            )
        )

    def _bars(self, first: int, n_bars: int) -> TradeBatch:
        rows = self.case.rows
        n = n_bars * rows * 2
        bar = FIRST_BAR + first + np.repeat(np.arange(n_bars), rows * 2)
        lots = np.maximum(1, (self._rng.pareto(1.4, n) * 900).astype(np.int64))
        ticks = LOW_ROW + np.tile(np.repeat(np.arange(rows), 2), n_bars)
        return TradeBatch.of(bar * RULE.length_ns, ticks, lots, np.tile([1, -1], n_bars * rows), np.arange(n))
