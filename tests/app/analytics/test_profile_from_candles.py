"""Profiles from candles: their length, and volume spread exactly to the lot."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analytics import profile_from_candles as candle_ladder
from app.analytics.profile_from_candles import candle_length_ns, spread_over_rows
from app.market.candle import CandleBatch
from app.market.price_grid import PriceGrid

MINUTE_NS = 60_000_000_000
DAY = 1440
LADDER_OF_THE_TEXT = [
    *([4999, 1], [5000, 3], [10080, 3], [14400, 3], [15840, 5], [24480, 5], [25920, 15], [74880, 15], [76320, 30]),
    *([149760, 30], [151200, 60], [299520, 60], [300960, 240], [1199520, 240], [1200960, DAY]),
]


def candles_of(*rows: tuple[int, int, int, int, int, int]) -> CandleBatch:
    """Candles from (open, high, low, close, volume, buy); buy is -1 if unknown."""
    columns = np.array(rows, np.int64).reshape(-1, 6).T
    n = columns.shape[1]
    return CandleBatch(MINUTE_NS, np.arange(n) * MINUTE_NS, *columns, closed=np.ones(n, bool))


def sides(candles: CandleBatch, ticks_per_row: int = 1, *, single_bar: bool = False) -> tuple[int, list[int], list[int], bool]:
    found = spread_over_rows(candles, PriceGrid(Decimal(1), ticks_per_row), single_bar=single_bar)
    return found.profile.first_row, found.profile.buy.tolist(), found.profile.sell.tolist(), found.aggressors


@pytest.mark.parametrize(("span", "minutes"), LADDER_OF_THE_TEXT)
def test_candle_length_is_the_first_with_fewer_than_5000_candles(span: int, minutes: int) -> None:
    assert candle_length_ns(span * MINUTE_NS) == minutes * MINUTE_NS


@pytest.mark.parametrize(("days", "minutes"), [(7, 3), (11, 5), (53, 30), (834, DAY), (100_000, DAY)])
def test_candle_length_of_weeks_and_years_is_as_documented(days: int, minutes: int) -> None:
    assert candle_length_ns(days * DAY * MINUTE_NS) == minutes * MINUTE_NS


def test_candle_length_rounds_up_and_skips_missing_lengths() -> None:
    assert candle_length_ns(4999 * MINUTE_NS + 1) == 3 * MINUTE_NS
    assert candle_length_ns(5000 * MINUTE_NS, (MINUTE_NS, 5 * MINUTE_NS)) == 5 * MINUTE_NS


def test_volume_is_spread_evenly_from_low_to_high() -> None:
    assert sides(candles_of((10, 13, 10, 13, 8, -1))) == (10, [2, 2, 2, 2], [0, 0, 0, 0], False)
    assert sides(candles_of((12, 12, 10, 10, 8, -1))) == (10, [0, 0, 0], [2, 3, 3], False)


def test_a_candle_without_range_is_in_one_row() -> None:
    assert sides(candles_of((25, 25, 25, 25, 7, -1)), 10) == (2, [7], [0], False)


def test_candle_profiles_have_the_rows_of_the_chart() -> None:
    assert sides(candles_of((19, 40, 19, 40, 9, -1)), 10) == (1, [2, 2, 2, 3], [0, 0, 0, 0], False)


def test_an_unchanged_candle_is_up_but_down_in_a_single_bar() -> None:
    still = candles_of((10, 10, 10, 10, 4, -1))
    assert sides(still) == (10, [4], [0], False)
    assert sides(still, single_bar=True) == (10, [0], [4], False)


def test_sides_are_aggressors_when_every_candle_has_its_buying() -> None:
    assert sides(candles_of((10, 11, 10, 11, 10, 4), (11, 11, 10, 10, 2, 2))) == (10, [3, 3], [3, 3], True)
    assert sides(candles_of((10, 11, 10, 11, 10, 4), (11, 11, 10, 10, 2, -1))) == (10, [5, 5], [1, 1], False)


def test_no_candles_give_no_rows() -> None:
    assert spread_over_rows(candles_of(), PriceGrid(Decimal(1))).profile.n_rows == 0


CANDLE = st.tuples(st.integers(1, 60), st.integers(0, 40), st.sampled_from([0, 1, 7, 1000, 10**15]), st.booleans())


@given(st.lists(CANDLE, min_size=1, max_size=12), st.integers(1, 7), st.sampled_from([1, 5, 1 << 20]))
def test_spread_volume_equals_exact_fractions_rounded_by_rule(rows, ticks_per_row: int, at_once: int) -> None:
    batch = candles_of(*((low + width * rises, low + width, low, low + width * (not rises), lots, -1) for low, width, lots, rises in rows))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candle_ladder, "_CELLS_AT_ONCE", at_once)
        found = spread_over_rows(batch, PriceGrid(Decimal(1), ticks_per_row)).profile
    expected: dict[int, int] = {}
    for low, width, lots, _ in rows:
        first, last = low // ticks_per_row, (low + width) // ticks_per_row
        n = last - first + 1
        for k in range(n):
            expected[first + k] = expected.get(first + k, 0) + (k + 1) * lots // n - k * lots // n
    assert {found.first_row + row: lots for row, lots in enumerate(found.total.tolist()) if lots} == {
        r: v for r, v in expected.items() if v
    }
    assert found.volume == sum(lots for _, _, lots, _ in rows)
