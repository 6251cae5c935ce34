"""Conversion of times as written in files to nanoseconds since 1970 UTC."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from app.errors import OffGridError
from app.market.arrays import BoolArray, Int64Array
from app.market.decimals import to_steps
from feeds.archives.row_error import RowError, quoted

EXPECTED_TIME = "seconds, milli-, micro- or nanoseconds since 1970, or ISO 8601, between 2009 and 2100"

_FIRST_NS, _END_NS = 1_230_768_000 * 10**9, 4_102_444_800 * 10**9  # 2009, before which nothing traded, to 2100
# seconds, ms, µs and ns of those years do not overlap: the size of a number gives its unit
_NANOSECOND = Decimal("1e-9")
_UNITS_END = np.array([10**11, 10**14, 10**17])
_FACTORS = np.array([10**9, 10**6, 10**3, 1])


def times_ns(texts: pa.Array) -> Int64Array:
    """Convert times to nanoseconds since 1970 UTC, int64 [shape=(n,)].

    The size of a whole number gives its unit, row by row, as some files change the unit midway. Numbers with a fraction are
    seconds. Any other text is ISO 8601, with an offset or Z, or without (UTC). A column has one format: numbers, or times with
    offsets, or times without.

    Parameters
    ----------
    texts : Arrow array of strings or timestamps, without nulls

    Raises
    ------
    RowError
        For the first text that is not a time between 2009 and 2100.
    """
    if not len(texts):
        return np.zeros(0, np.int64)
    if pa.types.is_timestamp(texts.type):
        # via microseconds: those years fit into nanoseconds, others may not
        try:
            numbers = pc.cast(pc.cast(texts, pa.timestamp("us", texts.type.tz), safe=False), pa.int64()).to_numpy(zero_copy_only=False)
        except pa.ArrowInvalid:
            raise RowError(0, f"times of type {texts.type}", EXPECTED_TIME) from None
        _require((numbers >= _FIRST_NS // 1000) & (numbers < _END_NS // 1000), texts)
        return pc.cast(texts, pa.timestamp("ns", texts.type.tz)).cast(pa.int64()).to_numpy(zero_copy_only=False)
    numbers = whole_numbers(texts)
    if numbers is None:
        numbers = _seconds(texts)
        numbers = _iso(texts) if numbers is None else numbers
        _require((numbers >= _FIRST_NS) & (numbers < _END_NS), texts)
        return numbers
    unit = np.searchsorted(_UNITS_END, (numbers.min(), numbers.max()), side="right")
    factor = _FACTORS[unit[0]] if unit[0] == unit[1] else _FACTORS[np.searchsorted(_UNITS_END, numbers, side="right")]
    _require((numbers >= _FIRST_NS // factor) & (numbers < _END_NS // factor), texts)  # before a product could overflow
    return numbers * factor


def whole_numbers(texts: pa.Array) -> Int64Array | None:
    """Convert texts of digits, or a minus sign and digits, to int64; None if any is not a 64-bit whole number."""
    if _letters(texts).translate(None, b"-0123456789"):  # Arrow would read 0x10 as 16, and is slow to reject
        return None
    try:
        return pc.cast(texts, pa.int64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        return None


def _letters(texts: pa.Array) -> bytes:
    """The bytes of all texts, concatenated."""
    if not len(texts):
        return b""
    ends = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + len(texts) + 1]
    buffer = texts.buffers()[2]
    return buffer.slice(int(ends[0]), int(ends[-1] - ends[0])).to_pybytes() if buffer else b""


def _seconds(texts: pa.Array) -> Int64Array | None:
    """Convert decimal seconds to nanoseconds; None if any text is not a decimal, or has a fraction of a nanosecond."""
    try:
        return to_steps(texts, _NANOSECOND, "time")
    except OffGridError:
        return None


def _iso(texts: pa.Array) -> Int64Array:
    for zone in ("UTC", None):
        try:
            return pc.cast(texts, pa.timestamp("ns", zone)).cast(pa.int64()).to_numpy(zero_copy_only=False)
        except pa.ArrowInvalid:
            continue
    for row, text in enumerate(texts):
        one = pa.array([text.as_py()], pa.string())
        if whole_numbers(one) is None and not any(_casts(one, zone) for zone in ("UTC", None)):
            raise RowError(row, f"time {quoted(text.as_py())}", EXPECTED_TIME)
    raise RowError(0, f"time {quoted(texts[0].as_py())} and others in different formats", "one time format per file")


def _casts(texts: pa.Array, zone: str | None) -> bool:
    try:
        pc.cast(texts, pa.timestamp("ns", zone))
    except pa.ArrowInvalid:
        return False
    return True


def _require(sound: BoolArray, texts: pa.Array) -> None:
    if not sound.all():
        row = int(np.argmin(sound))
        try:
            shown = str(texts[row])
        except (ValueError, OverflowError):  # nanoseconds, or a year that Python's dates do not have
            shown = str(pc.cast(texts, pa.int64())[row])
        raise RowError(row, f"time {quoted(shown)}", EXPECTED_TIME)
