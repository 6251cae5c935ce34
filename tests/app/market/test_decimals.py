from decimal import Decimal
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import BadInputError, OffGridError
from app.market.decimals import decimal_places, format_scaled, parse_step, step_text, step_texts, to_steps

CENT = Decimal("0.01")


@pytest.mark.parametrize(
    ("text", "step", "steps"),
    [
        ("61837.63", "0.01", 6_183_763),
        ("61837.63000000", "0.01", 6_183_763),
        ("0.1", "0.01", 10),
        ("1e2", "0.01", 10_000),
        ("1E-2", "0.01", 1),
        ("-0.25", "0.25", -1),
        ("+5", "0.5", 10),
        ("007.50", "0.25", 30),
        ("0", "0.01", 0),
        ("-0.00", "0.01", 0),
        (".5", "0.1", 5),
        ("5.", "0.1", 50),
        ("120", "10", 12),
        ("120.00", "1E+1", 12),
        ("0.00001234", "0.00000001", 1234),
        ("92233720368547758.07", "0.01", 2**63 - 1),
        ("-92233720368547758.08", "0.01", -(2**63)),
    ],
)
def test_text_becomes_whole_steps(text: str, step: str, steps: int) -> None:
    found = to_steps([text], Decimal(step))
    assert found.tolist() == [steps]
    assert found.dtype == np.int64


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "abc", "NaN", "nan", "-NaN", "sNaN", "Infinity", "-inf"),
        *("1,5", "1_000", " 1", "1 ", "1\n", "0x10", "--1", "1e", "1.2.3", "١٢"),
    ],
)
def test_text_that_is_not_a_plain_decimal_is_refused(text: str) -> None:
    with pytest.raises(OffGridError, match="expected a decimal number") as caught:
        to_steps(["1", text, "1"], CENT)
    assert (caught.value.index, caught.value.value) == (1, text)


@pytest.mark.parametrize("text", ["1e400", "1e30", "-1e30", "92233720368547758.08", "9" * 60, "1e999999999"])
def test_a_number_beyond_64_bits_is_refused(text: str) -> None:
    with pytest.raises(OffGridError, match="too large") as caught:
        to_steps(["1.00", text], CENT, "quantity")
    assert (caught.value.index, caught.value.value) == (1, text)
    assert caught.value.user_message.startswith("quantity: found ")


@pytest.mark.parametrize("text", ["0.001", "61837.635", "1e-3", "1e-400", "0.0100000000000000000000000000000000000000001"])
def test_a_number_between_two_steps_is_refused(text: str) -> None:
    with pytest.raises(OffGridError, match=r"expected a multiple of 0\.01") as caught:
        to_steps(["0.01", text], CENT, "price")
    assert (caught.value.index, caught.value.value) == (1, text)


@pytest.mark.parametrize(
    ("text", "step", "steps"),
    [
        ("227." + "0" * 45, "0.01", 22_700),  # Arrow alone returns 0
        ("0" * 45 + "227", "0.01", 22_700),
        ("0e-400", "0.01", 0),
        ("1" + "0" * 500 + "e-500", "0.01", 100),
        ("1e17", "0.25", 4 * 10**17),
        ("9" + "0" * 18, "1", 9 * 10**18),
        ("100000000000000000000", "1000", 10**17),
    ],
)
def test_long_texts_and_large_numbers_are_read_exactly(text: str, step: str, steps: int) -> None:
    assert to_steps([text], Decimal(step)).tolist() == [steps]
    assert to_steps([step, text, step], Decimal(step)).tolist() == [1, steps, 1]


@pytest.mark.parametrize(("text", "step"), [("8E-59", "10"), ("9.e-95", "0.01"), ("1." + "0" * 50 + "1", "0.01")])
def test_text_that_arrow_would_round_to_zero_is_refused(text: str, step: str) -> None:
    with pytest.raises(OffGridError, match="expected a multiple of") as caught:
        to_steps([step, "0", text], Decimal(step))
    assert (caught.value.index, caught.value.value) == (2, text)


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_all_arrow_string_types_are_read(kind: pa.DataType) -> None:
    assert to_steps(pa.array(["1.5", "1e1", "2"]).cast(kind), Decimal("0.5")).tolist() == [3, 20, 4]


def test_the_error_names_the_first_bad_value_on_every_path() -> None:
    for texts in (["1", "x", "1e-9"], ["1", "1e-9", "x"]):
        with pytest.raises(OffGridError) as caught:
            to_steps(texts, CENT)
        assert (caught.value.index, caught.value.value) == (1, texts[1])


def test_steps_that_are_not_powers_of_ten_are_exact() -> None:
    assert to_steps(["0.25", "1.75"], Decimal("0.25")).tolist() == [1, 7]
    with pytest.raises(OffGridError, match=r"multiple of 0\.25"):
        to_steps(["0.30"], Decimal("0.25"))


