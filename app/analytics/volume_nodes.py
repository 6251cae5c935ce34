"""High and low volume nodes: prices at which much, or little, was traded."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from app.analytics.profile import VolumeProfile
from app.market.arrays import Int64Array


class VolumeNodes(NamedTuple):
    """Row numbers of the high and the low volume nodes, ascending, int64."""

    high: Int64Array
    low: Int64Array


def peaks(profile: VolumeProfile, n: int = 3) -> VolumeNodes:
    """Find nodes at peaks: rows with strictly more (for low nodes: less) volume than each of the `n` rows above and below.

    Rows outside the profile count as empty: a row at its edge may be a high node, never a low one. Equal
    neighbours form one plateau, compared with the rows around it and reported at its middle row (the lower
    of two).
    """
    volume = profile.total
    if not len(volume):
        return VolumeNodes(np.zeros(0, np.int64), np.zeros(0, np.int64))
    start = np.concatenate(([0], np.flatnonzero(np.diff(volume)) + 1))
    end = np.append(start[1:], len(volume))
    padded = np.concatenate((np.zeros(n, np.int64), volume, np.zeros(n, np.int64)))
    reach = np.arange(1, n + 1)
    around = np.concatenate((padded[(start + n)[:, None] - reach], padded[(end + n - 1)[:, None] + reach]), axis=1)
    level = volume[start][:, None]
    middle = profile.first_row + (start + end - 1) // 2
    return VolumeNodes(middle[(level > around).all(axis=1)], middle[(level < around).all(axis=1)])


def percentile(profile: VolumeProfile, high: int = 70, low: int = 30) -> VolumeNodes:
    """Find nodes by volume: rows at or above the `high` percentile, and rows at or below the `low` percentile.

    A profile with fewer than two rows has no nodes.
    """
    volume = profile.total
    if len(volume) < 2:
        return VolumeNodes(np.zeros(0, np.int64), np.zeros(0, np.int64))
    rows = profile.first_row + np.arange(len(volume))
    return VolumeNodes(rows[volume >= np.percentile(volume, high)], rows[volume <= np.percentile(volume, low)])
