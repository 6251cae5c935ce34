"""Events of closed bars, by hand, and divergences against an oracle."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.alerts.bar_events import divergence, percent_of_delta, stacked, unfinished
from app.analytics.divergence import REACH
from app.market.trade import BUY, SELL
from app.settings.calculation import CalculationSettings, CvdSettings, ImbalanceSettings
from app.storage.trade_store import Gap
from tests.app.alerts.test_subjects import chart_of
from tests.builders import SECOND_NS, START_NS, random_trades, trades_of
from tests.oracles.order_flow import cvd, divergences

Rows = list[tuple[float, int, int, int]]


@pytest.mark.parametrize(
    ("buy", "sell", "value", "text"),
    [
        (8, 2, 60, "bar closed with delta at +60 % of volume"),
        (8, 2, 61, None),
        (2, 8, -60, "bar closed with delta at -60 % of volume"),
        (2, 8, -61, None),
        (2, 8, 60, None),
        (8, 2, -60, None),
        (2, 1, 33, "bar closed with delta at +33 % of volume"),
        (2, 1, 34, None),
        (5, 0, 100, "bar closed with delta at +100 % of volume"),
    ],
)
def test_a_delta_percentage_is_reached_in_its_own_direction(buy: int, sell: int, value: int, text: str | None) -> None:
    chart = chart_of(trades_of([(0, 100, buy, BUY), *([(1, 100, sell, SELL)] if sell else [])]))
    assert percent_of_delta(chart, 0, value) == text


BUYING: Rows = [*((0, price, 1, SELL) for price in (100, 101, 102)), *((1, price, 9, BUY) for price in (101, 102, 103))]
SELLING: Rows = [*((0, price, 1, BUY) for price in (101, 102, 103)), *((1, price, 9, SELL) for price in (100, 101, 102))]


def test_stacked_imbalances_are_reported_from_their_lowest_row() -> None:
    buying, selling = chart_of(trades_of(BUYING)), chart_of(trades_of(SELLING))
    assert stacked(BUY)(buying, 0, 0) == "stacked buying imbalance from 10.1"
    assert stacked(SELL)(selling, 0, 0) == "stacked selling imbalance from 10.0"
    assert stacked(SELL)(buying, 0, 0) is None
    assert stacked(BUY)(selling, 0, 0) is None


def test_the_lowest_of_several_zones_is_reported() -> None:
    higher: Rows = [(second, price + 10, lots, side) for second, price, lots, side in BUYING]
    assert stacked(BUY)(chart_of(trades_of([*higher, *BUYING])), 0, 0) == "stacked buying imbalance from 10.1"


def test_stacked_imbalances_follow_the_charts_settings() -> None:
    four = CalculationSettings(imbalance=ImbalanceSettings(stacked=4))
    assert stacked(BUY)(chart_of(trades_of(BUYING), four), 0, 0) is None
    ten = CalculationSettings(imbalance=ImbalanceSettings(ratio=Decimal(10)))
    assert stacked(BUY)(chart_of(trades_of(BUYING), ten), 0, 0) is None


def test_stacked_imbalances_are_those_of_the_given_bar() -> None:
    chart = chart_of(trades_of([*BUYING, (60, 100, 1, BUY)]))
    assert [stacked(BUY)(chart, bar, 0) is None for bar in (0, 1)] == [False, True]


@pytest.mark.parametrize(
    ("left_out", "high", "low"),
    [
        (None, "unfinished auction at the high, 10.3", "unfinished auction at the low, 10.0"),
        (0, "unfinished auction at the high, 10.3", None),
        (1, "unfinished auction at the high, 10.3", None),
        (2, None, "unfinished auction at the low, 10.0"),
        (3, None, "unfinished auction at the low, 10.0"),
    ],
)
def test_an_auction_is_unfinished_where_both_sides_traded(left_out: int | None, high: str | None, low: str | None) -> None:
    rows: Rows = [(0, 100, 1, BUY), (1, 100, 1, SELL), (2, 103, 1, BUY), (3, 103, 1, SELL)]
    chart = chart_of(trades_of([row for place, row in enumerate(rows) if place != left_out]))
    assert (unfinished(high=True)(chart, 0, 0), unfinished(high=False)(chart, 0, 0)) == (high, low)


def swinging(side: int) -> Rows:
    """Two swings in bars 3 and 10, the second one further out, with less delta behind it."""
    rows: Rows = []
    for bar, height in enumerate([0, 1, 2, 9, 2, 1, 0, 0, 1, 2, 10, 2, 1, 0, 0]):
        rows.append((60 * bar, 100 + side * height, 5 if bar == 3 else 1, BUY if side > 0 else SELL))
        if bar > 3:
            rows.append((60 * bar + 1, 100 + side * height, 2, SELL if side > 0 else BUY))
    return rows


@pytest.mark.parametrize(
    ("side", "text"),
    [
        (-1, "bearish CVD divergence at the high 11.0 (swing of 3 bars each side)"),
        (1, "bullish CVD divergence at the low 9.0 (swing of 3 bars each side)"),
    ],
)
def test_a_divergence_is_reported_by_the_bar_that_confirms_it(side: int, text: str) -> None:
    chart = chart_of(trades_of(swinging(-side)))
    assert [divergence(side)(chart, bar, 0) for bar in range(15)] == [None] * 13 + [text, None]
    assert [divergence(-side)(chart, bar, 0) for bar in range(15)] == [None] * 15


def test_swings_on_both_sides_of_a_gap_are_not_compared() -> None:
    chart = chart_of(trades_of(swinging(1)))
    assert divergence(-1)(chart, 13, 0) is not None
    minute = 60 * SECOND_NS
    chart.holes = [Gap(1, 2, START_NS + 6 * minute, START_NS + 7 * minute)]
    assert divergence(-1)(chart, 13, 0) is None


def test_swings_on_both_sides_of_a_cvd_reset_are_not_compared() -> None:
    noon_ns = START_NS // (86_400 * SECOND_NS) * 86_400 * SECOND_NS + 86_400 * SECOND_NS
    offset = (noon_ns - START_NS) / SECOND_NS - 7 * 60  # midnight between the two swings
    rows = [(offset + second, *row) for second, *row in swinging(1)]
    by_session, never = (CalculationSettings(cvd=CvdSettings(reset=reset)) for reset in ("session", "never"))  # type: ignore[arg-type]
    assert divergence(-1)(chart_of(trades_of(rows), by_session), 13, 0) is None  # type: ignore[arg-type]
    assert divergence(-1)(chart_of(trades_of(rows), never), 13, 0) is not None  # type: ignore[arg-type]


def test_a_divergence_does_not_depend_on_later_bars() -> None:
    rows = swinging(1)
    short = chart_of(trades_of([row for row in rows if row[0] < 14 * 60]))
    assert divergence(-1)(short, 13, 0) == divergence(-1)(chart_of(trades_of(rows)), 13, 0) is not None


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), reset=st.sampled_from(["session", "never"]))
def test_each_divergence_is_reported_once_by_its_confirming_bar(seed: int, reset: str):
    chart = chart_of(random_trades(seed, 400, seconds=90 * 60, spread=25), CalculationSettings(cvd=CvdSettings(reset=reset)))  # type: ignore[arg-type]
    series = chart.series
    deltas, starts = (series.buy - series.sell).tolist(), series.times.of_bars().tolist()
    end = series.n_bars
    running = cvd(deltas[:end], starts[:end], by_day=False)
    days = [start // (86_400 * SECOND_NS) for start in starts]
    found = divergences(series.high.tolist(), series.low.tolist(), running, REACH)
    expected = {(other, side) for one, other, side in found if reset == "never" or days[one] == days[other]}
    told = []
    for side in (1, -1):
        read = divergence(side)
        told += [side for bar in range(end) if read(chart, bar, 0) is not None]
    assert sorted(told) == sorted(side for _, side in expected)
