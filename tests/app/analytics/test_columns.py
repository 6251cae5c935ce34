"""Growing columns equal plain lists, share memory as a prefix, and seldom copy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analytics.columns import GrowingColumns


def columns_of(values: list[int]) -> GrowingColumns:
    columns = GrowingColumns({"lots": np.int64, "side": np.int8})
    columns.resize(len(values))
    columns.writable("lots")[:] = values
    columns.writable("side")[:] = [value % 3 - 1 for value in values]
    return columns


def test_new_columns_are_empty_and_have_their_types() -> None:
    columns = GrowingColumns({"lots": np.int64, "side": np.int8, "price": np.float64})
    assert len(columns) == 0
    assert [columns[name].dtype for name in ("lots", "side", "price")] == [np.int64, np.int8, np.float64]
    assert [len(columns[name]) for name in ("lots", "side", "price")] == [0, 0, 0]


@pytest.mark.parametrize("length", [15, 16, 17, 1000])
def test_added_rows_are_zero_and_earlier_rows_stay(length: int) -> None:
    columns = columns_of([7, 8, 9])
    columns.resize(length)
    assert columns["lots"].tolist() == [7, 8, 9] + [0] * (length - 3)
    assert columns["side"].dtype == np.int8


def test_a_dropped_row_is_zero_when_it_is_added_again() -> None:
    columns = columns_of([7, 8, 9])
    columns.resize(1)
    columns.resize(3)
    assert columns["lots"].tolist() == [7, 0, 0]


def test_a_column_is_read_only_except_for_its_owner() -> None:
    columns = columns_of([7, 8])
    with pytest.raises(ValueError, match="read-only"):
        columns["lots"][0] = 1
    columns.writable("lots")[0] = 1
    assert columns["lots"].tolist() == [1, 8]


def test_a_view_is_the_same_object_until_the_length_changes() -> None:
    columns = columns_of([7, 8])
    before = columns["lots"]
    columns.resize(2)
    assert columns["lots"] is before
    columns.resize(3)
    assert columns["lots"] is not before and len(columns["lots"]) == 3


def test_growing_row_by_row_copies_a_column_ten_times_for_10000_rows() -> None:
    columns = GrowingColumns({"lots": np.int64})
    copies, memory = 0, columns.writable("lots").base
    for length in range(1, 10_001):
        columns.resize(length)
        if columns.writable("lots").base is not memory:
            copies, memory = copies + 1, columns.writable("lots").base
    assert copies == 10  # 16 rows doubled ten times hold 16,384


def test_a_prefix_shares_memory_until_it_grows() -> None:
    columns = columns_of([7, 8, 9, 10])
    prefix = columns.prefix(2)
    assert (len(prefix), prefix["lots"].tolist(), prefix["side"].tolist()) == (2, [7, 8], [0, 1])
    assert np.shares_memory(prefix["lots"], columns["lots"])
    prefix.resize(3)
    assert not np.shares_memory(prefix["lots"], columns["lots"])
    prefix.writable("lots")[:] = [1, 2, 3]
    assert (prefix["lots"].tolist(), columns["lots"].tolist()) == ([1, 2, 3], [7, 8, 9, 10])


def test_an_empty_prefix_grows_like_new_columns() -> None:
    prefix = columns_of([7, 8]).prefix(0)
    prefix.resize(5)
    assert prefix["lots"].tolist() == [0] * 5


@given(st.lists(st.tuples(st.sampled_from(["resize", "write", "prefix"]), st.integers(0, 70), st.integers(1, 99)), max_size=25))
def test_any_changes_give_what_a_list_gives(steps: list[tuple[str, int, int]]) -> None:
    columns, oracle = columns_of([]), list[int]()
    for what, place, value in steps:
        if what == "resize":
            columns.resize(place)
            oracle = (oracle + [0] * place)[:place]
        elif what == "write" and place < len(oracle):
            columns.writable("lots")[place] = value
            oracle[place] = value
        elif what == "prefix":
            length = min(place, len(oracle))
            columns, oracle = columns.prefix(length), oracle[:length]
        assert len(columns) == len(oracle)
        assert columns["lots"].tolist() == columns.writable("lots").tolist() == oracle
