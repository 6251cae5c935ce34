"""Days and months of UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.market.span import Span
from feeds.publishers.days import date_of, days_of, file_name, span_of, whole_months

FAR_S = 4e9
DAY_NS = 86_400 * 10**9


@given(start_ns=st.integers(0, 3 * 10**18), length_ns=st.integers(0, 90 * DAY_NS))
def test_days_of_a_span_are_those_it_touches(start_ns: int, length_ns: int) -> None:
    span = Span(start_ns, start_ns + length_ns)
    days = days_of(span, FAR_S)
    assert sum(span_of(day, day).intersection(span).length_ns for day in days) == span.length_ns
    assert all(span_of(day, day).intersection(span) for day in days)
    assert [day for month in whole_months(days) for day in month] == days


@given(time_ns=st.integers(0, 3 * 10**18))
def test_day_of_a_time_is_the_calendar_day(time_ns: int) -> None:
    assert date_of(time_ns) == datetime.fromtimestamp(time_ns // 10**9, UTC).date()


def test_month_is_complete_with_its_last_day() -> None:
    groups = whole_months(days_of(span_of(date(2024, 2, 1), date(2024, 3, 30)), FAR_S))
    assert [len(group) for group in groups] == [29, *[1] * 30]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("BTC/USDT", "BTC_USDT"),
        ("../../x", "_.._x"),
        ("..", "_"),
        ("a\x00b\n", "a_b_"),
        ("C:\\x", "C_x"),
        ("x" * 300, "x" * 100),
        ("é", "_"),
    ],
)
def test_any_text_becomes_a_safe_file_name(text: str, name: str) -> None:
    assert file_name(text) == name
