"""Exact conversion of prices and quantities from decimal text to whole ticks and lots, and back.

Venues write prices and quantities as decimal text; the program counts ticks and lots. Nothing
here goes through binary floating point: text becomes a 128-bit decimal (Arrow's), is divided by
the step, and the remainder must be 0. Texts that Arrow might misread are converted one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import numpy as np

from app.errors import BadInputError, OffGridError
from app.market.arrays import BoolArray, Int64Array

if TYPE_CHECKING:
    import pyarrow as pa


def to_steps(texts: Sequence[str] | pa.Array | pa.ChunkedArray, step: Decimal, what: str = "value") -> Int64Array:
    """Convert decimal texts to whole multiples of a tick or lot size, e.g. prices to ticks.

    Parameters
    ----------
    texts : sequence of str, or an Arrow string array [shape=(n,)]
        Plain decimals, exponents allowed (`"61837.63"`, `"1e2"`); trailing zeros do not matter.
    step : Decimal
        Tick or lot size, above 0.
    what : str
        Name of the value in errors, e.g. "price".

    Returns
    -------
    int64 [shape=(n,)]
        Numbers of ticks or lots; may be negative or 0, the caller checks them.

    Raises
    ------
    OffGridError
        For the first text that is not a decimal, not a multiple of `step`, or too large for 64 bits.
    """
    import pyarrow as pa  # in the functions that need it: it takes long to load
    import pyarrow.compute as pc

    array: Any = texts if isinstance(texts, (pa.Array, pa.ChunkedArray)) else pa.array(texts, pa.string())
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if array.type != pa.string():
        array = array.cast(pa.string())
    odd = _odd_texts(array)
    plain = pc.call_function("if_else", [pa.array(odd), pa.scalar("0"), array]) if odd.any() else array
    steps = _plain_steps(plain, step)
    if steps is None:  # ends in an error, or has a number close to the limit of 64 bits
        return np.array([_exact_steps(text, step, what, index) for index, text in enumerate(array.to_pylist())], np.int64)
    for index in np.flatnonzero(odd).tolist():
        steps[index] = _exact_steps(array[index].as_py(), step, what, index)
    return steps


def step_text(steps: int, step: Decimal) -> str:
    """Convert a number of ticks or lots to decimal text, with the decimal places that the tick or lot size `step` needs.

    >>> step_text(6183763, Decimal("0.01"))
    '61837.63'
    """
    scale, mantissa = _scale_and_mantissa(step)
    return format_scaled(int(steps) * mantissa, scale)


def step_texts(steps: Int64Array, step: Decimal) -> pa.Array:
    """Convert numbers of ticks or lots, int64 [shape=(n,)], to decimal texts like `step_text`; returns an Arrow string array."""
    import pyarrow as pa
    import pyarrow.compute as pc

    scale, mantissa = _scale_and_mantissa(step)
    largest = max(abs(int(steps.min(initial=0))), int(steps.max(initial=0)))
    if largest * mantissa >= 2**63 or scale > _INT64_DIGITS:
        return pa.array([step_text(number, step) for number in steps.tolist()], pa.string())
    values = steps * mantissa
    if not scale:
        return pc.cast(pa.array(values), pa.string())
    whole, rest = (pc.cast(pa.array(part), pa.string()) for part in np.divmod(np.abs(values), 10**scale))
    padded = pc.call_function("utf8_lpad", [rest], options=pc.PadOptions(scale, "0"))
    texts: Any = pc.call_function("binary_join_element_wise", [whole, padded, pa.scalar(".")])
    if not (values < 0).any():
        return texts
    negative = pc.call_function("binary_join_element_wise", [pa.scalar("-"), texts, pa.scalar("")])
    return pc.call_function("if_else", [pa.array(values < 0), negative, texts])


def format_scaled(mantissa: int, scale: int) -> str:
    """`mantissa / 10**scale` as plain decimal text, with `scale` decimal places."""
    if not scale:
        return str(mantissa)
    sign, digits = ("-", str(-mantissa)) if mantissa < 0 else ("", str(mantissa))
    digits = digits.rjust(scale + 1, "0")
    return f"{sign}{digits[:-scale]}.{digits[-scale:]}"


def decimal_places(step: Decimal) -> int:
    """Number of decimal places that a multiple of `step` can need: 2 for 0.25, 0 for 10."""
    return _scale_and_mantissa(step)[0]


def parse_step(text: str, what: str) -> Decimal:
    """Parse a tick or lot size: a decimal above 0 and below 10^19, with at most 18 decimal places.

    Raises
    ------
    BadInputError
        If the text is not such a number; the message begins with `what`.
    """
    try:
        step = Decimal(text)
    except InvalidOperation:
        step = Decimal(0)
    # the magnitude first: a few characters such as 1e999999999 would become a number of a billion digits
    if not step.is_finite() or step <= 0 or abs(step.adjusted()) > _LARGEST_MAGNITUDE or decimal_places(step) > 18:
        raise BadInputError(f"{what}: found {text[:_SHOWN]!r}, expected a positive decimal with at most 18 decimal places")
    return step.normalize()


def _scale_and_mantissa(step: Decimal) -> tuple[int, int]:
    _, digits, exponent = step.normalize().as_tuple()
    mantissa = int("".join(map(str, digits)))
    assert isinstance(exponent, int)
    if exponent > 0:
        return 0, mantissa * 10**exponent
    return -exponent, mantissa


_INT64_DIGITS = 18
_LONGEST = 36
"""Arrow's decimals have 38 digits. If rescaling would drop more than that, Arrow silently returns 0, so texts that come
close (long ones, and those with an exponent) are converted one by one."""
_LARGEST_MAGNITUDE = 18
_SHOWN = 80  # characters of a text that an error quotes


def _odd_texts(array: pa.Array) -> BoolArray:
    """Mark the texts that Arrow might convert incorrectly: long ones and those with an exponent; bool [shape=(n,)].

    Usually there are none, and the check is cheap.
    """
    odd = np.zeros(len(array), bool)
    if not len(array):
        return odd
    ends = np.frombuffer(array.buffers()[1], np.int32)[array.offset : array.offset + len(array) + 1]
    odd |= np.diff(ends) > _LONGEST
    letters = array.buffers()[2]
    text = letters.slice(int(ends[0]), int(ends[-1] - ends[0])).to_pybytes() if letters else b""
    if b"e" in text or b"E" in text:
        import pyarrow.compute as pc

        found = pc.call_function("match_substring", [array], options=pc.MatchSubstringOptions("e", ignore_case=True))
        odd |= found.fill_null(False).to_numpy(zero_copy_only=False)
    return odd


def _plain_steps(array: pa.Array, step: Decimal) -> Int64Array | None:
    """Convert plain decimal texts to ticks or lots with Arrow; None if any is unreadable, too large or not a multiple of `step`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    scale, step_mantissa = _scale_and_mantissa(step)
    if array.null_count or step_mantissa >= 2**63:
        return None
    try:
        decimals = pc.cast(array, pa.decimal128(38, scale))
    except pa.ArrowInvalid:
        return None
    halves = np.frombuffer(decimals.buffers()[1], np.int64).reshape(-1, 2)[decimals.offset :][: len(decimals)]
    low, high = halves[:, 0], halves[:, 1]
    if not np.array_equal(high, low >> 63):  # the value needs more than 64 bits
        return None
    steps, rest = np.divmod(low, step_mantissa)
    return None if rest.any() else steps


