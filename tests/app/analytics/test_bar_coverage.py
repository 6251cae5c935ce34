"""Coverage of each bar, against a count second by second."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analytics.bar_coverage import BarState, bar_coverage
from app.market.bar_rule import BarRule
from app.market.coverage import CoveredSpan, Source
from app.market.span import Span

SECOND = 10**9
RULE = BarRule(10 * SECOND)
OUTSIDE, ALL, UNVERIFIED, CANDLES, MISSING = BarState


def edges(first: int, bars: int) -> np.ndarray:
    return np.arange(first, first + bars + 1, dtype=np.int64) * RULE.length_ns


def span(start_s: float, end_s: float) -> Span:
    return Span(round(start_s * SECOND), round(end_s * SECOND))


def covered(start_s: float, end_s: float, *, proven: bool = True) -> CoveredSpan:
    return CoveredSpan(span(start_s, end_s), Source.LIVE, 0, 0, proven)


def states(*stretches: CoveredSpan, holes: list[Span] | None = None, candles: list[Span] | None = None, bars: int = 5) -> list[BarState]:
    found = bar_coverage(edges(100, bars), 100, stretches, holes or [], candles or [])
    assert found.first == 100
    return [BarState(state) for state in found.state]


def test_covered_bars_are_complete_and_later_ones_outside():
    assert states(covered(1000, 1030)) == [ALL, ALL, ALL, OUTSIDE, OUTSIDE]


def test_the_bar_in_progress_counts_up_to_the_last_trade():
    assert states(covered(1000, 1021)) == [ALL, ALL, ALL, OUTSIDE, OUTSIDE]


def test_uncovered_time_marks_its_bars_as_missing():
    assert states(covered(1015, 1020), covered(1042, 1050)) == [MISSING, MISSING, MISSING, MISSING, MISSING]
    assert states(covered(1010, 1020), covered(1030, 1050)) == [MISSING, ALL, MISSING, ALL, ALL]


def test_spans_that_meet_or_overlap_leave_no_gap():
    assert states(covered(1000, 1017), covered(1017, 1033), covered(1020, 1050)) == [ALL] * 5


def test_a_gap_marks_the_bars_of_the_trades_on_both_sides():
    assert states(covered(1000, 1050), holes=[span(1012, 1034)]) == [ALL, MISSING, MISSING, MISSING, ALL]


def test_a_gap_of_length_zero_marks_its_bar():
    found = bar_coverage(edges(100, 5), 100, [covered(1000, 1050)], [span(1025, 1025)])
    assert found.state.tolist() == [ALL, ALL, MISSING, ALL, ALL]
    assert (found.share, found.whole) == (1.0, False)


def test_unproven_time_is_unverified_unless_a_span_proves_it():
    assert states(covered(1000, 1050, proven=False), covered(1010, 1025)) == [UNVERIFIED, ALL, UNVERIFIED, UNVERIFIED, UNVERIFIED]


def test_candles_replace_missing_trades_only_for_a_complete_bar():
    found = states(covered(1030, 1050), candles=[span(1000, 1010), span(1010, 1025)])
    assert found == [CANDLES, CANDLES, MISSING, ALL, ALL]


def test_the_share_counts_time_up_to_the_last_trade():
    found = bar_coverage(edges(100, 5), 100, [covered(1010, 1020), covered(1025, 1040)])
    assert found.share == pytest.approx(25 / 40)
    assert not found.whole


def test_nothing_is_missing_before_the_tape_begins():
    found = bar_coverage(edges(100, 5), 100, [covered(1015, 1030)], begin_ns=1015 * SECOND)
    assert found.state.tolist() == [OUTSIDE, ALL, ALL, OUTSIDE, OUTSIDE]
    assert (found.share, found.whole) == (1.0, True)
    found = bar_coverage(edges(100, 5), 100, [covered(1015, 1018), covered(1020, 1030)], begin_ns=1015 * SECOND)
    assert found.state.tolist() == [OUTSIDE, MISSING, ALL, OUTSIDE, OUTSIDE]
    assert found.share == pytest.approx(13 / 15)


@pytest.mark.parametrize("stretches", [[], [covered(900, 1000)]])
def test_bars_after_the_last_trade_miss_nothing(stretches: list[CoveredSpan]):
    found = bar_coverage(edges(100, 5), 100, stretches)
    assert found.state.tolist() == [OUTSIDE] * 5
    assert (found.share, found.whole) == (1.0, True)


SPANS = st.lists(st.tuples(st.integers(-5, 75), st.integers(0, 40)), max_size=5)


@given(SPANS, SPANS, SPANS, SPANS, st.integers(0, 3), st.integers(1, 8))
def test_bar_coverage_equals_a_count_second_by_second(proven, unproven, gaps, candle_spans, first, bars):
    def seconds(pairs: list[tuple[int, int]]) -> set[int]:
        return {second for start, length in pairs for second in range(start, start + length)}

    stretches = [covered(start, start + length) for start, length in proven]
    stretches += [covered(start, start + length, proven=False) for start, length in unproven]
    holes = [span(start, start + length) for start, length in gaps]
    candles = [span(start, start + length) for start, length in candle_spans]
    found = bar_coverage(edges(first, bars), first, stretches, holes, candles)
    end = max((stretch.span.end_ns // SECOND for stretch in stretches), default=first * 10)
    held = (seconds(proven) | seconds(unproven)) - seconds(gaps)
    expected, held_s, all_s = [], 0, 0
    for number in range(first, first + bars):
        own = {second for second in range(number * 10, number * 10 + 10) if second < end}
        held_s, all_s = held_s + len(own & held), all_s + len(own)
        near = any(start // 10 <= number <= (start + length) // 10 for start, length in gaps)
        if number * 10 >= end:
            expected.append(OUTSIDE)
        elif own - held or near:
            expected.append(CANDLES if candles and not own - held - seconds(candle_spans) else MISSING)
        else:
            expected.append(ALL if own <= seconds(proven) else UNVERIFIED)
    assert [BarState(state) for state in found.state] == expected
    assert found.share == (held_s / all_s if all_s else 1.0)
    assert found.whole == (not set(expected) & {CANDLES, MISSING})
    assert found.state.dtype == np.int8
