"""The figures of the profiles on a chart: rows, POC and value area of any stretch of time, ready within a frame.

What was worked out is kept until a bar of it changes; a profile that grows with the market costs the bar in progress.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from app.analytics.footprint import FootprintSeries
from app.analytics.profile import VolumeProfile
from app.analytics.profile_index import GrowingProfile, ProfileIndex
from app.analytics.row_layout import LaidOutProfile, RowLayout, laid_out
from app.analytics.value_area import ValueArea, ValueAreaMethod, value_area

_KEPT = 256
"""Profiles that are kept: more than fit on a screen; while an anchor is dragged, every bar it passes makes one."""


@dataclass(frozen=True, slots=True, eq=False)
class ProfileFigures:
    """One profile, worked out.

    Attributes
    ----------
    first_number, last_number : int
        Its first and last bar; there may be bars without trades, and so without an entry in the series, between them.
    rows : LaidOutProfile
    area : ValueArea
        POC and value area, as rows of `rows`.
    """

    first_number: int
    last_number: int
    rows: LaidOutProfile
    area: ValueArea

    @property
    def poc_ticks(self) -> float:
        """The middle of the heaviest row."""
        return self.rows.edge_ticks(self.area.poc_row) + self.rows.ticks_per_row / 2

    @property
    def vah_ticks(self) -> int:
        """The upper edge of the value area."""
        return self.rows.edge_ticks(self.area.high_row + 1)

    @property
    def val_ticks(self) -> int:
        """The lower edge of the value area."""
        return self.rows.edge_ticks(self.area.low_row)


class ProfilesOfSeries:
    """Profiles of one series, asked for by time.

    Attributes
    ----------
    index : ProfileIndex
    worked_out : int
        How many value areas have been worked out: a count of work for the tests.
    """

    def __init__(self, series: FootprintSeries) -> None:
        self.series = series
        self.index = ProfileIndex(series)
        self.worked_out = 0
        self._kept: OrderedDict[tuple[object, ...], _Kept] = OrderedDict()

    def of(self, start_ns: int, end_ns: int | None, layout: RowLayout, percent: int, method: ValueAreaMethod) -> ProfileFigures | None:
        """The profile from the bar that holds `start_ns` to the one before `end_ns`, or to the last; None if nothing traded.

        An anchor is a bar: times inside of it mean the whole bar. A range holds every bar that it touches.
        """
        series = self.series
        first = series.times.number(start_ns)
        end = None if end_ns is None else max(first, series.times.number(end_ns - 1)) + 1
        key = (first, end, layout, percent, method)
        kept = self._kept.get(key)
        if kept is None:
            kept = self._kept[key] = _Kept(GrowingProfile(self.index))
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(key)
        first_bar = series.index_of(first)
        profile = kept.growing.of(first_bar, None if end is None else series.index_of(end))
        if profile is not kept.profile:
            kept.profile = profile
            kept.figures = self._figures(profile, first, end, layout, percent, method)
        return kept.figures

    def _figures(
        self, profile: VolumeProfile, first: int, end: int | None, layout: RowLayout, percent: int, method: ValueAreaMethod
    ) -> ProfileFigures | None:
        rows = laid_out(profile, self.series.grid, layout)
        if rows is None:
            return None
        self.worked_out += 1
        last = int(self.series.number[-1])
        return ProfileFigures(first, last if end is None else end - 1, rows, value_area(rows.profile, percent, method))


@dataclass(slots=True, eq=False)
class _Kept:
    growing: GrowingProfile
    profile: VolumeProfile | None = None
    figures: ProfileFigures | None = None
