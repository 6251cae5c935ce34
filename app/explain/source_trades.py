"""The trades behind a value, as far as they are loaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from app.analytics.profile import profile_of_bars
from app.chart.chart import Chart
from app.explain.explanation import Explanation, TradeFilter
from app.explain.formatting import ValueFormatter
from app.market.times import timestamp_text
from app.market.trade import BUY, SELL, TradeBatch, concatenate

MOST_TRADES = 4_000_000
"""Maximum number of trades that are scanned to explain one value; `tapeprint export` can write more."""


class SourceTrades(NamedTuple):
    """The loaded trades behind a value, and a note if some are missing.

    Attributes
    ----------
    trades : TradeBatch
        In the order of the tape.
    lots : int
        Total quantity of `trades`.
    wanted_lots : int
        Quantity from which the value was computed; larger than `lots` if trades are no longer loaded, or too many to list.
    note : str
        Why trades are missing; empty when none are.
    """

    trades: TradeBatch
    lots: int
    wanted_lots: int
    note: str


def trades_behind(chart: Chart, explanation: Explanation) -> SourceTrades:
    """Find the loaded trades behind a value, with a note if some are missing; no trades, but a note, if over `MOST_TRADES`."""
    if explanation.listed is not None:
        lots = int(explanation.listed.quantity_lots.sum())
        return SourceTrades(explanation.listed, lots, lots, "")
    wanted = sum(lots_of(chart, part) for part in explanation.parts)
    count = sum(_trades_in(chart, *run) for run in _runs(explanation.parts))
    if count > MOST_TRADES:
        return SourceTrades(TradeBatch.empty(), 0, wanted, f"too many trades to list ({count:,}); use `tapeprint export`")
    found = [_of_run(chart, run, explanation.parts) for run in _runs(explanation.parts)]
    trades = concatenate(found) if found else TradeBatch.empty()
    lots, words = int(trades.quantity_lots.sum()), ValueFormatter(chart)
    note = "" if lots == wanted else f"trades in memory cover {words.lots(lots)} of {words.lots(wanted)}"
    return SourceTrades(trades, lots, wanted, note if len(trades) or not wanted else "the trades are no longer in memory")


def tape_of_bars(chart: Chart, first: int, end: int) -> TradeBatch:
    """All loaded trades of the bars numbered `[first, end)`, in the order of the tape."""
    series = chart.series
    begin, stop = series.index_of(first), series.index_of(end)
    if chart.trades is None or begin >= stop:
        return TradeBatch.empty()
    if series.rule.is_time:
        return chart.trades(series.times.start_ns(first), series.times.start_ns(end))
    # bars other than time bars may end between two trades of the same time: read from a bar edge where the time changes, and count
    whole = begin
    while whole and int(series.last_ns[whole - 1]) >= int(series.first_ns[whole]):
        whole -= 1
    tape = chart.trades(int(series.first_ns[whole]), int(series.last_ns[stop - 1]) + 1)
    before, inside = int(series.trades[whole:begin].sum()), int(series.trades[begin:stop].sum())
    return tape[before : before + inside]


def lots_of(chart: Chart, part: TradeFilter) -> int:
    """The quantity in lots that a trade filter selects, summed from the cells of its bars; the filter's prices must be row edges."""
    series, height = chart.series, chart.series.grid.ticks_per_row
    profile = profile_of_bars(series, series.index_of(part.first), series.index_of(part.end))
    low = min(max(part.low_ticks // height - profile.first_row, 0), profile.n_rows)
    high = min(max(-(-part.high_ticks // height) - profile.first_row, low), profile.n_rows)
    columns = {BUY: profile.buy, SELL: profile.sell}
    return sum(int(columns.get(side, profile.unknown)[low:high].sum()) for side in part.sides)


def newest_ns(chart: Chart) -> int | None:
    """The time of the latest trade in the last bar of the chart; None without bars, or if the trades are not loaded."""
    series = chart.series
    if not series.n_bars or chart.trades is None:
        return None
    newest = chart.trades(series.start_ns(series.n_bars - 1), np.iinfo(np.int64).max)
    return int(newest.time_ns.max()) if len(newest) else None


def as_of_text(chart: Chart, explanation: Explanation) -> str:
    """A text with the time of the latest trade, if the explained bars include the bar in progress; else empty.

    If that trade is not loaded, the text has no time. Always empty for an explanation of single trades.
    """
    series = chart.series
    if not series.n_bars or explanation.listed is not None or explanation.bars[-1][1] <= int(series.number[-1]):
        return ""
    newest = newest_ns(chart)
    return "current bar, still forming" if newest is None else f"as of {timestamp_text(newest)} UTC, last bar still forming"


def _runs(parts: Sequence[TradeFilter]) -> list[tuple[int, int]]:
    return sorted({(part.first, part.end) for part in parts})


def _trades_in(chart: Chart, first: int, end: int) -> int:
    series = chart.series
    return int(series.trades[series.index_of(first) : series.index_of(end)].sum())


def _of_run(chart: Chart, run: tuple[int, int], parts: Sequence[TradeFilter]) -> TradeBatch:
    tape = tape_of_bars(chart, *run)
    selected = np.zeros(len(tape), bool)
    for part in parts:
        if (part.first, part.end) == run:
            inside = (tape.price_ticks >= part.low_ticks) & (tape.price_ticks < part.high_ticks)
            selected |= inside & np.isin(tape.side, part.sides)
    return tape[selected]
