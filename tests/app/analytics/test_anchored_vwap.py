"""VWAP and bands by session: exact, at the cost of one bar a trade."""

from __future__ import annotations

from fractions import Fraction
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analytics import anchored_vwap
from app.analytics.anchored_vwap import SessionVwap, VwapSums
from app.analytics.footprint import FootprintSeries
from app.analytics.vwap import vwap
from app.market.session import Period, PeriodRule
from app.market.trade import BUY, SELL, TradeBatch
from tests.builders import random_trades, series_of, split, trade_batches, trades_of
from tests.oracles import order_flow

DAY = PeriodRule()


def test_vwap_sums_equal_the_example_of_the_definition() -> None:
    series = series_of(trades_of([(0, 100, 1, BUY), (1, 102, 3, SELL), (2, 101, 2, BUY)]))
    line = SessionVwap(VwapSums(series), DAY).values(0, 1)
    assert line.price_ticks.tolist() == [608 / 6]
    assert line.deviation_ticks[0] == pytest.approx(0.745356, abs=1e-6)


def test_session_vwap_restarts_with_the_first_bar_of_a_period() -> None:
    series = series_of(trades_of([(0, 100, 1, BUY), (6359, 104, 1, BUY), (6360, 200, 1, BUY), (6500, 202, 1, BUY)]))
    sums = VwapSums(series)
    line = SessionVwap(sums, DAY).values(0, 4)
    assert (line.price_ticks.tolist(), line.deviation_ticks.tolist()) == ([100, 102, 200, 201], [0, 2, 0, 1])
    assert SessionVwap(sums, DAY).values(1, 3).price_ticks.tolist() == [102, 200]
    assert SessionVwap(sums, PeriodRule(Period.WEEK)).values(0, 4).price_ticks.tolist() == [100, 102, 404 / 3, 151.5]


