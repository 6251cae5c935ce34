"""An imbalanced cell is explained by met conditions, any other by one not met."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analytics.imbalance import ImbalanceRule, stacked_zones
from app.errors import BadInputError
from app.explain.answer import find_trades
from app.explain.imbalances import explain_cell, explain_zone
from app.market.trade import BUY, SELL
from tests.app.explain.charts import chart_of, imbalance
from tests.builders import START_NS, trade_batches, trades_of
from tests.oracles.imbalances import imbalanced_rows

FIRST = START_NS // 60_000_000_000
_RATIO = re.compile(r"^(\S+) (>=|<) (\S+) x (\S+) = (\S+)$")

rules = st.builds(
    ImbalanceRule,
    ratio=st.sampled_from([Decimal(3), Decimal(4), Decimal("1.5"), Decimal("2.75")]),
    minimum_lots=st.sampled_from([0, 0, 5]),
    zeros=st.sampled_from(["count", "ignore"]),
    stacked=st.sampled_from([2, 3]),
)


def test_a_buy_imbalance_shows_the_ratio_and_its_trades():
    chart = chart_of(trades_of([(0, 437_000, 16_643, SELL), (1, 437_001, 50_637, BUY)]))
    told = explain_cell(chart, FIRST, 437_001)
    assert told.title == "Buy imbalance at 43700.1 · 2023-11-14 22:14 bar"
    assert told.rule == "Diagonal imbalance · ratio 3.0 · minimum 0 · zeros counted"
    assert [(line.text, line.met) for line in told.lines] == [
        ("bought at 43700.1 vs sold one row below, at 43700.0:", None),
        ("506.37 >= 3.0 x 166.43 = 499.29", True),
        ("0 sold at the bar's highest row: not tested, no row above it", False),
    ]
    found = find_trades(chart, told)
    assert found.total == "672.8"  # 506.37 + 166.43
    assert found.csv.splitlines() == [
        "time,price,quantity,side,trade_id",
        f"{START_NS},43700.0,166.43,sell,1",
        f"{START_NS + 10**9},43700.1,506.37,buy,2",
    ]


def test_a_cell_one_lot_short_is_not_an_imbalance():
    chart = chart_of(trades_of([(0, 437_000, 16_643, SELL), (1, 437_001, 49_928, BUY)]))
    told = explain_cell(chart, FIRST, 437_001)
    assert told.title.startswith("No imbalance at 43700.1")
    assert ("499.28 < 3.0 x 166.43 = 499.29", False) in told.lines


@pytest.mark.parametrize(
    ("rule", "lots", "text"),
    [
        (ImbalanceRule(minimum_lots=100), 50, "0.5 < 1 (minimum volume)"),
        (ImbalanceRule(zeros="ignore"), 50, "opposite side is 0: ignored by the zeros setting"),
    ],
)
def test_minimum_volume_and_ignored_zeros_are_explained(rule: ImbalanceRule, lots: int, text: str):
    chart = chart_of(trades_of([(0, 437_000, 1, BUY), (1, 437_001, lots, BUY)]), rules=imbalance(rule))
    told = explain_cell(chart, FIRST, 437_001)
    assert told.title.startswith("No imbalance")
    assert (text, False) in told.lines


def test_a_price_outside_the_bars_range_raises_an_error():
    chart = chart_of(trades_of([(0, 437_000, 1, BUY), (1, 437_001, 5, BUY)]))
    with pytest.raises(BadInputError, match=r"price: 43700.5 is outside the bar's range, 43700.0 to 43700.1"):
        explain_cell(chart, FIRST, 437_005)
    with pytest.raises(BadInputError, match="bar: no trades in the "):
        explain_cell(chart, FIRST + 1, 437_001)


@given(trade_batches(max_size=24), rules, st.sampled_from([1, 3]), st.sampled_from(["1m", "7t"]))
def test_only_imbalanced_cells_have_all_conditions_met(trades, rule, ticks_per_row, bar):
    chart = chart_of(trades, bar, ticks_per_row, imbalance(rule))
    series = chart.series
    for index in range(series.n_bars):
        first, buy, sell, _ = series.bar_cells(index)
        expected = imbalanced_rows(buy.tolist(), sell.tolist(), rule)
        marks = chart.figures.imbalances(index, index + 1)
        for place in range(len(buy)):
            told = explain_cell(chart, int(series.number[index]), first + place)
            sides = {"Buy": (True, False), "Sell": (False, True), "Buy and sell": (True, True), "No": (False, False)}
            found = sides[told.title.partition(" imbalance")[0]]
            assert found == (place in expected[0], place in expected[1]) == (bool(marks.buy[place]), bool(marks.sell[place]))
            _check_arithmetic(told.lines)


def _check_arithmetic(lines) -> None:
    """Every inequality that is written is true as it stands, and every product is exact."""
    for text, met in lines:
        match = _RATIO.match(text)
        if match is not None:
            left, sign, factor, other, product = match.groups()
            assert Fraction(factor) * Fraction(other) == Fraction(product)
            assert met is (sign == ">=") is (Fraction(left) >= Fraction(product))


@given(trade_batches(max_size=24, sides=(BUY, SELL)), st.sampled_from([1, 3]), st.sampled_from(["1m", "7t", "40r"]))
def test_the_trades_behind_a_cell_sum_to_the_compared_volumes(trades, ticks_per_row, bar):
    chart = chart_of(trades, bar, ticks_per_row)
    series = chart.series
    for index in range(series.n_bars):
        first, buy, sell, _ = series.bar_cells(index)
        for place in range(len(buy)):
            told = explain_cell(chart, int(series.number[index]), first + place)
            found = find_trades(chart, told)
            lots = 0
            for part in told.parts:
                row = part.low_ticks // ticks_per_row - first
                lots += int((buy if part.sides == (BUY,) else sell)[row])
            assert found.behind.lots == found.behind.wanted_lots == lots
            assert not found.behind.note


def test_a_stacked_zone_explains_each_of_its_rows():
    rows = [(second, 437_000 + second, lots, side) for second in range(5) for lots, side in ((10, SELL), (90, BUY))]
    chart = chart_of(trades_of(rows))
    zones = stacked_zones(chart.series, 0, 1, chart.figures.rule)
    (first,), (last,), (side,) = zones.first_row.tolist(), zones.last_row.tolist(), zones.side.tolist()
    told = explain_zone(chart, FIRST, side, first, last)
    assert told.title == "Stacked buy imbalance 43700.1 to 43700.4 · 2023-11-14 22:14 bar"
    assert [line.text for line in told.lines] == [
        "4 consecutive rows: 4 >= 3",
        *(f"43700.{tenth}: 0.9 >= 3.0 x 0.1 = 0.3" for tenth in range(1, 5)),
    ]
    assert find_trades(chart, told).behind.lots == 4 * (90 + 10)
