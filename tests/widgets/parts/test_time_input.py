"""Times as they are read and typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import BadInputError
from app.market.times import timestamp_text
from widgets.parts.time_input import parse_moment

NEAR = 1_723_161_240_123_000_000
"""Thursday 8 August 2024, 23:54:00.123 UTC."""
DAY_NS = NEAR // 86_400_000_000_000 * 86_400_000_000_000


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("23:54", 86_040),
        ("9:30", 34_200),
        ("23:54:10", 86_050),
        (" 2024-08-08 23:54 ", 86_040),
        ("2024-08-08T23:54:10Z", 86_050),
        ("2024-08-08 23:54:10 UTC", 86_050),
        ("2024-08-09 01:54+02:00", 86_040),
        ("12", 43_200),
        ("2024-08-08", 0),
    ],
)
def test_time_can_be_typed_in_many_formats(text: str, seconds: int):
    assert parse_moment(text, NEAR) == DAY_NS + seconds * 10**9


@pytest.mark.parametrize("text", ["", "noon", "25:00", "2024-13-01", "1:2"])
def test_invalid_time_is_refused(text: str):
    with pytest.raises(BadInputError, match=r"expected e\.g\. 15:30"):
        parse_moment(text, NEAR)


@given(st.integers(1_230_768_000_000, 4_102_444_800_000))
def test_shown_time_can_be_typed(time_ms: int):
    assert parse_moment(timestamp_text(time_ms * 1_000_000), 0) == time_ms * 1_000_000
