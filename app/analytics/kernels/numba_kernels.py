"""The functions of `numpy_kernels`, compiled by numba, with one pass over the trades for their bars and one for their cells.

The results are equal bit for bit. Importing this module loads the compiled code from numba's cache, or compiles it, which takes a few
seconds.
"""

# pyright: basic, reportMissingModuleSource=false
# (numba gives the compiled functions their types)

from __future__ import annotations

from functools import partial

import numpy as np
from numba import int64, njit, types, void

from app.analytics.kernels import numpy_kernels
from app.analytics.kernels.numpy_kernels import OFFSET_WORDS, SQUARE_WORDS
from app.market.arrays import Int8Array, Int64Array
from app.market.wide_sums import WORD_BITS

_COLUMNS = ("open", "high", "low", "close", "volume", "buy", "sell", "delta_min", "delta_max")
_OFFSET, _SQUARE = len(_COLUMNS), len(_COLUMNS) + 1
_LARGEST = (1 << WORD_BITS) - 1


def period_starts(time_ns: Int64Array, period_ns: int) -> tuple[Int64Array, Int64Array]:
    """The same as `numpy_kernels.period_starts`, compiled."""
    period, starts = np.empty(len(time_ns), np.int64), np.empty(len(time_ns), np.int64)
    count = _period_starts(time_ns, period_ns, period, starts)
    return period, starts[:count].copy()


def fold_bars(price: Int64Array, quantity: Int64Array, side: Int8Array, starts: Int64Array) -> dict[str, Int64Array]:
    """The same as `numpy_kernels.fold_bars`, compiled; if sums may not fit into 64 bits, numpy computes them."""
    table = np.empty((len(_COLUMNS) + 2, len(starts)), np.int64)
    furthest, heaviest = _fold_bars(price, quantity, side, starts, table)
    bars: dict[str, Int64Array] = dict(zip(_COLUMNS, table, strict=False))
    if furthest**2 * heaviest > _LARGEST:  # the sums may have wrapped around
        return bars | numpy_kernels.price_sums(price, quantity, starts)
    offset, square = table[_OFFSET], table[_SQUARE]
    nought = np.zeros_like(square)
    words = offset & _LARGEST, offset >> WORD_BITS, square, nought, nought
    return bars | dict(zip((*OFFSET_WORDS, *SQUARE_WORDS), words, strict=True))


def add_cells(
    cells: tuple[Int64Array, Int64Array, Int64Array],
    offset: Int64Array,
    counts: Int64Array,
    price: Int64Array,
    quantity: Int64Array,
    side: Int8Array,
    ticks_per_row: int,
) -> None:
    """The same as `numpy_kernels.add_cells`, compiled."""
    n_cells = len(cells[0])
    planes = np.zeros(3 * n_cells, np.int64)
    _add_cells(planes, n_cells, offset, counts, price, quantity, side, ticks_per_row)
    for plane, column in enumerate(cells):
        column += planes[plane * n_cells : (plane + 1) * n_cells]


_READ = types.Array(types.int64, 1, "C", readonly=True)
_READ_SIDES = types.Array(types.int8, 1, "C", readonly=True)
_WRITTEN, _TABLE = int64[::1], int64[:, ::1]
# compiled here for these types, not at the first call for its own
_compiled = partial(njit, cache=True, nogil=True, error_model="numpy")


@_compiled(int64(_READ, int64, _WRITTEN, _WRITTEN))
def _period_starts(time_ns, period_ns, period, starts):
    """Fill `period` with each trade's period number and `starts` with the first trade of each period; return the number of starts.

    Divides only where the period changes, as most trades are in the same period as the previous trade.
    """
    count, until, since, now = 0, 0, 0, 0
    for i in range(len(time_ns)):
        if i == 0 or not (since <= time_ns[i] < until):
            number = time_ns[i] // period_ns
            if i == 0 or number != now:
                starts[count] = i
                count += 1
            now = number
            since, until = now * period_ns, (now + 1) * period_ns
        period[i] = now
    return count


@_compiled(types.UniTuple(int64, 2)(_READ, _READ, _READ_SIDES, _READ, _TABLE))
def _fold_bars(price, quantity, side, starts, table):
    """Fill `table`, one row per column of the bars; return the largest distance of a price from its bar's open, and the largest volume."""
    furthest, heaviest = 0, 0
    for bar in range(len(starts)):
        first = starts[bar]
        end = starts[bar + 1] if bar + 1 < len(starts) else len(price)
        opened = price[first]
        high, low, volume, buy, running, least, most, offset, square = opened, opened, 0, 0, 0, 0, 0, 0, 0
        for i in range(first, end):
            ticks, lots = price[i], quantity[i]
            high, low = max(high, ticks), min(low, ticks)
            volume += lots
            signed = lots * side[i]
            buy += max(signed, 0)
            running += signed
            least, most = min(least, running), max(most, running)
            distance = ticks - opened
            moved = distance * lots
            offset += moved
            square += distance * moved
        table[0, bar], table[1, bar], table[2, bar], table[3, bar] = opened, high, low, price[end - 1]
        table[4, bar], table[5, bar], table[6, bar] = volume, buy, buy - running
        table[7, bar], table[8, bar], table[9, bar], table[10, bar] = least, most, offset, square
        furthest = max(furthest, high - opened, opened - low)
        heaviest = max(heaviest, volume)
    return furthest, heaviest


@_compiled(void(_WRITTEN, int64, _READ, _READ, _READ, _READ, _READ_SIDES, int64))
def _add_cells(planes, n_cells, offset, counts, price, quantity, side, ticks_per_row):
    """Add each trade's quantity to its cell in `planes`, which has all sold, then all unknown, then all bought cells.

    Divides only where the row changes.
    """
    end, row, bottom, top = 0, 0, 0, 0
    for bar in range(len(counts)):
        first, end = end, end + counts[bar]
        for i in range(first, end):
            ticks = price[i]
            if not (bottom <= ticks < top):
                row = ticks // ticks_per_row
                bottom = row * ticks_per_row
                top = bottom + ticks_per_row
            planes[(side[i] + 1) * n_cells + row + offset[bar]] += quantity[i]  # a branch on the side would be wrong half of the time
