"""Trades whose side is unknown count for neither side."""

from __future__ import annotations

import numpy as np
import pytest

from app.market.trade import BUY, SELL, TradeBatch
from feeds.side_check import SideCheck


def sides(buys: int, sales: int, unknown: int) -> TradeBatch:
    side = np.repeat([BUY, SELL, 0], [buys, sales, unknown])
    ones = np.ones(len(side), np.int64)
    return TradeBatch.of(ones, ones, ones, side.astype(np.int8), np.arange(len(side)))


@pytest.mark.parametrize(
    ("batches", "warning"),
    [
        ([(2_500, 2_500, 0)], ""),
        ([(2_500, 2_500, 1_000_000)], ""),
        ([(0, 0, 20_000)], ""),
        ([(60, 4_940, 9_999)], "99% of the last 5,000 trades are sales; the venue may report sides incorrectly"),
        ([(4_999, 0, 0)], ""),
        ([(4_000, 0, 500), (1_000, 0, 500)], "100% of the last 5,000 trades are buys; the venue may report sides incorrectly"),
        ([(5_000, 0, 0), (2_500, 2_500, 0)], ""),
        ([(5_000, 0, 0), (0, 0, 9_000)], "100% of the last 5,000 trades are buys; the venue may report sides incorrectly"),
    ],
)
def test_a_warning_needs_nearly_all_known_sides_to_be_equal(batches: list[tuple[int, int, int]], warning: str) -> None:
    check = SideCheck()
    for batch in batches:
        check.saw(sides(*batch))
    assert check.warning == warning
