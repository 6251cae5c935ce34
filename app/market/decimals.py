"""Decimal text to whole numbers of steps, exactly, and back.

Venues write prices and quantities as decimal text; the program counts ticks and lots. Nothing
here goes through binary floating point: text becomes a 128-bit decimal (Arrow's), is divided by
the step, and the remainder must be nought.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from app.errors import BadInputError, OffGridError


def to_steps(texts: Sequence[str] | pa.Array | pa.ChunkedArray, step: Decimal, what: str = "value") -> np.ndarray:
    """How many whole steps each decimal text holds.

    Parameters
    ----------
    texts : sequence of str, or an Arrow string array [shape=(n,)]
        Plain decimals, exponents allowed (`"61837.63"`, `"1e2"`); trailing zeros do not matter.
    step : Decimal
        Tick or lot size, above 0.
    what : str
        What a value is called in an error, as in "price".

    Returns
    -------
    int64 [shape=(n,)]
        Steps; may be negative or zero, the caller knows what it allows.

    Raises
    ------
    OffGridError
        For the first text that is no decimal, or no whole number of steps.
    """
    array = texts if isinstance(texts, (pa.Array, pa.ChunkedArray)) else pa.array(texts, pa.string())
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    scale, step_mantissa = _scale_and_mantissa(step)
    try:
        if array.null_count:
            raise pa.ArrowInvalid("missing value")
        decimals = pc.cast(array, pa.decimal128(38, scale))
    except pa.ArrowInvalid:
        raise _first_offender(array, step, what) from None
    halves = np.frombuffer(decimals.buffers()[1], np.int64).reshape(-1, 2)[decimals.offset :][: len(decimals)]
    low, high = halves[:, 0], halves[:, 1]
    if not np.array_equal(high, low >> 63):  # the value needs more than 64 bits
        raise _first_offender(array, step, what)
    steps, rest = np.divmod(low, step_mantissa)
    if rest.any():
        raise _first_offender(array, step, what)
    return steps


def step_text(steps: int, step: Decimal) -> str:
    """The decimal that `steps` steps stand for, with the step's own number of digits.

    >>> step_text(6183763, Decimal("0.01"))
    '61837.63'
    """
    scale, mantissa = _scale_and_mantissa(step)
    return format_scaled(int(steps) * mantissa, scale)


def format_scaled(mantissa: int, scale: int) -> str:
    """`mantissa / 10**scale` as plain decimal text, with exactly `scale` digits behind the point."""
    if not scale:
        return str(mantissa)
    sign, digits = ("-", str(-mantissa)) if mantissa < 0 else ("", str(mantissa))
    digits = digits.rjust(scale + 1, "0")
    return f"{sign}{digits[:-scale]}.{digits[-scale:]}"


def decimal_places(step: Decimal) -> int:
    """Digits behind the point that a multiple of `step` can need: 2 for 0.25, 0 for 10."""
    return _scale_and_mantissa(step)[0]


def parse_step(text: str, what: str) -> Decimal:
    """A tick or lot size as written by a user or a venue: a finite decimal above nought.

    Raises
    ------
    BadInputError
        If it is not.
    """
    try:
        step = Decimal(text)
    except InvalidOperation:
        step = Decimal(0)
    if not step.is_finite() or step <= 0 or decimal_places(step) > 18:
        raise BadInputError(f"{what}: found {text!r}, expected a decimal above 0 with at most 18 digits behind the point")
    return step.normalize()


def _scale_and_mantissa(step: Decimal) -> tuple[int, int]:
    _, digits, exponent = step.normalize().as_tuple()
    mantissa = int("".join(map(str, digits)))
    assert isinstance(exponent, int)
    if exponent > 0:
        return 0, mantissa * 10**exponent
    return -exponent, mantissa


def _first_offender(array: pa.Array, step: Decimal, what: str) -> OffGridError:
    """The slow walk that names the culprit; only ever taken on the way to an error."""
    for index, text in enumerate(array.to_pylist()):
        try:
            value = Decimal(text) if text is not None and text == text.strip() and "_" not in text else None
        except InvalidOperation:
            value = None
        if value is None or not value.is_finite():
            return OffGridError(f"{what}: found {text!r}, expected a decimal number", index=index, value=str(text))
        if value.copy_abs() >= Decimal(2**63) * step:
            return OffGridError(f"{what}: found {text}, too large to count in steps of {step}", index=index, value=text)
        if _scaled_remainder(value, step):
            return OffGridError(f"{what}: found {text}, expected a multiple of {step}", index=index, value=text)
    return OffGridError(f"{what}: found a number too long to read", index=0, value="")


def _scaled_remainder(value: Decimal, step: Decimal) -> int:
    """Nought when `value` is a multiple of `step`, in integers so that no context rounds it."""
    _, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    if not any(digits):
        return 0
    if exponent < -400:  # so small that it cannot be a multiple of any step we accept
        return 1
    scale, mantissa = _scale_and_mantissa(step)
    shift = max(scale, -exponent)
    return int("".join(map(str, digits))) * 10 ** (exponent + shift) % (mantissa * 10 ** (shift - scale))
