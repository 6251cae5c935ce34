from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analytics.footprint import FootprintSeries
from app.market.bar_rule import BarKind, BarRule
from app.market.price_grid import PriceGrid
from app.market.trade import BUY, TradeBatch
from tests.builders import SECOND_NS, START_NS, random_trades, trades_of


def series_by(rule: BarRule, trades: TradeBatch) -> FootprintSeries:
    series = FootprintSeries(rule, PriceGrid(Decimal("0.01"), 1))
    series.append(trades)
    return series


MINUTE, PAIRS = BarRule(60 * SECOND_NS), BarRule.counted(BarKind.TRADES, 2)
# pairs that begin at 0, 10 and 40 s, the last one in progress
TRADES = trades_of([(at, 100, 1, BUY) for at in (0, 4, 10, 11, 40)])


def test_a_bar_lasts_to_the_next_and_the_last_to_its_last_trade():
    times = series_by(PAIRS, TRADES).times
    assert (times.edges(0, 2) - START_NS).tolist() == [0, 10 * SECOND_NS, 40 * SECOND_NS, 40 * SECOND_NS + 1]
    assert [times.number(START_NS + at * SECOND_NS) for at in (0, 9, 10, 39, 40)] == [0, 0, 1, 1, 2]
    assert times.position(START_NS + 25 * SECOND_NS) == 1.5
    assert times.at(1.5) == START_NS + 25 * SECOND_NS
    assert [times.knows(number) for number in (-1, 0, 2, 3)] == [False, True, True, False]


def test_bars_beyond_both_ends_have_the_average_length():
    times = series_by(PAIRS, TRADES).times
    length_ns = (40 * SECOND_NS + 1) // 3
    assert times.start_ns(-2) == START_NS - 2 * length_ns
    assert times.start_ns(5) == START_NS + 40 * SECOND_NS + 1 + 2 * length_ns
    assert times.number(START_NS - 1) == -1


def test_an_empty_series_has_times():
    times = series_by(PAIRS, TradeBatch.empty()).times
    assert times.number(times.start_ns(3)) == 3


def test_a_rule_other_than_time_has_no_bar_times_of_its_own():
    with pytest.raises(TypeError, match="ask the series"):
        PAIRS.start_ns(0)


@pytest.mark.parametrize("rule", [MINUTE, PAIRS, BarRule.counted(BarKind.RANGE, 8), BarRule.counted(BarKind.VOLUME, 100)])
@given(seed=st.integers(0, 5), first=st.integers(-20, 60))
def test_times_and_numbers_round_trip(rule: BarRule, seed: int, first: int):
    series = series_by(rule, random_trades(seed, 80))
    times, first = series.times, first + int(series.number[0])
    edges = times.edges(first, first + 30)
    assert edges.tolist() == [times.start_ns(number) for number in range(first, first + 32)]
    assert (np.diff(edges) >= 0).all()
    lasting = np.flatnonzero(np.diff(edges) > 0)
    assert times.numbers(edges[lasting]).tolist() == (first + lasting).tolist()
    assert times.numbers(edges[lasting + 1] - 1).tolist() == (first + lasting).tolist()
    for number in (first + lasting).tolist():
        assert times.position(times.start_ns(number)) == number
    assert times.of_bars().tolist() == [series.start_ns(bar) for bar in range(series.n_bars)]


@pytest.mark.parametrize("rule", [MINUTE, PAIRS, BarRule.counted(BarKind.RANGE, 8)])
def test_the_bars_before_a_time_have_their_own_times(rule: BarRule):
    trades = random_trades(3, 400)
    series = series_by(rule, trades[:350])
    older = series.before(rule.period_start_ns(int(series.times.of_bars()[-1])))
    last = int(older.number[-1]) if older.n_bars else 0
    assert older.n_bars < series.n_bars
    assert older.times.edges(0, last + 2).tolist() == _alone(older).times.edges(0, last + 2).tolist()
    series.append(trades[350:])
    assert older.times.edges(0, last + 2).tolist() == _alone(older).times.edges(0, last + 2).tolist()


def _alone(series: FootprintSeries) -> FootprintSeries:
    """A series of the same bars in memory of its own."""
    other = FootprintSeries(series.rule, series.grid)
    other._bars.resize(series.n_bars)
    for name in ("number", "first_ns", "last_ns"):
        if name != "number" and series.rule.is_time:
            continue
        other._bars.writable(name)[:] = getattr(series, name)
    return other
