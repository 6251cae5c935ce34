"""Levels: start, end and tests by hand, and the same for any batches of trades."""

from __future__ import annotations

import itertools
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analytics.bar_values import BarValues
from app.analytics.footprint import FootprintSeries
from app.analytics.level_detection import LevelKind
from app.chart import level_table
from app.chart.levels import Level, LevelRules, LevelTracker
from app.market.bar_rule import BarRule
from app.market.price_grid import PriceGrid
from app.market.session import Period
from app.market.trade import TradeBatch

MINUTE = 60 * 10**9
DAY = 1440 * MINUTE
ONLY_DAYS = LevelRules(periods=(Period.DAY,))

Trades = list[tuple[int, int, int, int]]
"""Time in minutes, price, lots, side."""


def batch(trades: Trades) -> TradeBatch:
    minute, price, lots, side = (np.array(column, np.int64) for column in zip(*trades, strict=True))
    return TradeBatch(minute * MINUTE, price, lots, side.astype(np.int8), np.arange(len(trades)))


def figures(trades: Trades, minutes: int = 30, ticks_per_row: int = 1) -> BarValues:
    series = FootprintSeries(BarRule(minutes * MINUTE), PriceGrid(Decimal(1), ticks_per_row))
    if trades:
        series.append(batch(trades))
    return BarValues(series)


def settled(trades: Trades, rules: LevelRules = ONLY_DAYS, **how: int) -> LevelTracker:
    levels = LevelTracker(figures(trades, **how), rules)
    levels.settle()
    return levels


def of_kind(levels: LevelTracker, kind: LevelKind) -> list[Level]:
    return [level for level in levels.active() if level.kind is kind]


