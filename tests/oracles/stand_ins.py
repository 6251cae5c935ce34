"""Profiles with candles where trades are missing, computed minute by minute and lot by lot."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class SlowTrade(NamedTuple):
    """One trade: time, price in ticks, lots, and whether the buyer was the aggressor."""

    time_ns: int
    ticks: int
    lots: int
    bought: bool


class SlowCandle(NamedTuple):
    """One candle with its bought and sold lots."""

    start_ns: int
    low: int
    high: int
    bought: int
    sold: int


def slow_rows(
    held: list[SlowTrade],
    lacking: Callable[[int, int], bool],
    candle_of: Callable[[int, int], SlowCandle],
    start_ns: int,
    until_ns: int,
    minute_ns: int,
    length_ns: int,
    ticks_per_row: int,
) -> dict[int, list[int]]:
    """Lots bought and sold in each row: of the loaded trades from a time on, and of candles where trades are missing.

    Parameters
    ----------
    lacking : callable
        Whether a trade of the time `[a, b)` may be missing.
    candle_of : callable
        The venue's candle by start and length.
    until_ns : int
        Candles that end later are not used.
    """
    rows: dict[int, list[int]] = {}
    for trade in held:
        if trade.time_ns >= start_ns:
            rows.setdefault(trade.ticks // ticks_per_row, [0, 0])[0 if trade.bought else 1] += trade.lots
    first, end = -(-start_ns // minute_ns), until_ns // minute_ns
    lacks = {minute for minute in range(first, end) if lacking(minute * minute_ns, (minute + 1) * minute_ns)}
    per = length_ns // minute_ns
    used: list[tuple[int, int]] = []
    for minute in sorted(lacks):
        block = minute // per * per
        if all(each in lacks for each in range(block, block + per)):
            if minute == block:
                used.append((block, per))
        else:
            used.append((minute, 1))
    for minute, minutes in used:
        candle = candle_of(minute * minute_ns, minutes * minute_ns)
        inside = [trade for trade in held if 0 <= trade.time_ns - candle.start_ns < minutes * minute_ns]
        volume = max(0, candle.bought + candle.sold - sum(trade.lots for trade in inside))
        bought = min(max(0, candle.bought - sum(trade.lots for trade in inside if trade.bought)), volume)
        low, high = candle.low // ticks_per_row, candle.high // ticks_per_row
        n = high - low + 1
        for side, lots in enumerate((bought, volume - bought)):
            for k in range(n):
                rows.setdefault(low + k, [0, 0])[side] += (k + 1) * lots // n - k * lots // n
    return {row: sides for row, sides in rows.items() if any(sides)}
