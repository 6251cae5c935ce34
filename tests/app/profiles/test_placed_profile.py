"""The time of a placed profile: one range or several, moved and cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import BadInputError
from app.profiles.placed_profile import PlacedProfile, TimeRange, merge_ranges
from app.profiles.profile_settings import ProfileSettings

STRETCHES = st.lists(
    st.tuples(st.integers(0, 50), st.integers(1, 20), st.booleans()).map(lambda t: TimeRange(t[0], None if t[2] else t[0] + t[1])),
    max_size=8,
)


def placed(*stretches: tuple[int, int | None]) -> PlacedProfile:
    return PlacedProfile(1, "C1", tuple(TimeRange(*one) for one in stretches), ProfileSettings(), ("A", "B"))


def test_overlapping_and_touching_ranges_are_merged() -> None:
    assert merge_ranges([TimeRange(5, 9), TimeRange(0, 6), TimeRange(9, 12), TimeRange(20, None), TimeRange(30, 40)]) == (
        (0, 12),
        (20, None),
    )


@given(STRETCHES)
def test_merged_ranges_cover_the_same_time_in_order(stretches: list[TimeRange]) -> None:
    def instants(some: object) -> set[int]:
        return {t for t in range(-1, 90) if any(one.start_ns <= t < one.reach_ns for one in some)}

    found = merge_ranges(stretches)
    assert instants(found) == instants(stretches)
    assert all(before.reach_ns < after.start_ns for before, after in pairwise(found))


def test_ending_a_profile_drops_later_ranges() -> None:
    assert placed((0, 10), (20, None)).ended_at(25).stretches == ((0, 10), (20, 25))
    assert placed((0, 10), (20, None)).ended_at(15).stretches == ((0, 10),)
    assert placed((0, 10), (20, 30)).ended_at(99).stretches == ((0, 10), (20, 30))
    with pytest.raises(BadInputError, match="range: the end must be after the start"):
        placed((5, 10)).ended_at(5)


def test_moving_an_end_drops_ranges_beyond_it() -> None:
    assert placed((0, 10), (20, 30)).moved(5, 40).stretches == ((5, 10), (20, 40))
    assert placed((0, 10), (20, 30)).moved(12, None).stretches == ((12, None),)
    assert placed((0, 10), (20, 30)).moved(-9, 8).stretches == ((-9, 8),)
    assert placed(
        (0, 10),
    ).moved(50, 60).stretches == ((50, 60),)
    with pytest.raises(BadInputError, match="range: the end must be after the start"):
        placed((0, 10)).moved(5, 5)


def test_ranges_out_of_order_or_touching_raise_an_error() -> None:
    for stretches in (((5, 9), (0, 3)), ((0, 5), (5, 9)), ((0, None), (5, 9))):
        with pytest.raises(BadInputError, match="in order and must not overlap or touch"):
            placed(*stretches)


def test_a_composite_contains_times_between_its_ranges() -> None:
    profile = placed((0, 10), (20, None))
    assert [profile.contains(t) for t in (-1, 0, 15, 10**18)] == [False, True, True, True]