def a_day(day: int, prices: list[int], lots: int = 1, side: int = 1) -> Trades:
    """A trade each half hour; the price in the middle of the list is the heaviest, so that it is the POC."""
    return [(1440 * day + 30 * at, price, lots + 9 * (at == len(prices) // 2), side) for at, price in enumerate(prices)]


def test_levels_of_a_day_are_naked_until_a_bar_contains_them():
    days = a_day(0, [100, 101, 102, 103, 104])
    levels = settled([*days, *a_day(1, [110])])
    (poc,) = of_kind(levels, LevelKind.POC)
    assert (poc.period, poc.bottom_ticks, poc.top_ticks) == (Period.DAY, 102, 102)
    assert poc.born_ns == DAY
    assert poc.distance_ticks == 102 - 110
    again = settled([*days, *a_day(1, [110, 103])])  # a bar at 103 alone does not contain the row's middle
    assert len(of_kind(again, LevelKind.POC)) == 1
    crossed = settled([*days, *a_day(1, [110]), (1440 + 31, 103, 1, 1), (1440 + 32, 102, 1, 1)])
    assert of_kind(crossed, LevelKind.POC) == []


def test_the_day_in_progress_has_no_levels():
    assert settled(a_day(0, [100, 101, 102])).active() == []


def test_a_level_ends_with_the_live_trade_that_reaches_it():
    found = figures([*a_day(0, [100, 101, 102, 103, 104]), *a_day(1, [110])])
    levels = LevelTracker(found, ONLY_DAYS)
    levels.settle()
    before = levels.revision
    found.series.append(batch([(1441, 106, 1, 1)]))
    levels.refresh()
    assert levels.revision == before
    found.series.append(batch([(1442, 102, 1, 1)]))
    levels.refresh()
    assert levels.revision == before + 1
    assert of_kind(levels, LevelKind.POC) == []


def test_an_unfinished_auction_is_active_until_traded_through():
    low_bar = [(0, 100, 1, 1), (1, 100, 1, -1), (2, 105, 1, 1)]
    levels = settled([*low_bar, (30, 107, 1, 1), (60, 106, 1, 1)], LevelRules(periods=()))
    (low,) = of_kind(levels, LevelKind.UNFINISHED_LOW)
    assert (low.bottom_ticks, low.period, low.tests, low.born_ns) == (100, None, 0, 30 * MINUTE)
    tested = settled([*low_bar, (30, 100, 1, 1), (60, 106, 1, 1)], LevelRules(periods=()))
    assert [level.tests for level in of_kind(tested, LevelKind.UNFINISHED_LOW)] == [1]
    through = settled([*low_bar, (30, 107, 1, 1), (60, 99, 1, 1)], LevelRules(periods=()))
    assert of_kind(through, LevelKind.UNFINISHED_LOW) == []


ZONE: Trades = [(0, price, 1, -1) for price in (100, 101, 102)] + [(1, price, 9, 1) for price in (101, 102, 103)]


def test_a_stacked_zone_ends_at_a_touch_or_a_close_through_it():
    away = [(30, 110, 1, 1), (60, 110, 1, 1)]
    (zone,) = of_kind(settled([*ZONE, *away]), LevelKind.STACKED_BUY)
    assert (zone.bottom_ticks, zone.top_ticks) == (101, 103)
    dipped = [(30, 110, 1, 1), (31, 100, 1, 1), (32, 110, 1, 1), (60, 110, 1, 1)]
    assert of_kind(settled([*ZONE, *dipped]), LevelKind.STACKED_BUY) == []
    by_close = LevelRules(periods=(), zones_end="close")
    (zone,) = of_kind(settled([*ZONE, *dipped], by_close), LevelKind.STACKED_BUY)
    assert zone.tests == 1
    assert of_kind(settled([*ZONE, (30, 100, 1, 1), (60, 110, 1, 1)], by_close), LevelKind.STACKED_BUY) == []


def test_single_prints_end_when_traded_through_from_the_close():
    # 103 and 104 bear one letter; the session closed above them
    day = [(0, 100, 1, 1), (1, 101, 1, 1), (2, 102, 1, 1), (30, 102, 1, 1), (31, 101, 1, 1), (32, 103, 1, 1), (33, 104, 1, 1)]
    day += [(34, 105, 1, 1), (60, 105, 1, 1), (61, 106, 1, 1), (90, 106, 1, 1)]
    (prints,) = of_kind(settled([*day, (1440, 110, 1, 1)]), LevelKind.SINGLE_PRINTS)
    assert (prints.bottom_ticks, prints.top_ticks) == (103, 104)
    into = settled([*day, (1440, 110, 1, 1), (1441, 104, 1, 1), (1470, 110, 1, 1), (1500, 110, 1, 1)])
    assert [level.tests for level in of_kind(into, LevelKind.SINGLE_PRINTS)] == [1]
    assert of_kind(settled([*day, (1440, 110, 1, 1), (1441, 103, 1, 1)]), LevelKind.SINGLE_PRINTS) == []


def test_a_poor_high_is_active_until_traded_above():
    day = [(0, 100, 1, 1), (1, 102, 1, 1), (30, 102, 1, 1), (31, 101, 1, 1)]
    assert [level.top_ticks for level in of_kind(settled([*day, (1440, 102, 1, 1)]), LevelKind.POOR_HIGH)] == [102]
    assert of_kind(settled([*day, (1440, 103, 1, 1)]), LevelKind.POOR_HIGH) == []


def test_nodes_are_those_of_the_last_finished_day():
    days = [trade for day in range(3) for trade in a_day(day, [100 + 10 * day, 101 + 10 * day, 102 + 10 * day])]
    levels = settled(days)
    assert {level.born_ns for level in of_kind(levels, LevelKind.HVN)} == {2 * DAY}
    assert [level.bottom_ticks for level in of_kind(levels, LevelKind.HVN)] == [111]
    shares = settled(days, LevelRules(periods=(Period.DAY,), nodes="percentile"))
    assert [level.bottom_ticks for level in of_kind(shares, LevelKind.LVN)] == [110, 112]


def test_a_live_trade_that_reaches_no_level_compares_none():
    for days in (3, 30):
        found = figures([trade for day in range(days) for trade in a_day(day, [100 + 10 * day + at % 5 for at in range(40)])])
        levels = LevelTracker(found)
        levels.settle()
        looks, taken = levels.looks, levels.bars_taken
        for second in range(20):
            last = int(found.series.number[-1]) * 30
            found.series.append(batch([(last, int(found.series.close[-1]), 1 + second, 1)]))
            assert not levels.refresh()
        assert (levels.looks, levels.bars_taken) == (looks, taken)


def table(levels: LevelTracker) -> list[tuple[int, ...]]:
    columns = levels.columns(tuple(LevelKind), 0, 1 << 40)
    return sorted(zip(*(column.tolist() for column in columns.values()), strict=True))


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(1, 30), st.integers(1, 9), st.sampled_from((-1, 0, 1))), min_size=1, max_size=80),
    st.lists(st.integers(0, 80), max_size=6),
    st.integers(0, 80),
    st.sampled_from(("touch", "close")),
    st.sampled_from((2, 7, 512)),
)
def test_any_batching_gives_the_levels_of_a_complete_count(trades: Trades, cuts: list[int], late: int, zones_end, mark_bars: int):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(level_table, "MARK_BARS", mark_bars)
        compare_with_fresh_count(trades, cuts, late, zones_end)


