"""The trades that touch or cross a line, and the bar of each trade."""

from __future__ import annotations

import numpy as np

from app.alerts.alert import ScanProgress
from app.chart.chart import Chart
from app.market.arrays import BoolArray, Int64Array
from app.market.trade import TradeBatch
from app.storage.trade_store import TradeStore


def touches(price_ticks: Int64Array, line: float, before: int | None) -> Int64Array:
    """Indices of the trades that begin a touch of a line, int64.

    `before` is the price of the trade before the first of them; None if there was none.
    """
    earlier = np.concatenate(([price_ticks[0] if before is None else before], price_ticks[:-1]))
    touching = (np.minimum(earlier, price_ticks) <= line) & (line <= np.maximum(earlier, price_ticks))
    was_there = earlier == line  # a trade that stays at the line or leaves it begins no touch
    was_there[0] &= before is not None
    return np.flatnonzero(touching & ~was_there)


def crossings(price_ticks: Int64Array, line: float, side: int) -> tuple[Int64Array, Int64Array, int]:
    """Indices of the trades that cross a line, the side each crosses to, and the side of the last trade that is not at the line.

    Both arrays int64; sides are -1 below, 1 above. `side` is that of the last earlier trade that was not at the line, 0 if there was
    none.
    """
    off = np.flatnonzero(price_ticks != line)
    if not len(off):
        return off, off, side
    sides = np.sign(price_ticks[off] - line).astype(np.int64)
    changed = sides != np.concatenate(([side or sides[0]], sides[:-1]))
    return off[changed], sides[changed], int(sides[-1])


def bars_of(chart: Chart, trades: TradeBatch, before: ScanProgress | None, *, at_end: bool) -> tuple[Int64Array, BoolArray]:
    """The index of each trade's bar, and True for each trade that begins its bar.

    Int64, never falling, and bool [shape=(n,)].

    Parameters
    ----------
    chart : Chart
        Must have the trades already. A chart that has stopped updating (`Chart.refused`) gives index -1.
    trades : TradeBatch
    before : ScanProgress or None
        The trade before the first of them; if None, the first trade is not taken to begin a bar.
    at_end : bool
        True if these are the last trades of the series: bars that are not time bars are then counted from the end. Else all bars are
        found by time.
    """
    series = chart.series
    if not series.n_bars or chart.refused:
        return np.full(len(trades), -1, np.int64), np.zeros(len(trades), bool)
    if series.rule.is_time or not at_end:
        numbers = np.maximum.accumulate(series.times.numbers(trades.time_ns))
        bars = np.clip(series.indices_of(numbers), 0, series.n_bars - 1)
        begins_first = before is not None and series.times.number(before.time_ns) < numbers[0]
    else:
        counts = series.trades[-len(trades) - 1 :][::-1]
        from_end = np.arange(len(trades))[::-1]
        bars = np.maximum(series.n_bars - 1 - np.searchsorted(np.cumsum(counts), from_end, side="right"), 0)
        begins_first = before is not None and int(np.count_nonzero(bars == bars[0])) == int(series.trades[bars[0]])
    return bars, np.concatenate(([begins_first], bars[1:] != bars[:-1]))


def trades_of_bar(chart: Chart, store: TradeStore, bar: int) -> TradeBatch:
    """All loaded trades of a bar, in the order of the tape."""
    series = chart.series
    start_ns = series.start_ns(bar)
    if series.rule.is_time:
        return store.trades(start_ns, series.times.start_ns(int(series.number[bar]) + 1))
    found = store.trades(start_ns)
    end = len(found) - int(series.trades[bar + 1 :].sum())
    return found[max(0, end - int(series.trades[bar])) : end]
