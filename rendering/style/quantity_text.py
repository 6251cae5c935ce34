"""Quantities as short text of at most five characters, for arrays of any length in one call.

    quantity            text
    below 0.0005        <.001     (never 0 for a quantity above 0)
    below 1             0.123
    below 10            1.23
    below 100           12.3
    below 10,000        123 1234
    below 100,000       12.3K
    below a million     123K
    then                1.23M 12.3M 123M 1.23B …

Below 10,000 no more decimals are shown than the lot size has. Rounding is half up, computed on integers. The rounded
quantity decides the line of the table: 9.995 is shown as 10.0.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

import numpy as np

from app.market.arrays import Int64Array

GLYPHS = " 0123456789.KMBTPE<×+−"
"""The characters; a glyph code is an index into this text."""
TEXT_CHARS = 5
BLANK, ZERO, POINT, LESS, TIMES, PLUS, MINUS = (GLYPHS.index(c) for c in " 0.<×+−")
_SUFFIXES = "KMBTPE"
_CHARS = np.array(list(GLYPHS))
_DUST = np.array([GLYPHS.index(c) for c in "<.001"], np.uint8)


class QuantityText:
    """Formats the quantities of one market as short text.

    Parameters
    ----------
    lot_size : Decimal
        Size of one lot in base units.
    """

    def __init__(self, lot_size: Decimal) -> None:
        _, digits, exponent = lot_size.normalize().as_tuple()
        assert isinstance(exponent, int)
        self._mantissa: int = int("".join(map(str, digits))) * 10 ** max(exponent, 0)
        scale = max(-exponent, 0)
        lines = _lines(scale)
        self._bounds = np.array([min(bound, 2**63 - 1) for bound, *_ in lines], np.int64)
        self._divisors = np.array([min(divisor, 2**62) for _, divisor, *_ in lines], np.int64)
        self._decimals = np.array([decimals for *_, decimals, _ in lines], np.int64)
        self._suffix = np.array([suffix for *_, suffix in lines], np.int64)
        self._dust_below = 10**scale // 2000 if scale > 3 else 0  # 0.0005

    def right_aligned(self, lots: Int64Array) -> np.ndarray:
        """Glyph codes of quantities of 0 or more lots, uint8 [shape=(n, 5)], with blanks on the left."""
        units = lots * self._mantissa
        line = np.searchsorted(self._bounds, units, side="right") - 1
        divisor = self._divisors[line]
        figure = units // divisor
        figure += 2 * (units - figure * divisor) >= divisor
        codes, suffix = _figures()[self._decimals[line], np.minimum(figure, 9_999)], self._suffix[line]
        ends = np.flatnonzero(suffix)
        codes[ends] = np.roll(codes[ends], -1, axis=1)
        codes[ends, -1] = suffix[ends]
        if self._dust_below:
            codes[(units > 0) & (units < self._dust_below)] = _DUST
        codes[units == 0] = (BLANK, BLANK, BLANK, BLANK, ZERO)
        return codes

    def left_aligned(self, lots: np.ndarray) -> np.ndarray:
        """Glyph codes of quantities of 0 or more lots, uint8 [shape=(n, 5)], with blanks on the right."""
        return left_aligned(self.right_aligned(lots))


def left_aligned(codes: np.ndarray) -> np.ndarray:
    """The same glyph codes with the blanks of each text moved from its left to its right; uint8 [shape=(n, 5)]."""
    lead = np.argmax(codes != BLANK, axis=1)
    return np.take_along_axis(codes, (np.arange(TEXT_CHARS) + lead[:, None]) % TEXT_CHARS, axis=1)


def text_of(codes: np.ndarray) -> list[str]:
    """The texts of glyph codes, one per row of the array, without the blanks at either end."""
    return [text.strip() for text in _CHARS[codes].view(f"U{codes.shape[1]}").ravel().tolist()]


@lru_cache(maxsize=1)
def _figures() -> np.ndarray:
    """Glyph codes of all numbers of up to four digits, with 0 to 3 of the digits as decimals, right-aligned.

    uint8 [shape=(4, 10_000, 5)]; the indices are the number of decimals and the digits without the point.
    """
    figure, decimals = np.arange(10_000), np.arange(4)[:, None]
    codes = np.zeros((4, len(figure), TEXT_CHARS), np.uint8)
    which, number = np.ogrid[:4, : len(figure)]
    for digit in range(4):  # lowest digit first; the decimal point takes one character
        left = figure // 10**digit
        at = TEXT_CHARS - 1 - digit - ((decimals > 0) & (digit >= decimals))
        codes[which, number, at] = np.where((left > 0) | (digit <= decimals), left % 10 + ZERO, BLANK)
    codes[1:, :, :][np.arange(3)[:, None], number, TEXT_CHARS - 1 - decimals[1:]] = POINT
    return codes


def _lines(scale: int) -> list[tuple[int, int, int, int]]:
    """The lines of the table in the module's docstring, smallest first.

    Each is (first quantity, divisor, decimals shown, glyph code of the suffix), quantities in units of 10 to the power of `-scale`.
    """
    unit = 10**scale
    wanted = [(0, 3, 0), (unit, 2, 0), (10 * unit, 1, 0), (100 * unit, 0, 0)]
    lines = [(start, 10 ** max(scale - decimals, 0), min(decimals, scale), 0) for start, decimals, _ in wanted]
    big = 10_000 * unit
    for power, suffix in enumerate(_SUFFIXES, 1):
        for start, decimals in ((1, 2), (10, 1), (100, 0)):
            first = start * unit * 1000**power
            if first >= big:
                lines.append((first, unit * 1000**power // 10**decimals, decimals, GLYPHS.index(suffix)))
    out: list[tuple[int, int, int, int]] = []
    for start, divisor, decimals, suffix in lines:
        # this line starts where the line before would round up to it
        before = out[-1][1] if out else 0
        out.append((start - before // 2 if out else 0, divisor, decimals, suffix))
    return out
