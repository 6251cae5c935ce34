"""Values of a chart's profiles: rows, POC and value area of any time range.

The values are ready within a screen frame, and cached until one of their bars changes; for a profile that grows with the market only
the bar in progress is added again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import is_not

from app.analytics.candle_fallback import CandleRange
from app.analytics.footprint import FootprintSeries
from app.analytics.profile import VolumeProfile, merge_profiles
from app.analytics.profile_index import ProfileIndex, RunningProfile
from app.analytics.row_layout import RowLayout, RowProfile, apply_layout
from app.analytics.value_area import ValueArea, ValueAreaMethod, value_area
from app.profiles.candle_fill import NO_CANDLES, CandleFill, CandleFillCache
from app.profiles.period_profiles import BarRanges
from app.profiles.placed_profile import TimeRange

OpenBarRanges = tuple[tuple[int, int | None], ...]
"""Runs of bars by number, `[first, end)`; a run with the end None goes up to the newest bar."""
_MOST_CACHED = 256
"""Maximum number of cached profiles: more than fit on a screen; dragging an anchor adds one for every bar that it passes."""


@dataclass(frozen=True, slots=True, eq=False)
class ProfileValues:
    """The computed values of one profile: its bars, rows, POC, value area and candles.

    Attributes
    ----------
    runs : tuple of (int, int)
        The profile's runs of bars by number, `[first, end)`; they may include bars without trades, which are not in the series.
    rows : RowProfile
    area : ValueArea
        POC and value area, as rows of `rows`.
    candles : CandleFill
        The candles in the profile, where trades are missing.
    """

    runs: BarRanges
    rows: RowProfile
    area: ValueArea
    candles: CandleFill = NO_CANDLES

    @property
    def first_number(self) -> int:
        """Number of the profile's first bar."""
        return self.runs[0][0]

    @property
    def last_number(self) -> int:
        """Number of the profile's last bar."""
        return self.runs[-1][1] - 1

    @property
    def poc_ticks(self) -> int:
        """The price of the POC row, its middle tick, in ticks; see `app.market.price_grid`."""
        return self.rows.price_ticks(self.area.poc_row)

    @property
    def vah_ticks(self) -> int:
        """The VAH: the upper edge of the value area as a price, in ticks."""
        return self.rows.top_ticks(self.area.high_row)

    @property
    def val_ticks(self) -> int:
        """The VAL: the lower edge of the value area as a price, in ticks."""
        return self.rows.edge_ticks(self.area.low_row)


class ProfileCache:
    """Computes the profiles of one series over any time ranges, with candles where trades are missing; caches the last 256.

    Parameters
    ----------
    series : FootprintSeries
    candles : CandleFillCache, optional

    Attributes
    ----------
    index : ProfileIndex
    worked_out : int
        Number of value areas computed; for tests.
    """

    def __init__(self, series: FootprintSeries, candles: CandleFillCache | None = None) -> None:
        self.series = series
        self._candles = candles
        self.index = ProfileIndex(series)
        self.worked_out = 0
        self._cached: OrderedDict[tuple[object, ...], _Cached] = OrderedDict()
        self._asked_ns: dict[int, int] = {}  # by number of a bar before the first, whose time is a guess: the time requested

    def of(self, stretches: Iterable[TimeRange], layout: RowLayout, percent: int, method: ValueAreaMethod) -> ProfileValues | None:
        """The profile of some time ranges; None if neither trades nor candles have volume in them.

        A range includes every bar that it touches, from the bar that contains its start; a bar that several ranges touch counts
        once.
        """
        return self.of_bars(self.bars_of(stretches), layout, percent, method)

    def bars_of(self, stretches: Iterable[TimeRange]) -> OpenBarRanges:
        """The bars that some time ranges touch, by number, as separate runs in order; an end of None stays None."""
        times = self.series.times
        runs: list[tuple[int, int | None]] = []
        for start_ns, end_ns in sorted(stretches, key=lambda time_range: (time_range.start_ns, time_range.reach_ns)):
            first = times.number(start_ns)
            if not times.knows(first):
                self._asked_ns[first] = start_ns
                if len(self._asked_ns) > _MOST_CACHED:
                    self._asked_ns = {first: start_ns}
            end = None if end_ns is None else max(first, times.number(end_ns - 1)) + 1
            if runs and (runs[-1][1] is None or first <= runs[-1][1]):
                before, reached = runs.pop()
                end = None if end is None or reached is None else max(end, reached)
                first = before
            runs.append((first, end))
        return tuple(runs)

    def of_bars(self, runs: OpenBarRanges, layout: RowLayout, percent: int, method: ValueAreaMethod) -> ProfileValues | None:
        """The profile of runs of bars, in order and not touching; None if neither trades nor candles have volume in them."""
        key = (runs, layout, percent, method)
        cached = self._cached.get(key)
        if cached is None:
            cached = self._cached[key] = _Cached([RunningProfile(self.index) for _ in runs])
            if len(self._cached) > _MOST_CACHED:
                self._cached.popitem(last=False)
        else:
            self._cached.move_to_end(key)
        index_of = self.series.index_of
        profiles = [
            growing.of(index_of(first), None if end is None else index_of(end))
            for growing, (first, end) in zip(cached.growing, runs, strict=True)
        ]
        parts = [*profiles, candles.profile] if (candles := self.candles_of(runs)).profile.n_rows else profiles
        if candles is not cached.candles or len(parts) != len(cached.parts) or any(map(is_not, parts, cached.parts)):
            cached.parts, cached.candles = parts, candles
            cached.figures = self._computed(parts, candles, runs, layout, percent, method)
        return cached.figures

    def candles_of(self, runs: OpenBarRanges) -> CandleFill:
        """The candle fill of a profile over some runs of bars; `NO_CANDLES` for a series without bars, or a cache without candles."""
        if self._candles is None or not self.series.n_bars:
            return NO_CANDLES
        start_ns, asked_ns = self.series.times.start_ns, self._asked_ns
        newest = int(self.series.number[-1]) + 1
        times = tuple((asked_ns.get(first) or start_ns(first), None if end is None else start_ns(end)) for first, end in runs)
        bars = sum((newest if end is None else end) - first for first, end in runs)
        return self._candles.fill_for(times, single_bar=bars == 1)

    def candle_requests(self, profiles: Iterable[OpenBarRanges]) -> tuple[CandleRange, ...]:
        """The candles still to be requested for profiles over these runs of bars, each once, newest first."""
        found = {wish for runs in profiles if runs for wish in self.candles_of(runs).wishes}
        return tuple(sorted(found, key=lambda wish: wish.span, reverse=True))

    def _computed(
        self,
        parts: list[VolumeProfile],
        candles: CandleFill,
        runs: OpenBarRanges,
        layout: RowLayout,
        percent: int,
        method: ValueAreaMethod,
    ) -> ProfileValues | None:
        rows = apply_layout(merge_profiles(parts) if len(parts) > 1 else parts[0], self.series.grid, layout)
        if rows is None:
            return None
        self.worked_out += 1
        end = int(self.series.number[-1]) + 1
        ended = tuple((first, max(first + 1, end) if last is None else last) for first, last in runs)
        return ProfileValues(ended, rows, value_area(rows.profile, percent, method), candles)


@dataclass(slots=True, eq=False)
class _Cached:
    growing: list[RunningProfile]
    parts: list[VolumeProfile] = field(default_factory=list[VolumeProfile])
    candles: CandleFill | None = None
    figures: ProfileValues | None = None
