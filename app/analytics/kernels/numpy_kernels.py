"""The kernels in numpy, which compute the bars and cells of a chunk of trades."""

from __future__ import annotations

import numpy as np

from app.market.arrays import Int8Array, Int64Array
from app.market.wide_sums import wide_sums

OFFSET_WORDS = ("price_volume_low", "price_volume_high")
SQUARE_WORDS = ("price_square_low", "price_square_middle", "price_square_high")


def period_starts(time_ns: Int64Array, period_ns: int) -> tuple[Int64Array, Int64Array]:
    """The number of each trade's period, and the indices of the trades that begin a period, 0 included.

    Parameters
    ----------
    time_ns : int64 [shape=(n,)]
        At least one.
    period_ns : int
    """
    period = np.floor_divide(time_ns, period_ns)
    return period, np.concatenate(([0], np.flatnonzero(np.diff(period)) + 1))


def fold_bars(price: Int64Array, quantity: Int64Array, side: Int8Array, starts: Int64Array) -> dict[str, Int64Array]:
    """The columns of the bars whose first trades have the indices `starts`, by name, int64 [shape=(n_bars,)].

    Parameters
    ----------
    price, quantity : int64 [shape=(n,)]
        Ticks and lots; at most `wide_sums.RUN` trades.
    side : int8 [shape=(n,)]
    starts : int64 [shape=(n_bars,)]
        Ascending, from 0.
    """
    counts = np.diff(np.append(starts, len(price)))
    opens = price[starts]
    signed = quantity * side
    running = np.cumsum(signed)
    before = running[starts] - signed[starts]
    nought = np.zeros(len(starts), np.int64)
    buy = np.add.reduceat(np.maximum(signed, 0), starts)
    net = running[starts + counts - 1] - before
    return {
        "open": opens,
        "high": np.maximum.reduceat(price, starts),
        "low": np.minimum.reduceat(price, starts),
        "close": price[starts + counts - 1],
        "volume": np.add.reduceat(quantity, starts),
        "buy": buy,
        "sell": buy - net,
        "delta_min": np.minimum(nought, np.minimum.reduceat(running, starts) - before),
        "delta_max": np.maximum(nought, np.maximum.reduceat(running, starts) - before),
        **price_sums(price, quantity, starts),
    }


def price_sums(price: Int64Array, quantity: Int64Array, starts: Int64Array) -> dict[str, Int64Array]:
    """Each bar's sums of (price - open) * quantity and of (price - open)**2 * quantity, as columns of words (see `wide_sums`)."""
    counts = np.diff(np.append(starts, len(price)))
    opens = price[starts]
    distance = price - (np.repeat(opens, counts) if len(starts) > 1 else opens[0])
    offset, square = wide_sums(distance, quantity, starts)
    return {**dict(zip(OFFSET_WORDS, offset, strict=True)), **dict(zip(SQUARE_WORDS, square, strict=True))}


def add_cells(
    cells: tuple[Int64Array, Int64Array, Int64Array],
    offset: Int64Array,
    counts: Int64Array,
    price: Int64Array,
    quantity: Int64Array,
    side: Int8Array,
    ticks_per_row: int,
) -> None:
    """Add each trade's quantity to its cell, in place.

    Parameters
    ----------
    cells : three of int64 [shape=(n_cells,)]
        Sold, unknown and bought lots of the bars' cells.
    offset : int64 [shape=(n_bars,)]
        A trade in row `r` of a bar belongs to the cell `r + offset`.
    counts : int64 [shape=(n_bars,)]
        Number of trades in each bar.
    price, quantity, side : [shape=(n,)]
    ticks_per_row : int
    """
    n_cells = len(cells[0])
    cell = np.floor_divide(price, ticks_per_row)
    cell += np.repeat(offset, counts) if len(counts) > 1 else offset[0]
    cell += (side.astype(np.int64) + 1) * n_cells  # three consecutive planes: sell, unknown, buy
    planes = np.zeros(3 * n_cells, np.int64)
    np.add.at(planes, cell, quantity)
    for plane, column in enumerate(cells):
        column += planes[plane * n_cells : (plane + 1) * n_cells]
