"""Which trades come to a line, and which pass it; and in which bar each trade lies."""

from __future__ import annotations

import numpy as np

from app.alerts.alert import ScanProgress
from app.chart.chart import Chart
from app.market.trade import TradeBatch
from app.storage.trade_store import TradeStore


def touches(price_ticks: np.ndarray, line: float, before: int | None) -> np.ndarray:
    """Which trades begin a touch of a line, int64 indices; `before` is the price of the trade before, if there was one."""
    earlier = np.concatenate(([price_ticks[0] if before is None else before], price_ticks[:-1]))
    touching = (np.minimum(earlier, price_ticks) <= line) & (line <= np.maximum(earlier, price_ticks))
    was_there = earlier == line  # a trade that stays, or that leaves, begins nothing
    was_there[0] &= before is not None
    return np.flatnonzero(touching & ~was_there)


def crossings(price_ticks: np.ndarray, line: float, side: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Which trades are the first on the other side of a line, int64 indices, and on which side they are (-1 below, 1 above).

    `side` is that of the last trade before that was not at the line, 0 if there was none; returned too as it is now.
    """
    off = np.flatnonzero(price_ticks != line)
    if not len(off):
        return off, off, side
    sides = np.sign(price_ticks[off] - line).astype(np.int64)
    changed = sides != np.concatenate(([side or sides[0]], sides[:-1]))
    return off[changed], sides[changed], int(sides[-1])


def bars_of(chart: Chart, trades: TradeBatch, before: ScanProgress | None, *, at_end: bool) -> tuple[np.ndarray, np.ndarray]:
    """The bar of each trade as an index of the series, never falling, and whether the trade begins it; int64 and bool [shape=(n,)].

    Parameters
    ----------
    chart : Chart
        It has the trades already; one that stands still (`Chart.refused`) has no bars to speak of: index -1.
    trades : TradeBatch
    before : Reached or None
        The trade before them; without one nothing tells whether the first of them begins a bar.
    at_end : bool
        They are the last trades of the series. Bars that are not of time are then counted from the end; else their times tell.
    """
    series = chart.series
    if not series.n_bars or chart.refused:
        return np.full(len(trades), -1, np.int64), np.zeros(len(trades), bool)
    if series.rule.is_time or not at_end:
        numbers = np.maximum.accumulate(series.times.numbers(trades.time_ns))
        bars = np.clip(np.searchsorted(series.number, numbers), 0, series.n_bars - 1)
        begins_first = before is not None and series.times.number(before.time_ns) < numbers[0]
    else:
        counts = series.trades[-len(trades) - 1 :][::-1]
        from_end = np.arange(len(trades))[::-1]
        bars = np.maximum(series.n_bars - 1 - np.searchsorted(np.cumsum(counts), from_end, side="right"), 0)
        begins_first = before is not None and int(np.count_nonzero(bars == bars[0])) == int(series.trades[bars[0]])
    return bars, np.concatenate(([begins_first], bars[1:] != bars[:-1]))


def trades_of_bar(chart: Chart, store: TradeStore, bar: int) -> TradeBatch:
    """All trades of a bar, in the order of the tape."""
    series = chart.series
    start_ns = series.start_ns(bar)
    if series.rule.is_time:
        return store.trades(start_ns, series.times.start_ns(int(series.number[bar]) + 1))
    found = store.trades(start_ns)
    end = len(found) - int(series.trades[bar + 1 :].sum())
    return found[max(0, end - int(series.trades[bar])) : end]
