"""Float noise: decimals that another program has passed through binary fractions, e.g. `0.30000000000000004`.

Where the tick or lot size is known, a value within a millionth of it from a multiple is rounded to that multiple. Where it is not, a
value has noise if it is exactly what a binary fraction prints, and a decimal with 12 significant digits is almost equal to it. In both
cases the changed values are counted.
"""

from __future__ import annotations

import math
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_MOST_DIGITS, _LONGEST = 60, 40
_EXACT = Context(prec=_MOST_DIGITS, rounding=ROUND_HALF_EVEN)
_SHORT = Context(prec=12, rounding=ROUND_HALF_EVEN)
_LARGEST, _SMALLEST = 20, -30  # powers of ten of values that are looked at
_SHORTEST_NOISE = 15  # characters: a binary fraction prints more digits than this only where it is not a short decimal
_FLOAT_DIGITS = range(15, 18)
_MILLIONTH = Decimal("1e-6")
_RELATIVE = Decimal("1e-14")


def rounded_to_steps(texts: pa.Array, step: Decimal) -> tuple[pa.Array, int]:
    """Round numbers given as text to a multiple of `step` (tick or lot size) within a millionth of `step`; also return how many changed."""

    def near(value: Decimal) -> Decimal | None:
        steps = _EXACT.divide(value, step).to_integral_value(ROUND_HALF_EVEN)
        rounded = _EXACT.multiply(steps, step)
        return rounded if abs(_EXACT.subtract(value, rounded)) <= _MILLIONTH * step else None

    found: dict[int, Decimal] = {}
    for row, value in _values(texts):
        rounded = near(value)
        if rounded is not None and rounded != value:
            found[row] = rounded
    return _replaced(texts, found)


def without_noise(texts: pa.Array) -> tuple[pa.Array, int]:
    """Remove float noise from numbers given as text whose tick or lot size is unknown; also return how many changed.

    A number without more decimal places than the others need is left as it is.
    """
    lengths = pc.binary_length(texts).to_numpy(zero_copy_only=False)
    suspects = np.flatnonzero(lengths > _SHORTEST_NOISE).tolist()
    if not suspects:
        return texts, 0
    rounded = {row: short for row, value in _values(texts, suspects) if (short := _short_of(value)) is not None}
    if not rounded:
        return texts, 0
    noisy = np.zeros(len(texts), bool)
    noisy[list(rounded)] = True
    column = texts.to_pylist()
    sound = {text for text, is_noise in zip(column, noisy.tolist(), strict=True) if not is_noise}
    places = max([_places(value) for value in rounded.values()] + [_places_of(text) for text in sound])
    return _replaced(texts, {row: short for row, short in rounded.items() if _places_of(column[row]) > places})


def coarsest_step(texts: pa.Array, step: Decimal) -> Decimal:
    """The largest tick or lot size of which `step` and all readable numbers, without float noise, are whole multiples."""
    values = {value for _, value in _values(without_noise(pa.array(sorted(set(texts.to_pylist())), pa.string()))[0])}
    places = max([_places(value) for value in values] + [_places(step)])
    unit = Decimal(1).scaleb(-places)
    found = int(_EXACT.divide(step, unit))
    for value in values:
        found = math.gcd(found, int(_EXACT.divide(value, unit)))
    return _EXACT.multiply(Decimal(found), unit).normalize()


def _short_of(value: Decimal) -> Decimal | None:
    """The short decimal that a value with float noise stands for; None if the value has no float noise."""
    digits = len(value.normalize(_EXACT).as_tuple().digits)
    if digits not in _FLOAT_DIGITS or Decimal(repr(float(value))) != value:
        return None
    short = value.normalize(_SHORT)
    return short if abs(_EXACT.subtract(value, short)) <= abs(value) * _RELATIVE else None


def _values(texts: pa.Array, rows: list[int] | None = None) -> list[tuple[int, Decimal]]:
    """Row and value of each decimal in `rows`, by default in all; unreadable, very long, very large and very small ones are skipped."""
    found: list[tuple[int, Decimal]] = []
    column = texts.to_pylist()
    for row in range(len(column)) if rows is None else rows:
        text = column[row]
        if not text or len(text) > _LONGEST or not text.isascii() or "_" in text or text != text.strip():
            continue
        try:
            value = Decimal(text)
        except InvalidOperation:
            continue
        if value.is_finite() and (not value or _SMALLEST < value.adjusted() < _LARGEST):
            found.append((row, value))
    return found


def _places_of(text: str | None) -> int:
    try:
        value = Decimal(text or "0")
    except InvalidOperation:
        return 0
    return _places(value) if value.is_finite() else 0


def _places(value: Decimal) -> int:
    exponent = value.normalize(_EXACT).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _replaced(texts: pa.Array, found: dict[int, Decimal]) -> tuple[pa.Array, int]:
    if not found:
        return texts, 0
    column = texts.to_pylist()
    for row, value in found.items():
        column[row] = f"{value:f}"
    return pa.array(column, pa.string()), len(found)
