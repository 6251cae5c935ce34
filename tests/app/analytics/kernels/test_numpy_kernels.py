"""The loops over trades, in both implementations, against values by hand."""

from __future__ import annotations

import numpy as np
import pytest

from app.analytics.kernels.choice import Kernels
from app.market.trade import BUY, SELL, UNKNOWN

pytestmark = pytest.mark.usefixtures("kernels")

PRICE = np.array([100, 104, 98, 97, 99])
LOTS = np.array([5, 9, 2, 4, 3])
SIDE = np.array([BUY, SELL, UNKNOWN, BUY, SELL], np.int8)


def test_a_period_begins_where_its_number_changes(kernels: Kernels) -> None:
    period, starts = kernels.period_starts(np.array([59, 60, 61, 179, 180]), 60)
    assert (period.tolist(), starts.tolist()) == ([0, 1, 1, 2, 3], [0, 1, 3, 4])


def test_times_that_go_back_begin_a_period_again(kernels: Kernels) -> None:
    period, starts = kernels.period_starts(np.array([-1, 0, -60, -61, 5]), 60)
    assert (period.tolist(), starts.tolist()) == ([-1, 0, -1, -2, 0], [0, 1, 2, 3, 4])


def test_bars_have_the_values_of_their_trades(kernels: Kernels) -> None:
    bars = kernels.fold_bars(PRICE, LOTS, SIDE, np.array([0, 3]))
    assert {name: column.tolist() for name, column in bars.items()} == {
        "open": [100, 97],
        "high": [104, 99],
        "low": [98, 97],
        "close": [98, 99],
        "volume": [16, 7],
        "buy": [5, 4],
        "sell": [9, 3],
        "delta_min": [-4, 0],
        "delta_max": [5, 4],
        "price_volume_low": [4 * 9 - 2 * 2, 2 * 3],
        "price_volume_high": [0, 0],
        "price_square_low": [16 * 9 + 4 * 2, 4 * 3],
        "price_square_middle": [0, 0],
        "price_square_high": [0, 0],
    }


def test_each_trade_is_added_to_its_cell(kernels: Kernels) -> None:
    sell, unknown, buy = np.ones(4, np.int64), np.ones(4, np.int64), np.ones(4, np.int64)
    kernels.add_cells((sell, unknown, buy), np.array([-19, -17]), np.array([3, 2]), PRICE, LOTS, SIDE, 5)
    assert (sell.tolist(), unknown.tolist(), buy.tolist()) == ([1, 10, 4, 1], [3, 1, 1, 1], [1, 6, 5, 1])
