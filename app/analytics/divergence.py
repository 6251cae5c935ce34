"""Divergences of price and CVD between consecutive swings.

Bearish: a higher high of price with a lower high of CVD. Bullish: a lower low of price with a higher low of CVD.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from app.analytics.footprint import FootprintSeries
from app.market.arrays import Int64Array

REACH = 3
"""Default number of bars on each side that a swing must exceed."""


class Divergences(NamedTuple):
    """Pairs of swings where price and CVD diverge, int64 [shape=(n,)], ordered by the second swing.

    `first` and `second` are indices of bars; `side` is -1 for two highs (bearish), +1 for two lows (bullish).
    """

    first: Int64Array
    second: Int64Array
    side: Int64Array


def swings(values: Int64Array, reach: int = REACH) -> Int64Array:
    """Indices of the swing highs in `values`, ascending, int64.

    A swing high is strictly above each of `reach` values on both sides; swing lows are those of `-values`.

    Equal neighbours form one plateau, compared with the values around it and reported at its middle (the earlier of two), like
    volume nodes. Values with fewer than `reach` values on a side are not swings.
    """
    if len(values) < 2 * reach + 1:
        return np.zeros(0, np.int64)
    start = np.concatenate(([0], np.flatnonzero(np.diff(values)) + 1))
    end = np.append(start[1:], len(values))
    judged = (start >= reach) & (end <= len(values) - reach)
    start, end = start[judged], end[judged]
    ahead = np.arange(1, reach + 1)
    around = np.concatenate((values[start[:, None] - ahead], values[end[:, None] + ahead - 1]), axis=1)
    return ((start + end - 1) // 2)[(values[start][:, None] > around).all(axis=1)]


class Swings:
    """The swing highs and lows of a series' closed bars.

    When a bar closes, only a few bars are checked again. A live trade costs nothing: the bar in progress is neither a swing nor a
    neighbour of one, so a mark once drawn stays.
    """

    def __init__(self, series: FootprintSeries, reach: int = REACH) -> None:
        self.series, self.reach = series, reach
        self.bars_judged = 0
        """Number of bars checked so far: a count of work for the tests."""
        self._found = [np.zeros(0, np.int64), np.zeros(0, np.int64)]
        self._closed = 0
        self._from = self._first_around(series.n_older) if series.n_older else 0
        self._revision = 0

    def highs(self, known_end: int | None = None) -> Int64Array:
        """Indices of the bars that are swing highs, ascending, int64.

        With `known_end`, only those known when the bar before that index was the last bar.
        """
        return self._known(0, known_end)

    def lows(self, known_end: int | None = None) -> Int64Array:
        """Indices of the bars that are swing lows, ascending, int64; `known_end` as in `highs`."""
        return self._known(1, known_end)

    def between(self, first: int, end: int, known_end: int | None = None) -> tuple[Int64Array, Int64Array]:
        """Indices of the swing highs, and of the swing lows, among the bars `[first, end)`; `known_end` as in `highs`.

        Of older bars (see `OlderBars`), only these and a few around them are read.
        """
        n_older = self.series.n_older
        if first >= n_older:
            return _cut(self.highs(known_end), first, end), _cut(self.lows(known_end), first, end)
        closed = max(self.series.n_bars - 1 if known_end is None else min(known_end, self.series.n_bars) - 1, 0)
        return self._around(0, first, end, closed), self._around(1, first, end, closed)

    def _around(self, index: int, first: int, end: int, closed: int) -> Int64Array:
        """The swings among the bars `[first, end)`, as known when the bar with the index `closed` was the last one."""
        prices, sign = (self.series.high, self.series.low)[index], (1, -1)[index]
        begin, until = self._first_around(min(first, closed)), min(end, closed)
        while 0 < until < closed and prices[until] == prices[until - 1]:
            until += 1
        until = min(closed, until + self.reach)
        self.bars_judged += until - begin
        return _cut(begin + swings(sign * prices[begin:until], self.reach), first, end)

    def _first_around(self, bar: int) -> int:
        """The first bar that the swings from the bar with the index `bar` on depend on: before it and its plateaus, `reach` bars."""
        first = bar
        for prices in (self.series.high, self.series.low):
            start = bar  # a plateau is compared as one
            while 0 < start < self.series.n_bars and prices[start] == prices[start - 1]:
                start -= 1
            first = min(first, start)
        return max(0, first - self.reach)

    def _known(self, index: int, known_end: int | None) -> Int64Array:
        self._follow()
        if known_end is None or known_end > self._closed:
            return self._found[index]
        closed = max(known_end - 1, 0)
        return self._again(index, closed, closed)

    def _follow(self) -> None:
        series = self.series
        if self._revision == series.revision:
            return
        closed = max(series.n_bars - 1, 0)
        changed = min(series.changed_since(self._revision), self._closed)
        self._revision = series.revision
        if changed == closed == self._closed:
            return
        self._found = [self._again(index, closed, changed) for index in (0, 1)]
        self._closed = closed

    def _again(self, index: int, closed: int, changed: int) -> Int64Array:
        """The swings of the bars `[0, closed)`; only those that depend on the bars from `changed` on are computed again."""
        prices, sign, found = (self.series.high, self.series.low)[index], (1, -1)[index], self._found[index]
        edge = min(max(changed - self.reach - 1, self._from), max(closed - 1, 0))
        while edge > self._from and prices[edge] == prices[edge - 1]:
            edge -= 1  # a plateau is compared as one
        begin = max(self._from, edge - self.reach)
        self.bars_judged += closed - begin
        return np.concatenate((found[: np.searchsorted(found, edge)], begin + swings(sign * prices[begin:closed], self.reach)))


def _cut(found: Int64Array, first: int, end: int) -> Int64Array:
    return found[np.searchsorted(found, first) : np.searchsorted(found, end)]


def divergences(
    series: FootprintSeries, highs: Int64Array, lows: Int64Array, cvd: Int64Array, stretch: Int64Array, first: int = 0
) -> Divergences:
    """Pairs of consecutive swing highs where price rises and CVD falls, and of swing lows where price falls and CVD rises.

    Parameters
    ----------
    series : FootprintSeries
        For the highs and lows of the bars.
    highs, lows : int64
        Swings, ascending indices of bars from `first` on.
    cvd : int64 [shape=(n,)]
        CVD at the close of each bar from `first` on.
    stretch : int64 [shape=(n,)]
        Group number of each bar: bars of different groups (across a gap or a reset) are not compared.

    Equal prices or equal CVD are no divergence.
    """
    pairs: list[tuple[Int64Array, Int64Array, Int64Array]] = []
    for swing, price, side in ((highs, series.high, -1), (lows, series.low, 1)):
        one, other = swing[:-1], swing[1:]
        sign = -side
        parts = (sign * price[other] > sign * price[one]) & (sign * cvd[other - first] < sign * cvd[one - first])
        parts &= stretch[one - first] == stretch[other - first]
        pairs.append((one[parts], other[parts], np.full(int(parts.sum()), side, np.int64)))
    columns = [np.concatenate(column) for column in zip(*pairs, strict=True)]
    order = np.argsort(columns[1], kind="stable")
    return Divergences(*(column[order] for column in columns))
