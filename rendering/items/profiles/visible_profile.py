"""The volume profile of the bars in view, updated only for bars that changed or came into view. Does not use Qt.

Panning by a bar adds one bar and subtracts another; a live trade replaces the last bar. All sums
are integers, so they equal the sums of a rebuild.
"""

from __future__ import annotations

import numpy as np

from app.analytics.footprint import FootprintSeries
from app.analytics.profile import VolumeProfile
from app.analytics.row_layout import apply_layout
from app.analytics.value_area import value_area
from app.profiles.profile_settings import ProfileSettings
from app.profiles.profile_values import ProfileValues

_SPARE_ROWS = 64  # spare rows above and below, so that a drifting price does not move the arrays at each bar


class VisibleProfile:
    """The volume profile of a range of bars, updated when the range or its bars change.

    Attributes
    ----------
    bars_counted : int
        Number of bars added or subtracted so far, for tests.
    """

    def __init__(self) -> None:
        self.bars_counted = 0
        self._series: FootprintSeries | None = None
        self._revision = -1
        self._first = self._end = 0
        self._base_row = 0
        self._sums = np.zeros((3, 0), np.int64)  # buy, sell, unknown
        self._last_bar: tuple[int, np.ndarray] | None = None  # first row and cells of the last bar as they were counted
        self._profile: VolumeProfile | None = None
        self._figures: tuple[tuple[object, ...], ProfileValues] | None = None

    def update(self, series: FootprintSeries, first_bar: int, end_bar: int) -> bool:
        """Update the profile to the bars `[first_bar, end_bar)` (indices); return False if nothing changed."""
        changed = series.changed_since(self._revision) if series is self._series else 0
        if series is self._series and (first_bar, end_bar) == (self._first, self._end) and changed >= end_bar:
            self._revision = series.revision
            return False
        if series is not self._series or changed < self._end - 1 or not self._overlaps(first_bar, end_bar) or self._last_bar is None:
            self._restart(first_bar)
        else:
            self._forget_last_bar()  # it may have grown; earlier bars have not changed
        self._series, self._revision = series, series.revision
        self._move_first(first_bar, end_bar)
        self._move_end(end_bar)
        self._profile = self._figures = None
        return True

    @property
    def profile(self) -> VolumeProfile | None:
        """The profile from the lowest to the highest row with volume; None if no row has volume."""
        if self._profile is None:
            traded = np.flatnonzero(self._sums.sum(axis=0))
            if traded.size:
                run = slice(int(traded[0]), int(traded[-1]) + 1)
                buy, sell, unknown = (np.ascontiguousarray(column[run]) for column in self._sums)
                self._profile = VolumeProfile(self._base_row + run.start, buy, sell, unknown)
        return self._profile

    def values(self, inputs: ProfileSettings) -> ProfileValues | None:
        """The profile's rows, POC and value area by the given settings; None if the bars have no volume."""
        asked = inputs.rows, inputs.percent, inputs.method
        if self._figures is None or self._figures[0] != asked:
            profile, series = self.profile, self._series
            rows = None if profile is None or series is None else apply_layout(profile, series.grid, inputs.rows)
            if rows is None or series is None:
                return None
            number = series.number
            runs = ((int(number[self._first]), int(number[self._end - 1]) + 1),)
            self._figures = asked, ProfileValues(runs, rows, value_area(rows.profile, inputs.percent, inputs.method))
        return self._figures[1]

    def _overlaps(self, first_bar: int, end_bar: int) -> bool:
        """True if more than half of the bars are in the sums already, so that moving the ends is less work than a rebuild."""
        common = min(end_bar, self._end) - max(first_bar, self._first)
        return common > (end_bar - first_bar) // 2

    def _restart(self, first_bar: int) -> None:
        self._first = self._end = first_bar
        self._sums = np.zeros((3, 0), np.int64)
        self._last_bar = None

    def _forget_last_bar(self) -> None:
        assert self._last_bar is not None
        first_row, cells = self._last_bar
        at = first_row - self._base_row
        self._sums[:, at : at + cells.shape[1]] -= cells
        self._end -= 1
        self._last_bar = None

    def _move_first(self, first_bar: int, end_bar: int) -> None:
        if first_bar < self._first:
            self._count(first_bar, self._first, 1)
        elif first_bar > self._first:
            self._count(self._first, min(first_bar, self._end), -1)
        self._first, self._end = first_bar, max(self._end, first_bar)

    def _move_end(self, end_bar: int) -> None:
        if end_bar > self._end:
            self._count(self._end, end_bar, 1)
        elif end_bar < self._end:
            self._count(end_bar, self._end, -1)
        self._end = end_bar
        if end_bar > self._first and self._series is not None:
            first_row, *cells = self._series.bar_cells(end_bar - 1)
            self._last_bar = first_row, np.array(cells)

    def _count(self, first_bar: int, end_bar: int, sign: int) -> None:
        """Add the cells of bars to the sums (sign 1), or subtract them (sign -1)."""
        if end_bar <= first_bar:
            return
        series = self._series
        assert series is not None
        self.bars_counted += end_bar - first_bar
        first_row, n_rows = series.first_row[first_bar:end_bar], series.n_rows[first_bar:end_bar]
        self._make_room(int(first_row.min()), int((first_row + n_rows).max()))
        start = int(series.cell_start[first_bar])
        run = slice(start, start + int(n_rows.sum()))
        offset = first_row - self._base_row - (series.cell_start[first_bar:end_bar] - start)  # from index in the run to row
        rows = np.arange(run.stop - run.start) + np.repeat(offset, n_rows)
        for sums, cells in zip(self._sums, (series.cell_buy, series.cell_sell, series.cell_unknown), strict=True):
            np.add.at(sums, rows, cells[run] if sign > 0 else -cells[run])

    def _make_room(self, low_row: int, end_row: int) -> None:
        rows = self._sums.shape[1]
        if rows and self._base_row <= low_row and end_row <= self._base_row + rows:
            return
        base = min(low_row, self._base_row if rows else low_row) - _SPARE_ROWS
        end = max(end_row, self._base_row + rows if rows else end_row) + _SPARE_ROWS
        grown = np.zeros((3, end - base), np.int64)
        grown[:, self._base_row - base : self._base_row - base + rows] = self._sums
        self._base_row, self._sums = base, grown
