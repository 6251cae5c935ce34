"""Quantities in five characters."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rendering.style.quantity_text import TEXT_CHARS, QuantityText, text_of


def texts(lots: list[int], lot_size: str) -> list[str]:
    return text_of(QuantityText(Decimal(lot_size)).right_aligned(np.array(lots, np.int64)))


@pytest.mark.parametrize(
    ("lots", "lot_size", "text"),
    [
        (0, "0.001", "0"),
        (1, "0.001", "0.001"),
        (123, "0.001", "0.123"),
        (1_230, "0.001", "1.23"),
        (12_345, "0.001", "12.3"),
        (12_350, "0.001", "12.4"),  # a half is rounded up
        (9_995, "0.001", "10.0"),  # the rounded quantity decides the line
        (99_950, "0.001", "100"),
        (123_499, "0.001", "123"),
        (9_999_499, "0.001", "9999"),
        (9_999_500, "0.001", "10.0K"),
        (12_340_000, "0.001", "12.3K"),
        (99_950_000, "0.001", "100K"),
        (999_499_999, "0.001", "999K"),
        (999_500_000, "0.001", "1.00M"),
        (1_234_000_000, "0.001", "1.23M"),
        (4, "0.0001", "<.001"),
        (5, "0.0001", "0.001"),
        (7, "1", "7"),
        (1234, "1", "1234"),
        (12_345, "1", "12.3K"),
        (5, "0.5", "2.5"),
        (3, "10", "30"),
        (2_000, "10", "20.0K"),
        (2**62, "1", "4.61E"),
    ],
)
def test_a_quantity_is_written_in_three_or_four_digits(lots: int, lot_size: str, text: str):
    assert texts([lots], lot_size) == [text]


def test_text_is_aligned_right_or_left_in_five_characters():
    text = QuantityText(Decimal("0.001"))
    lots = np.array([12_345], np.int64)
    assert text.right_aligned(lots)[0].tolist() == [0, 2, 3, 11, 4]
    assert text.left_aligned(lots)[0].tolist() == [2, 3, 11, 4, 0]


@given(st.lists(st.integers(0, 10**15), min_size=1, max_size=50), st.sampled_from(["0.00001", "0.001", "0.5", "1", "25"]))
def test_text_is_rounded_to_its_last_digit_in_five_characters(lots: list[int], lot_size: str):
    for lot, text in zip(lots, texts(lots, lot_size), strict=True):
        value = lot * Decimal(lot_size)
        assert 1 <= len(text) <= TEXT_CHARS
        if text == "<.001":
            assert 0 < value < Decimal("0.0005")
            continue
        scale = {"K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12, "P": 10**15, "E": 10**18}.get(text[-1], 1)
        digits = text if scale == 1 else text[:-1]
        last_digit = Decimal(1).scaleb(-len(digits.partition(".")[2]))
        assert Decimal(digits) == (value / scale).quantize(last_digit, ROUND_HALF_UP)
