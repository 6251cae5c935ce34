"""Candle batches are cut by time and merged, and the newer report counts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.market.candle import CandleBatch
from app.market.span import Span

MINUTE = 60


def batch(*starts: int, volume: int = 1, closed: bool = True) -> CandleBatch:
    """Candles whose prices follow from their start, so that mixed-up columns show."""
    start_ns = np.array(starts, np.int64)
    prices = (start_ns + offset for offset in (1, 4, 0, 2))
    flat = (np.full(len(starts), value, np.int64) for value in (volume, volume - 1))
    return CandleBatch(MINUTE, start_ns, *prices, *flat, closed=np.full(len(starts), closed))


def rows(candles: CandleBatch) -> list[tuple[int, ...]]:
    return list(zip(*(column.tolist() for column in candles.columns), strict=True))


def test_columns_are_in_the_order_of_the_fields() -> None:
    candles = batch(60, volume=9)
    assert rows(candles) == [(60, 61, 64, 60, 62, 9, 8, True)]
    names = ("start_ns", "open", "high", "low", "close", "volume", "buy", "closed")
    assert [getattr(candles, name) is column for name, column in zip(names, candles.columns, strict=True)] == [True] * 8


def test_an_empty_batch_keeps_its_length_and_types() -> None:
    nothing = CandleBatch.empty(3600)
    assert (len(nothing), nothing.length_ns) == (0, 3600)
    assert [column.dtype for column in nothing.columns] == [np.int64] * 7 + [np.bool_]


@pytest.mark.parametrize("which", [slice(1, 3), np.array([False, True, True, False]), np.array([1, 2])])
def test_a_slice_a_mask_or_indices_select_candles(which: slice | np.ndarray) -> None:
    part = batch(0, 60, 120, 180)[which]
    assert (rows(part), part.length_ns) == (rows(batch(60, 120)), MINUTE)


@pytest.mark.parametrize(
    ("span", "starts"),
    [
        (Span(60, 180), [60, 120]),
        (Span(61, 181), [120, 180]),
        (Span(-5, 0), []),
        (Span(60, 60), []),
        (Span(0, 1000), [0, 60, 120, 180]),
    ],
)
def test_within_takes_the_candles_that_begin_in_the_span(span: Span, starts: list[int]) -> None:
    assert batch(0, 60, 120, 180).within(span).start_ns.tolist() == starts


def test_of_two_candles_with_one_start_the_later_report_counts() -> None:
    merged = batch(0, 60, 120, volume=1, closed=False).with_later(batch(60, 180, volume=5))
    old, new = rows(batch(0, 120, closed=False)), rows(batch(60, 180, volume=5))
    assert rows(merged) == [old[0], new[0], old[1], new[1]]
    assert merged.length_ns == MINUTE


def test_merging_with_an_empty_batch_changes_nothing() -> None:
    candles = batch(0, 60)
    assert rows(candles.with_later(CandleBatch.empty(MINUTE))) == rows(candles)
    assert rows(CandleBatch.empty(MINUTE).with_later(candles)) == rows(candles)
    assert len(CandleBatch.empty(MINUTE).with_later(CandleBatch.empty(MINUTE))) == 0


@given(st.lists(st.sets(st.integers(0, 12)), max_size=6))
def test_merged_reports_equal_a_dictionary_of_the_last_ones(reports: list[set[int]]) -> None:
    merged, oracle = CandleBatch.empty(MINUTE), dict[int, tuple[int, ...]]()
    for volume, starts in enumerate(reports, 1):
        report = batch(*sorted(starts), volume=volume)
        merged = merged.with_later(report)
        oracle |= {row[0]: row for row in rows(report)}
    assert rows(merged) == [oracle[start] for start in sorted(oracle)]
