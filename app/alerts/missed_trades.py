"""Trades that have not been scanned for alerts: found at gaps, and scanned once they are loaded."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from app.alerts.alert import MissedRange, ScanProgress
from app.chart.chart import Chart
from app.market.span import Span
from app.market.trade import TradeBatch
from app.storage.trade_store import TradeStore

_BARS_AT_ONCE = 64
"""Bars of missed trades in one scan: lines that move are computed for each of them, about 10 ms in total."""


def split_at_gaps(fresh: TradeBatch, before: ScanProgress | None, store: TradeStore, *, at_start: bool) -> Iterator[tuple[slice, bool]]:
    """Split live trades at gaps; yield each slice, and whether it continues from the last scanned trade without a gap.

    Gaps are found by consecutive ids; ids that may skip numbers show none. If the venue does not number its trades, the feed reports
    the gaps, and one is assumed after a start. Trades before the last scanned one, reported late, are a slice of their own.
    """
    keys = store.keys(fresh)
    first = 0 if before is None else int(np.searchsorted(keys, before.key, side="left" if store.by_time else "right"))
    if first:
        yield slice(0, first), False
    if first == len(fresh):
        return
    if store.by_time:
        ends = np.array([gap.end_ns for gap in store.gaps()], np.int64)
        ends = ends[(ends > (before.time_ns if before else fresh.time_ns[first])) & (ends <= fresh.time_ns[-1])]
        cuts = np.unique(np.searchsorted(keys[first:], ends)) + first
        broken = first in cuts or (at_start and before is not None)
    else:
        cuts = np.flatnonzero(np.diff(keys[first:]) != 1) + 1 + first if store.contiguous else np.zeros(0, np.int64)
        broken = before is not None and store.contiguous and int(keys[first]) != before.key + 1
    edges = [first, *(cut for cut in cuts.tolist() if first < cut < len(fresh)), len(fresh)]
    for start, end in pairwise(edges):
        yield slice(start, end), start == first and not broken


def is_ready(missed: MissedRange, chart: Chart, wants_from_ns: int | None) -> bool:
    """True if the chart has all bars needed to scan a missed range, or cannot get more of them."""
    series, before_ns = chart.series, missed.before.time_ns
    bar_ns = series.times.start_ns(series.times.number(before_ns)) if series.n_bars else before_ns
    return chart.asked_from_ns <= max(chart.oldest_ns, bar_ns if wants_from_ns is None else min(bar_ns, wants_from_ns))


def missed_trades(missed: MissedRange, store: TradeStore, chart: Chart) -> TradeBatch | None:
    """The trades of a missed range still to be scanned; None unless all are loaded.

    If trades are not numbered, those at exactly the start or end time of the range count as scanned.
    """
    before, end_ns = missed.before, missed.end[0]
    if store.by_time:
        span = Span(before.time_ns + 1, end_ns)
        covered = not span.minus([one.span for one in chart.covered])
        return store.trades(span.start_ns, span.end_ns) if covered else None
    if store.first_id is None or store.first_id > before.key + 1:
        return None
    if any(gap.first_id < missed.end_key and before.key < gap.last_id for gap in store.gaps()):
        return None
    found = store.trades(before.time_ns - _STEPS_BACK_NS, end_ns + _STEPS_BACK_NS)
    return found[slice(*np.searchsorted(found.trade_id, [before.key + 1, missed.end_key]).tolist())]


def is_unrecoverable(missed: MissedRange, store: TradeStore, chart: Chart) -> bool:
    """True if some trades of a missed range will never be loaded.

    They were dropped from memory, or are older than the trades of any source.
    """
    too_old = missed.before.time_ns < chart.oldest_ns and chart.asked_from_ns <= chart.oldest_ns
    return too_old or (store.forgotten > 0 and store.floor_key > missed.before.key)


def progress_after(trades: TradeBatch, store: TradeStore, sides: dict[int, int] | None = None) -> ScanProgress:
    """The scan progress after a scan of these trades; `sides` are those at the last of them, see `ScanProgress`."""
    key = int(store.keys(trades)[-1])
    return ScanProgress(key=key, time_ns=int(trades.time_ns[-1]), price_ticks=int(trades.price_ticks[-1]), sides=sides or {})


def first_trade(trades: TradeBatch) -> tuple[int, int, int, int, int]:
    """The first trade of a batch as a tuple of its columns, as `MissedRange` stores it."""
    time_ns, price, quantity, side, trade_id = (int(column[0]) for column in trades.columns)
    return time_ns, price, quantity, side, trade_id


def batch_of(trade: tuple[int, int, int, int, int]) -> TradeBatch:
    """A batch of one trade, from a tuple of its columns."""
    return TradeBatch.of(*([value] for value in trade))


def next_batch_size(trades: TradeBatch, chart: Chart) -> int:
    """Number of missed trades to scan in one call: those of the first 64 bars, or all if they lie in fewer."""
    series = chart.series
    if not len(trades) or not series.n_bars:
        return len(trades)
    numbers = np.maximum.accumulate(series.times.numbers(trades.time_ns))
    begins = np.flatnonzero(np.diff(numbers)) + 1
    return int(begins[_BARS_AT_ONCE - 1]) if len(begins) >= _BARS_AT_ONCE else len(trades)


_STEPS_BACK_NS = 60_000_000_000
"""Trades are ordered by id; the time of a trade may be a little earlier than that of the one before."""
