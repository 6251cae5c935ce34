"""Which kernels are used, and why."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import version
from itertools import accumulate, cycle

import numpy as np
import pytest

from app.analytics.kernels import choice
from app.analytics.kernels.choice import NUMPY, Kernels, faster_of, fastest, kernels_for
from tests.app.analytics.conftest import NUMBA


@pytest.fixture(autouse=True)
def nothing_measured() -> Iterator[None]:
    fastest.cache_clear()
    yield
    fastest.cache_clear()


def clock_of(numpy_s: float, numba_s: float):
    """A clock by which each measurement takes so long."""
    ticks = accumulate(cycle((0.0, numpy_s, 0.0, numba_s)))
    return lambda: next(ticks)


def test_the_faster_kernels_are_chosen() -> None:
    chosen = faster_of(NUMPY, NUMBA, "1.2", clock_of(3.0, 1.0))
    assert (chosen.kernels, chosen.reason) == (NUMBA, "numba 1.2, 3.0 times as fast as numpy")
    chosen = faster_of(NUMPY, NUMBA, "1.2", clock_of(1.0, 2.0))
    assert (chosen.kernels, chosen.reason) == (NUMPY, "numpy (numba 1.2 is 2.0 times as slow)")


def test_kernels_that_give_other_values_are_not_chosen() -> None:
    def wrong(price: np.ndarray, quantity: np.ndarray, side: np.ndarray, starts: np.ndarray) -> dict[str, np.ndarray]:
        bars = NUMPY.fold_bars(price, quantity, side, starts)
        return bars | {"buy": bars["buy"] + 1}

    chosen = faster_of(NUMPY, Kernels(NUMPY.period_starts, wrong, NUMPY.add_cells), "1.2", clock_of(3.0, 1.0))
    assert (chosen.kernels, chosen.reason) == (NUMPY, "numpy (numba 1.2 gives other values here)")


def test_both_are_measured_once_where_numba_is_installed() -> None:
    chosen = fastest()
    assert version("numba") in chosen.reason and "other values" not in chosen.reason
    assert fastest() is chosen


def test_without_the_extra_numpy_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(sys.modules, choice.__name__.replace("choice", "numba_kernels"))
    monkeypatch.delattr(sys.modules[choice.__package__ or ""], "numba_kernels")
    assert fastest() == (NUMPY, "numpy (no extra `fast`)")


def test_few_trades_do_not_load_numba() -> None:
    assert kernels_for(65_536, 0) is NUMPY and kernels_for(65_536, 3_900_000) is NUMPY
    assert not fastest.cache_info().currsize
    assert kernels_for(100, 50_000_000) is NUMPY
    assert not fastest.cache_info().currsize


def test_many_trades_load_it_and_then_chunks_use_it_at_once() -> None:
    assert kernels_for(65_536, 4_000_000) is fastest().kernels
    assert kernels_for(65_536, 0) is fastest().kernels
    assert kernels_for(20, 0) is NUMPY
