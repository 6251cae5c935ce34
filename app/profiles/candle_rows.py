"""Volume profiles of candles in the rows of a chart, minus the volume of loaded trades."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from app.analytics.candle_fallback import subtract_trades
from app.analytics.candle_sums import CandleSums
from app.analytics.footprint import FootprintSeries
from app.analytics.profile_from_candles import CandleVolumeProfile, spread_over_rows
from app.market.candle import CandleBatch
from app.market.coverage import CoveredSpan
from app.market.span import Span
from app.market.trade import BUY, TradeBatch
from app.storage.candle_store import CandleStore
from app.storage.late_trades import LateTrades
from app.storage.trade_store import Gap


class TradeCoverage(Protocol):
    """The parts of a chart that candle fill reads; see `app.chart.chart.Chart`."""

    covered: Sequence[CoveredSpan]
    holes: Sequence[Gap]
    trades: Callable[[int, int], TradeBatch] | None
    trades_from_ns: int
    late: LateTrades
    series: FootprintSeries


class CandleRows:
    """Makes volume profiles from the candles of one chart, minus the volume of loaded trades.

    Parameters
    ----------
    chart : TradeCoverage
        Only read.

    Attributes
    ----------
    held : CandleStore
        The loaded candles.
    """

    def __init__(self, chart: TradeCoverage) -> None:
        self.held = CandleStore()
        self._chart = chart
        self._sums: dict[int, CandleSums] = {}

    def of(self, length_ns: int, span: Span, *, single_bar: bool = False) -> CandleVolumeProfile:
        """The volume profile of the loaded candles of one length that start in a span, minus the volume of loaded trades.

        With `single_bar`, a candle without aggressive volume that closes at its open counts as falling.
        """
        candles = self.held.of(length_ns)
        first, end = (int(np.searchsorted(candles.start_ns, at_ns)) for at_ns in (span.start_ns, span.end_ns))
        if single_bar:
            return spread_over_rows(self._remainders(candles[first:end], span), self._chart.series.grid, single_bar=True)
        sums = self._sums_of(candles)
        return CandleVolumeProfile(sums.exchanged(first, end, self._remainders(sums.candles[first:end], span)), sums.aggressors)

    def fillable(self, gaps: Sequence[Span], finest_ns: int) -> Sequence[Span]:
        """The gaps that candles can fill; a gap that begins before the oldest trade in memory is shortened to complete candles.

        A candle only partly in such a gap has trades that were dropped from memory, so their volume cannot be subtracted. Gaps are not
        shortened if each bar lies within one candle: then the bars have that volume.
        """
        from_ns = self._chart.trades_from_ns
        if self._bars_fit(finest_ns) or not gaps or gaps[0].start_ns >= from_ns:
            return gaps
        return [
            gap if gap.start_ns >= from_ns else Span(-(-gap.start_ns // finest_ns) * finest_ns, gap.end_ns // finest_ns * finest_ns)
            for gap in gaps
        ]

    def _sums_of(self, candles: CandleBatch) -> CandleSums:
        """The cached sums of all loaded candles of one length, rebuilt when the candles or the rows change."""
        sums, grid = self._sums.get(candles.length_ns), self._chart.series.grid
        if sums is None or sums.given is not candles or sums.grid != grid:
            sums = self._sums[candles.length_ns] = CandleSums(candles, grid)
        return sums

    def _bars_fit(self, length_ns: int) -> bool:
        """True if each bar of the chart lies within one candle of this length."""
        rule = self._chart.series.rule
        return rule.is_time and length_ns % rule.length_ns == 0

    def _remainders(self, candles: CandleBatch, span: Span) -> CandleBatch:
        """Subtract the volume of the trades in a span from candles.

        The trades' volume comes from the bars if each bar lies within one candle, else from the trades in memory.
        """
        series, trades = self._chart.series, self._chart.trades
        if self._bars_fit(candles.length_ns):
            first, end = (series.index_of(series.rule.number(at_ns)) for at_ns in (span.start_ns, span.end_ns))
            bars = slice(first, end)
            return subtract_trades(candles, series.times.of_bars(first, end), series.volume[bars], series.buy[bars])
        if trades is None:
            return candles
        found = trades(span.start_ns, span.end_ns)
        return subtract_trades(candles, found.time_ns, found.quantity_lots, np.where(found.side == BUY, found.quantity_lots, 0))
