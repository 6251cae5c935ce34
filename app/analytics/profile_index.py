"""The profile between any two bars in well under a frame, however far apart they are.

A tree of sums over the bars that are finished: a leaf adds up `LEAF_BARS` bars, each node above adds up two below, and
every node is dense over its own rows alone. What lies between two bars is some two dozen nodes, whose rows are added as
whole slices, and at either end fewer bars than a leaf holds. All sums are integers, so the answer is the one that adding up
the cells gives, bit for bit.

Sums from the first bar on at every n-th one (a prefix sum) would need the rows of the whole history at each of them: for a
month at one tick a row a hundred times the memory, and as much to throw away when a late trade comes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from app.analytics.footprint import FootprintSeries
from app.analytics.profile import VolumeProfile, merge_profiles, profile_of_bars

LEAF_BARS = 64
"""Few enough that the bars at the ends cost little, many enough that the tree stays small: a month of minutes has 675 leaves."""


class ProfileIndex:
    """Sums of the finished bars of a series, kept up with it.

    The bar in progress is not in it. A trade that changes older bars, or a series that is cut, takes away the nodes that
    held them and no others.

    Parameters
    ----------
    series : FootprintSeries

    Attributes
    ----------
    nodes_built : int
        How many sums have been made so far: a count of work for the tests.
    """

    def __init__(self, series: FootprintSeries, clock: Callable[[], float] = time.perf_counter) -> None:
        self.series = series
        self.nodes_built = 0
        self._clock = clock
        self._revision = -1
        self._levels: list[list[VolumeProfile]] = [[]]  # leaves first; entry `k` of level `n` holds bars from k * LEAF_BARS * 2**n on

    def build(self, budget_s: float | None = None) -> bool:
        """Add up what is finished and not in it yet, for about `budget_s` seconds or to the end; whether there is more to do."""
        self._forget_what_changed()
        leaves = self._levels[0]
        started = self._clock()
        while (len(leaves) + 1) * LEAF_BARS <= self.series.n_bars - 1:
            if budget_s is not None and self._clock() - started >= budget_s:
                return True
            first = len(leaves) * LEAF_BARS
            self._add(0, profile_of_bars(self.series, first, first + LEAF_BARS))
        return False

    def profile(self, first_bar: int, end_bar: int) -> VolumeProfile:
        """The profile of the bars `[first_bar, end_bar)`, by index: what `profile_of_bars` gives.

        What has not been built yet is added up from the cells.
        """
        self._forget_what_changed()
        first_bar, end_bar = max(first_bar, 0), min(end_bar, self.series.n_bars)
        parts: list[VolumeProfile] = []
        loose = at = first_bar  # bars from `loose` to `at` are in no node
        while at < end_bar:
            node = self._largest_at(at, end_bar)
            if node is None:
                at = min(end_bar, (at // LEAF_BARS + 1) * LEAF_BARS)
                continue
            parts += (profile_of_bars(self.series, loose, at), node.profile)
            loose = at = node.end_bar
        parts.append(profile_of_bars(self.series, loose, end_bar))
        return merge_profiles(parts)

    def _largest_at(self, bar: int, end_bar: int) -> _Node | None:
        """The node of most bars among those that begin with `bar` and do not reach beyond `end_bar`."""
        found = None
        if bar % LEAF_BARS == 0:
            place = bar // LEAF_BARS
            for level, nodes in enumerate(self._levels):
                end = bar + (LEAF_BARS << level)
                if end > end_bar or place >= len(nodes):
                    break
                found = _Node(nodes[place], end)
                if place % 2:
                    break
                place //= 2
        return found

    def _add(self, level: int, profile: VolumeProfile) -> None:
        """Put a node behind those of its level, and on every second one its parent."""
        if level == len(self._levels):
            self._levels.append([])
        nodes = self._levels[level]
        nodes.append(profile)
        self.nodes_built += 1
        if len(nodes) % 2 == 0:
            self._add(level + 1, merge_profiles(nodes[-2:]))

    def _forget_what_changed(self) -> None:
        series = self.series
        if series.revision == self._revision:
            return
        intact = min(series.changed_since(self._revision), series.n_bars)
        self._revision = series.revision
        for level, nodes in enumerate(self._levels):
            del nodes[intact // (LEAF_BARS << level) :]


class RunningProfile:
    """The profile from one bar up to another, or to the last one there is: a live trade costs the bar in progress.

    Attributes
    ----------
    asked, bars_counted : int
        How often the index was asked, and how many bars were added up from their cells beside it: counts of work for the tests.
    """

    def __init__(self, index: ProfileIndex) -> None:
        self.asked = self.bars_counted = 0
        self._index = index
        self._revision = -1
        self._bars = (0, 0)
        self._closed_end = 0
        self._closed = VolumeProfile.empty()  # of the bars before the last one there is
        self._profile = VolumeProfile.empty()

    def of(self, first_bar: int, end_bar: int | None = None) -> VolumeProfile:
        """The profile of the bars `[first_bar, end_bar)`, by index; None: up to the last bar."""
        series = self._index.series
        first_bar = max(first_bar, 0)
        end_bar = series.n_bars if end_bar is None else min(end_bar, series.n_bars)
        if series.revision == self._revision and (first_bar, end_bar) == self._bars:
            return self._profile
        changed = series.changed_since(self._revision)
        if (first_bar, end_bar) == self._bars and changed >= end_bar:  # a range that is over
            self._revision = series.revision
            return self._profile
        last = max(first_bar, min(end_bar, series.n_bars - 1))  # the bars before it are finished
        if first_bar != self._bars[0] or not self._closed_end <= min(changed, last):
            self._closed = self._index.profile(first_bar, last)
            self.asked += 1
        elif last > self._closed_end:
            self._closed = merge_profiles((self._closed, profile_of_bars(series, self._closed_end, last)))
            self.bars_counted += last - self._closed_end
        self._closed_end, self._revision, self._bars = last, series.revision, (first_bar, end_bar)
        self.bars_counted += max(0, end_bar - last)
        self._profile = merge_profiles((self._closed, profile_of_bars(series, last, end_bar)))
        return self._profile


class _Node(NamedTuple):
    profile: VolumeProfile
    end_bar: int
