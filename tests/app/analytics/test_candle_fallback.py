"""Candles that fill the time between trades."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analytics.candle_fallback import CandleRange, align_to_candles, candle_ranges, subtract_trades
from app.market.candle import CandleBatch
from app.market.span import Span


def all_there(_length: int, span: Span) -> int:
    return span.start_ns


def candle(start: int, volume: int, buy: int, length: int = 10) -> CandleBatch:
    columns = [np.array([value]) for value in (start, 5, 9, 3, 6, volume, buy)]
    return CandleBatch(length, *columns, closed=np.array([True]))


def test_gaps_are_widened_to_complete_candles_and_merged() -> None:
    assert align_to_candles([Span(13, 14), Span(17, 31), Span(55, 56)], 0, 100, 10) == [Span(10, 40), Span(50, 60)]


def test_only_closed_candles_that_begin_in_the_profile_count() -> None:
    assert align_to_candles([Span(13, 48)], 13, 47, 10) == [Span(20, 40)]
    assert align_to_candles([Span(13, 18)], 13, 47, 10) == []
    assert align_to_candles([Span(44, 46)], 0, 47, 10) == []


def test_long_candles_fill_a_gap_and_the_shortest_fill_its_ends() -> None:
    assert candle_ranges(Span(7, 52), [15], 1, all_there) == [
        CandleRange(1, Span(45, 52)),
        CandleRange(15, Span(15, 45)),
        CandleRange(1, Span(7, 15)),
    ]
    assert candle_ranges(Span(16, 29), [15], 1, all_there) == [CandleRange(1, Span(16, 29))]
    assert candle_ranges(Span(15, 30), [15], 1, all_there) == [CandleRange(15, Span(15, 30))]


def test_longer_candles_continue_before_the_first_shorter_one() -> None:
    reach = {1: 47, 5: 21}

    def first(length: int, span: Span) -> int:
        return min(span.end_ns, max(span.start_ns, -(-reach.get(length, 0) // length) * length))

    assert candle_ranges(Span(0, 60), [1, 5, 15], 1, first) == [
        CandleRange(1, Span(50, 60)),
        CandleRange(5, Span(30, 50)),
        CandleRange(15, Span(0, 30)),
    ]


def test_the_first_day_of_a_market_uses_its_shortest_candles() -> None:
    """A longer candle with no more volume than the shorter ones is not used."""

    def first(length: int, span: Span) -> int:
        return min(span.end_ns, max(span.start_ns, 47 // length * length))

    assert candle_ranges(Span(0, 60), [1, 5, 15], 1, first) == [CandleRange(1, Span(47, 60))]


@given(
    st.integers(0, 80),
    st.integers(1, 200),
    st.sampled_from([(1, 3, 15), (1, 5, 15, 30), (3, 15, 60), (5,), (15, 30, 60)]),
    st.dictionaries(st.sampled_from([1, 3, 5, 15, 30, 60]), st.integers(0, 300)),
)
def test_candle_ranges_never_overlap_and_leave_nothing_out(start: int, size: int, lengths, reach: dict[int, int]) -> None:
    gap = Span(start, start + size)

    def first(length: int, span: Span) -> int:
        return min(span.end_ns, max(span.start_ns, -(-reach.get(length, 0) // length) * length))

    found = candle_ranges(gap, lengths, 1, first)
    assert all(piece.span.start_ns % piece.length_ns == 0 == piece.span.end_ns % piece.length_ns for piece in found)
    times = [Span(piece.span.start_ns, piece.span.end_ns) for piece in reversed(found)]
    assert all(a.end_ns <= b.start_ns for a, b in pairwise(times))
    assert all(gap.start_ns <= span.start_ns < span.end_ns <= gap.end_ns for span in times)
    length = lengths[0]
    whole = Span(-(-gap.start_ns // length) * length, gap.end_ns // length * length)
    if whole:
        had = Span(first(length, whole), whole.end_ns)
        assert had.minus(times) == []


def test_loaded_trades_are_subtracted_from_their_candle() -> None:
    time_ns, lots, bought = np.array([9, 10, 15, 19, 20]), np.array([100, 3, 4, 5, 100]), np.array([100, 3, 0, 0, 100])
    left = subtract_trades(candle(10, 30, 12), time_ns, lots, bought)
    assert (left.volume.tolist(), left.buy.tolist()) == ([18], [9])
    assert subtract_trades(candle(10, 30, -1), time_ns, lots, bought).buy.tolist() == [-1]


@pytest.mark.parametrize(("volume", "buy", "left"), [(11, 3, (0, 0)), (12, 12, (0, 0)), (14, 1, (2, 0)), (13, 13, (1, 1))])
def test_subtracting_more_than_a_candle_has_leaves_zero(volume: int, buy: int, left: tuple[int, int]) -> None:
    found = subtract_trades(candle(10, volume, buy), np.array([10, 15, 19]), np.array([3, 4, 5]), np.array([3, 0, 0]))
    assert (int(found.volume[0]), int(found.buy[0])) == left


def test_trades_outside_all_candles_are_not_subtracted() -> None:
    assert subtract_trades(candle(10, 30, 12), np.array([25]), np.array([3]), np.array([3])).volume.tolist() == [30]
