"""The explanation of one value: rule, arithmetic, and filters for its trades."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from app.market.trade import BUY, SELL, UNKNOWN, TradeBatch
from app.profiles.period_profiles import BarRanges

ALL_SIDES = (SELL, UNKNOWN, BUY)
LOWEST, HIGHEST = 0, 1 << 62
"""Bounds below and above every price, in ticks."""


class ExplanationLine(NamedTuple):
    """One line of an explanation's arithmetic.

    Attributes
    ----------
    text : str
        With exact decimals; a rounded number follows `≈`.
    met : bool or None
        True if the condition in the line is met, False if not; None if it states no condition.
    """

    text: str
    met: bool | None = None


class TradeFilter(NamedTuple):
    """A filter for the trades behind a value: by bar, price and side.

    Attributes
    ----------
    first, end : int
        Numbers of the bars, `[first, end)`.
    low_ticks, high_ticks : int
        Prices `[low, high)`; edges of rows, or `LOWEST` and `HIGHEST`.
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
    """The explanation of one value.

    Attributes
    ----------
    title : str
        The value, and the bar or time it belongs to.
    rule : str
        The rule, with its settings.
    lines : tuple of ExplanationLine
        The arithmetic.
    bars : tuple of (int, int)
        The bars that the explanation is about: numbers `[first, end)` of each run.
    low_ticks, high_ticks : int
        The prices that the explanation is about, `[low, high)`.
    parts : tuple of TradeFilter
        Filters for the trades behind the value; no trade passes two of them.
    listed : TradeBatch or None
        The trades themselves if the explanation is about single trades; then there are no parts.
    help_page : str
        The section of the help that defines the value, e.g. `values.md#tpo`.
    """

    title: str
    rule: str
    lines: tuple[ExplanationLine, ...]
    bars: BarRanges
    low_ticks: int = LOWEST
    high_ticks: int = HIGHEST
    parts: tuple[TradeFilter, ...] = ()
    listed: TradeBatch | None = None
    help_page: str = field(kw_only=True)

    @property
    def text(self) -> str:
        """The explanation as plain text: title, rule, and its lines, each with ✓ or ✗ if it states a condition."""
        marks = {None: " ", True: "✓", False: "✗"}
        return "\n".join((self.title, self.rule, *(f"{marks[line.met]} {line.text}" for line in self.lines)))
