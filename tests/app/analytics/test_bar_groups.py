"""Groups of bars by session and by gap-free run."""

from __future__ import annotations

from decimal import Decimal

from app.analytics.bar_groups import gap_free_runs, session_starts
from app.analytics.footprint import FootprintSeries
from app.market.bar_rule import parse_bar_rule
from app.market.price_grid import PriceGrid
from app.market.session import Period, PeriodRule
from app.market.trade import BUY
from tests.builders import START_NS, series_of, trades_of

HOURS = series_of(trades_of([(3600 * hour, 100, 1, BUY) for hour in (0, 1, 2, 3, 26, 27, 200)]), bar_s=3600)
"""From 22:00 on 14 November 2023, a Tuesday."""


def test_session_starts_finds_the_first_bar_of_each_day() -> None:
    assert session_starts(HOURS, 0, 7, PeriodRule()).tolist() == [0, 0, 2, 2, 4, 4, 6]
    assert session_starts(HOURS, 3, 6, PeriodRule()).tolist() == [2, 4, 4]
    assert session_starts(HOURS, 3, 3, PeriodRule()).tolist() == []


def test_session_starts_finds_the_first_bar_of_week_and_month() -> None:
    assert session_starts(HOURS, 1, 7, PeriodRule(Period.WEEK)).tolist() == [0, 0, 0, 0, 0, 6]
    assert session_starts(HOURS, 1, 7, PeriodRule(Period.MONTH)).tolist() == [0] * 6


def test_a_bar_belongs_to_the_day_in_which_it_begins() -> None:
    long = series_of(trades_of([(0, 100, 1, BUY), (21_600, 100, 1, BUY)]), bar_s=7 * 3600)  # the first begins at 21:00, and ends at 4:00
    assert long.n_bars == 2
    assert session_starts(long, 0, 2, PeriodRule()).tolist() == [0, 1]


def test_the_bar_in_which_a_gap_ends_begins_another_run() -> None:
    ends = [START_NS + 3600 * 10**9 * hour for hour in (2, 27)]
    stretch = gap_free_runs(HOURS, 0, 7, ends)
    assert stretch.tolist() == [0, 0, 1, 1, 1, 2, 2]
    assert (gap_free_runs(HOURS, 3, 7, ends) - stretch[3:]).tolist() == [-1] * 4, "only what parts them counts"
    assert gap_free_runs(HOURS, 0, 7, []).tolist() == [0] * 7
    assert gap_free_runs(HOURS, 2, 2, ends).tolist() == []


def test_session_starts_works_for_bars_other_than_time() -> None:
    series = FootprintSeries(parse_bar_rule("2t"), PriceGrid(Decimal("0.01"), 1))
    series.append(trades_of([(second, 100, 1, BUY) for second in (0, 10, 20, 30, 6360, 6370, 6380, 6390)]))
    starts = session_starts(series, 0, series.n_bars, PeriodRule())
    assert [series.start_ns(int(bar)) // 86_400_000_000_000 for bar in starts] == series.times.day_of_bars().tolist()
    assert session_starts(series, 3, 4, PeriodRule()).tolist() == [2]
