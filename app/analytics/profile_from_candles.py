"""The profile where there are no trades: which candles stand in for them, and how their volume is spread over the rows.

The finer the candles the nearer they come; but a profile should not wait for a million of them. So they grow coarser with
the time that it spans, by a ladder: the first length that makes fewer than `MOST_CANDLES`.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from app.analytics.profile import VolumeProfile
from app.market.candle import CandleBatch
from app.market.price_grid import PriceGrid

_MINUTE_NS = 60_000_000_000
LADDER_NS = tuple(minutes * _MINUTE_NS for minutes in (1, 3, 5, 15, 30, 60, 240, 1440))
"""The lengths that are tried, finest first."""
MOST_CANDLES = 5_000
"""There must be fewer."""

_CELLS_AT_ONCE = 1 << 20  # 8 MB a column: years of candles in rows of a tick would not fit into memory at once


class CandleVolumeProfile(NamedTuple):
    """What candles say of a profile.

    Attributes
    ----------
    profile : VolumeProfile
        `buy` and `sell` hold what was bought and sold aggressively if `aggressors` is True; else the volume of candles that
        went up and down, which is another thing and has to be called so.
    aggressors : bool
    """

    profile: VolumeProfile
    aggressors: bool


def candle_length_ns(span_ns: int, lengths_ns: tuple[int, ...] = LADDER_NS) -> int:
    """The length of the candles for a profile over so much time: the first that makes fewer than `MOST_CANDLES`, else the last.

    A candle begun counts: 4,999 minutes are spanned by 1-minute candles, a moment more by those of 3 minutes.

    Parameters
    ----------
    lengths_ns : tuple of int
        Those that the venue has, finest first.
    """
    return next((length_ns for length_ns in lengths_ns if -(-span_ns // length_ns) < MOST_CANDLES), lengths_ns[-1])


def spread_over_rows(candles: CandleBatch, grid: PriceGrid, *, single_bar: bool = False) -> CandleVolumeProfile:
    """Each candle's volume spread evenly over the rows from its low to its high.

    Lots are whole: of `V` lots over `n` rows, row `k` counted from the lowest holds `floor((k + 1) V / n) - floor(k V / n)`,
    so no row is a lot off and none is lost. Both sides are spread so, each for itself.

    Where every candle says how much was bought aggressively, that is bought and the rest sold. Else the whole volume of a
    candle is up or down: up if it closed at or above its open; if the profile is of a single bar, only if it closed above.

    Parameters
    ----------
    candles : CandleBatch
        In the ticks of `grid`.
    single_bar : bool
        Whether the profile spans a single bar of the chart.
    """
    if not len(candles):
        return CandleVolumeProfile(VolumeProfile.empty(), False)
    aggressors = bool((candles.buy >= 0).all())
    up = candles.close > candles.open if single_bar else candles.close >= candles.open
    buy = candles.buy if aggressors else np.where(up, candles.volume, 0)
    sell = candles.volume - buy
    first_row, last_row = grid.rows(candles.low), grid.rows(candles.high)
    base = int(first_row.min())
    sums = np.zeros((2, int(last_row.max()) - base + 1), np.int64)
    n_rows = last_row - first_row + 1
    for run in _runs(n_rows):
        count = n_rows[run]
        place = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
        row = np.repeat(first_row[run] - base, count) + place
        for side, lots in zip(sums, (buy[run], sell[run]), strict=True):
            np.add.at(side, row, _even_parts(lots, count, place))
    return CandleVolumeProfile(VolumeProfile(base, sums[0], sums[1], np.zeros_like(sums[0])), aggressors)


def _even_parts(lots: np.ndarray, n_rows: np.ndarray, place: np.ndarray) -> np.ndarray:
    """The part of each row; quotient and rest apart, for the product of lots and rows need not fit into 64 bits."""
    whole, rest = np.repeat(lots // n_rows, n_rows), np.repeat(lots % n_rows, n_rows)
    rows = np.repeat(n_rows, n_rows)
    return whole + (place + 1) * rest // rows - place * rest // rows


def _runs(n_rows: np.ndarray) -> list[slice]:
    """Runs of candles that have about `_CELLS_AT_ONCE` rows together, at least one candle each."""
    group = (np.cumsum(n_rows) - n_rows) // _CELLS_AT_ONCE
    edges = [0, *(np.flatnonzero(np.diff(group)) + 1).tolist(), len(n_rows)]
    return [slice(start, end) for start, end in pairwise(edges)]
