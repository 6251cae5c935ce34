"""The volume profile of consecutive candles, quickly added up from cached profiles of blocks of candles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from app.analytics.profile import VolumeProfile, merge_profiles
from app.analytics.profile_from_candles import spread_over_rows
from app.market.candle import CandleBatch
from app.market.price_grid import PriceGrid

_TOGETHER = 64
"""Candles per block: few enough that single candles at the ends cost little, and many enough that adding up the blocks costs little."""


class CandleSums:
    """Candles, and cached volume profiles of blocks of consecutive candles, each computed on first use.

    Parameters
    ----------
    candles : CandleBatch
    grid : PriceGrid

    Attributes
    ----------
    given : CandleBatch
        The candles as they were given.
    candles : CandleBatch
        The same candles, without aggressive volume unless all of them have it.
    aggressors : bool
        True if every candle has aggressive volume.
    spread : int
        Number of candles spread over their rows so far: a count of work for the tests.
    """

    def __init__(self, candles: CandleBatch, grid: PriceGrid) -> None:
        self.given = candles
        self.aggressors = bool((candles.buy >= 0).all())
        self.candles = candles if self.aggressors else replace(candles, buy=np.full(len(candles), -1, np.int64))
        self.grid = grid
        self.spread = 0
        self._sums: dict[int, VolumeProfile] = {}

    def profile(self, first: int, end: int) -> VolumeProfile:
        """The volume profile of the candles `[first, end)`, by index.

        Equal to the profile that `spread_over_rows` makes of them.
        """
        begin, stop = -(-first // _TOGETHER), end // _TOGETHER
        if begin >= stop:
            return self.of(self.candles[first:end])
        for number in range(begin, stop):
            if number not in self._sums:
                self._sums[number] = self.of(self.candles[number * _TOGETHER : (number + 1) * _TOGETHER])
        ends = self.of(self.candles[first : begin * _TOGETHER]), self.of(self.candles[stop * _TOGETHER : end])
        return merge_profiles([*ends, *(self._sums[number] for number in range(begin, stop))])

    def of(self, candles: CandleBatch) -> VolumeProfile:
        """The volume profile of any given candles, computed without the cached blocks."""
        self.spread += len(candles)
        return spread_over_rows(candles, self.grid).profile

    def exchanged(self, first: int, end: int, beside: CandleBatch) -> VolumeProfile:
        """The volume profile of the candles `[first, end)` with their volumes replaced by those of `beside`.

        Parameters
        ----------
        beside : CandleBatch
            The same candles with other volumes, e.g. minus the volume of loaded trades; fast if few of the volumes differ.
        """
        whole = self.candles[first:end]
        differs = (beside.volume != whole.volume) | (beside.buy != whole.buy)
        if not differs.any():
            return self.profile(first, end)
        old = self.of(whole[differs])
        taken = VolumeProfile(old.first_row, -old.buy, -old.sell, old.unknown)
        return merge_profiles((self.profile(first, end), taken, self.of(beside[differs])))
