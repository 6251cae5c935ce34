"""Start and end times of bars under any bar rule.

All conversions of times to bar numbers, and back, are here.
"""

from __future__ import annotations

import numpy as np

from app.analytics.columns import GrowingColumns
from app.market.arrays import Int64Array
from app.market.bar_rule import DAY_NS, NS_PER_S, BarRule

_UNKNOWN_LENGTH_NS = 60 * NS_PER_S
"""Assumed length of a bar while the series has no bars."""


class BarTimes:
    """The start and end times of the bars of one series.

    The clock defines time bars. Bars of other rules leave no time between them: one lasts from its first trade to the first trade
    of the next bar, the last one to 1 ns after its last trade. Before the first bar and after the last one, bars are assumed to
    have the average length, so that scrolling back gives a time to request.

    Parameters
    ----------
    rule : BarRule
        Rule of the bars.
    bars : GrowingColumns
        Columns of a footprint series; read, never written. `number` of time bars, `first_ns` and `last_ns` of others.
    """

    def __init__(self, rule: BarRule, bars: GrowingColumns[np.int64]) -> None:
        self._rule, self._bars = rule, bars

    @property
    def fine(self) -> bool:
        """True for time bars under a minute, and for all bars other than time bars: their start times are shown with seconds."""
        return self._rule.length_ns < 60 * NS_PER_S

    def knows(self, number: int) -> bool:
        """True if the times of the bar with this number are exact, False if they are assumed from the average bar length."""
        return self._rule.is_time or 0 <= number < len(self._bars)

    def start_ns(self, number: int) -> int:
        """Start time of the bar with this number, which is also the end of the previous bar."""
        return self._rule.start_ns(number) if self._rule.is_time else int(self._counted_edges(int(number), int(number) - 1)[0])

    def edges(self, first: int, last: int) -> Int64Array:
        """Start times of the bars numbered `first` to `last`, and the end time of the last one.

        Int64 [shape=(last - first + 2,)], never falling.
        """
        if self._rule.is_time:
            return np.arange(first, last + 2, dtype=np.int64) * self._rule.length_ns
        return self._counted_edges(first, last)

    def of_bars(self, first: int = 0, end: int | None = None) -> Int64Array:
        """Start times of the bars with indices `[first, end)`; int64."""
        return self._bars["number"][first:end] * self._rule.length_ns if self._rule.is_time else self._bars["first_ns"][first:end]

    def day_of_bars(self, first: int = 0, end: int | None = None) -> Int64Array:
        """The UTC day on which each of the bars with indices `[first, end)` begins.

        Days since 1970, int64.
        """
        return self.of_bars(first, end) // DAY_NS

    def number(self, time_ns: int) -> int:
        """Number of the bar that contains a time."""
        return self._rule.number(time_ns) if self._rule.is_time else int(self.numbers(np.array([time_ns]))[0])

    def numbers(self, time_ns: Int64Array) -> Int64Array:
        """Number of the bar that contains each time; int64, in the shape of `time_ns`."""
        return self._rule.numbers(time_ns) if self._rule.is_time else self._counted_numbers(np.asarray(time_ns))

    def position(self, time_ns: int) -> float:
        """Convert a time to a bar number with a fraction, e.g. 7.5 for the middle of bar 7."""
        number = self.number(time_ns)
        start_ns, end_ns = self.edges(number, number).tolist()
        return number + (time_ns - start_ns) / (end_ns - start_ns)

    def at(self, position: float) -> int:
        """Convert a bar number with a fraction, e.g. 7.5, to a time in ns, rounded down; the inverse of `position`."""
        number = int(np.floor(position))
        start_ns, end_ns = self.edges(number, number).tolist()
        return start_ns + int((position - number) * (end_ns - start_ns))

    # -- bars of rules other than time -----------------------------------------------------------

    def _ends(self) -> tuple[int, int, int]:
        """Start of the first bar, end of the last bar, and the average length of a bar, in ns; without bars 0, 0 and a minute."""
        n_bars = len(self._bars)
        if not n_bars:
            return 0, 0, _UNKNOWN_LENGTH_NS
        begin_ns, end_ns = int(self._bars["first_ns"][0]), int(self._bars["last_ns"][-1]) + 1
        return begin_ns, end_ns, max(1, (end_ns - begin_ns) // n_bars)

    def _counted_edges(self, first: int, last: int) -> Int64Array:
        n_bars, starts = len(self._bars), self._bars["first_ns"]
        begin_ns, end_ns, length_ns = self._ends()
        number = np.arange(first, last + 2, dtype=np.int64)
        edges = np.where(number < 0, begin_ns + number * length_ns, end_ns + (number - n_bars) * length_ns)
        there = (number >= 0) & (number < n_bars)
        edges[there] = starts[number[there]]
        return edges

    def _counted_numbers(self, time_ns: Int64Array) -> Int64Array:
        n_bars = len(self._bars)
        begin_ns, end_ns, length_ns = self._ends()
        bar = np.searchsorted(self._bars["first_ns"], time_ns, side="right") - 1
        bar = np.where(time_ns >= end_ns, n_bars + (time_ns - end_ns) // length_ns, bar)
        return np.where(time_ns < begin_ns, (time_ns - begin_ns) // length_ns, bar)
