"""The age of each live trade at the moment when its frame is on the screen, or when it is stored on disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from app.ingest.lag_histogram import LagHistogram, percentile_ns
from app.market.arrays import Int64Array

_RECENT_NS = 30_000_000_000
_WAITING = 2_000_000  # trades, 48 MB; a disk that does not answer must not fill the memory
_UNPAINTED = 4
"""Frames after which trades that no frame has painted count as not shown, as the view shows older bars."""


class Lag(NamedTuple):
    """Ages of trades, ms: of half of them at most `p50`, of 99 % at most `p99`, and of the oldest `worst`; NaN without trades."""

    p50: float
    p99: float
    worst: float

    @property
    def text(self) -> str:
        """The lag as text, e.g. `24 / 61 ms, worst 1,204 ms`; a dash without trades."""
        return f"{self.p50:,.0f} / {self.p99:,.0f} ms, worst {self.worst:,.0f} ms" if self.p50 == self.p50 else "–"

    @property
    def short(self) -> str:
        """The same without words, e.g. `24 / 61 / 1,204 ms`."""
        return f"{self.p50:,.0f} / {self.p99:,.0f} / {self.worst:,.0f} ms" if self.p50 == self.p50 else "–"


class _Taken(NamedTuple):
    """Trades that are in the series: parts of their lag so far, int64 [shape=(2, n)], and the time when they were added."""

    parts_ns: Int64Array
    at_ns: int


class LagMeter:
    """Measures the lag of live trades since their market was opened, and the parts of it.

    A trade's lag runs from its time at the venue, corrected by the measured offset of our clock, to the end of the frame, or of the
    write to the disk, that contains it. Our clock is read once, when the trade is added to the series; from there on, and back to the
    message, a clock counts that is never set.

    A batch has one arrival per message and not per trade: its trades are spread evenly over its messages, which is exact where each
    message has one trade. Trades loaded again after a break are not counted.

    Parameters
    ----------
    wall_ns, monotonic_ns : callables
        Our clock, and one that is never set.

    Attributes
    ----------
    not_shown : int
        Live trades that were not counted, as no frame painted them (the window was minimised, or showed older bars).
    """

    def __init__(self, wall_ns: Callable[[], int] = time.time_ns, monotonic_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._wall_ns, self._monotonic_ns = wall_ns, monotonic_ns
        self._counted, self._frames = LagHistogram(4), LagHistogram()
        self._waiting: list[_Taken] = []
        self._n_waiting = 0
        self._begun = 0  # batches that are in the frame that has begun
        self._begun_ns = self._unpainted = 0
        self._old = self._newer = np.zeros_like(self._counted.counts[0])
        self._rolled_ns = monotonic_ns()
        self.not_shown = 0

    @property
    def n(self) -> int:
        """Number of trades counted."""
        return self._counted.n

    @property
    def session(self) -> Lag:
        """The lag of all trades since the market was opened."""
        return self._lag(self._counted, 0)

    @property
    def to_socket(self) -> Lag:
        """Time from the venue until the program read the message."""
        return self._lag(self._counted, 1)

    @property
    def to_series(self) -> Lag:
        """Time from then until the trade was in the chart's bars: the message waited, and was decoded, stored and added."""
        return self._lag(self._counted, 2)

    @property
    def to_end(self) -> Lag:
        """Time from then until the frame was on the screen, or the trade on the disk."""
        return self._lag(self._counted, 3)

    @property
    def frame(self) -> Lag:
        """Time that the painted frames took, from their begin until they were on the screen."""
        return self._lag(self._frames, 0)

    @property
    def recent(self) -> Lag:
        """The lag of the trades of the last 30 to 60 s; its worst to within 1.1 %."""
        self._roll()
        counts = self._counted.counts[0] - self._old
        return Lag(*(percentile_ns(counts, percent) / 1e6 for percent in (50, 99, 100)))

    def took(self, times_ns: Int64Array, arrived_s: Sequence[float], clock_ahead_ns: int) -> None:
        """Start to measure live trades that were added to the series just now.

        Parameters
        ----------
        times_ns : int64 [shape=(n,)]
            Their times at the venue.
        arrived_s : sequence of float
            Arrival of each of their messages, seconds of `time.monotonic`; if empty, they are not counted.
        clock_ahead_ns : int
            Time by which our clock is ahead of the venue's.
        """
        n = len(times_ns)
        if not n or not len(arrived_s):
            return
        if self._n_waiting + n > _WAITING:
            self.skip()
        now_ns = self._monotonic_ns()
        arrived_ns = (1e9 * np.asarray(arrived_s)).astype(np.int64)
        parts_ns = np.empty((2, n), np.int64)
        parts_ns[1] = now_ns - arrived_ns[np.arange(n) * len(arrived_ns) // n]
        parts_ns[0] = self._wall_ns() - clock_ahead_ns - times_ns - parts_ns[1]
        self._waiting.append(_Taken(parts_ns, now_ns))
        self._n_waiting += n

    def begin(self) -> None:
        """Start a frame, or a write to the disk, with all trades taken so far."""
        if self._begun:
            self._unpainted += 1
            if self._unpainted >= _UNPAINTED:
                self._drop(self._begun)
        self._begun, self._begun_ns = len(self._waiting), self._monotonic_ns()

    def end(self) -> None:
        """Count the trades of the frame or write that has begun, because it has just ended: they are on the screen, or on the disk."""
        if not self._begun_ns:
            return
        now_ns = self._monotonic_ns()
        self._frames.add(np.array([[now_ns - self._begun_ns]]))
        self._begun_ns = 0
        if not self._begun:
            return
        shown = self._waiting[: self._begun]
        self._forget(self._begun)
        parts_ns = np.empty((4, sum(taken.parts_ns.shape[1] for taken in shown)), np.int64)
        np.concatenate([taken.parts_ns for taken in shown], axis=1, out=parts_ns[1:3])
        parts_ns[3] = np.repeat([now_ns - taken.at_ns for taken in shown], [taken.parts_ns.shape[1] for taken in shown])
        parts_ns[0] = parts_ns[1:].sum(axis=0)
        self._counted.add(parts_ns)
        self._roll()

    def rest(self) -> None:
        """Forget that a frame has begun, as it has nothing to draw."""
        self._begun_ns = 0

    def skip(self) -> None:
        """Leave out the trades that wait: no frame will show them."""
        self._drop(len(self._waiting))

    def _drop(self, batches: int) -> None:
        self.not_shown += sum(taken.parts_ns.shape[1] for taken in self._waiting[:batches])
        self._forget(batches)

    def _forget(self, batches: int) -> None:
        self._n_waiting -= sum(taken.parts_ns.shape[1] for taken in self._waiting[:batches])
        del self._waiting[:batches]
        self._begun = self._unpainted = 0

    def _roll(self) -> None:
        now_ns = self._monotonic_ns()
        if now_ns - self._rolled_ns >= _RECENT_NS:
            self._old = self._newer if now_ns - self._rolled_ns < 2 * _RECENT_NS else self._counted.counts[0].copy()
            self._newer, self._rolled_ns = self._counted.counts[0].copy(), now_ns

    @staticmethod
    def _lag(histogram: LagHistogram, row: int) -> Lag:
        worst_ns = float(histogram.worst_ns[row]) if histogram.n else float("nan")
        return Lag(histogram.percentile_ns(50, row) / 1e6, histogram.percentile_ns(99, row) / 1e6, worst_ns / 1e6)
