"""High and low volume nodes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analytics.profile import VolumeProfile
from app.analytics.volume_nodes import peaks, percentile
from tests.builders import row_volumes
from tests.oracles import nodes as oracle


def profile_of(rows: list[int], first_row: int = 0) -> VolumeProfile:
    buy = np.array(rows, np.int64)
    return VolumeProfile(first_row, buy, np.zeros_like(buy), np.zeros_like(buy))


@pytest.mark.parametrize(
    ("rows", "high", "low"),
    [
        ([1, 2, 3, 9, 3, 2, 1], [3], []),
        ([9, 8, 7, 1, 7, 8, 9], [0, 6], [3]),  # nothing trades outside: an edge may be high, never low
        ([1, 2, 3, 9, 9, 9, 3, 2, 1], [4], []),  # a plateau is its middle
        ([1, 2, 3, 9, 9, 3, 2, 1], [3], []),  # of two the lower
        ([5, 9, 4, 9, 5], [], []),  # equal within three rows: neither stands out
        ([9, 4, 3, 2, 9, 8, 7, 6, 5], [0, 4], [3]),
        ([5, 9, 8, 0, 7, 9, 5], [1, 5], [3]),  # rows without trades count
        ([4], [0], []),
        ([0, 0, 0], [], []),
        ([], [], []),
    ],
)
def test_a_node_exceeds_three_rows_on_both_sides(rows: list[int], high: list[int], low: list[int]) -> None:
    found = peaks(profile_of(rows))
    assert (found.high.tolist(), found.low.tolist()) == (high, low)


def test_nodes_use_profile_row_numbers_and_total_volume() -> None:
    profile = VolumeProfile(100, np.array([1, 5, 1]), np.array([0, 0, 5]), np.array([0, 0, 1]))
    assert peaks(profile, 1).high.tolist() == [102]


def test_the_reach_of_a_node_can_be_set() -> None:
    assert peaks(profile_of([1, 5, 1, 6, 1]), 1).high.tolist() == [1, 3]
    assert peaks(profile_of([1, 5, 1, 6, 1]), 2).high.tolist() == [3]


@given(rows=row_volumes(), n=st.integers(1, 5))
def test_peaks_equal_a_plain_check_of_each_plateau(rows: list[int], n: int) -> None:
    found = peaks(profile_of(rows, 7), n)
    high, low = oracle.peaks(rows, n)
    assert (found.high.tolist(), found.low.tolist()) == ([row + 7 for row in high], [row + 7 for row in low])


def test_percentile_finds_the_rows_with_most_and_least_volume() -> None:
    found = percentile(profile_of([10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110], 5))
    assert (found.high.tolist(), found.low.tolist()) == ([12, 13, 14, 15], [5, 6, 7, 8])


def test_percentile_finds_no_node_in_a_single_row() -> None:
    found = percentile(profile_of([7]))
    assert not len(found.high) and not len(found.low)
