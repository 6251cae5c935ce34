"""The colour of each cell, as a step of a theme's colour ramp.

Volume is coloured by rank, not by its ratio to the largest volume: one huge trade does not turn all other cells dark. Ranks
are computed from the cells in view at one time; `RankCache` decides when to compute them again.
"""

from __future__ import annotations

import numpy as np

from rendering.style.theme import DELTA_STEPS, VOLUME_STEPS

_BALANCE = DELTA_STEPS // 2
_SAMPLE = 40_000
"""Ranks are estimated from about this many cells, enough for 16 steps."""
_FAINT = 0.35
"""Strength of the colour of a one-sided cell of the lowest rank: both direction and weight stay visible."""


class VolumeRanks:
    """Ranks of volumes: the bounds that divide cells into 16 ranks with about equal numbers of cells.

    Parameters
    ----------
    volume : int64 [shape=(n,)]
        Volumes of the cells, lots; cells without volume do not count.
    """

    def __init__(self, volume: np.ndarray) -> None:
        volume = volume[:: max(1, len(volume) // _SAMPLE)]
        volume = np.sort(volume[volume > 0])
        if len(volume):
            self.bounds = volume[np.arange(1, VOLUME_STEPS) * len(volume) // VOLUME_STEPS]
        else:
            self.bounds = np.zeros(0, np.int64)

    def steps(self, volume: np.ndarray) -> np.ndarray:
        """The colour step of each volume, 0 to 15: the number of bounds below the volume; intp, shape as given."""
        return np.searchsorted(self.bounds, volume, side="left")

    def misjudges(self, volume: np.ndarray) -> bool:
        """True if new ranks, computed from these volumes, would move over 10 % of them by two colour steps or more."""
        volume = volume[:: max(1, len(volume) // _SAMPLE)]
        if not len(volume):
            return False
        moved = np.abs(self.steps(volume) - VolumeRanks(volume).steps(volume)) >= 2
        return int(moved.sum()) * 10 > len(volume)


def delta_steps(buy: np.ndarray, sell: np.ndarray, volume: np.ndarray, ranks: VolumeRanks) -> np.ndarray:
    """Colour steps by delta, from 0 (all sold) through 8 (balanced) to 16 (all bought); intp.

    Delta counts as a share of the cell's volume; cells of low volume ranks have weaker colours, nearer to 8.
    """
    weight = _FAINT + (1 - _FAINT) / (VOLUME_STEPS - 1) * ranks.steps(volume)
    share = (buy - sell) / np.maximum(volume, 1)
    return (np.rint(share * weight * _BALANCE) + _BALANCE).astype(np.intp)
