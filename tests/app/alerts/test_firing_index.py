"""A firing is found by its alert and the time of its trade, in whatever order firings are added."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.alerts.alert import FiredAlert
from app.alerts.firing_index import FiringIndex

FIRINGS = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 20), st.integers(0, 3), st.sampled_from("ab")), max_size=30)


def fired(alert: int, time_ns: int, trade_id: int, text: str) -> FiredAlert:
    return FiredAlert(alert=alert, instrument="x:Y", time_ns=time_ns, trade_id=trade_id, price_ticks=1, text=text)


@given(FIRINGS, st.integers(1, 4), st.integers(0, 21), st.integers(0, 21), st.integers(0, 3))
def test_it_finds_what_a_list_would(firings: list[tuple[int, int, int, str]], alert: int, start: int, end: int, trade: int) -> None:
    index = FiringIndex()
    for one in firings:
        index.add(fired(*one))
    assert index.any_in(alert, start, end) == any(number == alert and start <= time < end for number, time, _, _ in firings)
    assert index.has(fired(alert, start, trade, "a")) == ((alert, start, trade, "a") in firings)
