"""Touches and crossings, trade by trade and in any batches; and the bar of each trade."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.alerts.alert import ScanProgress
from app.alerts.crossings import bars_of, crossings, touches, trades_of_bar
from app.chart.chart import Chart
from app.market.bar_rule import parse_bar_rule
from app.market.trade import BUY, TradeBatch
from app.storage.trade_store import TradeStore
from tests.app.chart.test_chart import spec
from tests.builders import split, trade_batches, trades_of
from tests.sameness import same


def ticks(*prices: int) -> np.ndarray:
    return np.array(prices, np.int64)


@pytest.mark.parametrize(
    ("prices", "line", "before", "found"),
    [
        ((99, 100, 101), 100, None, [1]),
        ((99, 101), 100, None, [1]),  # jumped over
        ((100, 100, 101), 100, None, [0]),  # stays there, then leaves
        ((100,), 100, 100, []),
        ((101,), 100, 100, []),  # leaves
        ((101,), 100, 99, [0]),
        ((99, 100, 99, 100), 100, None, [1, 3]),
        ((99, 101, 99), 100.5, None, [1, 2]),  # between two ticks
        ((99, 99), 100, 98, []),
    ],
)
def test_a_touch_begins_at_the_line_or_with_a_jump_over_it(prices: tuple, line: float, before: int | None, found: list[int]) -> None:
    assert touches(ticks(*prices), line, before).tolist() == found


@pytest.mark.parametrize(
    ("prices", "line", "side", "found"),
    [
        ((99, 101, 99), 100, 0, ([1, 2], [1, -1], -1)),
        ((101,), 100, -1, ([0], [1], 1)),
        ((101,), 100, 0, ([], [], 1)),  # no earlier side
        ((99, 100, 99), 100, 0, ([], [], -1)),  # came to the line and went back
        ((99, 100, 100, 101), 100, 0, ([3], [1], 1)),  # the first trade beyond
        ((100, 100), 100, -1, ([], [], -1)),
        ((100, 99), 100, 1, ([1], [-1], -1)),
        ((99, 101), 100.5, 0, ([1], [1], 1)),
    ],
)
def test_a_crossing_is_the_first_trade_on_the_other_side(prices: tuple, line: float, side: int, found: tuple) -> None:
    at, to, after = crossings(ticks(*prices), line, side)
    assert (at.tolist(), to.tolist(), after) == found


PRICES = st.lists(st.integers(98, 102), min_size=1, max_size=30)
LINES = st.sampled_from([99, 99.5, 100, 100.25])
CUTS = st.lists(st.integers(1, 29), max_size=4)


def pieces_of(prices: list[int], cuts: list[int]) -> list[list[int]]:
    edges = sorted({0, len(prices), *(cut for cut in cuts if cut < len(prices))})
    return [prices[start:end] for start, end in itertools.pairwise(edges)]


@given(prices=PRICES, line=LINES, before=st.none() | st.integers(98, 102), cuts=CUTS)
def test_touches_of_any_batches_equal_a_walk_trade_by_trade(prices: list[int], line: float, before: int | None, cuts: list[int]) -> None:
    expected, last = [], before
    for place, price in enumerate(prices):
        if price == line if last is None else last != line and min(last, price) <= line <= max(last, price):
            expected.append(place)
        last = price
    found, start = [], 0
    for piece in pieces_of(prices, cuts):
        found += [start + place for place in touches(ticks(*piece), line, before).tolist()]
        start, before = start + len(piece), piece[-1]
    assert found == expected


@given(prices=PRICES, line=LINES, side=st.sampled_from([-1, 0, 1]), cuts=CUTS)
def test_crossings_of_any_batches_equal_a_walk_trade_by_trade(prices: list[int], line: float, side: int, cuts: list[int]) -> None:
    expected, known = [], side
    for place, price in enumerate(prices):
        if price != line:
            now = 1 if price > line else -1
            if known == -now:
                expected.append((place, now))
            known = now
    found, start = [], 0
    for piece in pieces_of(prices, cuts):
        at, to, side = crossings(ticks(*piece), line, side)
        found += [(start + place, way) for place, way in zip(at.tolist(), to.tolist(), strict=True)]
        start += len(piece)
    assert (found, side) == (expected, known)


# -- bars ----------------------------------------------------------------------------------------


def chart_of(trades: TradeBatch, bar: str) -> tuple[Chart, TradeStore]:
    chart, store = Chart(replace(spec(), bar_rule=parse_bar_rule(bar))), TradeStore()
    for piece in split(trades, [len(trades) // 2]):
        chart.apply(store.insert(piece), store)
    return chart, store


def progress(trades: TradeBatch, place: int) -> ScanProgress | None:
    if place < 0:
        return None
    return ScanProgress(key=int(trades.trade_id[place]), time_ns=int(trades.time_ns[place]), price_ticks=int(trades.price_ticks[place]))


def bar_of_each(chart: Chart) -> list[int]:
    return np.repeat(np.arange(chart.series.n_bars), chart.series.trades).tolist()


@settings(max_examples=60)
@given(trades=trade_batches(max_size=40), bar=st.sampled_from(["1m", "15m", "3t", "5v", "2r", "4delta"]), data=st.data())
def test_the_last_trades_are_given_their_bars(trades: TradeBatch, bar: str, data: st.DataObject) -> None:
    chart, _ = chart_of(trades, bar)
    first = data.draw(st.integers(0, len(trades) - 1))
    each = bar_of_each(chart)
    bars, begins = bars_of(chart, trades[first:], progress(trades, first - 1), at_end=True)
    assert bars.tolist() == each[first:]
    assert begins.tolist() == [place > 0 and each[place - 1] != each[place] for place in range(first, len(trades))]


@settings(max_examples=40)
@given(trades=trade_batches(max_size=40), data=st.data())
def test_earlier_trades_are_given_their_bars_by_time(trades: TradeBatch, data: st.DataObject) -> None:
    chart, _ = chart_of(trades, "1m")
    first, last = sorted(data.draw(st.tuples(*[st.integers(0, len(trades) - 1)] * 2)))
    each = bar_of_each(chart)
    bars, begins = bars_of(chart, trades[first : last + 1], progress(trades, first - 1), at_end=False)
    assert bars.tolist() == each[first : last + 1]
    assert begins.tolist() == [place > 0 and each[place - 1] != each[place] for place in range(first, last + 1)]


def test_a_first_trade_without_one_before_begins_no_bar() -> None:
    trades = trades_of([(0, 100, 1, BUY), (61, 100, 1, BUY)])
    assert bars_of(chart_of(trades, "1m")[0], trades, None, at_end=True)[1].tolist() == [False, True]
    assert bars_of(chart_of(trades, "1t")[0], trades, None, at_end=True)[1].tolist() == [False, True]


def test_a_trade_that_steps_back_in_time_stays_in_the_later_bar() -> None:
    trades = trades_of([(50, 100, 1, BUY), (61, 100, 1, BUY), (59, 100, 1, BUY), (70, 100, 1, BUY)])
    assert bars_of(chart_of(trades, "1m")[0], trades, None, at_end=True)[0].tolist() == [0, 1, 1, 1]


def test_a_chart_that_no_longer_updates_gives_no_bars() -> None:
    trades = trades_of([(0, 100, 1, BUY), (61, 100, 1, BUY)])
    chart, _ = chart_of(trades, "1m")
    chart.refused = "too many rows"
    for stopped in (chart, Chart(spec())):
        bars, begins = bars_of(stopped, trades, progress(trades, 0), at_end=True)
        assert (bars.tolist(), begins.tolist()) == ([-1, -1], [False, False])


@settings(max_examples=40)
@given(trades=trade_batches(max_size=40), bar=st.sampled_from(["1m", "15m", "3t", "5v", "2r"]))
def test_the_trades_of_a_bar_are_those_that_made_it(trades: TradeBatch, bar: str) -> None:
    chart, store = chart_of(trades, bar)
    each = np.array(bar_of_each(chart))
    for number in range(chart.series.n_bars):
        assert same(trades_of_bar(chart, store, number), trades[each == number])
