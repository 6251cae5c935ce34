"""CVD: the running sum of bar deltas; a live trade recomputes only the last bar."""

from __future__ import annotations

import numpy as np

from app.analytics.bar_groups import session_starts
from app.analytics.columns import GrowingColumns
from app.analytics.delta import bar_delta
from app.analytics.footprint import FootprintSeries
from app.analytics.older.older_bars import OlderBars
from app.market.arrays import Int64Array
from app.market.session import TimeDivision


class CumulativeDelta:
    """The running sums of a series' bar deltas, cached; equal to the result of `delta.cvd`.

    Those of older bars are computed from the sums before their day, and are not cached.

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
        if reset is None or end <= first:
            return self._between(first, end)
        start = session_starts(self.series, first, end, reset)
        starts, place = np.unique(start, return_inverse=True)
        before = np.array([self._between(bar - 1, bar)[0] if bar else 0 for bar in starts.tolist()], np.int64)
        return self._between(first, end) - before[place]

    def _between(self, first: int, end: int) -> Int64Array:
        """The running sum of all deltas after each of the bars `[first, end)`."""
        older, n_older = self.series.older, self.series.n_older
        if older is None or first >= n_older:
            return self._sums["cvd"][first - n_older : end - n_older]
        found = _of_older_bars(self.series, older, first, min(end, n_older))
        return found if end <= n_older else np.concatenate((found, self._sums["cvd"][: end - n_older]))

    def _follow(self) -> None:
        series, n_older = self.series, self.series.n_older
        n_own = series.n_bars - n_older
        if self._revision == series.revision and len(self._sums) == n_own:
            return
        changed = min(max(series.changed_since(self._revision) - n_older, 0), len(self._sums))
        self._sums.resize(changed)
        self._sums.resize(n_own)
        if changed < n_own:
            before = int(self._sums["cvd"][changed - 1]) if changed else 0 if series.older is None else int(series.older.delta_before[-1])
            self._sums.writable("cvd")[changed:] = before + np.cumsum(bar_delta(series, n_older + changed))
            self.bars_figured += n_own - changed
        self._revision = series.revision


def _of_older_bars(series: FootprintSeries, older: OlderBars, first: int, end: int) -> Int64Array:
    """The running sum of all deltas after each of the older bars `[first, end)`."""
    day = older.day_of(first)
    start = int(older.bar_starts[day])
    return (int(older.delta_before[day]) + np.cumsum(bar_delta(series, start, end)))[first - start :]
