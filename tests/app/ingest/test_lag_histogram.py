from __future__ import annotations

import math

import numpy as np
import pytest

from app.ingest.lag_histogram import LagHistogram, percentile_ns

STEP = 1.011


@pytest.mark.parametrize("percent", [0.1, 1, 50, 90, 99, 99.9, 100])
def test_a_percentile_is_that_of_all_lags_to_within_its_resolution(percent: float) -> None:
    lags = np.random.default_rng(3).lognormal(math.log(20e6), 1.5, 10_000).astype(np.int64)
    histogram = LagHistogram()
    for part in np.array_split(lags, 37):
        histogram.add(part[None])
    exact = np.sort(lags)[math.ceil(percent / 100 * len(lags)) - 1]
    assert exact / STEP <= histogram.percentile_ns(percent) <= exact * STEP


def test_each_lag_from_1_us_to_an_hour_is_found_to_within_the_resolution() -> None:
    for lag in np.geomspace(1_000, 3.6e12, 5_000).astype(np.int64):
        counts = LagHistogram()
        counts.add(np.array([[lag]]))
        assert lag / STEP <= percentile_ns(counts.counts[0], 50) <= lag * STEP


def test_the_worst_lag_is_exact_and_no_percentile_exceeds_it() -> None:
    histogram = LagHistogram(2)
    histogram.add(np.array([[1_000_001, 5_000_003], [7, 9_123_456]]))
    histogram.add(np.array([[4_000_000], [2]]))
    assert histogram.worst_ns.tolist() == [5_000_003, 9_123_456] and histogram.n == 3
    assert histogram.percentile_ns(100) <= 5_000_003 and histogram.percentile_ns(100, 1) <= 9_123_456


def test_rows_are_counted_apart() -> None:
    histogram = LagHistogram(3)
    histogram.add(np.array([[10**6, 10**6], [10**7, 10**7], [10**8, 10**8]]))
    assert [histogram.percentile_ns(50, row) for row in range(3)] == pytest.approx([1e6, 1e7, 1e8], rel=0.011)


def test_lags_outside_the_bins_count_in_the_outermost() -> None:
    histogram = LagHistogram()
    histogram.add(np.array([[-5_000_000, 0, 999, 10**16]]))
    assert histogram.counts[0, 0] == 3 and histogram.counts[0, -1] == 1
    assert histogram.worst_ns.tolist() == [10**16]


def test_without_lags_there_is_no_percentile() -> None:
    histogram = LagHistogram()
    histogram.add(np.empty((1, 0), np.int64))
    assert math.isnan(histogram.percentile_ns(50)) and math.isnan(percentile_ns(histogram.counts[0], 50))


def test_the_size_does_not_grow_with_the_trades() -> None:
    histogram = LagHistogram(4)
    size = histogram.counts.nbytes
    for _ in range(50):
        histogram.add(np.full((4, 1_000), 10**7))
    assert histogram.counts.nbytes == size == 4 * 1024 * 8
