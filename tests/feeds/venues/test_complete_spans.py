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


def test_one_connection_has_no_gaps() -> None:
    whole = CompleteSpans()
    whole.begin()
    for time_ns in (5, 5, 9, 7, 20):
        whole.line(time_ns, time_ns, False)
    assert whole.gaps == ()


def test_two_connections_have_a_gap_between() -> None:
    whole = broken_at(10)
    whole.line(30, 40, False)
    whole.line(41, 50, False)
    assert whole.gaps == (Span(10, 30),)


def test_page_that_reaches_back_fills_the_gap() -> None:
    whole = broken_at(10)
    whole.page(9, 29, False)
    whole.line(30, 40, False)
    assert whole.gaps == ()


def test_page_that_does_not_reach_back_leaves_the_earlier_gap() -> None:
    whole = broken_at(10)
    whole.page(20, 29, False)
    assert whole.gaps == (Span(10, 20),), "before the line has told anything"
    whole.line(30, 40, False)
    assert whole.gaps == (Span(10, 20),), "and nothing is missing between the page and its line"


def test_page_at_the_last_time_fills_the_gap_only_with_that_trade() -> None:
    for known, gaps in ((True, ()), (False, (Span(10, 11),))):
        whole = broken_at(10)
        whole.page(10, 29, known)
        whole.line(30, 40, False)
        assert whole.gaps == gaps


def test_connection_that_starts_with_old_trades_needs_no_page() -> None:
    whole = broken_at(10)
    whole.line(8, 40, True)
    assert whole.gaps == ()


def test_first_trade_with_an_older_time_fills_nothing() -> None:
    whole = broken_at(10)
    whole.line(8, 40, False)
    assert whole.gaps == (Span(10, 11),)


def test_page_ahead_of_its_connection_is_joined_later() -> None:
    whole = broken_at(10)
    whole.page(30, 35, False)
    whole.line(12, 13, False)
    assert whole.gaps == (Span(10, 12), Span(13, 30))
    whole.line(14, 31, False)
    assert whole.gaps == (Span(10, 12),)


def test_break_before_reaching_the_page_leaves_a_gap() -> None:
    whole = broken_at(10)
    whole.page(30, 35, False)
    whole.line(12, 20, False)
    whole.begin()
    whole.page(34, 50, True)
    whole.line(51, 52, False)
    assert whole.gaps == (Span(10, 12), Span(20, 30))


def test_later_page_fills_a_remaining_gap() -> None:
    whole = broken_at(10)
    whole.line(30, 40, False)
    whole.begin()
    whole.page(15, 60, True)
    assert whole.gaps == (Span(10, 15),)
    whole.begin()
    whole.page(5, 70, True)
    assert whole.gaps == ()
