"""CVD and its divergences in view, for the CVD pane and for the marks over the bars."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QRectF

from app.analytics.bar_groups import gap_free_runs, session_starts
from app.analytics.cumulative_delta import CumulativeDelta
from app.analytics.divergence import Divergences, Swings, divergences
from app.market.session import TimeDivision
from rendering.items.bars.curve import Curve, bars_of_part, curve
from rendering.view.frame import Frame
from rendering.view.frame_coords import bars_around, bars_in_view, price_y
from rendering.view.layout import Rect

_MARGIN_PX = 8.0
_REACH_PX = 24.0
"""Space around the line of a divergence for its width, its offset from the bars and the height of its text."""
_LOOK_BACK = 400
"""Number of bars before the view that are searched for the first swing of a divergence that reaches into the view."""


class DivergenceMark(NamedTuple):
    """A divergence on the screen: a line from its first swing to its second, in logical pixels.

    `price` and `cvd` are the heights of both ends in the price pane and in the CVD pane; `bars` are the numbers of both bars.
    """

    left: float
    right: float
    price: tuple[float, float]
    cvd: tuple[float, float]
    side: int
    bars: tuple[int, int]

    def touches(self, rect: QRectF, levels: tuple[float, float], room_px: float) -> bool:
        """True if the line between two heights, or its text in the `room_px` pixels right of the line, may touch a rectangle."""
        across = self.left - _REACH_PX <= rect.right() and self.right + _REACH_PX + room_px >= rect.left()
        return across and min(levels) - _REACH_PX <= rect.bottom() and max(levels) + _REACH_PX >= rect.top()


class CvdInView:
    """The values that a CVD layer draws, cached until the chart or the view changes."""

    def __init__(self) -> None:
        self._sums: CumulativeDelta | None = None
        self._swings: Swings | None = None
        self._key: tuple[object, ...] = ()
        self._revision = -1
        self._found: tuple[np.ndarray, np.ndarray] = (np.zeros(0, np.int64), np.zeros(0, np.int64))
        self._pairs: tuple[tuple[object, ...], Divergences] | None = None
        self.bars_figured = 0
        """Number of bars computed so far, for tests."""

    def values(self, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
        """CVD of the bars of `bars_with_lookback`, and the number of the gap-free run that each bar belongs to; int64.

        A new run starts after a gap, and where CVD is reset. CVD is in lots.
        """
        series, reset = frame.chart.series, cvd_reset(frame)
        if self._sums is None or self._sums.series is not series:
            self._sums, self._swings, self._key, self._pairs = CumulativeDelta(series), Swings(series), (), None
        first, end = bars_with_lookback(frame)
        key = first, end, reset, frame.chart.holes
        changed, self._revision = series.changed_since(self._revision), series.revision
        if key == self._key and first < end - 1 <= changed:
            if changed < end:  # only the bar in progress
                self._found[0][-1] = self._sums.values(end - 1, end, reset)[0]
                self.bars_figured += 1
        elif key != self._key or changed < end:
            runs = gap_free_runs(series, first, end, [gap.end_ns for gap in frame.chart.holes])
            if reset is not None:
                runs = np.cumsum(np.diff(runs, prepend=runs[:1]) + (session_starts(series, first, end, reset) == np.arange(first, end)))
            self._found, self._key = (self._sums.values(first, end, reset).copy(), runs), key
            self.bars_figured += end - first
        return self._found

    def scale(self, frame: Frame) -> tuple[int, int]:
        """The lowest and the highest CVD in view, lots; both 0 without bars."""
        first, end = bars_in_view(frame)
        start = bars_with_lookback(frame)[0]
        cvd = self.values(frame)[0][first - start : end - start]
        return (int(cvd.min()), int(cvd.max())) if len(cvd) else (0, 0)

    def line(self, frame: Frame, pane: Rect, exposed: QRectF | None = None) -> Curve:
        """The CVD line in a pane; with `exposed`, only the part needed to draw inside that rectangle."""
        (first, end), start = bars_around(frame), bars_with_lookback(frame)[0]
        if exposed is not None:
            begin, until = bars_of_part(frame, exposed)
            first, end = max(first, begin), max(first, begin, min(end, until))
        cvd, runs = (values[first - start : end - start] for values in self.values(frame))
        return curve(frame, first, end, heights(cvd, self.scale(frame), pane), runs)

    def marks(self, frame: Frame, pane: Rect) -> tuple[DivergenceMark, ...]:
        """Marks of the divergences whose second swing is in view; `pane` is the CVD pane."""
        series, (first, end) = frame.chart.series, bars_with_lookback(frame)
        cvd = self.values(frame)[0]
        if end - first < 2:
            return ()
        found = self._divergences(frame, first, end)
        seen = found.second >= bars_in_view(frame)[0]
        scale = self.scale(frame)
        marks: list[DivergenceMark] = []
        for one, other, side in zip(*(column[seen].tolist() for column in found), strict=True):
            prices = series.high if side < 0 else series.low
            price = tuple(price_y(frame, int(prices[bar]) + (1 if side < 0 else 0)) for bar in (one, other))
            levels = heights(cvd[[one - first, other - first]], scale, pane).tolist()
            left, right = (frame.viewport.x(int(series.number[bar]) + 0.5) for bar in (one, other))
            bars = int(series.number[one]), int(series.number[other])
            marks.append(DivergenceMark(left, right, (price[0], price[1]), (levels[0], levels[1]), side, bars))
        return tuple(marks)

    def _divergences(self, frame: Frame, first: int, end: int) -> Divergences:
        """The divergences of the bars `[first, end)`.

        A trade in the last bar changes no divergence, because only closed bars can be swings or the neighbours that confirm one.
        """
        series = frame.chart.series
        closed_at = int(series.changed_at[-2]) if series.n_bars > 1 else -1
        key = self._key, frame.known_end, series.n_bars, closed_at
        if self._pairs is None or self._pairs[0] != key:
            assert self._swings is not None
            swings = self._swings.highs(frame.known_end), self._swings.lows(frame.known_end)
            highs, lows = (_between(found, first, end) for found in swings)
            self._pairs = key, divergences(series, highs, lows, *self.values(frame), first)
        return self._pairs[1]


def cvd_reset(frame: Frame) -> TimeDivision | None:
    """The division of time at whose starts CVD is reset to 0; None if it is never reset.

    It is reset at the start of each session; trades after a session's close count until the next session starts.
    """
    return frame.rules.hours.from_start() if frame.rules.cvd.reset == "session" else None


def heights(cvd: np.ndarray, scale: tuple[int, int], pane: Rect) -> np.ndarray:
    """Y positions of CVD values in a pane, logical pixels, float64; `scale` is the lowest and the highest CVD drawn."""
    low, high = scale
    room = max(pane.height - 2 * _MARGIN_PX, 1.0)
    if high == low:
        return np.full(len(cvd), pane.top + pane.height / 2)
    return pane.top + _MARGIN_PX + (high - np.asarray(cvd)) * (room / (high - low))


def bars_with_lookback(frame: Frame) -> tuple[int, int]:
    """Indices `[first, end)` of the bars in view, one bar on each side, and up to `_LOOK_BACK` bars before them."""
    first, end = bars_around(frame)
    return max(0, first - _LOOK_BACK), end


def _between(found: np.ndarray, first: int, end: int) -> np.ndarray:
    return found[np.searchsorted(found, first) : np.searchsorted(found, end)]
