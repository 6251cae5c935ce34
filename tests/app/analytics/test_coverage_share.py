"""The covered share of a time range."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.analytics.bar_coverage import bar_coverage
from app.analytics.coverage_share import CoverageShare, coverage_share
from app.market.bar_rule import NS_PER_S, BarRule
from app.market.coverage import CoveredSpan, Source
from app.market.span import Span

BAR = BarRule(NS_PER_S)


def held(start: int, end: int, *, proven: bool = True) -> CoveredSpan:
    return CoveredSpan(seconds(start, end), Source.LIVE, 0, 0, proven)


def seconds(start: int, end: int) -> Span:
    return Span(start * NS_PER_S, end * NS_PER_S)


def test_half_covered_time_has_a_share_of_one_half() -> None:
    assert coverage_share(seconds(0, 10), [held(0, 3), held(8, 10)]) == CoverageShare(0.5, False, False)


def test_time_after_the_last_trade_does_not_count() -> None:
    assert coverage_share(seconds(0, 100), [held(0, 10)]) == CoverageShare(1.0, True, True)


def test_nothing_is_missing_before_the_tape_begins() -> None:
    assert coverage_share(seconds(0, 10), [held(5, 10)], begin_ns=5 * NS_PER_S) == CoverageShare(1.0, True, True)


def test_a_gap_of_length_zero_makes_it_incomplete() -> None:
    assert coverage_share(seconds(0, 10), [held(0, 10)], [seconds(4, 4)]) == CoverageShare(1.0, False, False)


def test_ids_that_prove_nothing_make_it_unproven() -> None:
    assert coverage_share(seconds(0, 10), [held(0, 10, proven=False)]) == CoverageShare(1.0, True, False)


def test_share_is_none_without_data_and_gaps_alone_reduce_it() -> None:
    assert coverage_share(seconds(0, 10), []) is None
    assert coverage_share(seconds(0, 10), [], [seconds(2, 4)]) == CoverageShare(0.8, False, False)


SPANS = st.tuples(st.integers(0, 30), st.integers(1, 12)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(st.lists(SPANS, min_size=1, max_size=4), st.lists(SPANS, max_size=3), SPANS, st.none() | st.integers(0, 20))
def test_coverage_share_equals_that_of_bar_coverage(covered, holes, asked, begin) -> None:
    stretches, gaps = [held(*span) for span in covered], [seconds(*span) for span in holes]
    begin_ns = None if begin is None else begin * NS_PER_S
    edges = np.arange(asked[0], asked[1] + 1, dtype=np.int64) * BAR.length_ns
    bars = bar_coverage(edges, asked[0], stretches, gaps, begin_ns=begin_ns)
    found = coverage_share(seconds(*asked), stretches, gaps, begin_ns=begin_ns)
    assert found is not None
    assert abs(found.share - bars.share) < 1e-12
