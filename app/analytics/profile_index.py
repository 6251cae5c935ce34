"""An index that adds up the volume profile between any two bars in a fraction of a screen frame's time.

A tree of sums over the closed bars: a leaf is the sum of `LEAF_BARS` bars, each node above is the sum of two below, and
every node is dense over its own rows only. The range between two bars is about two dozen nodes, added slice by slice, and at
either end fewer bars than a leaf has. All sums are integers, so the result equals the sum of the cells, bit for bit.

Running sums from the first bar (prefix sums) would each need the rows of the complete history: a hundred times the memory for a month
at one tick per row, and as much to discard when a late trade arrives.

Older bars (see `OlderBars`) have a tree of their own, whose leaves are days. Its nodes are added up when they are needed.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from app.analytics.footprint import FootprintSeries
from app.analytics.older.older_bars import OlderBars
from app.analytics.profile import VolumeProfile, merge_profiles, profile_of_bars

LEAF_BARS = 64
"""Bars per leaf: few enough that single bars at the ends cost little, many enough that a month of 1-minute bars has 675 leaves."""
_MOST_BYTES = 64 << 20  # of sums of days


class ProfileIndex:
    """A tree of volume profiles over the closed bars of a series, which `build` fills.

    The bar in progress is not in the tree. When an earlier bar changes, or the series is truncated, the nodes from that bar on are dropped.
    The profiles of days of older bars are added up on request.

    Parameters
    ----------
    series : FootprintSeries

    Attributes
    ----------
    nodes_built : int
        Number of nodes computed so far: a count of work for the tests.
    """

    def __init__(self, series: FootprintSeries, clock: Callable[[], float] = time.perf_counter) -> None:
        self.series = series
        self.nodes_built = 0
        self._clock = clock
        self._revision = -1
        # leaves first; entry `k` of level `n` sums the bars in memory from k * LEAF_BARS * 2**n on
        self._levels: list[list[VolumeProfile]] = [[]]
        self._of_days: OrderedDict[tuple[int, int], VolumeProfile] = OrderedDict()  # by level `n` and `k`: 2**n days from k * 2**n on
        self._bytes_of_days = 0

    def build(self, budget_s: float | None = None) -> bool:
        """Add leaves of closed bars to the tree, all of them or for about `budget_s` seconds; return True if more remain."""
        self._drop_changed_nodes()
        leaves = self._levels[0]
        started = self._clock()
        n_older = self.series.n_older
        while (len(leaves) + 1) * LEAF_BARS <= self.series.n_bars - n_older - 1:
            if budget_s is not None and self._clock() - started >= budget_s:
                return True
            first = n_older + len(leaves) * LEAF_BARS
            self._add(0, profile_of_bars(self.series, first, first + LEAF_BARS))
        return False

    def profile(self, first_bar: int, end_bar: int) -> VolumeProfile:
        """The volume profile of the bars `[first_bar, end_bar)`, by index; equal to the result of `profile_of_bars`.

        Bars that are not in the tree yet are summed from their cells.
        """
        self._drop_changed_nodes()
        first_bar, end_bar = max(first_bar, 0), min(end_bar, self.series.n_bars)
        parts: list[VolumeProfile] = []
        older, n_older = self.series.older, self.series.n_older
        if older is not None and first_bar < min(n_older, end_bar):
            parts += self._of_older_bars(older, first_bar, min(n_older, end_bar))
            first_bar = min(n_older, end_bar)
        loose = at = first_bar  # bars from `loose` to `at` are in no node
        while at < end_bar:
            node = self._largest_at(at, end_bar)
            if node is None:
                at = min(end_bar, n_older + ((at - n_older) // LEAF_BARS + 1) * LEAF_BARS)
                continue
            parts += (profile_of_bars(self.series, loose, at), node.profile)
            loose = at = node.end_bar
        parts.append(profile_of_bars(self.series, loose, end_bar))
        return merge_profiles(parts)

    def _largest_at(self, bar: int, end_bar: int) -> _Node | None:
        """The largest tree node that begins at `bar` and ends at or before `end_bar`; None if there is no such node."""
        found = None
        own = bar - self.series.n_older
        if own % LEAF_BARS == 0:
            place = own // LEAF_BARS
            for level, nodes in enumerate(self._levels):
                end = bar + (LEAF_BARS << level)
                if end > end_bar or place >= len(nodes):
                    break
                found = _Node(nodes[place], end)
                if place % 2:
                    break
                place //= 2
        return found

    def _of_older_bars(self, older: OlderBars, first_bar: int, end_bar: int) -> list[VolumeProfile]:
        """Profiles that add up to that of the older bars `[first_bar, end_bar)`; at least one bar."""
        starts = older.bar_starts
        day, end_day = int(np.searchsorted(starts, first_bar)), older.day_of(end_bar)  # the complete days between
        if day > end_day:
            return [profile_of_bars(self.series, first_bar, end_bar)]
        parts = [profile_of_bars(self.series, first_bar, int(starts[day])), profile_of_bars(self.series, int(starts[end_day]), end_bar)]
        while day < end_day:
            level = 0
            while day % (2 << level) == 0 and day + (2 << level) <= end_day:
                level += 1
            parts.append(self._days(older, level, day >> level))
            day += 1 << level
        return parts

    def _days(self, older: OlderBars, level: int, place: int) -> VolumeProfile:
        """The profile of `2**level` days from the day with the index `place * 2**level` on."""
        found = self._of_days.get((level, place))
        if found is not None:
            self._of_days.move_to_end((level, place))
            return found
        if level:
            found = merge_profiles(self._days(older, level - 1, 2 * place + half) for half in (0, 1))
        elif (rows := older.days[place].rows) is not None:
            return VolumeProfile(rows.first_row, *rows.lots)
        else:
            found = profile_of_bars(self.series, *older.bar_starts[place : place + 2].tolist())
        self.nodes_built += 1
        self._of_days[level, place] = found
        self._bytes_of_days += _size(found)
        while self._bytes_of_days > _MOST_BYTES:
            self._bytes_of_days -= _size(self._of_days.popitem(last=False)[1])
        return found

    def _add(self, level: int, profile: VolumeProfile) -> None:
        """Append a node to a level of the tree; after every second node, add the parent of both to the next level."""
        if level == len(self._levels):
            self._levels.append([])
        nodes = self._levels[level]
        nodes.append(profile)
        self.nodes_built += 1
        if len(nodes) % 2 == 0:
            self._add(level + 1, merge_profiles(nodes[-2:]))

    def _drop_changed_nodes(self) -> None:
        series = self.series
        if series.revision == self._revision:
            return
        intact = max(min(series.changed_since(self._revision), series.n_bars) - series.n_older, 0)
        self._revision = series.revision
        for level, nodes in enumerate(self._levels):
            del nodes[intact // (LEAF_BARS << level) :]


class RunningProfile:
    """Caches the volume profile between two bars, or from a bar to the last one; after a live trade only the last bar is added again.

    Attributes
    ----------
    asked, bars_counted : int
        Number of requests to the index, and of bars summed from their cells in addition: counts of work for the tests.
    """

    def __init__(self, index: ProfileIndex) -> None:
        self.asked = self.bars_counted = 0
        self._index = index
        self._revision = -1
        self._bars = (0, 0)
        self._closed_end = 0
        self._closed = VolumeProfile.empty()  # of all bars before the bar in progress
        self._profile = VolumeProfile.empty()

    def of(self, first_bar: int, end_bar: int | None = None) -> VolumeProfile:
        """The volume profile of the bars `[first_bar, end_bar)`, by index; without `end_bar`, up to and including the last bar."""
        series = self._index.series
        first_bar = max(first_bar, 0)
        end_bar = series.n_bars if end_bar is None else min(end_bar, series.n_bars)
        if series.revision == self._revision and (first_bar, end_bar) == self._bars:
            return self._profile
        changed = series.changed_since(self._revision)
        if (first_bar, end_bar) == self._bars and changed >= end_bar:  # a range that ended before the change
            self._revision = series.revision
            return self._profile
        last = max(first_bar, min(end_bar, series.n_bars - 1))  # the bars before it are closed
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


def _size(profile: VolumeProfile) -> int:
    return profile.buy.nbytes + profile.sell.nbytes + profile.unknown.nbytes


class _Node(NamedTuple):
    profile: VolumeProfile
    end_bar: int
