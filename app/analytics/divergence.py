"""Where price and CVD part: a higher high of price on a lower high of CVD, a lower low on a higher low."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from app.analytics.footprint import FootprintSeries

REACH = 3
"""Bars on each side that a swing must stand out from, unless said otherwise."""


class Divergences(NamedTuple):
    """Pairs of swings, int64 [shape=(n,)], by their second swing.

    `first` and `second` are indices of bars; `side` is -1 for two highs (buying that no longer carries), +1 for two lows.
    """

    first: np.ndarray
    second: np.ndarray
    side: np.ndarray


def swings(values: np.ndarray, reach: int = REACH) -> np.ndarray:
    """Indices of the swing highs, ascending, int64: above each of `reach` values on both sides, strictly; lows are those of `-values`.

    Equal values side by side are one plateau, judged by the values around it and reported by its middle (of two the earlier),
    as nodes of a profile are. What has fewer than `reach` values on a side is not judged.
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
    """The swing highs and lows of a series' closed bars; a bar that closes costs a few bars, a live trade nothing.

    The bar in progress is neither judged nor a neighbour: a mark that was drawn once stays.
    """

    def __init__(self, series: FootprintSeries, reach: int = REACH) -> None:
        self.series, self.reach = series, reach
        self.bars_judged = 0
        """How many bars were looked at so far: a count of work for the tests."""
        self._found = [np.zeros(0, np.int64), np.zeros(0, np.int64)]
        self._closed = 0
        self._revision = 0

    def highs(self, known_end: int | None = None) -> np.ndarray:
        """Indices of the swing highs, ascending, int64; with `known_end` those known when the bar before that index was the last."""
        return self._known(0, self.series.high, known_end)

    def lows(self, known_end: int | None = None) -> np.ndarray:
        """The same of the swing lows."""
        return self._known(1, -self.series.low, known_end)

    def _known(self, index: int, values: np.ndarray, known_end: int | None) -> np.ndarray:
        self._follow()
        if known_end is None or known_end > self._closed:
            return self._found[index]
        closed = max(known_end - 1, 0)
        return self._again(self._found[index], values[:closed], closed)

    def _follow(self) -> None:
        series = self.series
        if self._revision == series.revision:
            return
        closed = max(series.n_bars - 1, 0)
        changed = min(series.changed_since(self._revision), self._closed)
        self._revision = series.revision
        if changed == closed == self._closed:
            return
        for index, values in enumerate((series.high, -series.low[:closed])):
            self._found[index] = self._again(self._found[index], values[:closed], changed)
        self._closed = closed

    def _again(self, found: np.ndarray, values: np.ndarray, changed: int) -> np.ndarray:
        """The swings, those that the values from `changed` on may have a say in judged anew."""
        edge = min(max(changed - self.reach - 1, 0), max(len(values) - 1, 0))
        while edge > 0 and values[edge] == values[edge - 1]:
            edge -= 1  # a plateau is judged as a whole
        begin = max(0, edge - self.reach)
        self.bars_judged += len(values) - begin
        return np.concatenate((found[found < edge], begin + swings(values[begin:], self.reach)))


def divergences(
    series: FootprintSeries, highs: np.ndarray, lows: np.ndarray, cvd: np.ndarray, stretch: np.ndarray, first: int = 0
) -> Divergences:
    """The pairs of consecutive swings at which price goes one way and CVD the other.

    Parameters
    ----------
    series : FootprintSeries
        For the highs and lows of the bars.
    highs, lows : int64
        Swings, ascending indices of bars from `first` on.
    cvd : int64 [shape=(n,)]
        CVD at the close of each bar from `first` on.
    stretch : int64 [shape=(n,)]
        Bars of another stretch (behind a hole, or after a reset) are not compared.

    Equal prices, or equal CVD, are no divergence.
    """
    pairs = []
    for swing, price, side in ((highs, series.high, -1), (lows, series.low, 1)):
        one, other = swing[:-1], swing[1:]
        sign = -side
        parts = (sign * price[other] > sign * price[one]) & (sign * cvd[other - first] < sign * cvd[one - first])
        parts &= stretch[one - first] == stretch[other - first]
        pairs.append((one[parts], other[parts], np.full(int(parts.sum()), side, np.int64)))
    columns = [np.concatenate(column) for column in zip(*pairs, strict=True)]
    order = np.argsort(columns[1], kind="stable")
    return Divergences(*(column[order] for column in columns))
