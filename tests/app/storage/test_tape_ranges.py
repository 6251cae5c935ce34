"""Tape ranges."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.market.coverage import CoveredSpan, Source
from app.market.span import Span
from app.storage.tape_ranges import NO_ID, TapeRange, TapeRanges, id_ranges, time_range
from tests.builders import START_NS, trades_of

LIVE, BACKFILL = Source.LIVE, Source.BACKFILL


def ids(first: int, last: int, source: Source = LIVE) -> TapeRange:
    return TapeRange(first, last, first, last, first * 10, last * 10 + 1, source)


def test_adjacent_ranges_of_one_source_are_joined():
    held = TapeRanges()
    for stretch in (ids(1, 5), ids(9, 12), ids(6, 8)):
        held.add(stretch)
    assert list(held) == [ids(1, 12)]


def test_adjacent_ranges_of_two_sources_meet_in_covered_time():
    held = TapeRanges()
    held.add(ids(6, 8, BACKFILL))
    held.add(ids(1, 5))
    assert list(held) == [ids(1, 5), ids(6, 8, BACKFILL)]
    assert held.covered(proven=True) == [CoveredSpan(Span(10, 60), LIVE, 1, 5), CoveredSpan(Span(60, 81), BACKFILL, 6, 8)]
    assert held.gaps() == []


def test_missing_ids_leave_a_gap_in_covered_time():
    held = TapeRanges([ids(1, 5), ids(7, 8)])
    assert [covered.span for covered in held.covered(proven=True)] == [Span(10, 51), Span(70, 81)]
    assert held.gaps() == [(ids(1, 5), ids(7, 8))]


def test_a_range_keeps_its_first_source():
    held = TapeRanges([time_range(Span(100, 200), LIVE)])
    held.add(time_range(Span(50, 300), BACKFILL))
    assert [(s.first_key, s.last_key, s.source) for s in held] == [(50, 99, BACKFILL), (100, 199, LIVE), (200, 299, BACKFILL)]
    assert all((s.start_ns, s.end_ns, s.first_id) == (s.first_key, s.last_key + 1, NO_ID) for s in held)


def test_removing_keys_cuts_ranges_and_their_times():
    held = TapeRanges([ids(1, 100)])
    held.remove(40, 60, Span(400, 601))
    assert list(held) == [TapeRange(1, 39, 1, 39, 10, 400, LIVE), TapeRange(61, 100, 61, 100, 601, 1001, LIVE)]


def test_id_ranges_are_the_runs_of_consecutive_ids():
    trades = trades_of([(0, 1, 1, 1), (1, 1, 1, 1), (2, 1, 1, 1), (9, 1, 1, 1)])[np.array([0, 1, 3])]
    second = 1_000_000_000
    assert id_ranges(trades, LIVE) == [
        TapeRange(1, 2, 1, 2, START_NS, START_NS + second + 1, LIVE),
        TapeRange(4, 4, 4, 4, START_NS + 9 * second, START_NS + 9 * second + 1, LIVE),
    ]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 40), st.integers(0, 12), st.sampled_from(Source)), max_size=30))
def test_tape_ranges_equal_a_set_of_keys(steps):
    held, oracle = TapeRanges(), {}
    for adds, first, length, source in steps:
        last = first + length
        if adds:
            held.add(ids(first, last, source))
            oracle = dict.fromkeys(range(first, last + 1), source) | oracle
        else:
            held.remove(first, last, Span(first * 10, last * 10 + 1))
            oracle = {key: kept for key, kept in oracle.items() if not first <= key <= last}
        assert {key: s.source for s in held for key in range(s.first_key, s.last_key + 1)} == oracle
        assert held.holds(np.arange(60)).tolist() == [key in oracle for key in range(60)]
        pairs = list(zip(held, list(held)[1:], strict=False))
        assert all(a.last_key < b.first_key and (a.last_key + 1 < b.first_key or a.source is not b.source) for a, b in pairs)
