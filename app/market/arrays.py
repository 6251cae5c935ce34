"""Type aliases for numpy arrays, one for each element type.

The shape, unit and order of an array are in the docstring of the function or class that has it.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Int64Array: TypeAlias = npt.NDArray[np.int64]
"""Ticks, lots, times in nanoseconds, ids, rows and indices."""
UInt64Array: TypeAlias = npt.NDArray[np.uint64]
"""Hashes, and keys made of several columns."""
Int8Array: TypeAlias = npt.NDArray[np.int8]
"""Sides of trades, and states of bars."""
Float64Array: TypeAlias = npt.NDArray[np.float64]
"""Rounded values such as VWAP; exact sums and ratios are integers until the last quotient."""
BoolArray: TypeAlias = npt.NDArray[np.bool_]
"""Marks, e.g. one per trade, bar or cell."""
AnyArray: TypeAlias = npt.NDArray[Any]
"""One of several columns with different types."""
