from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analytics.profile import VolumeProfile, merge_profiles, profile_of_bars, profile_of_trades
from app.market.price_grid import PriceGrid
from app.market.trade import BUY, SELL, UNKNOWN, TradeBatch
from tests.builders import series_of, split, trade_batches, trades_of


def content(profile: VolumeProfile) -> tuple[int, list[int], list[int], list[int]]:
    """The profile as something that can be compared."""
    return profile.first_row, profile.buy.tolist(), profile.sell.tolist(), profile.unknown.tolist()


def slow_profile(trades: TradeBatch, ticks_per_row: int) -> tuple[int, list[int], list[int], list[int]]:
    """The same, by a dictionary."""
    rows: dict[int, dict[int, int]] = {}
    for price, quantity, side in zip(*(column.tolist() for column in trades.columns[1:4]), strict=True):
        cell = rows.setdefault(price // ticks_per_row, {BUY: 0, SELL: 0, UNKNOWN: 0})
        cell[side] += quantity
    dense = [rows.get(row, {BUY: 0, SELL: 0, UNKNOWN: 0}) for row in range(min(rows), max(rows) + 1)]
    buy, sell, unknown = ([cell[side] for cell in dense] for side in (BUY, SELL, UNKNOWN))
    return min(rows), buy, sell, unknown


TRADES = trades_of([(0, 100, 5, BUY), (1, 103, 7, SELL), (60, 98, 2, UNKNOWN), (61, 100, 1, SELL), (62, 100, 4, BUY)])


def test_trades_are_counted_in_their_rows() -> None:
    assert content(profile_of_trades(TRADES, PriceGrid(Decimal(1)))) == (98, [0, 0, 9, 0, 0, 0], [0, 0, 1, 0, 0, 7], [2, 0, 0, 0, 0, 0])
    assert content(profile_of_trades(TRADES, PriceGrid(Decimal(1), 4))) == (24, [0, 9], [0, 8], [2, 0])


def test_profile_of_bars_has_rows_from_their_low_to_their_high() -> None:
    series = series_of(TRADES)
    assert content(profile_of_bars(series, 0, 1)) == (100, [5, 0, 0, 0], [0, 0, 0, 7], [0, 0, 0, 0])
    assert content(profile_of_bars(series, 1, 2)) == (98, [0, 0, 4], [0, 0, 1], [2, 0, 0])
    assert content(profile_of_bars(series, 0, 2)) == content(profile_of_trades(TRADES, series.grid))


def test_a_profile_has_totals_and_delta() -> None:
    profile = profile_of_bars(series_of(TRADES), 1, 2)
    assert profile.total.tolist() == [2, 0, 5]
    assert profile.delta.tolist() == [0, 0, 3]
    assert (profile.volume, profile.n_rows) == (7, 3)


def test_no_bars_or_trades_give_a_profile_without_rows() -> None:
    series = series_of(TRADES)
    for profile in (
        profile_of_bars(series, 1, 1),
        profile_of_bars(series, 5, 9),
        profile_of_trades(TradeBatch.empty(), series.grid),
        merge_profiles([]),
    ):
        assert (profile.n_rows, profile.volume) == (0, 0)


def test_merging_spans_the_rows_of_all_parts() -> None:
    column = np.array([1, 2])
    low, high = VolumeProfile(3, column, 0 * column, column), VolumeProfile(7, column, column, 0 * column)
    assert content(merge_profiles([high, VolumeProfile.empty(), low])) == (3, [1, 2, 0, 0, 1, 2], [0, 0, 0, 0, 1, 2], [1, 2, 0, 0, 0, 0])


def test_columns_are_read_only() -> None:
    profile = VolumeProfile(0, np.array([1]), np.array([1]), np.array([1]))
    with pytest.raises(ValueError, match="read-only"):
        profile.buy[0] = 2


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        VolumeProfile(0, np.array([1, 2]), np.array([1]), np.array([1]))


@settings(max_examples=100)
@given(trade_batches(), st.integers(1, 7))
def test_profiles_of_trades_and_bars_equal_the_oracle(trades: TradeBatch, ticks_per_row: int) -> None:
    series = series_of(trades, ticks_per_row=ticks_per_row)
    expected = slow_profile(trades, ticks_per_row)
    assert content(profile_of_trades(trades, series.grid)) == expected
    assert content(profile_of_bars(series, 0, series.n_bars)) == expected


@settings(max_examples=60)
@given(trade_batches(), st.lists(st.integers(0, 60), max_size=4))
def test_batching_does_not_matter(trades: TradeBatch, cuts: list[int]) -> None:
    grid = PriceGrid(Decimal(1))
    parts = [profile_of_trades(part, grid) for part in split(trades, cuts)]
    assert content(merge_profiles(parts)) == content(merge_profiles(parts[::-1])) == content(profile_of_trades(trades, grid))


@settings(max_examples=60)
@given(trade_batches())
def test_volume_is_conserved(trades: TradeBatch) -> None:
    series = series_of(trades, ticks_per_row=3)
    assert profile_of_bars(series, 0, series.n_bars).volume == int(trades.quantity_lots.sum()) == int(series.volume.sum())
