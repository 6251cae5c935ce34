"""VWAP and its standard deviation after each bar, from any start bar; a live trade recomputes only the last bar.

Running sums of price times volume, and of its square times volume, are stored from the first bar on as unbounded integers; the
difference of two gives the exact sums between them. Nothing is rounded before the last quotient, so no order of updates lets it drift.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from app.analytics.bar_groups import session_starts
from app.analytics.columns import GrowingColumns
from app.analytics.footprint import FootprintSeries
from app.analytics.vwap import root_quotient
from app.market.arrays import Float64Array, Int64Array
from app.market.session import TimeDivision


class VwapLine(NamedTuple):
    """VWAP and its volume-weighted standard deviation after each bar.

    Both in ticks, float64 [shape=(n,)].
    """

    price_ticks: Float64Array
    deviation_ticks: Float64Array


class VwapSums:
    """Running sums over the bars of a series, for exact VWAP between any two bars.

    Equal to a plain sum over all trades.

    Parameters
    ----------
    series : FootprintSeries
        Read, never written.
    """

    def __init__(self, series: FootprintSeries) -> None:
        self.series = series
        self.bars_summed = 0
        """Number of bars summed so far: a count of work for the tests."""
        self._revision = 0
        self._base = 0  # the first open: prices are stored as distances from it, which are small numbers
        self._volume, self._offset, self._square = [0], [0], [0]  # one entry more than bars: the sums before each bar

    def between(self, start: int, end: int) -> tuple[float, float]:
        """VWAP and standard deviation of the bars `[start, end)`, in ticks; needs at least one bar."""
        volume, offset, square = (sums[end] - sums[start] for sums in (self._volume, self._offset, self._square))
        return (self._base * volume + offset) / volume, root_quotient(volume * square - offset**2, volume)

    def variance(self, start: int, end: int) -> Fraction:
        """The exact volume-weighted variance of the prices in the bars `[start, end)`, in square ticks."""
        volume, offset, square = (sums[end] - sums[start] for sums in (self._volume, self._offset, self._square))
        return Fraction(volume * square - offset**2, volume**2)

    def follow(self) -> None:
        """Update the sums for bars that are new or have changed."""
        series = self.series
        if self._revision == series.revision:
            return
        changed = min(series.changed_since(self._revision), len(self._volume) - 1)
        if not changed:
            self._base = int(series.open[0]) if series.n_bars else 0
        bars = slice(changed, series.n_bars)
        names = ("open", "volume", "price_volume_offset", "price_square_high", "price_square_low")
        opens, volumes, offsets, highs, lows = (getattr(series, name)[bars].tolist() for name in names)
        away = [price - self._base for price in opens]
        moved = [offset + far * volume for offset, far, volume in zip(offsets, away, volumes, strict=True)]
        squares = [
            (high << 32) + low + far * (2 * offset + far * volume)
            for high, low, far, offset, volume in zip(highs, lows, away, offsets, volumes, strict=True)
        ]
        for sums, values in ((self._volume, volumes), (self._offset, moved), (self._square, squares)):
            before = sums[changed]
            del sums[changed:]
            sums.extend(accumulate(values, initial=before))
        self.bars_summed += len(volumes)
        self._revision = series.revision


class SessionVwap:
    """VWAP and standard deviation that restart with each session, day, week or month.

    Parameters
    ----------
    sums : VwapSums
    division : TimeDivision
        Defines where it restarts.

    Attributes
    ----------
    bars_figured : int
        Number of bars computed so far: a count of work for the tests.
    """

    def __init__(self, sums: VwapSums, division: TimeDivision) -> None:
        self.sums, self.division = sums, division
        self.bars_figured = 0
        self._last: tuple[tuple[int, ...], Int64Array] = (), np.zeros(0, np.int64)
        self._bars: GrowingColumns[Any] = GrowingColumns({"price": np.float64, "deviation": np.float64, "figured_at": np.int64})

    def values(self, first: int, end: int) -> VwapLine:
        """VWAP and standard deviation after each bar of `[first, end)`.

        Computes only the bars that have changed.
        """
        series = self.sums.series
        self.sums.follow()
        if len(self._bars) != series.n_bars:
            self._bars.resize(series.n_bars)
        stale = first + np.flatnonzero(self._bars["figured_at"][first:end] < series.changed_at[first:end])
        if len(stale):
            from_bar, to_bar = int(stale[0]), int(stale[-1]) + 1
            starts = self._starts(from_bar, to_bar)
            found = [self.sums.between(int(starts[bar - from_bar]), bar + 1) for bar in stale.tolist()]
            self._bars.writable("price")[stale], self._bars.writable("deviation")[stale] = np.array(found).T
            self._bars.writable("figured_at")[stale] = series.revision
            self.bars_figured += len(stale)
        return VwapLine(self._bars["price"][first:end], self._bars["deviation"][first:end])

    def _starts(self, first: int, end: int) -> Int64Array:
        """For each of the bars `[first, end)`, the index of the first bar of its session.

        Cached for the bar in progress while no earlier bar changes.
        """
        series = self.sums.series
        key = first, int(series.number[first]), int(series.changed_at[first - 1]) if first else 0
        if end - first > 1 or key != self._last[0]:
            starts = session_starts(series, first, end, self.division)
            if end - first > 1:
                return starts
            self._last = key, starts
        return self._last[1]
