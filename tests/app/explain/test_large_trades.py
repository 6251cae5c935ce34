"""A large trade is explained by its rank, or by the minimum size."""

from __future__ import annotations

from decimal import Decimal

import pytest

from app.analytics.large_trades import LargeTradeFilter
from app.explain.answer import find_trades
from app.explain.large_trades import explain_large_trade
from app.market.trade import BUY, SELL
from tests.app.explain.charts import chart_of
from tests.builders import trades_of

TRADES = trades_of([(0, 100, 500, SELL), (1, 101, 900, BUY), (2, 102, 500, BUY)])


@pytest.mark.parametrize(("place", "rank"), [(0, 2), (1, 1), (2, 3)])
def test_equal_large_trades_rank_by_time(place: int, rank: int):
    told = explain_large_trade(chart_of(TRADES), TRADES, place, LargeTradeFilter(top=3))
    assert told.lines[0].text == f"rank {rank} of the 3 largest trades in view"


def test_a_large_trade_by_size_copies_the_trade_itself():
    chart = chart_of(TRADES)
    told = explain_large_trade(chart, TRADES, 1, LargeTradeFilter(0, Decimal("5")))
    assert told.title == "Large trade: 9 bought at 10.1 · 2023-11-14 22:14:01.000"
    assert told.lines[0].text == "9 >= 5"
    assert find_trades(chart, told).csv.splitlines()[1:] == ["1700000041000000000,10.1,9.00,buy,2"]
