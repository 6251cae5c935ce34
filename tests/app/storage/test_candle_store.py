"""The loaded candles, and the times for which they were requested."""

from __future__ import annotations

import numpy as np

from app.market.candle import CandleBatch
from app.market.span import Span
from app.storage.candle_store import CandleStore


def candles(*starts: int, volume: int = 1, growing: bool = False) -> CandleBatch:
    n = len(starts)
    closed = np.ones(n, bool)
    if growing:
        closed[-1] = False
    return CandleBatch(10, np.array(starts, np.int64), *(np.full(n, value, np.int64) for value in (5, 6, 4, 5, volume, -1)), closed)


def test_candle_pages_are_sorted_and_later_ones_replace_earlier() -> None:
    held = CandleStore([10])
    held.take(10, Span(50, 80), [candles(50, 60, 70)])
    held.take(10, Span(0, 60), [candles(0, 20), candles(40, 50, volume=9)])
    assert held.of(10).start_ns.tolist() == [0, 20, 40, 50, 60, 70]
    assert held.of(10, Span(40, 61)).volume.tolist() == [9, 9, 1]
    assert held.asked(10, Span(-5, 200)) == [Span(0, 80)]
    assert held.revision == 2


def test_candles_outside_the_requested_span_are_dropped() -> None:
    held = CandleStore([10])
    held.take(10, Span(20, 40), [candles(10, 20, 30, 40)])
    assert held.of(10).start_ns.tolist() == [20, 30]


def test_a_candle_in_progress_counts_as_not_requested() -> None:
    held = CandleStore([10])
    held.take(10, Span(20, 60), [candles(20), candles(30, 40, growing=True)])
    assert held.of(10).start_ns.tolist() == [20, 30]
    assert held.asked(10, Span(0, 100)) == [Span(20, 40)]


def test_first_ns_is_the_first_candle_only_where_requested() -> None:
    held = CandleStore([10])
    assert held.first_ns(10, Span(0, 100)) == 0
    held.take(10, Span(0, 60), [candles(40, 50)])
    assert held.first_ns(10, Span(0, 100)) == 40
    assert held.first_ns(10, Span(0, 30)) == 30
    assert held.first_ns(10, Span(45, 100)) == 50
    held.take(10, Span(200, 260), [])
    assert held.first_ns(10, Span(200, 400)) == 260
    assert held.first_ns(20, Span(0, 30)) == 0


def test_times_cover_all_lengths_from_the_first_candle() -> None:
    held = CandleStore([10, 20])
    assert held.times == []
    held.take(10, Span(0, 60), [candles(40, 50)])
    assert held.times == [Span(40, 60)]
    assert held.times is held.times
    held.take(20, Span(0, 40), [CandleBatch(20, *candles(20).columns)])
    assert held.times == [Span(20, 60)]
