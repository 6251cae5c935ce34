"""Sums beyond 64 bits, against Python's integers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.market.wide_sums import RUN, wide_integers, wide_sums, wide_words

LARGEST = 2**63 - 1


def slow_sums(distance: list[int], quantity: list[int], starts: list[int]) -> tuple[list[int], list[int]]:
    """The sums of each run, one trade at a time."""
    ends = [*starts[1:], len(distance)]
    offsets = [sum(d * q for d, q in zip(distance[a:b], quantity[a:b], strict=True)) for a, b in zip(starts, ends, strict=True)]
    squares = [sum(d * d * q for d, q in zip(distance[a:b], quantity[a:b], strict=True)) for a, b in zip(starts, ends, strict=True)]
    return offsets, squares


@st.composite
def runs(draw: st.DrawFn) -> tuple[list[int], list[int], list[int]]:
    """Distances and quantities of every size, up to all lots that can be counted, cut into runs."""
    n = draw(st.integers(1, 12))
    bits = st.sampled_from([0, 1, 20, 21, 22, 23, 30, 31, 32, 41, 42, 43, 52, 62, 63])
    far, most = 2 ** draw(bits) - 1, max(1, (2 ** draw(bits) - 1) // n)
    distance = draw(
        st.lists(st.sampled_from([-1, 1]).flatmap(lambda sign: st.integers(0, far).map(lambda d: sign * d)), min_size=n, max_size=n)
    )
    quantity = draw(st.lists(st.integers(1, most) | st.just(most), min_size=n, max_size=n))
    cuts = draw(st.sets(st.integers(1, n - 1))) if n > 1 else set()
    return distance, quantity, [0, *sorted(cuts)]


@settings(max_examples=150, deadline=None)
@given(runs())
def test_sums_equal_those_of_unbounded_integers(drawn: tuple[list[int], list[int], list[int]]) -> None:
    distance, quantity, starts = drawn
    found = wide_sums(np.array(distance, np.int64), np.array(quantity, np.int64), np.array(starts))
    assert (wide_integers(found.offset), wide_integers(found.square)) == slow_sums(distance, quantity, starts)


@settings(max_examples=50, deadline=None)
@given(runs())
def test_words_do_not_depend_on_the_path_that_computed_them(drawn: tuple[list[int], list[int], list[int]]) -> None:
    found = wide_sums(*(np.array(column, np.int64) for column in drawn))
    for words in (found.offset, found.square):
        stored = [wide_words(value, len(words)) for value in wide_integers(words)]
        assert stored == np.transpose(words).tolist()


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_full_run_of_the_largest_distances_and_lots_is_exact(sign: int) -> None:
    distance, quantity = np.full(RUN, sign * LARGEST), np.full(RUN, LARGEST // RUN)
    found = wide_sums(distance, quantity, np.array([0]))
    lots = RUN * (LARGEST // RUN)
    assert wide_integers(found.offset) == [sign * LARGEST * lots]
    assert wide_integers(found.square) == [LARGEST**2 * lots]


def test_the_bounds_of_the_module_are_those_of_its_words() -> None:
    """Of distances below 2**63 and all lots below 2**63: no sum needs a bit more than its words have."""
    for value, count in ((LARGEST * LARGEST, 2), (-LARGEST * LARGEST, 2), (LARGEST**3, 3)):
        words = wide_words(value, count)
        assert all(-(2**63) <= word < 2**63 for word in words)
        assert wide_integers([np.array([word]) for word in words]) == [value]


def test_runs_one_lot_on_either_side_of_64_bits_are_exact() -> None:
    for quantity in (2**22 - 1, 2**22, 2**22 + 1, 2**23 - 1, 2**23, 2**23 + 1):
        found = wide_sums(np.array([2**20, -(2**20), 2**20]), np.array([quantity] * 3), np.array([0, 1]))
        assert wide_integers(found.offset) == [2**20 * quantity, 0]
        assert wide_integers(found.square) == [2**40 * quantity, 2**41 * quantity]