def compare_with_fresh_count(trades: Trades, cuts: list[int], late: int, zones_end) -> None:
    rules = LevelRules(zones_end=zones_end)
    trades = sorted((30 * slot, price, lots, side) for slot, price, lots, side in trades)
    found = figures([])
    levels = LevelTracker(found, rules)
    bounds = sorted({0, len(trades), *(cut for cut in cuts if cut < len(trades))})
    for first, end in itertools.pairwise(bounds):
        found.series.append(batch(trades[first:end]))
        levels.refresh()
    levels.settle()
    assert table(levels) == table(settled(trades, rules))
    bar = min(late, found.series.n_bars - 1)
    again = [trade for trade in trades if trade[0] // 30 >= found.series.number[bar]]
    changed = [(minute, price + 3, lots, side) for minute, price, lots, side in again]
    found.series.truncate(bar)
    found.series.append(batch(changed))
    levels.settle()
    kept = [trade for trade in trades if trade[0] // 30 < int(changed[0][0]) // 30]
    assert table(levels) == table(settled([*kept, *changed], rules))
    for first in range(0, found.series.n_bars, 3):
        end = first + 1 + late % 9
        lived = {row for row in table(levels) if row[6] < end and (row[7] < 0 or row[7] >= first)}
        columns = levels.columns(tuple(LevelKind), first, end)
        assert set(zip(*(column.tolist() for column in columns.values()), strict=True)) == lived


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(1, 30), st.integers(1, 9), st.sampled_from((-1, 0, 1))), min_size=1, max_size=80),
    st.floats(0, 1),
    st.sampled_from(("touch", "close")),
)
def test_levels_as_of_a_bar_are_those_of_the_trades_up_to_it(trades: Trades, share: float, zones_end):
    rules = LevelRules(zones_end=zones_end)
    trades = sorted((30 * slot, price, lots, side) for slot, price, lots, side in trades)
    levels = settled(trades, rules)
    numbers = levels._series.number.tolist()
    end = 1 + int(share * (len(numbers) - 1))
    then = settled([trade for trade in trades if trade[0] // 30 <= numbers[end - 1]], rules)
    assert levels.active(end) == then.active()
    columns = levels.columns(tuple(LevelKind), 0, 1 << 40, known_end=end)
    known = [columns[name].tolist() for name in columns if name != "tests"]
    assert sorted(zip(*known, strict=True)) == sorted(row[:-1] for row in table(then))


def test_an_empty_series_has_no_levels():
    assert settled([]).active() == []


@pytest.mark.parametrize("ticks_per_row", [1, 4])
def test_value_area_levels_lie_on_row_edges(ticks_per_row: int):
    levels = settled([*a_day(0, [100, 101, 102, 103, 104]), *a_day(1, [210])], ticks_per_row=ticks_per_row)
    assert all(level.bottom_ticks % ticks_per_row == 0 for kind in (LevelKind.VAH, LevelKind.VAL) for level in of_kind(levels, kind))
