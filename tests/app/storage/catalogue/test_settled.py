"""What a source has delivered in full is kept by source, joined, and forgotten where its trades are lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.market.coverage import Source
from app.market.span import Span
from app.storage.catalogue.settled import Settled

SPANS = st.lists(st.builds(lambda start, length: Span(start, start + length), st.integers(0, 30), st.integers(0, 8)), max_size=6)
SOURCES = st.sampled_from([Source.LIVE, Source.BACKFILL, Source.ARCHIVE])


def points(spans: list[Span]) -> set[int]:
    return {point for span in spans for point in range(span.start_ns, span.end_ns)}


@given(added=st.lists(st.tuples(SOURCES, SPANS), max_size=4), lost=SPANS)
def test_times_of_a_source_are_those_given_less_those_lost(added: list[tuple[Source, list[Span]]], lost: list[Span]) -> None:
    found, wanted = Settled(), {source: set[int]() for source in Source}
    for source, spans in added:
        for span in spans:
            found, wanted[source] = found.with_time(span, source), wanted[source] | points([span])
    for span in lost:
        found = found.without_time(span)
    for source in Source:
        assert points(found.times(source)) == wanted[source] - points(lost)
    assert points(found.times()) == set().union(*wanted.values()) - points(lost)
    assert all(one.end_ns < other.start_ns for one, other in zip(found.times(), found.times()[1:], strict=False))


@given(first=SPANS, second=SPANS)
def test_ids_without_a_trade_are_joined_in_order(first: list[Span], second: list[Span]) -> None:
    found = Settled().with_void(first).with_void(second)
    assert points([*found.void]) == points(first) | points(second)
    assert all(one.end_ns < other.start_ns for one, other in zip(found.void, found.void[1:], strict=False))
