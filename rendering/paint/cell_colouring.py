"""Which step of a theme's ramp a cell takes.

Volume is coloured by rank, not by its ratio to the largest: one huge print does not turn all other cells dark. The
ranks are those of the cells in sight when the table was made; see `footprint_item` for when it is made anew.
"""

from __future__ import annotations

import numpy as np

from rendering.style.theme import DELTA_STEPS, VOLUME_STEPS

_BALANCE = DELTA_STEPS // 2
_SAMPLE = 40_000
"""Ranks are estimated from about so many cells: 1/16 is a coarse step."""
_FAINT = 0.35
"""Colour left to a one-sided cell of the lowest rank: direction stays visible, weight too."""


class VolumeRanks:
    """The volumes at which a cell enters the next sixteenth.

    Parameters
    ----------
    volume : int64 [shape=(n,)]
        Volumes of the cells to be told apart; cells without volume do not count.
    """

    def __init__(self, volume: np.ndarray) -> None:
        volume = volume[:: max(1, len(volume) // _SAMPLE)]
        volume = np.sort(volume[volume > 0])
        if len(volume):
            self.bounds = volume[np.arange(1, VOLUME_STEPS) * len(volume) // VOLUME_STEPS]
        else:
            self.bounds = np.zeros(0, np.int64)

    def steps(self, volume: np.ndarray) -> np.ndarray:
        """Steps 0 to 15, intp, shape as given: how many bounds lie below. Equal volumes share a step."""
        return np.searchsorted(self.bounds, volume, side="left")

    def misjudges(self, volume: np.ndarray) -> bool:
        """Whether a new table would move more than a tenth of these cells by two steps or more."""
        volume = volume[:: max(1, len(volume) // _SAMPLE)]
        if not len(volume):
            return False
        moved = np.abs(self.steps(volume) - VolumeRanks(volume).steps(volume)) >= 2
        return int(moved.sum()) * 10 > len(volume)


def delta_steps(buy: np.ndarray, sell: np.ndarray, volume: np.ndarray, ranks: VolumeRanks) -> np.ndarray:
    """Steps 0 (all sold) over 8 (balanced) to 16 (all bought), intp: delta's share of the volume, weakened for low ranks."""
    weight = _FAINT + (1 - _FAINT) / (VOLUME_STEPS - 1) * ranks.steps(volume)
    share = (buy - sell) / np.maximum(volume, 1)
    return (np.rint(share * weight * _BALANCE) + _BALANCE).astype(np.intp)
