"""The end of levels, against a check bar by bar."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.analytics.level_expiry import ALWAYS, NEVER, bars_inside, first_ending_bars
from tests.oracles.level_lives import end_of, touches_of

BARS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 5)).map(lambda bar: (bar[0], bar[0] + bar[1])), min_size=1, max_size=40)
LEVELS = st.lists(st.tuples(st.integers(0, 45), st.integers(0, 4), st.integers(0, 45), st.integers(0, 45)), max_size=8)
HOW = st.sampled_from(("touch", "above", "below", "never"))


def columns(*rows: list[int]) -> list[np.ndarray]:
    return [np.array(row, np.int64) for row in rows]


@given(BARS, LEVELS, HOW, st.integers(1, 20))
def test_the_first_bar_that_reaches_a_level_ends_it(bars: list, levels: list, how: str, times: int):
    bars = bars * times  # several blocks
    low, high = columns(*map(list, zip(*bars, strict=True)))
    bottom, top = [level[0] for level in levels], [level[0] + level[1] for level in levels]
    least = {"touch": top, "above": [ALWAYS] * len(top), "below": bottom, "never": [NEVER] * len(top)}[how]
    most = {"touch": bottom, "above": top, "below": [NEVER] * len(top), "never": [ALWAYS] * len(top)}[how]
    start = [level[2] for level in levels]
    found = first_ending_bars(low, high, *columns(least, most, start))
    assert found.tolist() == [end_of(bars, *level) for level in zip(least, most, start, strict=True)]


@given(BARS, LEVELS, st.integers(1, 20))
def test_bars_inside_counts_the_bars_that_traded_in_the_zone(bars: list, levels: list, times: int):
    bars = bars * times
    low, high = columns(*map(list, zip(*bars, strict=True)))
    zones = [(level[0], level[0] + level[1], level[2], min(len(bars), 10 * level[3])) for level in levels]
    found = bars_inside(low, high, *columns(*(map(list, zip(*zones, strict=True)) if zones else [[]] * 4)))
    assert found.tolist() == [touches_of(bars, *zone) for zone in zones]
