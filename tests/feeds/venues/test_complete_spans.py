"""Lines and pages put together to stretches without a missing trade."""

from __future__ import annotations

from app.market.span import Span
from feeds.venues.complete_spans import CompleteSpans


def broken_at(time_ns: int) -> CompleteSpans:
    """A line told trades from 0 to a time; another one has begun since."""
    whole = CompleteSpans()
    whole.begin()
    whole.line(0, 3, False)
    whole.line(4, time_ns, False)
    whole.begin()
    return whole


def test_a_line_alone_has_no_gaps() -> None:
    whole = CompleteSpans()
    whole.begin()
    for time_ns in (5, 5, 9, 7, 20):
        whole.line(time_ns, time_ns, False)
    assert whole.gaps == ()


def test_between_two_lines_there_is_a_gap() -> None:
    whole = broken_at(10)
    whole.line(30, 40, False)
    whole.line(41, 50, False)
    assert whole.gaps == (Span(10, 30),)


def test_a_page_that_reaches_back_fills_it() -> None:
    whole = broken_at(10)
    whole.page(9, 29, False)
    whole.line(30, 40, False)
    assert whole.gaps == ()


def test_a_page_that_does_not_reach_back_leaves_what_is_before_it() -> None:
    whole = broken_at(10)
    whole.page(20, 29, False)
    assert whole.gaps == (Span(10, 20),), "before the line has told anything"
    whole.line(30, 40, False)
    assert whole.gaps == (Span(10, 20),), "and nothing is missing between the page and its line"


def test_a_page_that_begins_with_the_last_trade_reaches_back_only_if_it_is_that_trade() -> None:
    for known, gaps in ((True, ()), (False, (Span(10, 11),))):
        whole = broken_at(10)
        whole.page(10, 29, known)
        whole.line(30, 40, False)
        assert whole.gaps == gaps


def test_a_line_that_begins_with_trades_of_before_needs_no_page() -> None:
    whole = broken_at(10)
    whole.line(8, 40, True)
    assert whole.gaps == ()


def test_a_first_trade_that_only_looks_older_bridges_nothing() -> None:
    whole = broken_at(10)
    whole.line(8, 40, False)
    assert whole.gaps == (Span(10, 11),)


def test_a_page_ahead_of_its_line_is_met_by_it() -> None:
    whole = broken_at(10)
    whole.page(30, 35, False)
    whole.line(12, 13, False)
    assert whole.gaps == (Span(10, 12), Span(13, 30))
    whole.line(14, 31, False)
    assert whole.gaps == (Span(10, 12),)


def test_a_page_ahead_of_a_line_that_breaks_before_it_hides_no_gap() -> None:
    whole = broken_at(10)
    whole.page(30, 35, False)
    whole.line(12, 20, False)
    whole.begin()
    whole.page(34, 50, True)
    whole.line(51, 52, False)
    assert whole.gaps == (Span(10, 12), Span(20, 30))


def test_a_later_page_fills_what_an_earlier_one_could_not() -> None:
    whole = broken_at(10)
    whole.line(30, 40, False)
    whole.begin()
    whole.page(15, 60, True)
    assert whole.gaps == (Span(10, 15),)
    whole.begin()
    whole.page(5, 70, True)
    assert whole.gaps == ()
