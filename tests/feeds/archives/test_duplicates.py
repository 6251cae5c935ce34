"""Rows that repeat a trade are found in any order, as pairwise comparison finds them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.market.trade import TradeBatch
from feeds.archives.duplicates import duplicate_rows, equal_rows, repeats
from feeds.archives.row_error import RowError

ROWS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(1, 2), st.integers(1, 2), st.sampled_from([-1, 1]), st.integers(0, 3)), max_size=12
)


def batch(rows: list[tuple[int, ...]]) -> TradeBatch:
    return TradeBatch.of(*(np.array(column, np.int64) for column in zip(*rows, strict=True))) if rows else TradeBatch.empty()


@given(rows=ROWS)
def test_a_row_is_held_against_the_first_with_its_id(rows: list[tuple[int, ...]]) -> None:
    first = [next(other for other in rows if other[4] == row[4]) for row in rows]
    later = [any(other[4] == row[4] for other in rows[:place]) for place, row in enumerate(rows)]
    repeated, differing = repeats(batch(rows))
    assert repeated.tolist() == [again and row == one for again, row, one in zip(later, rows, first, strict=True)]
    assert differing.tolist() == [row != one for row, one in zip(rows, first, strict=True)]


@given(rows=ROWS)
def test_rows_that_are_equal_count_once_wherever_they_stand(rows: list[tuple[int, ...]]) -> None:
    assert equal_rows(batch(rows)).tolist() == [row in rows[:place] for place, row in enumerate(rows)]


def test_an_id_of_two_trades_is_an_error_that_names_the_second_row() -> None:
    with pytest.raises(RowError) as caught:
        duplicate_rows(batch([(1, 5, 1, 1, 7), (1, 5, 1, 1, 7), (2, 5, 1, 1, 7)]))
    assert caught.value.row == 2
