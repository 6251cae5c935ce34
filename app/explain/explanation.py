"""What is said of one figure: its rule, its arithmetic, and where the trades behind it are found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from app.market.trade import BUY, SELL, UNKNOWN, TradeBatch
from app.profiles.period_profiles import BarRanges

ALL_SIDES = (SELL, UNKNOWN, BUY)
LOWEST, HIGHEST = 0, 1 << 62
"""Prices that every trade lies between, in ticks."""


class ExplanationLine(NamedTuple):
    """One line of arithmetic.

    Attributes
    ----------
    text : str
        With exact decimals; what had to be rounded stands behind `≈`.
    met : bool or None
        Whether a condition that it states is met; None if it states none.
    """

    text: str
    met: bool | None = None


class TradeFilter(NamedTuple):
    """Trades that a figure was made of: those of some bars, between two prices, of some sides.

    Attributes
    ----------
    first, end : int
        Numbers of the bars, `[first, end)`.
    low_ticks, high_ticks : int
        Prices `[low, high)`; edges of rows, or all there are.
    sides : tuple of int
        `BUY`, `SELL`, `UNKNOWN`.
    """

    first: int
    end: int
    low_ticks: int = LOWEST
    high_ticks: int = HIGHEST
    sides: tuple[int, ...] = ALL_SIDES


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one figure is what it is.

    Attributes
    ----------
    title : str
        What it is, and where.
    rule : str
        By which rule, with its inputs.
    lines : tuple of Line
        The arithmetic.
    bars : tuple of (int, int)
        The bars it speaks of: numbers `[first, end)` of each run.
    low_ticks, high_ticks : int
        The prices it speaks of, `[low, high)`.
    parts : tuple of Part
        The trades behind it; no trade lies in two.
    listed : TradeBatch or None
        The trades themselves, where it speaks of single ones; then there are no parts.
    """

    title: str
    rule: str
    lines: tuple[ExplanationLine, ...]
    bars: BarRanges
    low_ticks: int = LOWEST
    high_ticks: int = HIGHEST
    parts: tuple[TradeFilter, ...] = ()
    listed: TradeBatch | None = None

    @property
    def text(self) -> str:
        """All of it as plain text."""
        marks = {None: " ", True: "✓", False: "✗"}
        return "\n".join((self.title, self.rule, *(f"{marks[line.met]} {line.text}" for line in self.lines)))
