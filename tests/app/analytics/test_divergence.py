"""Swings and divergences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analytics.cumulative_delta import CumulativeDelta
from app.analytics.divergence import Swings, divergences, swings
from app.market.trade import BUY, SELL, TradeBatch
from tests.builders import random_trades, series_of, split, trade_batches, trades_of
from tests.oracles import order_flow

HIGHER_ON_LESS = [(100, 9, BUY), (103, 1, BUY), (101, 5, SELL), (100, 5, SELL), (105, 2, BUY), (101, 1, BUY), (101, 1, BUY)]


def one_trade_a_bar(rows: list[tuple[int, int, int]]) -> TradeBatch:
    return trades_of([(60 * bar, price, lots, side) for bar, (price, lots, side) in enumerate(rows)])


@pytest.mark.parametrize(
    ("values", "reach", "found"),
    [
        ([1, 3, 2], 1, [1]),
        ([1, 3, 3, 2], 1, [1]),
        ([1, 3, 3, 3, 2], 1, [2]),
        ([3, 1, 2], 1, []),
        ([1, 2, 4, 2, 1, 5, 1], 2, [2]),
        ([1, 2, 4, 4], 1, []),
        ([1, 1, 1, 1, 1], 1, []),
        ([], 1, []),
    ],
)
def test_a_swing_is_above_all_neighbours_within_reach(values: list[int], reach: int, found: list[int]) -> None:
    assert swings(np.array(values, np.int64), reach).tolist() == found


@given(st.lists(st.integers(0, 4), max_size=40), st.integers(1, 4))
def test_swings_equal_a_plain_loop(values: list[int], reach: int) -> None:
    assert swings(np.array(values, np.int64), reach).tolist() == order_flow.swing_highs(values, reach)


def test_a_higher_high_on_lower_cvd_diverges_without_a_gap() -> None:
    series = series_of(one_trade_a_bar(HIGHER_ON_LESS))
    cvd = CumulativeDelta(series).values(0, 7)
    assert cvd.tolist() == [9, 10, 5, 0, 2, 3, 4]
    highs, lows = Swings(series, 1).highs(), Swings(series, 1).lows()
    assert (highs.tolist(), lows.tolist()) == ([1, 4], [3])
    whole = np.zeros(7, np.int64)
    assert [column.tolist() for column in divergences(series, highs, lows, cvd, whole)] == [[1], [4], [-1]]
    broken = np.array([0, 0, 0, 1, 1, 1, 1])
    assert divergences(series, highs, lows, cvd, broken).first.tolist() == []


def test_equal_highs_and_equal_sums_are_no_divergence() -> None:
    flat = [(105 if price == 103 else price, lots, side) for price, lots, side in HIGHER_ON_LESS]
    series = series_of(one_trade_a_bar(flat))
    found = Swings(series, 1)
    assert divergences(series, found.highs(), found.lows(), np.array([9, 8, 5, 0, 2, 3, 4]), np.zeros(7, np.int64)).first.tolist() == []
    higher = series_of(one_trade_a_bar(HIGHER_ON_LESS))
    found = Swings(higher, 1)
    assert divergences(higher, found.highs(), found.lows(), np.array([9, 2, 5, 0, 2, 3, 4]), np.zeros(7, np.int64)).first.tolist() == []


def test_the_bar_in_progress_is_no_swing_and_confirms_none() -> None:
    series = series_of(one_trade_a_bar([(100, 1, BUY), (103, 1, BUY), (101, 1, BUY)]))
    found = Swings(series, 1)
    assert found.highs().tolist() == []
    series.append(trades_of([(180, 101, 1, BUY)]))
    assert found.highs().tolist() == [1]


@settings(max_examples=80, deadline=None)
@given(trade_batches(), st.lists(st.integers(0, 60), max_size=5), st.integers(1, 3), st.data())
def test_any_batching_gives_the_swings_of_a_plain_loop(trades: TradeBatch, cuts: list[int], reach: int, data: st.DataObject) -> None:
    pieces = split(trades, cuts)
    series = series_of(pieces[0], bar_s=20)
    found = Swings(series, reach)
    for piece in pieces[1:]:
        found.highs()
        series.append(piece)
        if data.draw(st.integers(0, 9)) == 0:
            series.truncate(series.n_bars * 2 // 3)
    closed = max(series.n_bars - 1, 0)
    assert found.highs().tolist() == order_flow.swing_highs(series.high[:closed].tolist(), reach)
    assert found.lows().tolist() == order_flow.swing_highs((-series.low[:closed]).tolist(), reach)
    cvd = CumulativeDelta(series).values(0, series.n_bars)
    marks = divergences(series, found.highs(), found.lows(), cvd, np.zeros(series.n_bars, np.int64))
    columns = (column.tolist() for column in marks)
    expected = order_flow.divergences(series.high[:closed].tolist(), series.low[:closed].tolist(), cvd[:closed].tolist(), reach)
    assert set(zip(*columns, strict=True)) == expected
    assert np.all(np.diff(marks.second) >= 0)


@given(trade_batches(), st.floats(0, 1), st.integers(1, 3))
def test_swings_as_of_a_bar_are_those_confirmed_by_then(trades: TradeBatch, share: float, reach: int) -> None:
    series = series_of(trades, bar_s=20)
    found, end = Swings(series, reach), round(share * series.n_bars)
    assert found.highs(end).tolist() == order_flow.swing_highs(series.high[: max(end - 1, 0)].tolist(), reach)
    assert found.lows(end).tolist() == order_flow.swing_highs((-series.low[: max(end - 1, 0)]).tolist(), reach)
    assert found.highs().tolist() == order_flow.swing_highs(series.high[:-1].tolist(), reach)  # now is as it was


def test_a_live_trade_checks_no_bar_and_a_new_bar_only_a_few() -> None:
    trades = random_trades(5, 3000, seconds=30_000)
    series = series_of(trades[:2900])
    found = Swings(series)
    found.highs()
    for at in range(2900, 3000):
        before, bars = found.bars_judged, series.n_bars
        series.append(trades[at : at + 1])
        found.highs()
        found.lows()
        assert found.bars_judged - before <= (0 if series.n_bars == bars else 2 * (20 + series.n_bars - bars))
