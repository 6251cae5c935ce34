from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from app.market.span import Span

SPANS = st.builds(Span, st.integers(0, 20), st.integers(0, 20))


def moments(span: Span) -> set[int]:
    """All nanoseconds in a span."""
    return set(range(span.start_ns, span.end_ns))


def test_a_span_contains_its_start_but_not_its_end() -> None:
    span = Span(10, 20)
    assert (9 in span, 10 in span, 19 in span, 20 in span) == (False, True, True, False)
    assert (span.length_ns, bool(span)) == (10, True)
    assert (Span(5, 5).length_ns, bool(Span(5, 5)), bool(Span(6, 5)), Span(6, 5).length_ns) == (0, False, False, 0)


def test_minus_removes_the_time_of_other_spans() -> None:
    assert Span(0, 100).minus([Span(60, 70), Span(10, 20), Span(15, 30)]) == [Span(0, 10), Span(30, 60), Span(70, 100)]
    assert Span(0, 100).minus([Span(0, 100)]) == []
    assert Span(0, 100).minus([]) == [Span(0, 100)]
    assert Span(5, 5).minus([]) == []


@settings(max_examples=150)
@given(SPANS, st.lists(SPANS, max_size=5))
def test_minus_equals_set_difference(span: Span, others: list[Span]) -> None:
    left = span.minus(others)
    assert all(left)
    assert set().union(*map(moments, left)) == moments(span).difference(*map(moments, others))
    assert sum(part.length_ns for part in left) == len(set().union(*map(moments, left)))
    assert all(a.end_ns < b.start_ns for a, b in pairwise(left))


@settings(max_examples=100)
@given(SPANS, SPANS)
def test_intersection_equals_set_intersection(one: Span, other: Span) -> None:
    assert moments(one.intersection(other)) == moments(one) & moments(other)
