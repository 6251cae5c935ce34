"""High and low volume nodes: each run of equal rows is compared with the rows around it one by one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby


def peaks(volumes: Sequence[int], n: int) -> tuple[list[int], list[int]]:
    """Indices of the high and of the low nodes; rows outside the profile count as 0."""
    high, low = [], []
    start = 0
    for level, run in groupby(volumes):
        end = start + len(list(run))
        around = [volumes[row] if 0 <= row < len(volumes) else 0 for row in (*range(start - n, start), *range(end, end + n))]
        middle = (start + end - 1) // 2
        if all(level > volume for volume in around):
            high.append(middle)
        if all(level < volume for volume in around):
            low.append(middle)
        start = end
    return high, low
