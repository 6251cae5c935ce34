"""VWAP and volume-weighted standard deviation after each bar, from any start bar; a live trade recomputes only the last bar.

Running sums of price times volume, and of squared price times volume, are stored as unbounded integers; the difference of two of them
is the exact sum over the bars between. Nothing is rounded before the last quotient, so the values never drift, in whatever order bars
are updated.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import accumulate
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from app.analytics.bar_groups import session_starts
from app.analytics.columns import GrowingColumns
from app.analytics.footprint import FootprintSeries
from app.analytics.older.older_bars import OlderBars
from app.analytics.vwap import root_quotient
from app.market.arrays import Float64Array, Int64Array
from app.market.session import TimeDivision

BLOCK = 1024
"""Number of bars in one block of running sums."""
_BLOCKS = 64  # 12 MB: a month of 1-minute bars
_DAYS = 32  # of older bars
Sums: TypeAlias = tuple[int, int, int]
"""Sums over some bars: of volume, of volume times the price's distance from a base price, and of volume times that distance squared."""


class VwapLine(NamedTuple):
    """The VWAP and its volume-weighted standard deviation after each bar.

    Both in ticks, float64 [shape=(n,)].
    """

    price_ticks: Float64Array
    deviation_ticks: Float64Array


class VwapSums:
    """Running sums over the bars of a series, for exact VWAP between any two bars.

    Equal to a plain sum over all trades. Bars are summed in blocks, and only in the blocks that a request needs: the VWAP of one day
    in years of bars sums that day. Stored are the sums before each of these blocks and, for the blocks used last, before each bar.
    The blocks of older bars are their days, and the sums before them are known.

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
        self._base = 0  # the first open in memory: prices are stored as distances from it, which are small numbers
        self._within: dict[int, _Block] = {}  # by number of block, that used last at the end
        self._before: dict[int, Sums] = {}  # consecutive blocks: the sums of all bars before each, from an arbitrary start on
        self._of_days: dict[int, _Block] = {}  # by index of the day of older bars, that used last at the end

    def between(self, start: int, end: int) -> tuple[float, float]:
        """VWAP and standard deviation of the bars `[start, end)`, in ticks; needs at least one bar."""
        volume, offset, square = self._sums(start, end)
        return (self._base * volume + offset) / volume, root_quotient(volume * square - offset**2, volume)

    def variance(self, start: int, end: int) -> Fraction:
        """The exact volume-weighted variance of the prices in the bars `[start, end)`, in ticks squared; needs at least one bar."""
        volume, offset, square = self._sums(start, end)
        return Fraction(volume * square - offset**2, volume**2)

    def follow(self) -> None:
        """Drop the cached sums that depend on bars changed since the last call."""
        series = self.series
        if self._revision == series.revision:
            return
        changed = series.changed_since(self._revision)
        self._revision = series.revision
        base = int(series.open[series.n_older]) if series.n_bars > series.n_older else 0
        if base != self._base:
            self._base, changed = base, 0
        if changed < series.n_older:
            self._of_days.clear()
        number, within = divmod(max(changed - series.n_older, 0), BLOCK)
        for block in [block for block in self._within if block > number]:
            del self._within[block]
        if number in self._within:
            self._within[number].truncate(within)
        before = self._before
        if number not in before and before and next(iter(before)) > number:
            before.clear()
        while (number := number + 1) in before:
            del before[number]

    def _sums(self, start: int, end: int) -> Sums:
        """Sums over the bars `[start, end)`: of volume, of volume times distance from the base, and of volume times distance squared."""
        n_older, older = self.series.n_older, self.series.older
        if older is None or start >= n_older:
            first, last = self._at(start - n_older), self._at(end - n_older)
            return last[0] - first[0], last[1] - first[1], last[2] - first[2]
        if end <= n_older:
            return _minus(self._at_older(older, end), self._at_older(older, start))
        rest = _minus(older.sums_before(len(older.days), self._base), self._at_older(older, start))
        return _plus(rest, _minus(self._at(end - n_older), self._at(0)))

    def _at(self, bar: int) -> Sums:
        """The sums before a bar, given by its index among the bars in memory, from an arbitrary start on."""
        number, within = divmod(bar, BLOCK)
        before, inside = self._before_block(number), self._block(number, within).sums(within)
        return before[0] + inside[0], before[1] + inside[1], before[2] + inside[2]

    def _at_older(self, older: OlderBars, bar: int) -> Sums:
        """The sums of all bars before an older bar, or before the first bar in memory."""
        day = older.day_of(bar)
        within = bar - int(older.bar_starts[day])
        before = older.sums_before(day, self._base)
        if not within:
            return before
        block = self._of_days.pop(day, None) or _Block()
        self._of_days[day] = block
        if len(self._of_days) > _DAYS:
            del self._of_days[next(iter(self._of_days))]
        if within > len(block):
            self._extend(block, int(older.bar_starts[day]), within)
        return _plus(before, block.sums(within))

    def _before_block(self, number: int) -> Sums:
        stored = self._before
        if not stored:
            stored[number] = 0, 0, 0
        if number not in stored:  # the blocks between are summed, and their sums stored
            first, last = min(stored), max(stored)
            for block in range(last, number):
                near, total = stored[block], self._block(block, BLOCK).sums(BLOCK)
                stored[block + 1] = near[0] + total[0], near[1] + total[1], near[2] + total[2]
            for block in range(first - 1, number - 1, -1):
                near, total = stored[block + 1], self._block(block, BLOCK).sums(BLOCK)
                stored[block] = near[0] - total[0], near[1] - total[1], near[2] - total[2]
        return stored[number]

    def _block(self, number: int, until: int) -> _Block:
        """The block with this number, after adding the sums of any of its first `until` bars that it does not have yet."""
        block = self._within.pop(number, None) or _Block()
        self._within[number] = block
        if len(self._within) > _BLOCKS:
            del self._within[next(iter(self._within))]
        if until > len(block):
            self._extend(block, self.series.n_older + number * BLOCK, until)
        return block

    def _extend(self, block: _Block, first: int, until: int) -> None:
        """Add the sums of the first `until` bars to a block that has fewer and begins with the bar `first`."""
        self.bars_summed += until - len(block)
        block.extend(self.series, slice(first + len(block), first + until), self._base)


class _Block:
    """The running sums of one block of bars: before the first bar, and after each bar."""

    def __init__(self) -> None:
        self._volume, self._offset, self._square = [0], [0], [0]

    def __len__(self) -> int:
        return len(self._volume) - 1

    def sums(self, bars: int) -> Sums:
        """The sums over the first `bars` bars of the block."""
        return self._volume[bars], self._offset[bars], self._square[bars]

    def truncate(self, bars: int) -> None:
        """Drop the sums of all but the first `bars` bars."""
        for sums in (self._volume, self._offset, self._square):
            del sums[bars + 1 :]

    def extend(self, series: FootprintSeries, bars: slice, base: int) -> None:
        """Add the sums of the bars in a slice of the series, which must start where the block ends so far."""
        opens, volumes, offsets = series.open[bars].tolist(), series.volume[bars].tolist(), series.volume_offsets(bars)
        away = [price - base for price in opens]
        moved = [offset + far * volume for offset, far, volume in zip(offsets, away, volumes, strict=True)]
        squares = [
            square + far * (2 * offset + far * volume)
            for square, far, offset, volume in zip(series.volume_squares(bars), away, offsets, volumes, strict=True)
        ]
        for sums, values in ((self._volume, volumes), (self._offset, moved), (self._square, squares)):
            sums.extend(accumulate(values, initial=sums.pop()))


def _plus(one: Sums, other: Sums) -> Sums:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


def _minus(one: Sums, other: Sums) -> Sums:
    return one[0] - other[0], one[1] - other[1], one[2] - other[2]


class SessionVwap:
    """VWAP and standard deviation that restart with each session, day, week or month, cached per bar.

    Parameters
    ----------
    sums : VwapSums
    division : TimeDivision
        Defines where they restart.

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
        """VWAP and standard deviation after each of the bars `[first, end)`, since the start of the bar's session or other period.

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
        """For each of the bars `[first, end)`, the index of the first bar of the same session or other period.

        The result for a single bar, e.g. the bar in progress, is cached until an earlier bar changes.
        """
        series = self.sums.series
        key = first, int(series.number[first]), int(series.changed_at[first - 1]) if first else 0
        if end - first > 1 or key != self._last[0]:
            starts = session_starts(series, first, end, self.division)
            if end - first > 1:
                return starts
            self._last = key, starts
        return self._last[1]
