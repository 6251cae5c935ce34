"""Sums of candles equal spreading them one by one, and few are spread twice."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.analytics.candle_sums import CandleSums
from app.analytics.profile import VolumeProfile
from app.analytics.profile_from_candles import spread_over_rows
from app.market.candle import CandleBatch
from app.market.price_grid import PriceGrid

GRID = PriceGrid(Decimal(1), 3)
N = 300


def candles(*, told: bool = True) -> CandleBatch:
    rng = np.random.default_rng(4)
    low = 1000 + np.cumsum(rng.integers(-4, 5, N))
    high = low + rng.integers(0, 60, N)
    volume = rng.integers(0, 10**6, N)
    buy = rng.integers(0, volume + 1) if told else np.where(np.arange(N) == 7, -1, volume // 2)
    return CandleBatch(10, np.arange(N) * 10, low + 1 * (high > low), high, low, high, volume, buy, np.ones(N, bool))


def rows(profile: VolumeProfile) -> dict[int, tuple[int, int]]:
    pairs = zip(profile.buy.tolist(), profile.sell.tolist(), strict=True)
    return {profile.first_row + row: pair for row, pair in enumerate(pairs) if any(pair)}


@given(st.lists(st.tuples(st.integers(0, N), st.integers(0, N)), min_size=1, max_size=5), st.booleans())
def test_the_profile_of_any_run_equals_that_of_its_candles(runs: list[tuple[int, int]], told: bool) -> None:
    batch = candles(told=told)
    sums = CandleSums(batch, GRID)
    assert sums.aggressors is told
    plain = batch if told else replace(batch, buy=np.full(N, -1))
    for first, end in map(sorted, runs):
        assert rows(sums.profile(first, end)) == rows(spread_over_rows(plain[first:end], GRID).profile)


@given(st.integers(0, N - 1), st.integers(1, N), st.lists(st.integers(0, N - 1), max_size=4))
def test_exchanged_replaces_candles_by_ones_with_less_volume(first: int, n: int, touched: list[int]) -> None:
    batch = candles()
    end = min(N, first + n)
    volume, buy = batch.volume.copy(), batch.buy.copy()
    volume[touched], buy[touched] = volume[touched] // 3, np.minimum(buy[touched], volume[touched] // 3)
    less = replace(batch, volume=volume, buy=buy)[first:end]
    assert rows(CandleSums(batch, GRID).exchanged(first, end, less)) == rows(spread_over_rows(less, GRID).profile)


def test_another_run_costs_only_its_ends() -> None:
    sums = CandleSums(candles(), GRID)
    sums.profile(0, N)
    before = sums.spread
    assert before == N
    for first in range(60, 70):
        sums.profile(first, N)
    assert sums.spread - before < 10 * (64 + N % 64)
