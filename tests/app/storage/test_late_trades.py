"""Times of late trades."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.storage import late_trades
from app.storage.late_trades import NEVER_NS, LateTrades


def test_trades_in_order_or_of_equal_time_are_not_late() -> None:
    late = LateTrades()
    late.saw(5, 9)
    late.saw(9, 12)
    assert (late.told, late.since(0)) == (0, NEVER_NS)
    late.saw(11, 14)
    assert (late.told, late.since(0), late.since(1)) == (1, 11, NEVER_NS)


@given(st.lists(st.integers(0, 50), max_size=40), st.integers(1, 60))
def test_since_returns_the_oldest_noted_time_or_an_older_one(times: list[int], most: int) -> None:
    late, before = LateTrades(), late_trades._MOST
    late_trades._MOST = most + 3
    try:
        for time_ns in times:
            late.note(time_ns)
    finally:
        late_trades._MOST = before
    for told in range(len(times) + 1):
        truth = min(times[told:], default=NEVER_NS)
        assert late.since(told) <= truth
        if len(times) <= most + 3:
            assert late.since(told) == truth
    assert len(late._numbers) == len(late._oldest_ns) <= most + 3
