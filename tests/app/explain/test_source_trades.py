"""The trades behind a value are those that its filters select, as far as they are loaded."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.chart.chart import Chart
from app.explain import source_trades
from app.explain.explanation import ALL_SIDES, Explanation, TradeFilter
from app.explain.source_trades import as_of_text, lots_of, newest_ns, tape_of_bars, trades_behind
from app.market.trade import BUY, SELL, UNKNOWN, TradeBatch
from tests.app.explain.charts import chart_of
from tests.builders import START_NS, trade_batches, trades_of
from tests.sameness import same

FIRST = START_NS // 60_000_000_000
TRADES = trades_of([(0, 100, 1, BUY), (1, 101, 2, SELL), (2, 102, 4, UNKNOWN), (30, 100, 8, SELL), (60, 105, 16, BUY), (61, 101, 32, BUY)])


def explained(
    *parts: TradeFilter, bars: tuple[tuple[int, int], ...] = ((FIRST, FIRST + 1),), listed: TradeBatch | None = None
) -> Explanation:
    return Explanation("Title", "Rule", (), bars, help_page="values.md#poc", parts=parts, listed=listed)


def lose_before(chart: Chart, time_ns: int) -> None:
    """Trades before a time are no longer in memory."""
    held = chart.trades
    assert held is not None
    chart.trades = lambda start_ns, end_ns: held(max(start_ns, time_ns), end_ns)


@pytest.mark.parametrize(
    ("part", "ids"),
    [
        (TradeFilter(FIRST, FIRST + 1), [1, 2, 3, 4]),
        (TradeFilter(FIRST + 1, FIRST + 2), [5, 6]),
        (TradeFilter(FIRST, FIRST + 2, 101, 102), [2, 6]),  # prices [low, high)
        (TradeFilter(FIRST, FIRST + 2, sides=(BUY,)), [1, 5, 6]),
        (TradeFilter(FIRST, FIRST + 1, 100, 103, (SELL, UNKNOWN)), [2, 3, 4]),
        (TradeFilter(FIRST + 5, FIRST + 9), []),
    ],
)
def test_a_filter_selects_by_bars_prices_and_sides(part: TradeFilter, ids: list[int]) -> None:
    found = trades_behind(chart_of(TRADES), explained(part))
    lots = sum(1 << trade_id - 1 for trade_id in ids)
    assert found.trades.trade_id.tolist() == ids
    assert (found.lots, found.wanted_lots, found.note) == (lots, lots, "")


def test_filters_of_the_same_bars_keep_the_order_of_the_tape() -> None:
    parts = (TradeFilter(FIRST, FIRST + 1, 101, 103), TradeFilter(FIRST, FIRST + 1, 0, 101), TradeFilter(FIRST + 1, FIRST + 2, 105, 106))
    found = trades_behind(chart_of(TRADES), explained(*parts))
    assert (found.trades.trade_id.tolist(), found.lots, found.wanted_lots) == ([1, 2, 3, 4, 5], 31, 31)


def test_listed_trades_are_given_as_they_are() -> None:
    found = trades_behind(chart_of(TRADES), explained(listed=TRADES[2:4]))
    assert same(found.trades, TRADES[2:4])
    assert (found.lots, found.wanted_lots, found.note) == (12, 12, "")


def test_an_explanation_without_filters_has_no_trades() -> None:
    found = trades_behind(chart_of(TRADES), explained())
    assert (len(found.trades), found.lots, found.wanted_lots, found.note) == (0, 0, 0, "")


def test_trades_dropped_from_memory_are_counted_as_missing() -> None:
    chart = chart_of(TRADES)
    lose_before(chart, START_NS + 2 * 10**9)
    found = trades_behind(chart, explained(TradeFilter(FIRST, FIRST + 1)))
    assert (found.trades.trade_id.tolist(), found.lots, found.wanted_lots) == ([3, 4], 12, 15)
    assert found.note == "trades in memory cover 0.12 of 0.15"
    lose_before(chart, START_NS + 60 * 10**9)
    found = trades_behind(chart, explained(TradeFilter(FIRST, FIRST + 1)))
    assert (len(found.trades), found.lots, found.wanted_lots, found.note) == (0, 0, 15, "the trades are no longer in memory")


@pytest.mark.parametrize(("most", "note"), [(4, ""), (3, "too many trades to list (4); use `tapeprint export`")])
def test_too_many_trades_are_not_listed(monkeypatch: pytest.MonkeyPatch, most: int, note: str) -> None:
    monkeypatch.setattr(source_trades, "MOST_TRADES", most)
    found = trades_behind(chart_of(TRADES), explained(TradeFilter(FIRST, FIRST + 1, 100, 101)))
    assert (found.note, found.wanted_lots) == (note, 9)
    assert (len(found.trades), found.lots) == ((0, 0) if note else (2, 9))


@settings(max_examples=60)
@given(
    trades=trade_batches(max_size=40),
    bar=st.sampled_from(["1m", "15m", "3t", "5v", "2delta", "4r"]),
    height=st.sampled_from([1, 3]),
    data=st.data(),
)
def test_lots_and_trades_of_a_filter_equal_a_slow_selection(trades: TradeBatch, bar: str, height: int, data: st.DataObject) -> None:
    chart = chart_of(trades, bar, height)
    series = chart.series
    first, last = sorted(data.draw(st.tuples(*[st.integers(0, series.n_bars - 1)] * 2)))
    low, high = sorted(data.draw(st.tuples(*[st.integers(95 // height, 135 // height)] * 2)))
    sides = tuple(data.draw(st.sets(st.sampled_from(ALL_SIDES), min_size=1)))
    part = TradeFilter(int(series.number[first]), int(series.number[last]) + 1, low * height, high * height, sides)
    begin, end = int(series.trades[:first].sum()), int(series.trades[: last + 1].sum())  # the tape is in order of time
    inside = trades[begin:end]
    kept = (inside.price_ticks >= part.low_ticks) & (inside.price_ticks < part.high_ticks) & np.isin(inside.side, sides)
    assert same(tape_of_bars(chart, part.first, part.end), inside)
    assert lots_of(chart, part) == int(inside.quantity_lots[kept].sum())
    found = trades_behind(chart, explained(part))
    assert same(found.trades, inside[kept])
    assert (found.lots, found.wanted_lots, found.note) == (lots_of(chart, part), lots_of(chart, part), "")


def test_counted_bars_that_share_a_time_are_told_apart() -> None:
    chart = chart_of(trades_of([(0, 100, 1, BUY)] * 3 + [(1, 100, 1, BUY)] * 4), "2t")
    numbers = chart.series.number.tolist()
    assert [tape_of_bars(chart, number, number + 1).trade_id.tolist() for number in numbers] == [[1, 2], [3, 4], [5, 6], [7]]


def test_a_chart_without_trades_has_no_tape() -> None:
    chart = chart_of(TRADES)
    assert len(tape_of_bars(chart, FIRST + 7, FIRST + 8)) == 0
    chart.trades = None
    assert len(tape_of_bars(chart, FIRST, FIRST + 1)) == 0
    assert newest_ns(chart) is None


def test_the_newest_trade_is_the_latest_in_time() -> None:
    chart = chart_of(TRADES)
    assert newest_ns(chart) == START_NS + 61 * 10**9
    lose_before(chart, START_NS + 100 * 10**9)
    assert newest_ns(chart) is None
    assert newest_ns(chart_of(TradeBatch.empty())) is None


def test_only_a_bar_in_progress_has_an_as_of_time() -> None:
    chart = chart_of(TRADES)
    assert as_of_text(chart, explained(bars=((FIRST, FIRST + 1),))) == ""
    forming = explained(bars=((FIRST, FIRST + 1), (FIRST + 1, FIRST + 2)))
    assert as_of_text(chart, forming) == "as of 2023-11-14 22:15:01.000 UTC, last bar still forming"
    assert as_of_text(chart, explained(bars=((FIRST, FIRST + 2),), listed=TRADES[:1])) == ""
    lose_before(chart, START_NS + 100 * 10**9)
    assert as_of_text(chart, forming) == "current bar, still forming"
    assert as_of_text(chart_of(TradeBatch.empty()), forming) == ""
