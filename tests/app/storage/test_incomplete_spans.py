"""Incomplete times are those before the last trade that are not covered, and gaps with both ends."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.market.coverage import CoveredSpan, Source
from app.market.span import Span
from app.storage.incomplete_spans import EVER_NS, IncompleteSpans
from app.storage.trade_store import Gap


def covered(*spans: tuple[int, int]) -> list[CoveredSpan]:
    return [CoveredSpan(Span(*span), Source.LIVE, 0, 0) for span in spans]


def gaps(*spans: tuple[int, int]) -> tuple[Gap, ...]:
    return tuple(Gap(0, -1, *span) for span in spans)


def following(*spans: tuple[int, int], holes: tuple[Gap, ...] = ()) -> IncompleteSpans:
    found = IncompleteSpans()
    found.follow(covered(*spans), holes)
    return found


ALL = Span(-10_000, 10_000)


def test_nothing_is_known_without_coverage() -> None:
    new = IncompleteSpans()
    assert (new.until_ns, new.within(ALL)) == (EVER_NS, ())
    assert (following(holes=gaps((5, 9))).until_ns, following(holes=gaps((5, 9))).within(ALL)) == (EVER_NS, ())


def test_time_before_and_between_covered_spans_is_incomplete() -> None:
    found = following((10, 20), (30, 40))
    assert found.until_ns == 40
    assert found.within(Span(EVER_NS, 100)) == (Span(EVER_NS, 10), Span(20, 30))


def test_a_gap_includes_the_trades_at_both_ends() -> None:
    assert following((10, 40), holes=gaps((15, 18), (25, 25))).within(Span(10, 40)) == (Span(15, 19), Span(25, 26))


def test_times_that_touch_are_joined() -> None:
    assert following((10, 20), (30, 40), holes=gaps((18, 19), (30, 33))).within(Span(10, 40)) == (Span(18, 34),)


@pytest.mark.parametrize(
    ("span", "found"),
    [
        (Span(22, 28), [(22, 28)]),
        (Span(15, 22), [(20, 22)]),
        (Span(28, 35), [(28, 30)]),
        (Span(10, 20), []),
        (Span(30, 40), []),
        (Span(40, 99), []),
        (Span(5, 25), [(5, 10), (20, 25)]),
        (Span(25, 25), []),
    ],
)
def test_within_gives_the_incomplete_parts_of_a_span(span: Span, found: list[tuple[int, int]]) -> None:
    assert following((10, 20), (30, 40)).within(span) == tuple(Span(*part) for part in found)


def test_a_later_last_trade_computes_nothing_again() -> None:
    found, holes = following((10, 20), (30, 40)), ()
    found.follow(spans := covered((10, 20), (30, 40)), holes)
    before = found._spans
    found.follow(covered((10, 20), (30, 55)), holes)
    assert found._spans is before and found.until_ns == 55
    found.follow(spans, holes)  # an end that moved back
    assert found._spans is not before and found.until_ns == 40


def test_equal_objects_are_not_compared_again() -> None:
    found, spans, holes = IncompleteSpans(), covered((10, 20)), ()
    found.follow(spans, holes)
    spans.append(*covered((30, 40)))  # not noticed: its owner replaces it instead
    found.follow(spans, holes)
    assert found.until_ns == 20


SPANS = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 15)).map(lambda one: (one[0], one[0] + one[1])), max_size=4).map(sorted)
HOLES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 5)).map(lambda one: (one[0], one[0] + one[1])), max_size=3).map(sorted)


@given(
    states=st.lists(st.tuples(SPANS, HOLES, st.booleans(), st.integers(0, 9)), min_size=1, max_size=6),
    span=st.tuples(st.integers(-5, 60), st.integers(0, 40)),
)
def test_any_changes_give_what_a_list_of_times_gives(states: list, span: tuple[int, int]) -> None:
    found, holes, last = IncompleteSpans(), gaps(), list[tuple[int, int]]()
    for spans, other_holes, grows, by in states:
        if grows and last:  # only the last trade is a later one
            last = [*last[:-1], (last[-1][0], last[-1][1] + by)]
        else:
            last, holes = spans, gaps(*other_holes)
        found.follow(covered(*last), holes)
        until = max((end for _, end in last), default=None)
        asked = Span(span[0], span[0] + span[1])
        incomplete = {
            time
            for time in range(asked.start_ns, asked.end_ns)
            if until is not None
            and (
                (time < until and not any(start <= time < end for start, end in last))
                or any(hole.start_ns <= time <= hole.end_ns for hole in holes)
            )
        }
        parts = found.within(asked)
        assert {time for part in parts for time in range(part.start_ns, part.end_ns)} == incomplete
        assert all(a.end_ns < b.start_ns for a, b in itertools.pairwise(parts)) and all(parts)
        assert found.until_ns == (EVER_NS if until is None else until)