def test_a_missing_value_is_refused() -> None:
    with pytest.raises(OffGridError, match="found None") as caught:
        to_steps(pa.array(["1", None]), CENT)
    assert caught.value.index == 1


def test_arrow_columns_are_read_in_place_sliced_or_in_chunks() -> None:
    array = pa.array(["9", "1.5", "2.5", "9"])
    assert to_steps(array.slice(1, 2), Decimal("0.5")).tolist() == [3, 5]
    assert to_steps(pa.chunked_array([["1.5"], [], ["2.5", "0.5"]]), Decimal("0.5")).tolist() == [3, 5, 1]
    assert to_steps([], CENT).tolist() == []


@settings(max_examples=150)
@given(
    st.lists(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12), min_size=1, max_size=8),
    st.sampled_from(["0.0001", "0.01", "0.25", "1", "0.5", "10", "0.00000001"]),
)
def test_steps_are_those_of_exact_fractions(values: list[Decimal], step: str) -> None:
    texts = [f"{value:f}" for value in values]
    expected = [Fraction(value) / Fraction(step) for value in values]
    wrong = [index for index, steps in enumerate(expected) if steps.denominator != 1 or not -(2**63) <= steps < 2**63]
    if wrong:
        with pytest.raises(OffGridError) as caught:
            to_steps(texts, Decimal(step))
        assert (caught.value.index, caught.value.value) == (wrong[0], texts[wrong[0]])
    else:
        assert to_steps(texts, Decimal(step)).tolist() == expected


@settings(max_examples=300)
@given(
    st.lists(st.text("0123456789.eE+-_ ", max_size=9) | st.decimals().map(str), min_size=1, max_size=3),
    st.sampled_from(["0.01", "0.25", "10"]),
)
def test_any_text_is_either_read_exactly_or_refused(texts: list[str], step: str) -> None:
    try:
        steps = to_steps(texts, Decimal(step)).tolist()
    except OffGridError as error:
        assert texts[error.index] == error.value
    else:
        assert [Fraction(Decimal(text)) for text in texts] == [count * Fraction(step) for count in steps]


@settings(max_examples=100)
@given(st.integers(-(10**15), 10**15), st.sampled_from(["0.01", "0.25", "1", "10", "0.00000001", "0.5", "0.001"]))
def test_text_and_steps_round_trip(steps: int, step: str) -> None:
    text = step_text(steps, Decimal(step))
    assert to_steps([text], Decimal(step)).tolist() == [steps]
    assert Decimal(text) == steps * Decimal(step)


def test_text_has_the_decimal_places_of_its_step() -> None:
    assert step_text(6_183_763, CENT) == "61837.63"
    assert step_text(5, CENT) == "0.05"
    assert step_text(-5, CENT) == "-0.05"
    assert step_text(6, Decimal("0.25")) == "1.50"
    assert step_text(6, Decimal("1E+1")) == "60"
    assert format_scaled(0, 3) == "0.000"
    assert [decimal_places(Decimal(step)) for step in ("0.01", "0.25", "10", "1.0", "0.50")] == [2, 2, 0, 0, 1]


@given(
    steps=st.lists(st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(-200, 200)), max_size=20),
    step=st.sampled_from(["0.01", "0.25", "10", "1", "0.00000001", "1e-18", "1e-20", "0.00000025"]),
)
def test_step_texts_equals_step_text_for_each(steps: list[int], step: str) -> None:
    texts = step_texts(np.array(steps, np.int64), Decimal(step))
    assert texts.type == pa.string() and texts.to_pylist() == [step_text(number, Decimal(step)) for number in steps]


def test_parse_step_accepts_only_positive_decimals() -> None:
    assert str(parse_step("0.010", "tick size")) == "0.01"
    for text in ("0", "-1", "NaN", "inf", "", "x", "1e-19", "1e19", "1e999999999", "1e-999999999", "9" * 5_000, "1e18446744073709551616"):
        with pytest.raises(BadInputError, match="tick size: found"):
            parse_step(text, "tick size")


@pytest.mark.parametrize("text", ["1" * 1_000_000, "1." + "1" * 1_000_000, "x" * 1_000_000])
def test_an_error_quotes_the_beginning_of_a_long_text(text: str) -> None:
    with pytest.raises(OffGridError) as caught:
        to_steps([text], Decimal("0.1"), "price")
    assert str(caught.value).startswith(f"price: found {'' if text[0] == '1' else repr('x')[0]}{text[:80]}…")
    assert len(str(caught.value)) < 150 and len(caught.value.value) == 81


def test_any_number_of_trailing_zeros_is_ignored() -> None:
    assert to_steps([f"1.5{'0' * 1_000_000}", f"0.{'0' * 1_000_000}"], Decimal("0.1")).tolist() == [15, 0]
