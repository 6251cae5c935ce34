"""CVD: the running sum of bar deltas; a live trade recomputes only the last bar."""

from __future__ import annotations

import numpy as np

from app.analytics.bar_groups import session_starts
from app.analytics.columns import GrowingColumns
from app.analytics.delta import bar_delta
from app.analytics.footprint import FootprintSeries
from app.market.arrays import Int64Array
from app.market.session import TimeDivision


class CumulativeDelta:
    """The running sums of a series' bar deltas, cached; equal to the result of `delta.cvd`.

    Parameters
    ----------
    series : FootprintSeries
        Read, never written.

    Attributes
    ----------
    bars_figured : int
        Number of bars computed so far: a count of work for the tests.
    """

    def __init__(self, series: FootprintSeries) -> None:
        self.series = series
        self.bars_figured = 0
        self._sums = GrowingColumns({"cvd": np.int64})
        self._revision = 0

    def values(self, first: int, end: int, reset: TimeDivision | None = None) -> Int64Array:
        """CVD after each of the bars `[first, end)`, lots, int64 [shape=(n,)].

        Across a gap in the data the sum continues with the loaded trades; the chart breaks the line there.

        Parameters
        ----------
        reset : TimeDivision or None
            The sum starts from 0 at the first bar of each of these sessions; None: it runs from the first bar of the series.
        """
        self._follow()
        sums = self._sums["cvd"]
        if reset is None or end <= first:
            return sums[first:end]
        start = session_starts(self.series, first, end, reset)
        return sums[first:end] - np.where(start > 0, sums[start - 1], 0)

    def _follow(self) -> None:
        series = self.series
        if self._revision == series.revision and len(self._sums) == series.n_bars:
            return
        changed = min(series.changed_since(self._revision), len(self._sums))
        self._sums.resize(changed)
        self._sums.resize(series.n_bars)
        if changed < series.n_bars:
            before = int(self._sums["cvd"][changed - 1]) if changed else 0
            self._sums.writable("cvd")[changed:] = before + np.cumsum(bar_delta(series, changed))
            self.bars_figured += series.n_bars - changed
        self._revision = series.revision