@settings(max_examples=60, deadline=None)
@given(trade_batches(), st.lists(st.integers(0, 60), max_size=4), st.data())
def test_any_batching_gives_the_quotient_of_plain_sums(trades: TradeBatch, cuts: list[int], data: st.DataObject) -> None:
    pieces = split(trades, cuts)
    series = series_of(pieces[0], bar_s=3600)
    line = SessionVwap(VwapSums(series), DAY)
    for piece in pieces[1:]:
        line.values(0, series.n_bars)
        series.append(piece)
    for bar in range(series.n_bars):
        expected = order_flow.vwap_of_day(trades, series.start_ns(bar), 3600 * 10**9)
        found = line.values(bar, bar + 1)
        assert found.price_ticks[0] == float(expected[0])
        assert found.deviation_ticks[0] == pytest.approx(sqrt(expected[1]), rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(trade_batches(), st.lists(st.integers(0, 60), max_size=4))
def test_the_sum_of_squares_is_the_same_with_any_batching(trades: TradeBatch, cuts: list[int]) -> None:
    whole, pieced = series_of(trades), series_of(trades[:0])
    for piece in split(trades, cuts):
        pieced.append(piece)
    for name in ("price_square_high", "price_square_middle", "price_square_low"):
        assert getattr(pieced, name).tolist() == getattr(whole, name).tolist()
    first = trades.time_ns // (60 * 10**9) == whole.number[0]
    opening = int(whole.open[0])
    plain = sum((int(p) - opening) ** 2 * int(q) for p, q in zip(trades.price_ticks[first], trades.quantity_lots[first], strict=True))
    assert whole.volume_squares(slice(1)) == [plain]


def test_squares_far_beyond_64_bits_are_exact() -> None:
    prices = [10_000_000, 13_000_000, 7_000_000]
    series = series_of(trades_of([(second, price, 10**9, BUY) for second, price in enumerate(prices)]), ticks_per_row=1000)
    assert series.volume_squares(slice(1)) == [2 * 3_000_000**2 * 10**9]
    line = SessionVwap(VwapSums(series), DAY).values(0, 1)
    assert (line.price_ticks[0], line.deviation_ticks[0]) == (10_000_000, pytest.approx(sqrt(2 / 3) * 3_000_000, rel=1e-15))


def test_a_deviation_of_one_tick_is_exact_at_high_prices() -> None:
    """Where a float's sum of squares would have no digits left."""
    series = series_of(trades_of([(second, 10**9 + second % 2, 1, BUY) for second in range(60)]))
    assert SessionVwap(VwapSums(series), DAY).values(0, 1).deviation_ticks[0] == 0.5


def test_vwap_sums_equal_the_vwap_of_the_complete_file() -> None:
    series = series_of(random_trades(4, 3000))
    found = SessionVwap(VwapSums(series), PeriodRule(Period.MONTH)).values(0, series.n_bars)
    assert np.array_equal(found.price_ticks, vwap(series))


def test_one_trade_computes_one_bar() -> None:
    trades = random_trades(3, 4000, seconds=36_000)
    series: FootprintSeries = series_of(trades[:3900])
    sums = VwapSums(series)
    line = SessionVwap(sums, DAY)
    line.values(0, series.n_bars)
    for at in range(3900, 4000):
        before, bars = (sums.bars_summed, line.bars_figured), series.n_bars
        series.append(trades[at : at + 1])
        line.values(max(0, series.n_bars - 20), series.n_bars)
        fresh = 1 + series.n_bars - bars
        assert sums.bars_summed - before[0] <= fresh and line.bars_figured - before[1] <= fresh


@settings(max_examples=60)
@given(trade_batches(), st.lists(st.integers(0, 60), max_size=4), st.integers(1, 4), st.data())
def test_sums_of_blocks_equal_plain_sums(trades: TradeBatch, cuts: list[int], block: int, data: st.DataObject) -> None:
    """Any bars, in any order, while bars are added, changed and dropped; blocks are forgotten meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(anchored_vwap, "BLOCK", block)
        patch.setattr(anchored_vwap, "_BLOCKS", 2)
        series = series_of(TradeBatch.empty(), bar_s=20)
        sums = VwapSums(series)
        for part in split(trades, cuts):
            if data.draw(st.booleans()):
                series.truncate(data.draw(st.integers(0, series.n_bars)))
                if data.draw(st.booleans()):
                    sums.follow()
            if series.n_bars and len(part) and series.period_reached() > int(part.time_ns[0]) // series.rule.period_ns:
                continue
            series.append(part)
            sums.follow()
            for _ in range(3 if series.n_bars else 0):
                start = data.draw(st.integers(0, series.n_bars - 1))
                end = data.draw(st.integers(start + 1, series.n_bars))
                lots, turnover, squares = 0, 0, 0
                bars = slice(start, end)
                for opened, volume, offset, square in zip(
                    series.open[bars].tolist(),
                    series.volume[bars].tolist(),
                    series.volume_offsets(bars),
                    series.volume_squares(bars),
                    strict=True,
                ):
                    lots += volume
                    turnover += opened * volume + offset
                    squares += opened**2 * volume + 2 * opened * offset + square
                assert sums.between(start, end)[0] == turnover / lots
                assert sums.variance(start, end) == Fraction(squares * lots - turnover**2, lots**2)


def test_sums_of_later_bars_are_dropped_when_an_earlier_bar_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anchored_vwap, "BLOCK", 4)
    series = series_of(trades_of([(60 * bar, 100 + bar, 1, BUY) for bar in range(30)]))
    sums = VwapSums(series)
    sums.follow()
    assert sums.between(20, 28)[0] == 123.5
    series.truncate(8)
    series.append(trades_of([(60 * bar, 200 + bar, 1, BUY) for bar in range(8, 30)]))
    sums.follow()
    assert sums.between(20, 28)[0] == 223.5


def test_a_day_beside_much_history_sums_the_blocks_of_that_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anchored_vwap, "BLOCK", 64)
    series = series_of(random_trades(3, 6000, seconds=1_000_000), bar_s=60)
    sums, end = VwapSums(series), series.n_bars
    assert end > 2000
    sums.follow()
    assert sums.bars_summed == 0
    sums.between(end - 200, end)
    assert sums.bars_summed <= 200 + 64
    before = sums.bars_summed
    sums.between(10, end)
    assert sums.bars_summed - before <= end
    again = sums.bars_summed
    sums.between(20, end - 1)
    assert sums.bars_summed - again <= 2 * 64


def test_rebuilt_bars_are_computed_again() -> None:
    series = series_of(trades_of([(0, 100, 1, BUY), (60, 104, 1, BUY), (120, 108, 1, BUY)]))
    line = SessionVwap(VwapSums(series), DAY)
    assert line.values(0, 3).price_ticks.tolist() == [100, 102, 104]
    series.truncate(1)
    assert line.values(0, 1).price_ticks.tolist() == [100]
    series.append(trades_of([(60, 200, 1, BUY)]))
    assert line.values(0, 2).price_ticks.tolist() == [100, 150]
