"""How many alike came before, against plain counting."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.archives import recent_keys as recent
from feeds.archives.recent_keys import RecentKeys
from feeds.archives.row_error import RowError

SECOND = 10**9
ROWS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), max_size=30)


@given(parts=st.lists(ROWS, max_size=5))
def test_every_repetition_within_ten_seconds_is_counted(parts: list[list[tuple[int, int]]]) -> None:
    rows = RecentKeys()
    seen: Counter[int] = Counter()
    for part in parts:
        expected = []
        for second, kind in part:
            expected.append(seen[key := second * 10 + kind])
            seen[key] += 1
        times = np.array([second * SECOND for second, _ in part], np.int64)
        keys = np.array([second * 10 + kind for second, kind in part], np.uint64)
        assert rows.alike_before(times, keys).tolist() == expected


def test_keys_older_than_ten_seconds_are_dropped_and_refused() -> None:
    rows, key = RecentKeys(), np.array([7], np.uint64)
    assert rows.alike_before(np.array([0]), key).tolist() == [0]
    assert rows.alike_before(np.array([10 * SECOND]), np.array([8], np.uint64)).tolist() == [0]
    assert rows.alike_before(np.array([0]), key).tolist() == [1]
    rows.alike_before(np.array([10 * SECOND + 1]), np.array([9], np.uint64))
    with pytest.raises(RowError, match="a time 10 s earlier than a row above"):
        rows.alike_before(np.array([10 * SECOND, 0]), np.array([1, 7], np.uint64))
    assert rows.alike_before(np.array([0]), key, late=True).tolist() == [0]


def test_too_many_keys_in_ten_seconds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "_MOST_KEYS", 5)
    rows = RecentKeys()
    rows.alike_before(np.zeros(5, np.int64), np.arange(5, dtype=np.uint64))
    with pytest.raises(RowError, match="more than 5 trades within ten seconds"):
        rows.alike_before(np.zeros(1, np.int64), np.array([5], np.uint64))
