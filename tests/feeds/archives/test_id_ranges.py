"""Ids as runs, against a plain set of numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.archives import id_ranges as id_runs
from feeds.archives.id_ranges import IdRanges

PARTS = st.lists(st.lists(st.integers(0, 60), unique=True, max_size=15), max_size=8)


@given(parts=PARTS)
def test_id_ranges_agree_with_a_set(parts: list[list[int]]) -> None:
    runs, seen = IdRanges(), set[int]()
    for part in parts:
        assert runs.add(np.array(part, np.int64)).tolist() == [number in seen for number in part]
        seen |= set(part)
        between = set(range(min(seen), max(seen))) - seen if seen else set()
        assert runs.missing == len(between)
        assert runs.gaps == len([number for number in between if number - 1 in seen])
        assert (runs.first, runs.last) == ((min(seen), max(seen)) if seen else (None, None))


def test_largest_ids_are_counted() -> None:
    runs = IdRanges()
    runs.add(np.array([2**63 - 1, 0]))
    assert (runs.missing, runs.gaps) == (2**63 - 2, 1)
    assert runs.add(np.array([2**63 - 1, 2**63 - 2])).tolist() == [True, False]


def test_dropped_ranges_keep_their_gaps_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(id_runs, "_MOST_RUNS", 10)
    runs = IdRanges()
    for start in range(0, 200, 20):
        runs.add(np.arange(start, start + 20, 2))
    assert (runs.gaps, runs.missing) == (99, 99)
    assert runs.add(np.array([0, 198])).tolist() == [False, True]
