"""Counts of lags in bins, from which percentiles are read; its size and its cost do not grow with the trades."""

from __future__ import annotations

import math

import numpy as np

from app.market.arrays import Int64Array

_PER_DOUBLING = 32
_BINS = 32 * _PER_DOUBLING
_FIRST_NS = 1_000


class LagHistogram:
    """Counts of lags in several rows, e.g. one for each part of a lag.

    Each bin is 2.2 % wider than the one before, so a percentile is right to within 1.1 %. The first bin ends at 1 µs and the last one
    begins at 70 minutes; lags outside are counted there. The worst lag is exact.

    Parameters
    ----------
    rows : int

    Attributes
    ----------
    counts : int64 [shape=(rows, 1024)]
        Number of lags in each bin.
    n : int
        Number of lags in each row.
    worst_ns : int64 [shape=(rows,)]
        The largest lag of each row; 0 if there is none.
    """

    def __init__(self, rows: int = 1) -> None:
        self.counts: Int64Array = np.zeros((rows, _BINS), np.int64)
        self.n = 0
        self.worst_ns: Int64Array = np.zeros(rows, np.int64)
        self._offsets = _BINS * np.arange(rows)[:, None]

    def add(self, lags_ns: Int64Array) -> None:
        """Count lags, int64 [shape=(rows, n)], in ns; negative ones count as 0."""
        if not lags_ns.shape[1]:
            return
        bins = np.log2(np.maximum(lags_ns, _FIRST_NS) / _FIRST_NS) * _PER_DOUBLING
        places = np.minimum(bins.astype(np.int64), _BINS - 1) + self._offsets
        self.counts += np.bincount(places.ravel(), minlength=self.counts.size).reshape(self.counts.shape)
        self.n += lags_ns.shape[1]
        np.maximum(self.worst_ns, lags_ns.max(axis=1), out=self.worst_ns)

    def percentile_ns(self, percent: float, row: int = 0) -> float:
        """The lag that `percent` % of the lags of a row do not exceed (the nearest rank); NaN if there are none."""
        return min(percentile_ns(self.counts[row], percent), float(self.worst_ns[row])) if self.n else math.nan


def percentile_ns(counts: Int64Array, percent: float) -> float:
    """The same for the counts of one row, int64 [shape=(1024,)], to within 1.1 %; NaN if all are 0."""
    until = np.cumsum(counts)
    if not until[-1]:
        return math.nan
    rank = max(1, math.ceil(percent / 100 * int(until[-1])))
    return _FIRST_NS * 2.0 ** ((int(np.searchsorted(until, rank)) + 0.5) / _PER_DOUBLING)
