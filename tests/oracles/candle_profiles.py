"""Profiles from candles computed slowly and simply: one candle after the other, in exact fractions."""

from __future__ import annotations

from fractions import Fraction


def candle_rows(candles: list[tuple[int, int, int, int]], rows: int, use_close: bool) -> list[int]:
    """Volume of each row; candles are (high, low, close, volume)."""
    lowest, highest = min(candle[1] for candle in candles), max(candle[0] for candle in candles)
    if lowest == highest:
        return [sum(candle[3] for candle in candles)]
    height = Fraction(highest - lowest, rows)
    volume = [0] * rows
    for high, low, close, traded in candles:
        price = Fraction(close) if use_close else Fraction(high + low, 2)
        row = 0
        while row < rows - 1 and lowest + height * (row + 1) <= price:
            row += 1
        volume[row] += traded
    return volume
