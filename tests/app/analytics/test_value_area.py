import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analytics.profile import VolumeProfile
from app.analytics.value_area import ValueArea, ValueAreaMethod, point_of_control, points_of_control, value_area, value_areas
from app.errors import BadInputError, EmptyProfileError
from tests.builders import row_volumes
from tests.oracles import value_areas as oracle

DALTON, TRADINGVIEW, SINGLE = ValueAreaMethod.DALTON, ValueAreaMethod.TRADINGVIEW, ValueAreaMethod.SINGLE
VECTORS = json.loads((Path(__file__).parents[2] / "vectors/value_area.json").read_text())["profiles"]
METHODS = st.sampled_from(list(ValueAreaMethod))


def profile_of(rows: list[int], first_row: int = 0) -> VolumeProfile:
    """All volume bought; who was aggressive plays no part here."""
    buy = np.array(rows, np.int64)
    return VolumeProfile(first_row, buy, np.zeros_like(buy), np.zeros_like(buy))


@pytest.mark.parametrize("method", ValueAreaMethod, ids=lambda method: method.value)
@pytest.mark.parametrize("case", VECTORS.values(), ids=VECTORS)
def test_value_areas_equal_the_published_examples(case: dict, method: ValueAreaMethod) -> None:
    low, high, volume = case[method.value]
    found = value_area(profile_of(case["rows"], case["first"]), 70, method)
    assert found == ValueArea(low, high, case["poc"], volume)
    assert point_of_control(profile_of(case["rows"], case["first"])) == case["poc"]


def test_the_default_is_dalton_at_70_percent() -> None:
    case = VECTORS["A"]
    assert value_area(profile_of(case["rows"], case["first"])) == ValueArea(104, 108, 106, 430)


def test_buy_sell_and_unknown_volume_all_count() -> None:
    profile = VolumeProfile(5, np.array([9, 0, 0]), np.array([0, 5, 0]), np.array([0, 5, 9]))
    assert point_of_control(profile) == 6


def test_a_poc_tie_goes_to_the_row_nearest_the_middle_then_lower() -> None:
    assert point_of_control(profile_of([9, 1, 9, 1, 1, 9])) == 2
    assert point_of_control(profile_of([1, 9, 9, 1])) == 1
    assert point_of_control(profile_of([9, 1, 1, 9])) == 0


def test_empty_rows_outside_the_traded_ones_change_nothing() -> None:
    assert point_of_control(profile_of([0, 0, 0, 0, 9, 1, 9, 1, 1])) == 6
    for method in ValueAreaMethod:
        bare, padded = profile_of([3, 0, 9, 0, 3], 10), profile_of([0, 3, 0, 9, 0, 3, 0, 0, 0], 9)
        assert value_area(bare, 90, method) == value_area(padded, 90, method)


def test_an_odd_row_left_over_joins_as_a_pair_of_one() -> None:
    assert value_area(profile_of([8, 5, 1, 20]), 75, DALTON) == ValueArea(1, 3, 3, 26)
    assert value_area(profile_of([8, 5, 1, 20]), 80, DALTON) == ValueArea(0, 3, 3, 34)


def test_tradingview_takes_the_nearer_of_two_equal_rows() -> None:
    # from row 2: up to row 3 (30), then rows 1 and 4 weigh the same, row 1 is closer
    assert value_area(profile_of([1, 20, 100, 30, 20, 1]), 88, TRADINGVIEW) == ValueArea(1, 3, 2, 150)


def test_tradingview_keeps_a_poc_that_alone_passes_the_target() -> None:
    assert value_area(profile_of([5, 80, 5]), 1, TRADINGVIEW) == ValueArea(1, 1, 1, 80)


def test_one_row_is_its_own_value_area() -> None:
    for method in ValueAreaMethod:
        assert value_area(profile_of([7], 42), 100, method) == ValueArea(42, 42, 42, 7)


def test_equal_rows_on_both_sides_still_end_the_walk() -> None:
    for method in ValueAreaMethod:
        assert value_area(profile_of([5] * 2001), 100, method) == ValueArea(0, 2000, 1000, 10_005)


def test_the_target_is_compared_in_integers() -> None:
    # in floats 0.28 * 25 is 7.000000000000001, which 7 lots would not meet
    assert value_area(profile_of([6, 7, 6, 6]), 28, SINGLE) == ValueArea(1, 1, 1, 7)
    assert value_area(profile_of([6, 7, 6, 6]), 29, SINGLE) == ValueArea(1, 2, 1, 13)
    assert value_area(profile_of([300, 400, 300]), 70, TRADINGVIEW) == ValueArea(1, 2, 1, 700)


