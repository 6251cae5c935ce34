"""Candle value areas against published values and against plain counting."""

from __future__ import annotations

import json
from datetime import date
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analytics.candle_value_area import CandleHistogram, CandlePrice, candle_profile, candle_value_area
from app.analytics.value_area import ValueArea, ValueAreaMethod
from app.errors import BadInputError, EmptyProfileError
from app.market.candle import CandleBatch
from app.market.session import Period, PeriodRule, day_start_ns, span_before
from feeds.archives.candle_file import read_candle_file
from tests.oracles.candle_profiles import candle_rows

FILES = json.loads((Path(__file__).parents[2] / "vectors/candle_value_area.json").read_text())["files"]


def candles(*rows: tuple[int, int, int, int]) -> CandleBatch:
    """Candles of (high, low, close, volume)."""
    high, low, close, volume = (np.array(column, np.int64) for column in zip(*rows, strict=True)) if rows else [np.zeros(0, np.int64)] * 4
    start = np.arange(len(rows))
    return CandleBatch(1, start, close, high, low, close, volume, np.full(len(rows), -1), np.ones(len(rows), bool))


@pytest.mark.parametrize(("name", "expected"), FILES.items(), ids=FILES)
def test_recorded_candles_give_the_expected_values(real_data: Path, name: str, expected: dict):
    found = read_candle_file(real_data / "value_area" / name)
    span = span_before(PeriodRule(Period(expected["period"])), day_start_ns(date(2022, 7, 23)))
    inside = found.candles.within(span)
    profile = candle_profile(inside)
    area = candle_value_area(profile)
    tick = Fraction(found.tick_size)
    figures = profile.middle_ticks(area.poc_row), profile.edge_ticks(area.low_row), profile.edge_ticks(area.high_row + 1)
    assert len(inside) == expected["candles"]
    assert (float(profile.low * tick), float(profile.high * tick)) == (expected["low"], expected["high"])
    assert [float(ticks * tick) for ticks in figures] == pytest.approx([expected[name] for name in ("poc", "val", "vah")], abs=1e-9)
    for name, ticks in zip(("poc", "val", "vah"), figures, strict=True):
        if "published" in expected:
            assert abs(float(ticks * tick) - expected["published"][name]) < 0.61  # it rounds its rows


def test_a_price_on_an_edge_belongs_to_the_row_above():
    found = candle_profile(candles((40, 0, 0, 1), (10, 10, 10, 2), (40, 40, 40, 4)), rows=4)
    assert found.volume.tolist() == [0, 2, 1, 4]
    assert [found.edge_ticks(row) for row in range(5)] == [0, 10, 20, 30, 40]


def test_a_candle_can_count_at_its_close():
    assert candle_profile(candles((40, 0, 5, 1)), rows=4, price=CandlePrice.CLOSE).volume.tolist() == [1, 0, 0, 0]
    assert candle_profile(candles((40, 0, 5, 1)), rows=4).volume.tolist() == [0, 0, 1, 0]


def test_row_edges_are_not_rounded():
    found = candle_profile(candles((11, 1, 5, 1)), rows=3)
    assert found.edge_ticks(1) == Fraction(13, 3)
    assert found.middle_ticks(1) == 6


def test_a_range_of_zero_is_one_row():
    found = candle_profile(candles((7, 7, 7, 3), (7, 7, 7, 4)))
    assert found.volume.tolist() == [7]
    assert found.middle_ticks(0) == 7
    assert candle_value_area(found) == ValueArea(0, 0, 0, 7)


def test_empty_rows_at_the_ends_count_as_rows():
    # of two rows that are as heavy, the one nearer to the middle of all rows is the point of control
    assert candle_value_area(CandleHistogram(0, 60, np.array([5, 0, 0, 5, 0, 0]))).poc_row == 3
    # the pair above the POC is rows 3 and 4, though nothing traded in row 4
    assert candle_value_area(CandleHistogram(0, 50, np.array([0, 0, 9, 5, 0])), 90) == ValueArea(2, 4, 2, 14)


@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(0, 30), st.integers(0, 30), st.integers(0, 9)), min_size=1, max_size=30),
    st.integers(1, 30),
    st.booleans(),
)
def test_the_histogram_equals_plain_counting(rows: list[tuple[int, int, int, int]], n: int, use_close: bool):
    made = [(low + span, low, low + min(at, span), volume) for low, span, at, volume in rows]
    found = candle_profile(candles(*made), n, CandlePrice.CLOSE if use_close else CandlePrice.MEAN)
    assert found.volume.tolist() == candle_rows(made, n, use_close)


@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(0, 30), st.integers(0, 30), st.integers(0, 9)), min_size=1, max_size=30),
    st.integers(1, 100),
    st.sampled_from(ValueAreaMethod),
)
def test_the_area_has_its_share_around_the_poc(rows: list[tuple[int, int, int, int]], percent: int, method: ValueAreaMethod):
    found = candle_profile(candles(*((low + span, low, low + min(at, span), volume) for low, span, at, volume in rows)))
    if not found.volume.any():
        with pytest.raises(EmptyProfileError):
            candle_value_area(found, percent, method)
        return
    area = candle_value_area(found, percent, method)
    assert 0 <= area.low_row <= area.poc_row <= area.high_row < found.n_rows
    assert found.volume[area.poc_row] == found.volume.max()
    if method is not ValueAreaMethod.TRADINGVIEW:
        assert area.volume * 100 >= found.volume.sum() * percent


def test_prices_with_many_digits_are_counted_exactly():
    huge = 10**18
    assert candle_profile(candles((huge, 1, 1, 1), (huge, huge - 2, huge, 5)), rows=1000).volume[[499, 500, 999]].tolist() == [0, 1, 5]


def test_no_candles_or_rows_are_refused():
    with pytest.raises(EmptyProfileError, match="candles: none found"):
        candle_profile(candles())
    with pytest.raises(BadInputError, match="found 0, expected 1 to 65536"):
        candle_profile(candles((2, 1, 1, 1)), rows=0)
