"""Selects the kernels: those in numpy, or those compiled by numba if the package's extra `fast` is installed.

Both give the same arrays, bit for bit; for many trades, the ones that are faster on this machine are used.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np

from app.analytics.kernels import numpy_kernels
from app.market.arrays import Int8Array, Int64Array

_WORTH_LOADING = 4_000_000
"""Number of trades in a series from which numba is loaded. Loading takes half a second, in which numpy adds about 15 million trades."""
_FEW = 4096  # below that, the calls cost more than the loops
_MEASURED, _TURNS = 1 << 16, 3


class Kernels(NamedTuple):
    """The functions of one implementation of the kernels; see `numpy_kernels`."""

    period_starts: Callable[[Int64Array, int], tuple[Int64Array, Int64Array]]
    fold_bars: Callable[[Int64Array, Int64Array, Int8Array, Int64Array], dict[str, Int64Array]]
    add_cells: Callable[
        [tuple[Int64Array, Int64Array, Int64Array], Int64Array, Int64Array, Int64Array, Int64Array, Int8Array, int],
        None,
    ]


class Choice(NamedTuple):
    """The kernels selected for many trades, and the reason as text, e.g. their speed."""

    kernels: Kernels
    reason: str


NUMPY = Kernels(numpy_kernels.period_starts, numpy_kernels.fold_bars, numpy_kernels.add_cells)


def kernels_for(n_trades: int, added: int) -> Kernels:
    """The kernels for adding a chunk of `n_trades` trades to a series to which `added` trades have been added before.

    Numpy's for a small chunk, and for a short series while `fastest` has not been called yet.
    """
    if n_trades < _FEW or (added < _WORTH_LOADING and not fastest.cache_info().currsize):
        return NUMPY
    return fastest().kernels


@cache
def fastest() -> Choice:
    """The faster kernels on this machine, cached; the first call loads numba, if it is installed, and measures both."""
    try:
        from importlib.metadata import version  # here, because it takes long to load

        from app.analytics.kernels import numba_kernels
    except (ImportError, RuntimeError, OSError) as error:  # not installed, for another numpy, or without a folder for its cache
        return Choice(NUMPY, f"numpy ({'no extra `fast`' if _is_missing(error) else error})")
    return faster_of(NUMPY, Kernels(numba_kernels.period_starts, numba_kernels.fold_bars, numba_kernels.add_cells), version("numba"))


def faster_of(numpy: Kernels, numba: Kernels, numba_version: str, clock: Callable[[], float] = time.perf_counter) -> Choice:
    """Measure both kernels by turns on the same trades; select numba's if they are faster and give the same arrays."""
    trades = _random_trades()
    times: dict[str, list[float]] = {"numpy": [], "numba": []}
    for _ in range(_TURNS):
        found: list[list[bytes]] = []
        for name, kernels in (("numpy", numpy), ("numba", numba)):
            started = clock()
            columns = _columns(kernels, *trades)
            times[name].append(clock() - started)
            found.append([column.tobytes() for column in columns])
        if found[0] != found[1]:
            return Choice(numpy, f"numpy (numba {numba_version} gives other values here)")
    ratio = min(times["numpy"]) / min(times["numba"])
    if ratio <= 1:
        return Choice(numpy, f"numpy (numba {numba_version} is {1 / ratio:.1f} times as slow)")
    return Choice(numba, f"numba {numba_version}, {ratio:.1f} times as fast as numpy")


def _is_missing(error: Exception) -> bool:
    return isinstance(error, ModuleNotFoundError) and error.name == "numba"


def _random_trades() -> tuple[Int64Array, Int64Array, Int64Array, Int8Array]:
    """Times, prices, lots and sides of random trades for the measurement: always the same 65,536."""
    rng = np.random.default_rng(1)
    price = 640_000 + np.cumsum(rng.integers(-2, 3, _MEASURED))
    return (
        np.cumsum(rng.integers(0, 20_000_000, _MEASURED)),
        price,
        rng.integers(1, 5000, _MEASURED),
        rng.integers(-1, 2, _MEASURED, np.int8),
    )


def _columns(kernels: Kernels, time_ns: Int64Array, price: Int64Array, quantity: Int64Array, side: Int8Array) -> list[Int64Array]:
    """Run all kernels on some trades, with 1-minute bars and rows of 100 ticks, and return their output arrays.

    The bars share one set of cells, from the lowest to the highest row.
    """
    period, starts = kernels.period_starts(time_ns, 60_000_000_000)
    bars = kernels.fold_bars(price, quantity, side, starts)
    lowest, rows = int(price.min()) // 100, int(price.max()) // 100 - int(price.min()) // 100 + 1
    cells = np.zeros(rows, np.int64), np.zeros(rows, np.int64), np.zeros(rows, np.int64)
    kernels.add_cells(cells, np.full(len(starts), -lowest), np.diff(np.append(starts, len(price))), price, quantity, side, 100)
    return [period, starts, *bars.values(), *cells]
