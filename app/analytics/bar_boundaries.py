"""Finds the trades that begin a bar, for bars by trades, volume, delta or range.

A boundary depends only on the bar in progress, so any division of the tape into batches gives the same bars. Numpy does the work
per trade, Python the work per bar.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from app.market.arrays import BoolArray, Int8Array, Int64Array
from app.market.bar_rule import BarKind

_LOOK = 64
"""Number of trades searched first for the end of a bar; multiplied by four until the end is found."""


class OpenBar(NamedTuple):
    """The bar in progress: number of trades, volume and delta in lots, low and high in ticks."""

    trades: int
    volume: int
    delta: int
    low: int
    high: int


def bar_starts(
    kind: BarKind,
    size: int,
    price: Int64Array,
    quantity: Int64Array,
    side: Int8Array,
    period: Int64Array,
    open_bar: OpenBar | None = None,
) -> Int64Array:
    """Indices of the trades that begin a bar, for bars other than time bars; see `BarRule` for the rules.

    Parameters
    ----------
    kind : BarKind
        Any but `TIME`.
    size : int
        Trades, lots or ticks.
    price, quantity, side, period : [shape=(n,)]
        In the order of the tape inside each period, periods ascending; no bar crosses the end of a period.
    open_bar : OpenBar, optional
        The bar in progress, if the first trade is in the same period: the trade may belong to that bar.

    Returns
    -------
    int64 [shape=(n_bars,)]
        Ascending. Does not begin with 0 if the first trades belong to `open_bar`.
    """
    edges = [0, *(np.flatnonzero(np.diff(period)) + 1).tolist(), len(period)]
    cut = _CUTS[kind]
    starts: list[int] = []
    for start, end in itertools.pairwise(edges):
        part = slice(start, end)
        found = cut(size, price[part], quantity[part], side[part], open_bar if start == 0 else None)
        starts += [start + place for place in found if place < end - start]
    return np.array(starts, np.int64)


def _cut_trades(size: int, price: Int64Array, quantity: Int64Array, side: Int8Array, open_bar: OpenBar | None) -> list[int]:
    first = size - open_bar.trades if open_bar else 0
    return list(range(first, len(price), size))


def _cut_volume(size: int, price: Int64Array, quantity: Int64Array, side: Int8Array, open_bar: OpenBar | None) -> list[int]:
    reached = np.cumsum(quantity)
    before = reached - quantity
    total = int(reached[-1])
    room = size - open_bar.volume if open_bar is not None else 0
    first = 0
    if room > 0:
        first = int(np.searchsorted(reached, room)) + 1 if room <= total else len(reached)
    # For a bar that begins at each trade, the start of the next. No bar can end after the last trade: `total` instead of a volume
    # that is not reached keeps the sum within 64 bits, and gives the same start, beyond the last trade.
    most = min(size, total)
    follows = (np.searchsorted(reached, np.minimum(before, total - most) + most) + 1).tolist()
    return _chain(first, follows)


def _chain(first: int, follows: list[int]) -> list[int]:
    starts: list[int] = []
    at, n = first, len(follows)
    while at < n:
        starts.append(at)
        at = follows[at]
    return starts


def _cut_delta(size: int, price: Int64Array, quantity: Int64Array, side: Int8Array, open_bar: OpenBar | None) -> list[int]:
    running = np.cumsum(quantity * side)

    def end_of(start: int, before: int) -> int:
        level = (int(running[start - 1]) if start else 0) - before

        def reached(part: slice) -> BoolArray:
            return np.abs(running[part] - level) >= size

        return _first(reached, start, len(running)) + 1

    starts: list[int] = []
    at = 0
    if open_bar is not None and abs(open_bar.delta) < size:
        at = end_of(0, open_bar.delta)
    while at < len(running):
        starts.append(at)
        at = end_of(at, 0)
    return starts


def _cut_range(size: int, price: Int64Array, quantity: Int64Array, side: Int8Array, open_bar: OpenBar | None) -> list[int]:
    moves = np.flatnonzero(np.concatenate(([True], price[1:] != price[:-1])))  # a repeated price ends no bar
    steps = price[moves]

    def end_of(start: int, low: int, high: int) -> int:
        at, look = start, _LOOK
        while at < len(steps):
            part = steps[at : at + look]
            lows, highs = np.minimum.accumulate(np.minimum(part, low)), np.maximum.accumulate(np.maximum(part, high))
            past = int(np.searchsorted(highs - lows, size, side="right"))
            if past < len(part):
                return at + past
            low, high, at, look = int(lows[-1]), int(highs[-1]), at + len(part), look * 4
        return len(steps)

    starts: list[int] = []
    at = end_of(0, open_bar.low, open_bar.high) if open_bar is not None else 0
    while at < len(steps):
        starts.append(int(moves[at]))
        at = end_of(at, int(steps[at]), int(steps[at]))
    return starts


def _first(holds: Callable[[slice], BoolArray], start: int, end: int) -> int:
    """The first index in `[start, end)` at which `holds` is True; `end` if there is no such index.

    Searches larger and larger parts.
    """
    look = _LOOK
    while start < end:
        found = holds(slice(start, min(end, start + look)))
        at = int(found.argmax())
        if found[at]:
            return start + at
        start, look = start + look, look * 4
    return end


_CUTS = {BarKind.TRADES: _cut_trades, BarKind.VOLUME: _cut_volume, BarKind.DELTA: _cut_delta, BarKind.RANGE: _cut_range}
