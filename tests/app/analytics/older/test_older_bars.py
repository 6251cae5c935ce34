"""Bars that are read one day at a time equal bars that are all in memory, in every value computed from them."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analytics.anchored_vwap import SessionVwap, VwapSums
from app.analytics.bar_values import BarValues
from app.analytics.cumulative_delta import CumulativeDelta
from app.analytics.divergence import Swings
from app.analytics.footprint import FootprintSeries
from app.analytics.level_detection import LevelKind
from app.analytics.older import day_summaries
from app.analytics.older.day_summaries import summary_of
from app.analytics.older.older_bars import DayColumns, OlderBars
from app.analytics.profile import profile_of_bars
from app.analytics.profile_index import ProfileIndex
from app.chart.level_table import MARK_BARS
from app.chart.levels import LevelTracker
from app.market.bar_rule import DAY_NS, NS_PER_S, BarRule
from app.market.price_grid import PriceGrid
from app.market.session import Period, PeriodRule
from app.market.trade import TradeBatch
from app.market.trading_hours import TradingHours
from tests.builders import random_trades

FIRST_DAY, DAYS = 19_000, 7
RULES = {"1m": 60, "15m": 900, "1d": 86_400}
BAR_NAMES = ("number", "open", "high", "low", "close", "trades", "volume", "buy", "sell", "delta_min", "delta_max", "first_row", "n_rows")
NAMES = (*BAR_NAMES, "cell_start", "cell_buy", "cell_sell", "cell_unknown", "price_volume_low", "price_square_low")


@cache
def tape() -> TradeBatch:
    """Trades of a week, with a day without any."""
    trades = random_trades(5, 9000, start_ns=FIRST_DAY * DAY_NS, seconds=DAYS * 86_400)
    return trades[trades.time_ns // DAY_NS != FIRST_DAY + 2]


def empty(rule: str, ticks_per_row: int, older: OlderBars | None = None) -> FootprintSeries:
    return FootprintSeries(BarRule(RULES[rule] * NS_PER_S), PriceGrid(Decimal("0.01"), ticks_per_row), older=older)


def of_day(day: int, rule: str, ticks_per_row: int) -> FootprintSeries:
    series = empty(rule, ticks_per_row)
    series.append(tape()[tape().time_ns // DAY_NS == day])
    return series


def pair(days: int, rule: str, ticks_per_row: int, most_bytes: int = 1 << 30) -> tuple[FootprintSeries, FootprintSeries]:
    """The same bars twice: all in memory, and with some days that are read when they are needed."""
    whole = empty(rule, ticks_per_row)
    whole.append(tape())

    def read(day: int) -> DayColumns:
        return of_day(day, rule, ticks_per_row).columns()

    found = [(day, of_day(day, rule, ticks_per_row)) for day in range(FIRST_DAY, FIRST_DAY + days)]
    older = OlderBars([summary_of(series, day) for day, series in found if series.n_bars], read, most_bytes)
    lazy = empty(rule, ticks_per_row, older)
    lazy.append(tape()[tape().time_ns >= (FIRST_DAY + days) * DAY_NS])
    return whole, lazy


def same(one: object, other: object) -> bool:
    return np.array_equal(np.asarray(one), np.asarray(other))


cases = given(
    days=st.integers(1, DAYS),
    rule=st.sampled_from(sorted(RULES)),
    ticks_per_row=st.sampled_from([1, 3, 50]),
    ends=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    few_rows=st.booleans(),
)
few = settings(max_examples=25, deadline=None)


def bars_between(series: FootprintSeries, ends: tuple[float, float]) -> tuple[int, int]:
    first, end = sorted(round(share * series.n_bars) for share in ends)
    return min(first, series.n_bars - 1), max(end, first + 1) if first < series.n_bars else series.n_bars


@few
@cases
def test_older_bars_and_cells_equal_those_in_memory(days, rule, ticks_per_row, ends, few_rows) -> None:
    whole, lazy = pair(days, rule, ticks_per_row)
    assert (lazy.n_bars, lazy.n_trades, lazy.price_range()) == (whole.n_bars, whole.n_trades, whole.price_range())
    first, end = bars_between(whole, ends)
    for name in NAMES:
        column, expected = getattr(lazy, name), getattr(whole, name)
        assert len(column) == len(expected)
        assert same(column, expected), name
        assert same(column[first:end], expected[first:end]), name
        assert same(column[::-3], expected[::-3]), name
        chosen = np.array([-1, 0, first, end - 1, first])
        assert same(column[chosen], expected[chosen]), name
        assert column[first] == expected[first]
        assert column[-1] == expected[-1]
    assert lazy.cells_of(first, end) == whole.cells_of(first, end)
    assert same(lazy.times.of_bars(first, end), whole.times.of_bars(first, end))
    assert lazy.volume_squares(slice(first, end)) == whole.volume_squares(slice(first, end))


@few
@cases
def test_values_of_older_bars_equal_those_of_bars_in_memory(days, rule, ticks_per_row, ends, few_rows) -> None:
    whole, lazy = pair(days, rule, ticks_per_row)
    first, end = bars_between(whole, ends)
    sessions, weeks = TradingHours().from_start(), PeriodRule(Period.WEEK)
    for reset in (None, sessions, weeks):
        assert same(CumulativeDelta(lazy).values(first, end, reset), CumulativeDelta(whole).values(first, end, reset))
    sums, expected = VwapSums(lazy), VwapSums(whole)
    for _ in range(2):
        assert (sums.between(first, end), sums.variance(first, end)) == (expected.between(first, end), expected.variance(first, end))
        sums.follow()  # from then on relative to a price
        expected.follow()
    for division in (sessions, weeks):
        lines = [SessionVwap(VwapSums(series), division).values(first, end) for series in (lazy, whole)]
        assert all(map(same, *lines))
    values = [BarValues(series) for series in (lazy, whole)]
    assert same(*(one.poc_rows(first, end) for one in values))
    assert all(map(same, *(one.imbalances(first, end) for one in values)))


@few
@cases
def test_profiles_of_older_bars_equal_those_of_their_cells(days, rule, ticks_per_row, ends, few_rows) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(day_summaries, "MOST_ROWS", 100 if few_rows else 1 << 20)
        whole, lazy = pair(days, rule, ticks_per_row)
    first, end = bars_between(whole, ends)
    index = ProfileIndex(lazy)
    index.build()
    for _ in range(2):  # the second time from the sums of days that are there
        found, expected = index.profile(first, end), profile_of_bars(whole, first, end)
        assert found.first_row == expected.first_row
        assert all(same(getattr(found, name), getattr(expected, name)) for name in ("buy", "sell", "unknown"))


@few
@cases
def test_swings_of_older_bars_equal_those_of_bars_in_memory(days, rule, ticks_per_row, ends, few_rows) -> None:
    whole, lazy = pair(days, rule, ticks_per_row)
    first, end = bars_between(whole, ends)
    expected = Swings(whole)
    for known_end in (None, (first + whole.n_bars) // 2 + 1):
        found = Swings(lazy).between(first, end, known_end)
        for swing, all_of_them in zip(found, (expected.highs(known_end), expected.lows(known_end)), strict=True):
            assert swing.tolist() == [bar for bar in all_of_them.tolist() if first <= bar < end]


@few
@given(days=st.integers(1, DAYS), rule=st.sampled_from(sorted(RULES)), offset=st.integers(-3, 3))
def test_bars_are_found_by_number(days: int, rule: str, offset: int) -> None:
    whole, lazy = pair(days, rule, 50)
    numbers = whole.number[:: max(1, whole.n_bars // 50)] + offset
    assert same(lazy.indices_of(numbers), whole.indices_of(numbers))
    assert [lazy.index_of(number) for number in numbers.tolist()] == [whole.index_of(number) for number in numbers.tolist()]


def test_live_trades_after_older_bars_change_only_bars_in_memory() -> None:
    (whole, lazy), rest = pair(DAYS, "1m", 50), random_trades(8, 500, start_ns=(FIRST_DAY + DAYS) * DAY_NS, seconds=7200)
    sums = [(series, CumulativeDelta(series), VwapSums(series), ProfileIndex(series)) for series in (whole, lazy)]
    older = lazy.older
    assert older is not None
    for start in range(0, 500, 50):
        for series in (whole, lazy):
            series.append(rest[start : start + 50])
        cvd, vwap, profiles = [], [], []
        for series, delta, turnover, index in sums:
            turnover.follow()
            cvd.append(delta.values(series.n_bars - 9, series.n_bars)[-1])
            vwap.append(turnover.between(3, series.n_bars))
            profiles.append(index.profile(3, series.n_bars).total.tolist())
        assert (cvd[0], vwap[0], profiles[0]) == (cvd[1], vwap[1], profiles[1])
    assert older.days_read <= 2  # that of bar 3, and at first the last one before the live trades
    assert lazy.changed_since(lazy.revision - 1) >= lazy.n_older
    assert lazy.changed_since(0) == 0
    lazy.truncate_from((FIRST_DAY + DAYS) * DAY_NS + 3_600 * NS_PER_S)
    whole.truncate_from((FIRST_DAY + DAYS) * DAY_NS + 3_600 * NS_PER_S)
    assert same(lazy.close, whole.close)
    assert same(lazy.cell_buy, whole.cell_buy)
    before = lazy.before((FIRST_DAY + DAYS) * DAY_NS + 1_800 * NS_PER_S)
    assert same(before.close, whole.before((FIRST_DAY + DAYS) * DAY_NS + 1_800 * NS_PER_S).close)


def test_older_bars_never_change() -> None:
    _, lazy = pair(3, "1d", 50)
    for refused in (
        lambda: lazy.truncate(0),
        lambda: lazy.truncate_from(FIRST_DAY * DAY_NS),
        lambda: lazy.before((FIRST_DAY + 1) * DAY_NS),
    ):
        with pytest.raises(ValueError, match="never change"):
            refused()
    lazy.truncate(lazy.n_older)
    late = random_trades(1, 2, start_ns=(FIRST_DAY + 1) * DAY_NS, seconds=60)
    with pytest.raises(ValueError, match="cannot join"):
        lazy.append(late)


def test_reading_a_part_reads_only_its_days() -> None:
    _, lazy = pair(DAYS, "1m", 50)
    older = lazy.older
    assert older is not None
    first = int(older.bar_starts[3])
    assert len(lazy.close[first : first + 5]) == 5
    assert older.days_read == 1
    assert int(lazy.cell_buy[lazy.cells_of(first, first + 5)].sum()) >= 0
    assert older.days_read == 1
    ProfileIndex(lazy).profile(first, int(older.bar_starts[-1]))
    assert VwapSums(lazy).between(first, lazy.n_bars)[0] > 0
    CumulativeDelta(lazy).values(first, first + 1)
    assert older.days_read == 1


def test_days_read_long_ago_make_room() -> None:
    whole, lazy = pair(DAYS, "1m", 50, most_bytes=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.analytics.older.older_bars._LEAST_DAYS", 2)
        for _ in range(2):
            assert same(lazy.close, whole.close)
        older = lazy.older
        assert older is not None
        assert older.days_read == 2 * len(older.days)
        assert lazy.close[int(older.bar_starts[-2])] == whole.close[int(older.bar_starts[-2])]
        assert older.days_read == 2 * len(older.days)


def test_vwap_is_exact_over_older_bars() -> None:
    _, lazy = pair(4, "15m", 50)
    trades = tape()
    volume = int(trades.quantity_lots.sum())
    mean = Fraction(sum(p * q for p, q in zip(trades.price_ticks.tolist(), trades.quantity_lots.tolist(), strict=True)), volume)
    squares = sum(p * p * q for p, q in zip(trades.price_ticks.tolist(), trades.quantity_lots.tolist(), strict=True))
    assert VwapSums(lazy).variance(0, lazy.n_bars) == Fraction(squares, volume) - mean**2
    assert VwapSums(lazy).between(0, lazy.n_bars)[0] == pytest.approx(float(mean), rel=1e-15)


@settings(max_examples=8, deadline=None)
@given(days=st.integers(1, DAYS), most=st.sampled_from([0, 700, 1 << 17]))
def test_levels_that_start_with_the_newest_older_bars_equal_those_of_all_bars(days: int, most: int) -> None:
    whole, lazy = pair(days, "1m", 10)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.chart.levels._MOST_OLDER_BARS", most)
        found = LevelTracker(BarValues(lazy))
    first_bar = max(0, lazy.n_older - most) // MARK_BARS * MARK_BARS
    expected = LevelTracker(BarValues(whole))
    for tracker in (found, expected):
        tracker.settle()
    kinds = tuple(LevelKind)
    of_all = expected.columns(kinds, 0, whole.n_bars)
    later = of_all["start"] > first_bar
    assert later.any()
    for name, column in found.columns(kinds, 0, lazy.n_bars).items():
        assert column.tolist() == of_all[name][later].tolist(), name
    assert found.active() == [level for level in expected.active() if level.born_ns > lazy.start_ns(first_bar)]


def test_a_series_without_its_older_bars_has_those_in_memory() -> None:
    whole, lazy = pair(4, "15m", 50)
    own, first = lazy.without_older(), lazy.n_older
    assert own.older is None
    assert own.revision > lazy.revision
    assert own.changed_since(lazy.revision) == 0
    for name in BAR_NAMES:
        assert same(getattr(own, name), getattr(whole, name)[first:])
    assert same(own.cell_buy, whole.cell_buy[whole.cells_of(first, whole.n_bars)])
    assert same(own.cell_start, whole.cell_start[first:] - whole.cell_start[first])
    lazy.append(random_trades(8, 50, start_ns=(FIRST_DAY + DAYS) * DAY_NS, seconds=7200))
    assert own.n_bars == whole.n_bars - first