def test_volume_close_to_64_bits_is_counted_exactly() -> None:
    rows = [2**60 + 1, 2**61, 2**60]
    assert value_area(profile_of(rows), 75, SINGLE) == ValueArea(0, 1, 1, 2**61 + 2**60 + 1)
    assert value_area(profile_of(rows), 76, SINGLE) == ValueArea(0, 2, 1, 2**62 + 1)


def test_a_profile_without_volume_is_refused() -> None:
    for rows in ([], [0, 0]):
        with pytest.raises(EmptyProfileError):
            point_of_control(profile_of(rows))
        with pytest.raises(EmptyProfileError):
            value_area(profile_of(rows))


@pytest.mark.parametrize("percent", [0, 101, -5])
def test_an_invalid_percentage_is_refused(percent: int) -> None:
    with pytest.raises(BadInputError, match="expected 1 to 100"):
        value_area(profile_of([1]), percent)


@settings(max_examples=150)
@given(row_volumes())
def test_the_poc_equals_the_oracle(rows: list[int]) -> None:
    assert point_of_control(profile_of(rows, 77)) == 77 + oracle.point_of_control(rows)


@settings(max_examples=400)
@given(row_volumes(), st.integers(1, 100), METHODS)
def test_the_value_area_equals_the_oracle(rows: list[int], percent: int, method: ValueAreaMethod) -> None:
    found = value_area(profile_of(rows), percent, method)
    assert (found.low_row, found.high_row) == oracle.value_area(rows, percent, method.value)


@pytest.mark.parametrize("method", ValueAreaMethod, ids=lambda method: method.value)
def test_value_areas_of_long_profiles_equal_the_oracle(method: ValueAreaMethod) -> None:
    rng = np.random.default_rng(5)
    for largest in (1, 3, 1000):
        rows = rng.integers(0, largest, 500, endpoint=True).tolist()
        for percent in (1, 33, 70, 99, 100):
            found = value_area(profile_of(rows), percent, method)
            assert (found.low_row, found.high_row) == oracle.value_area(rows, percent, method.value)


@settings(max_examples=150)
@given(row_volumes(), st.integers(1, 100), METHODS)
def test_the_value_area_contains_the_poc_and_meets_its_target(rows: list[int], percent: int, method: ValueAreaMethod) -> None:
    found = value_area(profile_of(rows), percent, method)
    assert found.low_row <= found.poc_row <= found.high_row
    assert found.volume == sum(rows[found.low_row : found.high_row + 1])
    if method is TRADINGVIEW:
        assert found.volume * 100 <= sum(rows) * percent or found.low_row == found.high_row == found.poc_row
    else:
        assert found.volume * 100 >= sum(rows) * percent


@settings(max_examples=150)
@given(row_volumes(), st.integers(1, 99), METHODS)
def test_a_larger_share_never_gives_a_smaller_area(rows: list[int], percent: int, method: ValueAreaMethod) -> None:
    narrow, wide = (value_area(profile_of(rows), share, method) for share in (percent, percent + 1))
    assert wide.low_row <= narrow.low_row
    assert narrow.high_row <= wide.high_row


@settings(max_examples=100)
@given(st.lists(row_volumes(max_rows=12), min_size=1, max_size=8), st.integers(1, 100), METHODS)
def test_many_runs_at_once_equal_each_run_alone(runs: list[list[int]], percent: int, method: ValueAreaMethod) -> None:
    runs = [[1, *rows, 1] for rows in runs]  # a bar's outermost rows have traded
    volume, n_rows = np.concatenate(runs).astype(np.int64), np.array([len(rows) for rows in runs])
    found = value_areas(volume, n_rows, percent, method)
    expected = [oracle.value_area(rows, percent, method.value) for rows in runs]
    assert list(zip(found.low.tolist(), found.high.tolist(), strict=True)) == expected
    assert points_of_control(volume, n_rows).tolist() == found.poc.tolist() == [oracle.point_of_control(rows) for rows in runs]


def test_no_runs_give_no_value_areas() -> None:
    nothing = np.zeros(0, np.int64)
    assert [len(found) for found in value_areas(nothing, nothing, 70, DALTON)] == [0, 0, 0]
