"""Developing POC and value area: their rows after each bar of a period."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from app.analytics.bar_groups import first_bar_at
from app.analytics.columns import GrowingColumns
from app.analytics.footprint import FootprintSeries
from app.analytics.profile import profile_of_bars
from app.analytics.value_area import ValueAreaMethod, value_areas
from app.market.arrays import BoolArray, Int64Array
from app.market.session import TimeDivision, division_numbers

_SPARE_ROWS = 64


class DevelopingProfile:
    """The rows of POC, VAL and VAH as they stood after each bar, from the volume since the start of the bar's period.

    Bars are computed on request, a few in each spare moment, and again only when they have changed: after a live trade only the bar in
    progress is added again, to the stored sums of the bars before it.

    Attributes
    ----------
    bars_computed, bars_summed : int
        Counts of work, for the tests.
    """

    def __init__(
        self, series: FootprintSeries, division: TimeDivision, percent: int = 70, method: ValueAreaMethod = ValueAreaMethod.DALTON
    ) -> None:
        self.series = series
        self.bars_computed = self.bars_summed = 0
        self._division, self._percent, self._method = division, percent, method
        self._bars = GrowingColumns(dict.fromkeys(("poc", "low", "high", "at"), np.int64))
        self._sums = np.zeros(0, np.int64)  # sums of the bars [_first, _next)
        self._base = self._first = self._next = 0
        self._summed_at = -1  # revision of the newest change among them

    def columns(self, first: int, end: int) -> tuple[Int64Array, Int64Array, Int64Array, BoolArray]:
        """Rows of POC, VAL and VAH after each bar, and True for each bar whose rows have been computed.

        For the bars `[first, end)`: int64, int64, int64, bool.
        """
        self._make_room()
        poc, low, high, at = (self._bars[name][first:end] for name in ("poc", "low", "high", "at"))
        return poc, low, high, at >= self.series.changed_at[first:end]

    def starts(self, first: int, end: int) -> Int64Array:
        """For each of the bars `[first, end)`, the index of the first bar of the same period; int64."""
        series = self.series
        if first >= end:
            return np.zeros(0, np.int64)
        piece, starts = division_numbers(self._division, series.times.of_bars(first, end))
        return np.array([first_bar_at(series, int(start_ns)) for start_ns in starts[:-1]], np.int64)[piece]

    def work(self, first: int, end: int, budget_s: float, clock: Callable[[], float] = time.perf_counter) -> bool:
        """Compute missing or changed bars of `[first, end)`, at least one, for about `budget_s` seconds; return True if more remain."""
        known = self.columns(first, end)[3]
        missing = first + np.flatnonzero(~known)
        if not len(missing):
            return False
        until = clock() + budget_s
        for bar, start in zip(missing.tolist(), self.starts(first, end)[missing - first].tolist(), strict=True):
            self._compute(bar, start)
            if clock() > until:
                return bar != missing[-1]
        return False

    def _compute(self, bar: int, start: int) -> None:
        series = self.series
        if self._first != start or self._next > bar or (bar > start and self._summed_at < int(series.changed_at[bar - 1])):
            self._begin(start, bar)
        while self._next < bar:
            self._add(self._next)
        row, cells = _cells(series, bar)
        self._make_rows(row, row + len(cells))
        total = self._sums.copy()
        total[row - self._base : row - self._base + len(cells)] += cells
        traded = np.flatnonzero(total)
        lowest, run = self._base + int(traded[0]), total[traded[0] : traded[-1] + 1]
        found = value_areas(run, np.array([len(run)]), self._percent, self._method)
        for name, rows in zip(("poc", "low", "high"), found, strict=True):
            self._bars.writable(name)[bar] = lowest + int(rows[0])
        self._bars.writable("at")[bar] = series.revision
        self.bars_computed += 1

    def _begin(self, start: int, bar: int) -> None:
        """Replace the stored sums by the volume per row of the bars `[start, bar)`."""
        profile = profile_of_bars(self.series, start, bar)
        self._base, self._sums = profile.first_row, profile.total
        self._first, self._next, self._summed_at = start, bar, self.series.revision
        self.bars_summed += bar - start

    def _add(self, bar: int) -> None:
        row, cells = _cells(self.series, bar)
        self._make_rows(row, row + len(cells))
        self._sums[row - self._base : row - self._base + len(cells)] += cells
        self._next, self._summed_at = bar + 1, self.series.revision
        self.bars_summed += 1

    def _make_rows(self, low: int, end: int) -> None:
        if len(self._sums) and self._base <= low and end <= self._base + len(self._sums):
            return
        base = min(low, self._base if len(self._sums) else low) - _SPARE_ROWS
        grown = np.zeros(max(end, self._base + len(self._sums) if len(self._sums) else end) + _SPARE_ROWS - base, np.int64)
        grown[self._base - base : self._base - base + len(self._sums)] = self._sums
        self._base, self._sums = base, grown

    def _make_room(self) -> None:
        if len(self._bars) != self.series.n_bars:
            self._bars.resize(self.series.n_bars)


def _cells(series: FootprintSeries, bar: int) -> tuple[int, Int64Array]:
    row, buy, sell, unknown = series.bar_cells(bar)
    return row, buy + sell + unknown
