"""The compiled loops give the arrays of those in numpy, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analytics.kernels import numba_kernels, numpy_kernels
from app.market.trade import TradeBatch
from app.market.wide_sums import RUN
from tests.builders import START_NS, random_trades, trade_batches

LARGEST = 2**63 - 1


def equal_bars(price: np.ndarray, quantity: np.ndarray, side: np.ndarray, starts: np.ndarray) -> None:
    numpy, numba = (kernels.fold_bars(price, quantity, side, starts) for kernels in (numpy_kernels, numba_kernels))
    assert {name: column.tolist() for name, column in numba.items()} == {name: column.tolist() for name, column in numpy.items()}
    assert all(column.dtype == np.int64 for column in numba.values())


@given(trade_batches(), st.integers(1, 9), st.sampled_from([1, 10**9, 60 * 10**9]))
def test_bars_and_cells_are_those_of_numpy(trades: TradeBatch, ticks_per_row: int, period_ns: int) -> None:
    numpy, numba = (kernels.period_starts(trades.time_ns, period_ns) for kernels in (numpy_kernels, numba_kernels))
    assert [column.tolist() for column in numba] == [column.tolist() for column in numpy]
    starts = numpy[1]
    equal_bars(trades.price_ticks, trades.quantity_lots, trades.side, starts)
    row = trades.price_ticks // ticks_per_row
    offset = np.arange(len(starts)) * 40 - int(row.min())
    counts = np.diff(np.append(starts, len(trades)))
    found = []
    for kernels in (numpy_kernels, numba_kernels):
        cells = tuple(np.zeros(40 * len(starts), np.int64) for _ in range(3))
        kernels.add_cells(cells, offset, counts, trades.price_ticks, trades.quantity_lots, trades.side, ticks_per_row)  # type: ignore[arg-type]
        found.append(np.array(cells).tolist())
    assert found[0] == found[1]
    assert np.sum(found[1]) == trades.quantity_lots.sum()


def test_a_full_chunk_is_that_of_numpy() -> None:
    trades = random_trades(3, RUN, unknown=0.2, spread=4000)
    starts = numba_kernels.period_starts(trades.time_ns, 5 * 10**9)[1]
    assert starts.tolist() == numpy_kernels.period_starts(trades.time_ns, 5 * 10**9)[1].tolist()
    equal_bars(trades.price_ticks, trades.quantity_lots, trades.side, starts)


@pytest.mark.parametrize("lots", [1, 2, 3, 2**20, (LARGEST - 4) // 3])
@pytest.mark.parametrize("far", [2**20, 2**31 - 1, 2**31, 2**31 + 1, 3_037_000_499, 3_037_000_500, LARGEST - 1])
def test_sums_on_either_side_of_64_bits_are_those_of_numpy(far: int, lots: int) -> None:
    side = np.array([1, -1, 0], np.int8)
    equal_bars(np.array([1, 1 + far, 1]), np.array([1, lots, 1]), side, np.array([0]))
    equal_bars(np.array([1 + far, 1, 1 + far]), np.array([1, lots, 1]), side, np.array([0, 2]))


def test_read_only_columns_are_taken() -> None:
    trades = random_trades(5, 100)
    assert not trades.time_ns.flags.writeable
    equal_bars(trades.price_ticks, trades.quantity_lots, trades.side, np.array([0, 50]))


def test_times_near_the_end_of_64_bits_are_those_of_numpy() -> None:
    times = np.array([LARGEST - 5, LARGEST, -LARGEST, -LARGEST + 3, START_NS])
    for period_ns in (4, 60 * 10**9):
        numpy, numba = (kernels.period_starts(times, period_ns) for kernels in (numpy_kernels, numba_kernels))
        assert [column.tolist() for column in numba] == [column.tolist() for column in numpy]
