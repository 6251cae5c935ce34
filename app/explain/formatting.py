"""Text of prices, quantities and bars in explanations.

Decimals are exact, or rounded after a `≈`.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import NamedTuple

from app.chart.chart import Chart
from app.explain.explanation import ExplanationLine
from app.market.times import clock_text, iso_date_text

MOST_LINES = 12
"""Longer lists show only their first and last lines."""
_DIGITS = 120  # of a product or a sum: more than any of them needs
_ROUNDED = 8  # decimal places that are shown of a number whose digits do not end


class ValueFormatter(NamedTuple):
    """Formats values in the units of one chart."""

    chart: Chart

    def price(self, ticks: int | Fraction) -> str:
        """A price as text; one between two ticks is exact or, with infinitely many digits, rounded after a `≈` (see `exact`)."""
        grid = self.chart.series.grid
        ticks = Fraction(ticks)
        return grid.text(ticks.numerator) if ticks.denominator == 1 else exact(ticks * Fraction(grid.tick_size))

    def row(self, row: int) -> str:
        """The price of the lower edge of the row with this number, as text."""
        return self.chart.series.grid.row_text(row)

    def lots(self, lots: int) -> str:
        """A quantity of some lots as text, in base units, without trailing zeros."""
        return exact(Fraction(lots) * Fraction(self.chart.spec.instrument.lot_size))

    def signed(self, lots: int) -> str:
        """A quantity of some lots as text, in base units, with its sign, e.g. a delta; 0 has no sign."""
        return f"+{self.lots(lots)}" if lots > 0 else self.lots(lots)

    def times(self, factor: Decimal, lots: int) -> str:
        """The exact product of a factor and a quantity of some lots as text, in base units."""
        return exact(Fraction(factor) * lots * Fraction(self.chart.spec.instrument.lot_size))

    def bar(self, number: int) -> str:
        """The start date and time of the bar with this number as text, UTC."""
        times = self.chart.series.times
        start_ns = times.start_ns(number)
        return f"{iso_date_text(start_ns)} {clock_text(start_ns, seconds=times.fine)}"

    def runs(self, runs: Sequence[tuple[int, int]]) -> str:
        """The time from the start of the first run of bars to the end of the last as text; of several runs also their number."""
        first, end = runs[0][0], runs[-1][1]
        apart = f", in {len(runs)} parts" if len(runs) > 1 else ""
        return f"{self.bar(first)} to {self.bar(end)}{apart}"


def exact(value: Fraction) -> str:
    """The decimal text of a number; rounded to eight decimal places, after a `≈`, if it has infinitely many digits.

    >>> exact(Fraction(1, 4)), exact(Fraction(1, 3))
    ('0.25', '≈ 0.33333333')
    """
    rest = value.denominator
    for factor in (2, 5):
        while rest % factor == 0:
            rest //= factor
    if rest != 1:
        return f"≈ {plain(round(value, _ROUNDED))}"
    return plain(value)


def rounded(value: Fraction) -> str:
    """The text of a number rounded to eight decimal places, e.g. of a root; after a `≈` if rounding changed it."""
    short = round(value, _ROUNDED)
    return plain(value) if short == value else f"≈ {plain(short)}"


def equals(text: str) -> str:
    """A number's text with `= ` before it, unless it starts with `≈`."""
    return text if text.startswith("≈") else f"= {text}"


def plain(value: Fraction) -> str:
    """The decimal text of a number with finitely many digits, without exponent or trailing zeros."""
    with localcontext(prec=_DIGITS):
        text = format(Decimal(value.numerator) / Decimal(value.denominator), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def factor_text(factor: Decimal) -> str:
    """The text of a ratio with at least one decimal place, as traders write it: 3.0."""
    text = plain(Fraction(factor))
    return text if "." in text else f"{text}.0"


def percent_text(part: int, whole: int) -> str:
    """The share `part / whole` as text in per cent, rounded to two decimal places, after a `≈` if rounding changed it."""
    share = Fraction(100 * part, whole)
    rounded = round(share, 2)
    return f"{'' if rounded == share else '≈ '}{plain(rounded)} %"


def shortened(lines: Sequence[ExplanationLine], most: int = MOST_LINES) -> list[ExplanationLine]:
    """The lines; if there are more than `most`, the first and last of them, with a line in between that counts the rest."""
    if len(lines) <= most:
        return list(lines)
    tail = most // 3
    head = most - tail - 1
    return [*lines[:head], ExplanationLine(f"… {len(lines) - head - tail} more …"), *lines[-tail:]]
