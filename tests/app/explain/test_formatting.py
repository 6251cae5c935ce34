"""Numbers in explanations are exact decimals, or rounded after a `≈`."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.explain.explanation import ExplanationLine
from app.explain.formatting import (
    MOST_LINES,
    ValueFormatter,
    equals,
    exact,
    factor_text,
    percent_text,
    plain,
    rounded,
    shortened,
)
from app.market.trade import BUY
from tests.app.explain.charts import chart_of
from tests.builders import START_NS, trades_of

FIRST = START_NS // 60_000_000_000


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(1, 4), "0.25"),
        (Fraction(1, 3), "≈ 0.33333333"),
        (Fraction(2, 3), "≈ 0.66666667"),
        (Fraction(-1, 8), "-0.125"),
        (Fraction(100), "100"),
        (Fraction(0), "0"),
        (Fraction(1, 2**40), "0.0000000000009094947017729282379150390625"),
        (Fraction(7, 5**3), "0.056"),
        (Fraction(1, 70), "≈ 0.01428571"),
    ],
)
def test_exact_writes_all_digits_or_rounds_after_a_sign(value: Fraction, text: str) -> None:
    assert exact(value) == text


@given(st.integers(-(10**18), 10**18), st.integers(0, 12), st.integers(0, 12))
def test_finite_decimals_are_written_without_loss(numerator: int, twos: int, fives: int) -> None:
    value = Fraction(numerator, 2**twos * 5**fives)
    text = exact(value)
    assert Fraction(text) == value
    assert "E" not in text and not (text.endswith("0") and "." in text) and not text.endswith(".")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(3, 2), "1.5"),
        (Fraction(1, 3), "≈ 0.33333333"),
        (Fraction(123_456_789, 10**9), "≈ 0.12345679"),
        (Fraction(1, 10**8), "0.00000001"),
    ],
)
def test_rounded_shows_eight_decimal_places(value: Fraction, text: str) -> None:
    assert rounded(value) == text


def test_equals_puts_no_second_sign_before_a_rounded_number() -> None:
    assert (equals("0.25"), equals("≈ 0.33")) == ("= 0.25", "≈ 0.33")


@pytest.mark.parametrize(("value", "text"), [(Fraction(1000), "1000"), (Fraction(1, 10), "0.1"), (Fraction(10**30), "1" + 30 * "0")])
def test_plain_has_no_exponent_and_keeps_zeros_of_whole_numbers(value: Fraction, text: str) -> None:
    assert plain(value) == text


@pytest.mark.parametrize(("factor", "text"), [("3", "3.0"), ("2.50", "2.5"), ("1E+1", "10.0"), ("0.125", "0.125")])
def test_a_factor_has_at_least_one_decimal_place(factor: str, text: str) -> None:
    assert factor_text(Decimal(factor)) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(1, 2, "50 %"), (1, 8, "12.5 %"), (1, 3, "≈ 33.33 %"), (2, 3, "≈ 66.67 %"), (-1, 4, "-25 %"), (1, 800, "≈ 0.12 %")],
)
def test_a_percentage_has_two_decimal_places(part: int, whole: int, text: str) -> None:
    assert percent_text(part, whole) == text


def lines(count: int) -> list[ExplanationLine]:
    return [ExplanationLine(str(number)) for number in range(count)]


def test_a_list_of_at_most_twelve_lines_is_complete() -> None:
    assert shortened(lines(MOST_LINES)) == lines(12)


def test_a_longer_list_shows_its_ends_and_counts_the_rest() -> None:
    texts = [line.text for line in shortened(lines(13))]
    assert texts == ["0", "1", "2", "3", "4", "5", "6", "… 2 more …", "9", "10", "11", "12"]
    assert [line.text for line in shortened(lines(100), most=3)] == ["0", "… 98 more …", "99"]


# -- in the units of a chart: ticks of 0.1, lots of 0.01 ------------------------------------------


def words(bar: str = "1m", ticks_per_row: int = 1) -> ValueFormatter:
    trades = trades_of([(0, 437_000, 1, BUY), (61, 437_000, 1, BUY), (150.5, 437_003, 1, BUY), (200, 437_000, 1, BUY)])
    return ValueFormatter(chart_of(trades, bar, ticks_per_row))


def test_a_price_is_written_in_the_venues_decimals() -> None:
    assert (words().price(437_000), words().price(Fraction(437_000))) == ("43700.0", "43700.0")


def test_a_price_between_two_ticks_is_written_out() -> None:
    assert (words().price(Fraction(874_001, 2)), words().price(Fraction(437_000 * 3 + 1, 3))) == ("43700.05", "≈ 43700.03333333")


def test_a_row_is_the_price_of_its_lower_edge() -> None:
    assert words(ticks_per_row=5).row(87_400) == "43700.0"
    assert words(ticks_per_row=5).row(87_401) == "43700.5"


def test_quantities_are_exact_and_signed_where_asked() -> None:
    assert [words().lots(lots) for lots in (250, 5, 0)] == ["2.5", "0.05", "0"]
    assert [words().signed(lots) for lots in (250, -5, 0)] == ["+2.5", "-0.05", "0"]


def test_the_product_of_a_factor_and_a_quantity_is_exact() -> None:
    assert words().times(Decimal("3.0"), 16_643) == "499.29"
    assert words().times(Decimal("0.001"), 1) == "0.00001"


def test_a_bar_is_its_start_with_seconds_only_where_bars_are_fine() -> None:
    assert words().bar(FIRST) == "2023-11-14 22:14"
    assert words("15s").bar(4 * FIRST + 1) == "2023-11-14 22:14:15"
    counted = words("2t")
    assert counted.bar(int(counted.chart.series.number[1])) == "2023-11-14 22:16:30"


def test_runs_of_bars_are_a_time_range_and_their_number() -> None:
    assert words().runs([(FIRST, FIRST + 2)]) == "2023-11-14 22:14 to 2023-11-14 22:16"
    assert words().runs([(FIRST, FIRST + 1), (FIRST + 2, FIRST + 4)]) == "2023-11-14 22:14 to 2023-11-14 22:18, in 2 parts"
