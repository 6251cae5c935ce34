import math
from fractions import Fraction
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analytics.vwap import VwapAccumulator, bar_turnover, vwap, vwap_of_trades
from app.market.trade import BUY, SELL, UNKNOWN, TradeBatch
from tests.builders import series_of, split, trade_batches, trades_of


def exact_moments(trades: TradeBatch) -> tuple[Fraction, Fraction]:
    """Average price and variance as fractions."""
    pairs = list(zip(trades.price_ticks.tolist(), trades.quantity_lots.tolist(), strict=True))
    volume = sum(quantity for _, quantity in pairs)
    mean = Fraction(sum(price * quantity for price, quantity in pairs), volume)
    return mean, sum((quantity * (price - mean) ** 2 for price, quantity in pairs), Fraction(0)) / volume


def test_vwap_equals_the_published_example() -> None:
    found = vwap_of_trades(trades_of([(0, 100, 1, BUY), (1, 102, 3, SELL), (2, 101, 2, UNKNOWN)]))
    assert found.price_ticks == 608 / 6
    assert round(found.price_ticks, 4) == 101.3333
    assert round(found.deviation_ticks, 6) == 0.745356


def test_each_bar_shows_the_average_since_the_anchor() -> None:
    series = series_of(trades_of([(0, 100, 1, BUY), (1, 102, 3, SELL), (60, 101, 2, BUY), (200, 90, 6, SELL)]))
    assert bar_turnover(series) == [406, 202, 540]
    assert vwap(series).tolist() == [406 / 4, 608 / 6, 1148 / 12]
    assert vwap(series, 1).tolist() == [101.0, 742 / 8]
    assert vwap(series, 1, 2).tolist() == [101.0]
    assert vwap(series, 3).tolist() == []


def test_without_trades_there_is_no_average() -> None:
    found = VwapAccumulator().value
    assert math.isnan(found.price_ticks)
    assert math.isnan(found.deviation_ticks)
    assert math.isnan(vwap_of_trades(TradeBatch.empty()).price_ticks)


def test_trades_at_one_price_have_no_deviation() -> None:
    assert vwap_of_trades(trades_of([(0, 6_183_763, 7, BUY)] * 5)) == (6_183_763.0, 0.0)


def test_sums_beyond_64_bits_stay_exact() -> None:
    n, price = 40, 10**9
    trades = TradeBatch.of(np.arange(n), price + np.arange(n) % 2, np.full(n, 10**16), np.ones(n), np.arange(n))
    assert vwap_of_trades(trades) == (price + 0.5, 0.5)
    crash = TradeBatch.of([0, 1], [1, 10**12 + 1], [10**9, 10**9], [1, 1], [1, 2])
    assert vwap_of_trades(crash) == (5e11 + 1, 5e11)


def test_a_tiny_deviation_keeps_all_its_digits() -> None:
    # one lot in 10**12 is a tick away: the textbook formula in floats finds nothing here
    trades = trades_of([(0, 10**9, 10**12 - 1, BUY), (1, 10**9 + 1, 1, BUY)])
    expected = math.sqrt((10**12 - 1) / 10**24)
    assert vwap_of_trades(trades).deviation_ticks == pytest.approx(expected, rel=1e-15)


@settings(max_examples=100)
@given(trade_batches())
def test_vwap_and_deviation_equal_exact_fractions(trades: TradeBatch) -> None:
    mean, variance = exact_moments(trades)
    found = vwap_of_trades(trades)
    assert found.price_ticks == float(mean)
    if variance:
        assert abs(Fraction(found.deviation_ticks) ** 2 / variance - 1) < Fraction(1, 2**51)
    else:
        assert found.deviation_ticks == 0.0


@settings(max_examples=60)
@given(trade_batches())
def test_vwap_of_bars_equals_vwap_of_their_trades(trades: TradeBatch) -> None:
    series = series_of(trades, ticks_per_row=5)
    after = np.searchsorted(series.rule.numbers(trades.time_ns), series.number, side="right")
    assert vwap(series).tolist() == [vwap_of_trades(trades[:end]).price_ticks for end in after.tolist()]


@settings(max_examples=60)
@given(trade_batches(), st.lists(st.integers(0, 60), max_size=4))
def test_vwap_is_the_same_with_any_batching(trades: TradeBatch, cuts: list[int]) -> None:
    accumulator = VwapAccumulator()
    for part in split(trades, cuts):
        accumulator.add(part)
    assert accumulator.value == vwap_of_trades(trades)
    assert accumulator.volume == int(trades.quantity_lots.sum())


@settings(max_examples=60)
@given(trade_batches(), st.randoms(use_true_random=False))
def test_vwap_is_the_same_in_any_order_of_trades(trades: TradeBatch, random: Random) -> None:
    order = list(range(len(trades)))
    random.shuffle(order)
    assert vwap_of_trades(trades[np.array(order)]) == vwap_of_trades(trades)
