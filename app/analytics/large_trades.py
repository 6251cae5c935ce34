"""The large trades of some bars: all from a size on, or the largest so many. What closed bars hold is looked up once."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

from app.analytics.footprint import FootprintSeries
from app.errors import BadInputError
from app.market.trade import TradeBatch, concatenate

MOST_TRADES = 3_000_000
"""So many trades in sight are looked through at most: more would hold the screen up."""


@dataclass(frozen=True, slots=True)
class LargeRule:
    """Which trades are large.

    Attributes
    ----------
    top : int
        The largest so many of those in sight; of equal ones the earlier. 0: by size.
    size : Decimal
        From this quantity on; it counts itself.
    """

    top: int = 30
    size: Decimal = Decimal(0)

    @property
    def text(self) -> str:
        """As it is written, and read by `parse_large`."""
        return f"top:{self.top}" if self.top else format(self.size, "f")


USUAL_LARGE = LargeRule()


def parse_large(text: str) -> LargeRule:
    """A rule written as `top:50`, or as the quantity from which on a trade is large.

    Raises
    ------
    BadInputError
        If it is neither.
    """
    if match := re.fullmatch(r"top:([1-9]\d{0,2})", text.strip()):
        return LargeRule(top=int(match[1]))
    if re.fullmatch(r"\d+(\.\d+)?", text.strip()) and Decimal(text) > 0:
        return LargeRule(0, Decimal(text))
    raise BadInputError(f"large trades: found {text!r}, expected top:50 (up to 999), or a quantity such as 2.5")


class LargeTrades:
    """The large trades of a series' bars.

    Parameters
    ----------
    series : FootprintSeries
        Says which bars have changed.
    trades : callable
        From two times to the trades of `[start, end)`, in the order of the tape.
    rule : LargeRule
    lot_size : Decimal

    Attributes
    ----------
    trades_read : int
        How many trades were looked through so far: a count of work for the tests.
    """

    def __init__(self, series: FootprintSeries, trades: Callable[[int, int], TradeBatch], rule: LargeRule, lot_size: Decimal) -> None:
        self.series, self.rule = series, rule
        self.trades_read = 0
        self._trades, self._least_lots = trades, math.ceil(Fraction(rule.size) / Fraction(lot_size))
        self._bars: dict[int, tuple[int, TradeBatch]] = {}  # what may be large in a bar, and the revision at which it was found

    def of(self, first: int, end: int) -> TradeBatch | None:
        """Those of the bars `[first, end)`, in the order of the tape; None if there are too many trades to look through.

        A trade belongs to the bar of its time, under any rule.
        """
        series = self.series
        if int(series.trades[first:end].sum()) > MOST_TRADES:
            return None
        changed_at = series.changed_at[first:end].tolist()
        stale = [bar for bar, at in enumerate(changed_at, first) if self._bars.get(bar, (-1,))[0] < at]
        if stale:
            self._read(stale[0], stale[-1] + 1)
        found = concatenate([self._bars[bar][1] for bar in range(first, end)])
        return found[np.sort(_largest(found.quantity_lots, self.rule.top))] if self.rule.top else found

    def _read(self, first: int, end: int) -> None:
        """Look through the trades of a run of bars once more."""
        series = self.series
        edges = series.times.of_bars(first, end)
        until_ns = series.start_ns(end) if end < series.n_bars else np.iinfo(np.int64).max
        trades = self._trades(int(edges[0]), int(until_ns))
        self.trades_read += len(trades)
        bar = np.searchsorted(edges, trades.time_ns, side="right") - 1
        order = np.argsort(bar, kind="stable")
        trades, bounds = trades[order], np.searchsorted(bar[order], np.arange(end - first + 1))
        for index in range(end - first):
            inside = trades[int(bounds[index]) : int(bounds[index + 1])]
            lots = inside.quantity_lots
            kept = np.sort(_largest(lots, self.rule.top)) if self.rule.top else np.flatnonzero(lots >= self._least_lots)
            self._bars[first + index] = series.revision, inside[kept]


def _largest(lots: np.ndarray, count: int) -> np.ndarray:
    """Indices of the largest so many, the largest first; of equal ones the earlier."""
    if len(lots) > 4 * count:  # most are out of the question
        least = np.partition(lots, len(lots) - count)[len(lots) - count]
        likely = np.flatnonzero(lots >= least)
        return likely[np.argsort(-lots[likely], kind="stable")[:count]]
    return np.argsort(-lots, kind="stable")[:count]
