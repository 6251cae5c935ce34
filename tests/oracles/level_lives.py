"""The end of a level and its number of tests, computed one bar after the other."""

from __future__ import annotations


def end_of(bars: list[tuple[int, int]], low_at_most: int, high_at_least: int, start: int) -> int:
    """Index of the first bar, (low, high), from `start` on that trades at or below one price and at or above another; -1 if none does."""
    for index, (low, high) in enumerate(bars):
        if index >= start and low <= low_at_most and high >= high_at_least:
            return index
    return -1


def touches_of(bars: list[tuple[int, int]], bottom: int, top: int, start: int, end: int) -> int:
    """The number of bars `[start, end)` that traded in a zone."""
    return sum(low <= top and high >= bottom for low, high in bars[start:end])
