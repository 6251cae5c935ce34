"""Ids that are text: the same number wherever they are read."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.archives.ids import stable_ids
from feeds.stable_id import stable_id


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("2100000000007764263", 2100000000007764263), (str(2**63 - 1), 2**63 - 1)])
def test_numeric_id_stays_unchanged(text: str, number: int) -> None:
    assert stable_id(text) == number


@pytest.mark.parametrize("text", [str(2**63), "9" * 23, "-1", "1e5", "١", "9dc75fca-4bdd-4773-9f78-6f5d7ab2a110"])
def test_text_id_becomes_a_hash_of_63_bits(text: str) -> None:
    assert 0 <= stable_id(text) < 2**63
    assert stable_id(text) != stable_id(text + "0")


def test_hash_never_changes_between_versions() -> None:
    assert stable_id("20f43950-d8dd-5b31-9112-a178eb6023af") == 8048523045598429434


@given(st.lists(st.one_of(st.uuids().map(str), st.integers(0, 10**20).map(str), st.text(min_size=1, max_size=20)), min_size=1))
def test_file_and_stream_give_a_trade_the_same_id(texts: list[str]) -> None:
    assert stable_ids(pa.array(texts, pa.string())).tolist() == [stable_id(text) for text in texts]
