"""Letters of a session against worked examples and against plain counting."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analytics.footprint import FootprintSeries
from app.analytics.tpo import TpoProfile, TpoSessions, bars_fit_brackets, tpo_of_bars, tpo_of_trades
from app.analytics.value_area import ValueAreaMethod
from app.errors import BadInputError, EmptyProfileError, GridTooFineError
from app.market.bar_rule import BarRule
from app.market.price_grid import PriceGrid
from app.market.span import Span
from app.market.trade import TradeBatch
from tests.oracles.tpos import letters_of, rotation_of

S = 10**9
GRID = PriceGrid(Decimal("0.5"), 1)


def session(*brackets: tuple[int, ...], ticks_per_row: int = 1) -> TpoProfile:
    """A session of 30 s brackets, each with trades at some prices."""
    trades = [(30 * S * number + second, price) for number, prices in enumerate(brackets) for second, price in enumerate(prices)]
    time_ns, price = (np.array(column, np.int64) for column in zip(*trades, strict=True))
    return tpo_of_trades(time_ns, price, PriceGrid(Decimal("0.5"), ticks_per_row), 0, 30 * S)


def test_each_row_has_the_letters_of_the_brackets_it_traded_in():
    assert session((10, 11), (11, 12, 10), (12,)).letters() == ["AB", "AB", "BC"]


def test_a_row_that_price_jumped_over_has_no_letter():
    found = session((10, 13))
    assert found.letters() == ["A", "", "", "A"]
    assert found.single_prints.tolist() == []


def test_letters_go_from_a_to_lower_case_z_and_start_again():
    found = session(*((10,) for _ in range(54)))
    assert found.letters() == ["ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyzAB"]


def test_all_values_of_one_session():
    found = session((100, 101, 102, 103), (102, 103, 104), (103, 104, 105, 106), (104, 105))
    assert found.letters() == ["A", "A", "AB", "ABC", "BCD", "CD", "C"]
    assert found.initial_balance == (100, 104)
    assert found.range_ticks == (100, 106)
    assert found.midpoint_ticks == 103
    assert found.single_prints.tolist() == [101]  # 100 and 106 are the extremes
    assert (found.poor_low, found.poor_high) == (False, False)
    assert found.rotation_factor == (1 + 1) + (1 + 1) + (-1 + 1)
    area = found.value_area(70, ValueAreaMethod.SINGLE)
    assert (area.poc_row, area.low_row, area.high_row, area.volume) == (103, 102, 105, 10)  # 70 % of 13 letters is 9.1


def test_two_letters_at_an_extreme_make_it_poor():
    found = session((10, 12), (11, 12))
    assert (found.poor_high, found.poor_low) == (True, False)


def test_the_midpoint_is_the_exact_middle_of_prices_not_of_rows():
    assert session((10, 13), ticks_per_row=5).midpoint_ticks == Fraction(23, 2)


def test_brackets_without_trades_are_skipped():
    found = session((10, 11), (), (), (9, 12))
    assert found.rotation_factor == 1 - 1
    assert found.initial_balance == (10, 11)


def test_a_session_that_begins_late_has_no_initial_balance():
    assert session((), (), (10,)).initial_balance is None


def test_poc_of_equal_rows_is_nearest_the_middle_then_lower():
    assert session((1, 2, 3, 4)).value_area().poc_row == 2


TRADES = st.lists(st.tuples(st.integers(0, 3599), st.integers(1, 60)), min_size=1, max_size=60)


@given(TRADES, st.sampled_from((1, 3, 7)), st.sampled_from((30, 60, 600)))
def test_letters_and_rotations_equal_plain_counting(trades: list[tuple[int, int]], ticks_per_row: int, bracket_s: int):
    time_ns, price = (np.array(column, np.int64) for column in zip(*trades, strict=True))
    found = tpo_of_trades(time_ns * S, price, PriceGrid(Decimal(1), ticks_per_row), 0, bracket_s * S)
    expected = letters_of(trades, 0, bracket_s, ticks_per_row)
    assert {found.first_row + row: letters for row, letters in enumerate(found.letters()) if letters} == expected
    assert found.rotation_factor == rotation_of(trades, 0, bracket_s)
    counts = {row: len(letters) for row, letters in expected.items()}
    inside = sorted(counts)[1:-1]
    assert found.single_prints.tolist() == [row for row in inside if counts[row] == 1]
    area = found.value_area()
    assert counts[area.poc_row] == max(counts.values())
    assert area.volume * 100 >= 70 * sum(counts.values())


@given(TRADES, st.sampled_from((1, 3, 7)))
def test_bars_give_the_same_letters_as_their_trades(trades: list[tuple[int, int]], ticks_per_row: int):
    trades = sorted(trades, key=lambda trade: trade[0])
    batch = batch_of(trades)
    grid = PriceGrid(Decimal(1), ticks_per_row)
    series = FootprintSeries(BarRule(10 * S), grid)
    series.append(batch)
    one = tpo_of_trades(batch.time_ns, batch.price_ticks, grid, 0, 60 * S)
    other = tpo_of_bars(series, 0, series.n_bars, 0, 60 * S)
    assert one.first_row == other.first_row
    for name in ("marks", "high", "low"):
        assert np.array_equal(getattr(one, name), getattr(other, name))


def batch_of(trades: list[tuple[int, int]]) -> TradeBatch:
    time, price = (np.array(column, np.int64) for column in zip(*trades, strict=True))
    n = len(time)
    return TradeBatch(time * S, price, np.ones(n, np.int64), np.ones(n, np.int8), np.arange(n))


def test_a_live_trade_reads_only_the_bracket_in_progress():
    series = FootprintSeries(BarRule(10 * S), GRID)
    series.append(batch_of([(second, 100 + second % 7) for second in range(1200)]))
    kept, sessions = TpoSessions(), [(0, 60, Span(0, 600 * S)), (60, 120, Span(600 * S, 1200 * S))]
    before = [kept.of(series, *session, 60 * S) for session in sessions]
    assert (kept.sessions_computed, kept.bars_read) == (2, 120)
    assert [kept.of(series, *session, 60 * S) for session in sessions] == before
    series.append(batch_of([(1199, 300)]))
    assert kept.of(series, *sessions[0], 60 * S) is before[0]
    assert kept.of(series, *sessions[1], 60 * S).range_ticks == (100, 300)
    assert (kept.sessions_computed, kept.bars_read) == (3, 126)  # six bars of ten seconds in a bracket of a minute
    again = kept.of(series, *sessions[1], 60 * S)
    series.append(batch_of([(1199, 250)]))
    assert kept.of(series, *sessions[1], 60 * S).letters() != again.letters()
    again = kept.of(series, *sessions[1], 60 * S)
    series.append(batch_of([(1199, 250)]))
    assert kept.of(series, *sessions[1], 60 * S) is again  # no letter, high or low has changed


@given(TRADES, st.lists(TRADES, max_size=4), st.lists(st.integers(1, 60), max_size=6))
def test_updated_letters_equal_a_complete_count(trades: list[tuple[int, int]], late: list[list[tuple[int, int]]], ends: list[int]):
    series, kept = FootprintSeries(BarRule(10 * S), GRID), TpoSessions()
    held = trades
    for more in ([], *late):
        held = sorted([*held, *more], key=lambda trade: trade[0])
        if more:
            series.truncate_from(min(second for second, _ in more) * S)
        after = int(series.number[-1]) + 1 if series.n_bars else 0
        series.append(batch_of([trade for trade in held if trade[0] // 10 >= after]))
        for end in (*ends, series.n_bars):
            end = min(end, series.n_bars)
            found = kept.of(series, 0, end, Span(0, 10**6 * S), 60 * S)
            assert found.has_same_letters(tpo_of_bars(series, 0, end, 0, 60 * S))


@pytest.mark.parametrize(("bar_s", "start_s", "fitting"), [(60, 0, True), (60, 30, False), (3600, 0, False), (1800, 5400, True)])
def test_bars_fit_brackets_when_each_lies_in_one(bar_s: int, start_s: int, fitting: bool):
    assert bars_fit_brackets(bar_s * S, start_s * S, 1800 * S) is fitting


def test_invalid_input_for_letters_is_refused():
    nothing = np.zeros(0, np.int64)
    with pytest.raises(EmptyProfileError):
        tpo_of_trades(nothing, nothing, GRID, 0, 30 * S)
    with pytest.raises(BadInputError, match="expected at least 1 s"):
        tpo_of_trades(np.array([5]), np.array([5]), GRID, 0, 10)
    with pytest.raises(GridTooFineError, match="ticks per row"):
        tpo_of_trades(np.array([0, 1]), np.array([1, 1 << 40]), GRID, 0, 30 * S)
