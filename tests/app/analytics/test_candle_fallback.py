"""Which candles fill the time between trades."""

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


def test_gaps_are_widened_to_whole_candles_and_those_of_one_candle_are_one() -> None:
    assert align_to_candles([Span(13, 14), Span(17, 31), Span(55, 56)], 0, 100, 10) == [Span(10, 40), Span(50, 60)]


def test_candles_begin_in_the_profile_and_end_before_they_may_still_grow() -> None:
    assert align_to_candles([Span(13, 48)], 13, 47, 10) == [Span(20, 40)]
    assert align_to_candles([Span(13, 18)], 13, 47, 10) == []
    assert align_to_candles([Span(44, 46)], 0, 47, 10) == []


def test_whole_candles_lie_between_the_trades_and_the_finest_at_either_end() -> None:
    assert candle_ranges(Span(7, 52), [15], 1, all_there) == [
        CandleRange(1, Span(45, 52)),
        CandleRange(15, Span(15, 45)),
        CandleRange(1, Span(7, 15)),
    ]
    assert candle_ranges(Span(16, 29), [15], 1, all_there) == [CandleRange(1, Span(16, 29))]
    assert candle_ranges(Span(15, 30), [15], 1, all_there) == [CandleRange(15, Span(15, 30))]


def test_before_the_fine_candles_the_coarser_begin_so_that_neither_overlaps_the_other() -> None:
    reach = {1: 47, 5: 21}

    def first(length: int, span: Span) -> int:
        return min(span.end_ns, max(span.start_ns, -(-reach.get(length, 0) // length) * length))

    assert candle_ranges(Span(0, 60), [1, 5, 15], 1, first) == [
        CandleRange(1, Span(50, 60)),
        CandleRange(5, Span(30, 50)),
        CandleRange(15, Span(0, 30)),
    ]


def test_a_market_s_first_day_is_told_by_its_finest_candles() -> None:
    """Of a coarser candle that holds what the fine ones hold, and no more, nothing is gained."""

    def first(length: int, span: Span) -> int:
        return min(span.end_ns, max(span.start_ns, 47 // length * length))

    assert candle_ranges(Span(0, 60), [1, 5, 15], 1, first) == [CandleRange(1, Span(47, 60))]


@given(
    st.integers(0, 80),
    st.integers(1, 200),
    st.sampled_from([(1, 3, 15), (1, 5, 15, 30), (3, 15, 60), (5,), (15, 30, 60)]),
    st.dictionaries(st.sampled_from([1, 3, 5, 15, 30, 60]), st.integers(0, 300)),
)
def test_pieces_never_overlap_and_leave_out_only_what_the_venue_has_not(start: int, size: int, lengths, reach: dict[int, int]) -> None:
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


def test_a_candle_keeps_what_it_holds_more_than_what_is_held_of_its_time() -> None:
    time_ns, lots, bought = np.array([9, 10, 15, 19, 20]), np.array([100, 3, 4, 5, 100]), np.array([100, 3, 0, 0, 100])
    left = subtract_trades(candle(10, 30, 12), time_ns, lots, bought)
    assert (left.volume.tolist(), left.buy.tolist()) == ([18], [9])
    assert subtract_trades(candle(10, 30, -1), time_ns, lots, bought).buy.tolist() == [-1]


@pytest.mark.parametrize(("volume", "buy", "left"), [(11, 3, (0, 0)), (12, 12, (0, 0)), (14, 1, (2, 0)), (13, 13, (1, 1))])
def test_where_the_venue_s_candle_says_less_than_its_trades_nothing_is_taken_away(volume: int, buy: int, left: tuple[int, int]) -> None:
    found = subtract_trades(candle(10, volume, buy), np.array([10, 15, 19]), np.array([3, 4, 5]), np.array([3, 0, 0]))
    assert (int(found.volume[0]), int(found.buy[0])) == left


def test_what_is_held_of_a_time_without_a_candle_belongs_to_none() -> None:
    assert subtract_trades(candle(10, 30, 12), np.array([25]), np.array([3]), np.array([3])).volume.tolist() == [30]
