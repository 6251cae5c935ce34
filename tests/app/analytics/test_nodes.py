import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analytics.nodes import peaks, percentile
from app.analytics.profile import VolumeProfile


def profile(rows: list[int], first: int = 100) -> VolumeProfile:
    nothing = np.zeros(len(rows), np.int64)
    return VolumeProfile(first, np.array(rows, np.int64), nothing, nothing)


@pytest.mark.parametrize(
    ("rows", "high", "low"),
    [
        ([1, 2, 9, 2, 1], [102], []),
        ([9, 8, 7, 1, 7, 8, 9], [100, 106], [103]),
        ([1, 5, 5, 1], [101], []),  # a plateau of two: the lower of its middle rows
        ([1, 5, 5, 5, 1], [102], []),
        ([9, 9, 9, 2, 2, 2, 9, 9, 9], [101, 107], [104]),
        ([5], [100], []),
        ([], [], []),
        ([1, 9, 2, 8, 1], [101], []),  # 8 has a 9 within three rows
    ],
)
def test_nodes_of_small_profiles(rows: list[int], high: list[int], low: list[int]) -> None:
    found = peaks(profile(rows))
    assert (found.high.tolist(), found.low.tolist()) == (high, low)


def slow_peaks(rows: list[int], n: int) -> tuple[list[int], list[int]]:
    """Row by row: walk to both ends of the plateau, then look at n rows on each side; outside there is nothing."""
    high, low = [], []
    start = 0
    while start < len(rows):
        end = start
        while end + 1 < len(rows) and rows[end + 1] == rows[start]:
            end += 1
        around = [rows[place] if 0 <= place < len(rows) else 0 for step in range(1, n + 1) for place in (start - step, end + step)]
        if all(rows[start] > volume for volume in around):
            high.append((start + end) // 2)
        if all(rows[start] < volume for volume in around):
            low.append((start + end) // 2)
        start = end + 1
    return high, low


@given(rows=st.lists(st.integers(0, 6), max_size=40), n=st.integers(1, 5))
def test_nodes_agree_with_a_walk_row_by_row(rows: list[int], n: int) -> None:
    found = peaks(profile(rows, first=0), n)
    assert (found.high.tolist(), found.low.tolist()) == slow_peaks(rows, n)


def test_nodes_by_percentile_take_the_upper_and_lower_three_tenths() -> None:
    found = percentile(profile(list(range(1, 12))))
    assert found.high.tolist() == [107, 108, 109, 110]
    assert found.low.tolist() == [100, 101, 102, 103]
    assert len(percentile(profile([7])).high) == 0
