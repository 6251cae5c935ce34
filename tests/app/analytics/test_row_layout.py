"""Rows of one profile, by ticks and by number; volume is conserved."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analytics.profile import VolumeProfile
from app.analytics.row_layout import RowLayout, RowMode, RowProfile, apply_layout
from app.errors import BadInputError
from app.market.price_grid import PriceGrid
from tests.builders import row_volumes

ROWS_OF_THE_TEXT = [
    *([100, 25, 4, 25], [100, 30, 3, 34], [100, 24, 4, 25], [100, 40, 3, 34], [100, 7, 15, 7]),
    *([2000, 24, 84, 24], [90, 60, 2, 45], [100, 150, 1, 100], [4, 3, 1, 4]),
]


def profile_of(first_row: int, volumes: list[int]) -> VolumeProfile:
    return VolumeProfile(first_row, np.array(volumes), np.zeros(len(volumes)), np.zeros(len(volumes)))


def shown(found: RowProfile | None) -> tuple[int, int, list[int]]:
    assert found is not None
    return found.low_ticks, found.ticks_per_row, found.profile.total.tolist()


def test_rows_as_on_the_chart_are_its_traded_rows() -> None:
    assert shown(apply_layout(profile_of(10, [0, 3, 0, 4, 0]), PriceGrid(Decimal(1), 5), RowLayout())) == (55, 5, [3, 0, 4])


def test_rows_by_ticks_are_counted_from_price_zero() -> None:
    found = apply_layout(profile_of(7, [1, 2, 4, 8, 16]), PriceGrid(Decimal(1)), RowLayout(RowMode.TICKS, 4))
    assert shown(found) == (4, 4, [1, 30])  # 4 to 7, 8 to 11
    assert found is not None and found.edges_ticks.tolist() == [4, 8, 12]
    assert found.edge_ticks(1) == 8


@pytest.mark.parametrize(("asked", "ticks"), [(1, 10), (14, 10), (15, 10), (16, 20), (25, 20), (29, 30), (100, 100)])
def test_rows_by_ticks_round_to_whole_chart_rows(asked: int, ticks: int) -> None:
    found = apply_layout(profile_of(0, [1] * 60), PriceGrid(Decimal(1), 10), RowLayout(RowMode.TICKS, asked))
    assert found is not None and found.ticks_per_row == ticks


@pytest.mark.parametrize(("range_ticks", "asked", "ticks", "rows"), ROWS_OF_THE_TEXT)
def test_rows_by_number_begin_at_the_lowest_price(range_ticks: int, asked: int, ticks: int, rows: int) -> None:
    found = apply_layout(profile_of(37, [1] * range_ticks), PriceGrid(Decimal(1)), RowLayout(RowMode.ROWS, asked))
    assert found is not None
    assert (found.low_ticks, found.ticks_per_row, found.profile.n_rows) == (37, ticks, rows)
    assert found.profile.total.tolist()[:-1] == [ticks] * (rows - 1)
    assert found.profile.volume == range_ticks


@given(row_volumes(), st.integers(0, 50), st.sampled_from(list(RowMode)), st.integers(1, 40), st.integers(1, 5))
def test_each_row_sums_the_chart_rows_between_its_edges(volumes: list[int], first: int, by: RowMode, size: int, chart: int) -> None:
    found = apply_layout(profile_of(first, volumes), PriceGrid(Decimal(1), chart), RowLayout(by, size))
    assert found is not None
    assert found.profile.volume == sum(volumes)
    for row, held in enumerate(found.profile.total.tolist()):
        low, high = found.edge_ticks(row), found.edge_ticks(row + 1)
        assert held == sum(lots for place, lots in enumerate(volumes) if low <= (first + place) * chart < high)
    assert found.profile.total[0] > 0 and found.profile.total[-1] > 0


def test_a_profile_without_volume_has_no_rows() -> None:
    assert apply_layout(VolumeProfile.empty(), PriceGrid(Decimal(1)), RowLayout()) is None
    assert apply_layout(profile_of(3, [0, 0]), PriceGrid(Decimal(1)), RowLayout()) is None


def test_a_row_has_at_least_one_tick() -> None:
    with pytest.raises(BadInputError, match="row size: found 0"):
        RowLayout(RowMode.ROWS, 0)
