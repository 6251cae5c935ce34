"""Exact conversion of times that venues write as text to nanoseconds since 1970 UTC."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from app.errors import OffGridError
from app.market.arrays import Int64Array

_FIRST_NS, _END_NS = 1_230_768_000 * 10**9, 4_102_444_800 * 10**9  # 2009 to 2100: anything else is not a trade time


def rfc3339_ns(texts: Sequence[str]) -> Int64Array:
    """Convert RFC 3339 times, e.g. `2026-07-10T00:00:00.123456Z`, to nanoseconds since 1970 UTC, int64 [shape=(n,)].

    Raises
    ------
    OffGridError
        If one is not such a time, has more than nine decimal places, or is not between 2009 and 2100.
    """
    try:
        moments: Any = pa.array(texts, pa.string()).cast(pa.timestamp("ns", "UTC"))
    except (pa.ArrowInvalid, UnicodeError) as error:
        raise OffGridError(f"time: {str(error)[:120]}", index=0, value="") from None
    return require_trade_times(moments.cast(pa.int64()).to_numpy(zero_copy_only=False))


def require_trade_times(time_ns: Int64Array) -> Int64Array:
    """Return the times unchanged; raise if one is not between 2009 and 2100.

    Raises
    ------
    OffGridError
        If one is not between 2009 and 2100.
    """
    wrong = (time_ns < _FIRST_NS) | (time_ns >= _END_NS)
    if wrong.any():
        index = int(np.argmax(wrong))
        found = str(time_ns[index])
        raise OffGridError(f"time: found {found} ns since 1970, expected one between 2009 and 2100", index=index, value=found)
    return time_ns