def _exact_steps(text: str | None, step: Decimal, what: str, index: int) -> int:
    """Convert one decimal text of any length to ticks or lots; raise `OffGridError` if it is invalid, too large or not a multiple."""
    try:
        value = Decimal(text) if text is not None and text.isascii() and text == text.strip() and "_" not in text else None
    except InvalidOperation:
        value = None
    shown = text if text is None or len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    if text is None or value is None or not value.is_finite():
        raise OffGridError(f"{what}: found {shown!r}, expected a decimal number", index=index, value=str(shown))
    if not value:
        return 0
    scale, step_mantissa = _scale_and_mantissa(step)
    too_large = OffGridError(f"{what}: found {shown}, too large to count in steps of {step}", index=index, value=str(shown))
    off_grid = OffGridError(f"{what}: found {shown}, expected a multiple of {step}", index=index, value=str(shown), between_steps=value > 0)
    # checked before any power of ten is computed: the exponent, and the number of digits, may be a million
    if value.adjusted() > 60:
        raise too_large
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    used = max(0, value.adjusted() + 1 + scale)  # digits up to the last one that a multiple of the step can have
    if any(digits[used:]):
        raise off_grid
    exponent += len(digits[used:])
    mantissa = int("".join(map(str, digits[:used])))
    steps, rest = divmod((-1) ** sign * mantissa * 10 ** (exponent + scale), step_mantissa)
    if not -(2**63) <= steps < 2**63:
        raise too_large
    if rest:
        raise off_grid
    return steps
