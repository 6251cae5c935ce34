"""TPO letters computed slowly and simply, one trade after the other."""

from __future__ import annotations

from collections import defaultdict

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def letters_of(trades: list[tuple[int, int]], start: int, bracket: int, ticks_per_row: int) -> dict[int, str]:
    """Letters by row; trades are (time, price)."""
    found: dict[int, set[int]] = defaultdict(set)
    for time, price in trades:
        found[price // ticks_per_row].add((time - start) // bracket)
    return {row: "".join(LETTERS[number % 52] for number in sorted(brackets)) for row, brackets in found.items()}


def rotation_of(trades: list[tuple[int, int]], start: int, bracket: int) -> int:
    """The rotation factor: each bracket with trades compared with the one before it."""
    prices: dict[int, list[int]] = defaultdict(list)
    for time, price in trades:
        prices[(time - start) // bracket].append(price)
    total, before = 0, None
    for number in sorted(prices):
        now = max(prices[number]), min(prices[number])
        for old, new in zip(before or now, now, strict=True):
            total += (new > old) - (new < old)
        before = now
    return total
