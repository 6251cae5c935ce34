"""The levels of a chart, with start, tests and end, updated as the market trades.

Results for closed bars are stored. A live trade costs a comparison with the nearest level above and below; all active levels are
compared only when a bar closes or a level is reached. A long history is processed in chunks of bars, one per screen frame. The module
does not depend on a screen: a view of levels calls `refresh` once per screen frame and compares `revision`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from app.analytics.bar_groups import first_bar_at
from app.analytics.bar_values import BarValues
from app.analytics.level_detection import DetectedLevel, LevelKind, levels_of_bars, levels_of_nodes, levels_of_profile, levels_of_tpo
from app.analytics.level_expiry import bars_inside, first_ending_bars
from app.analytics.profile import profile_of_bars
from app.analytics.tpo import HALF_HOUR_NS, bars_fit_brackets, tpo_of_bars
from app.analytics.volume_nodes import peaks, percentile
from app.chart import level_table
from app.chart.level_table import COLUMNS, LevelColumns
from app.market.arrays import Int64Array
from app.market.session import Period, TimeDivision, division_numbers, span_at
from app.market.trading_hours import TradingHours

_ZONES = (LevelKind.STACKED_BUY, LevelKind.STACKED_SELL)
PERIODS = tuple(Period)
"""The periods of levels; the `period` column of the level table is an index into this tuple, or -1."""


@dataclass(frozen=True, slots=True)
class LevelRules:
    """The settings of levels: sessions, periods, TPO bracket, nodes and how zones end.

    Attributes
    ----------
    hours : TradingHours
        Define the start of days, weeks and months. Levels of a day are those of its session; weeks and months include the trades
        between sessions.
    periods : tuple of Period
        Periods that have levels: POC, VAH and VAL; days also have single prints, poor highs and lows, and nodes.
    bracket_ns : int
        Length of a TPO bracket, for single prints, poor highs and poor lows.
    nodes : "peaks" or "percentile"
        Method that finds high and low volume nodes.
    zones_end : "touch" or "close"
        "touch": a stacked zone ends when touched; "close": only when a bar closes through it.
    """

    hours: TradingHours = field(default_factory=TradingHours)
    periods: tuple[Period, ...] = PERIODS
    bracket_ns: int = HALF_HOUR_NS
    nodes: Literal["peaks", "percentile"] = "peaks"
    zones_end: Literal["touch", "close"] = "touch"


@dataclass(frozen=True, slots=True)
class Level:
    """An active level, as the list of levels shows it.

    Attributes
    ----------
    kind : LevelKind
    period : Period or None
        Period from which the level comes; None for a level of a single bar.
    bottom_ticks, top_ticks : int
        Lowest and highest price of the level; equal for a line.
    born_ns : int
        Start of the first bar at which the level is active.
    tests : int
        Number of closed bars since then that traded at the level without ending it.
    distance_ticks : int
        From the last price to the level's nearer edge: negative if the level is below, 0 if the price is inside it.
    """

    kind: LevelKind
    period: Period | None
    bottom_ticks: int
    top_ticks: int
    born_ns: int
    tests: int
    distance_ticks: int


class LevelTracker:
    """All levels of one series, updated on `refresh`.

    Attributes
    ----------
    revision : int
        Grows when a level starts or ends.
    bars_taken, looks : int
        Counts of work for the tests: closed bars processed, and comparisons of all active levels with a bar.
    """

    def __init__(self, figures: BarValues, rules: LevelRules | None = None) -> None:
        self.rules = rules or LevelRules()
        self.revision = 0
        self.bars_taken = self.looks = 0
        self._figures, self._series = figures, figures.series
        self._seen = -1  # revision of the series
        self._closed = 0  # closed bars processed so far
        self._table = LevelColumns()
        self._nearest = (-(1 << 62), 1 << 62)  # a low at most, or a high at least, that reaches a level
        self._last = -1, 0, 0  # the bar in progress when it was last compared with the levels: index, low, high
        hours = self.rules.hours
        self._divisions: dict[Period, TimeDivision] = {period: hours.from_start(period) for period in PERIODS} | {
            Period.DAY: hours.divisions
        }

    def refresh(self) -> bool:
        """Process one chunk of new closed bars and, once none remain, the bar in progress; return True if closed bars remain."""
        series = self._series
        closed = max(series.n_bars - 1, 0)
        if series.revision != self._seen:
            changed = series.changed_since(self._seen) if self._seen >= 0 else 0
            self._seen = series.revision
            if changed < self._closed or self._has_shrunk():
                self._forget_from(changed)
        if self._closed < closed:
            self._take(min(closed, (self._closed // level_table.MARK_BARS + 1) * level_table.MARK_BARS))
        if self._closed == closed and series.n_bars:
            self._compare_last_bar()
        return self._closed < closed

    def settle(self) -> None:
        """Process all new and changed bars, however many there are."""
        while self.refresh():
            pass

    def columns(
        self, kinds: tuple[LevelKind, ...], first_bar: int, end_bar: int, *, living: bool = False, known_end: int | None = None
    ) -> dict[str, Int64Array]:
        """The columns of the levels of the given kinds that were active in any of the bars `[first_bar, end_bar)`.

        With `living`, only those still active. With `known_end` they are as known when the bar before that index was the last one,
        except for `tests`: levels that started later are left out, and levels that ended later are active.

        Returns
        -------
        dict of int64 [shape=(n,)]
            `kind`, `period` (index in `PERIODS`, -1 for none), `bottom` and `top` in ticks, `start` and `end` (index of the
            first bar at which it is active, and of the bar that ended it; -1 while active), `tests`.
        """
        table = self._table
        now = known_end is None or known_end >= self._series.n_bars
        asked = table.alive if living and now else table.near(first_bar if now or known_end is None else min(first_bar, known_end), end_bar)
        kind, start, end = (table[name][asked] for name in ("kind", "start", "end"))
        wanted = np.isin(kind, kinds) & (start < end_bar)
        if known_end is not None and not now:
            by_close = np.isin(kind, _ZONES) & (self.rules.zones_end == "close")  # a bar has closed once the next one begins
            end = np.where(end < known_end - by_close, end, -1)
            wanted &= start < known_end
        wanted &= (end < 0) if living else (end < 0) | (end >= first_bar)
        return {**{name: table[name][asked[wanted]] for name in COLUMNS}, "end": end[wanted]}

    def active(self, known_end: int | None = None) -> list[Level]:
        """The active levels, oldest first; empty without bars.

        With `known_end`, the levels, tests and distances as they were when the bar before that index was the last one.
        """
        series = self._series
        end = series.n_bars if known_end is None else min(known_end, series.n_bars)
        if not end:
            return []
        last = int(series.close[end - 1])
        alive = self.columns(tuple(LevelKind), 0, end, living=True, known_end=end)
        if end < series.n_bars:
            bars, edges = slice(end - 1), (alive["bottom"], alive["top"], alive["start"])
            alive["tests"] = bars_inside(series.low[bars], series.high[bars], *edges, np.full(len(alive["start"]), end - 1))
        found: list[Level] = []
        rows = zip(*(alive[name].tolist() for name in ("kind", "period", "bottom", "top", "start", "tests")), strict=True)
        period: int
        for kind, period, bottom, top, start, tests in rows:
            distance = bottom - last if last < bottom else top - last if last > top else 0
            which = PERIODS[period] if period >= 0 else None
            found.append(Level(LevelKind(kind), which, bottom, top, series.start_ns(start), tests, distance))
        return sorted(found, key=lambda level: level.born_ns)

    def bars_of(self, period: Period, bar: int) -> tuple[int, int, int]:
        """The start time and the bars `[first, end)` of the period that ended just before `bar`.

        `bar` is the index of the first bar after the period, and `end` is equal to it.
        """
        start_ns = span_at(self._divisions[period], self._series.start_ns(bar - 1)).start_ns
        return start_ns, first_bar_at(self._series, start_ns), bar

    # -- closed bars -----------------------------------------------------------------------------

    def _take(self, end: int) -> None:
        """Process the closed bars before the index `end` that are not processed yet: start, end and test levels."""
        first = self._closed
        births = [(bar + 1, -1, birth) for bar, birth in self._of_bars(first, end)]
        births += self._of_periods(first, end)
        births.sort(key=lambda birth: birth[0])
        table, asked = self._table, self._table.alive
        if births:
            rows = np.array([(birth.kind, period, *birth[1:], start, -1, 0) for start, period, birth in births], np.int64)
            asked = np.concatenate((asked, table.add(rows)))
        self._end(asked[table["end"][asked] < 0], first, end)
        self._count_tests(asked, first, end)
        self.bars_taken += end - first
        self._closed = end
        table.alive = asked[table["end"][asked] < 0]
        table.mark(end)
        self._compare_next_bar_with_all()

    def _of_bars(self, first: int, end: int) -> list[tuple[int, DetectedLevel]]:
        marks = self._figures.imbalances(first, end)
        return levels_of_bars(self._series, first, end, marks, self._figures.rule.stacked, self.rules.zones_end)

    def _of_periods(self, first: int, end: int) -> list[tuple[int, int, DetectedLevel]]:
        """The levels of the periods whose last bar is one of `[first, end)`: start bar, index of the period in `PERIODS`, level."""
        births: list[tuple[int, int, DetectedLevel]] = []
        begin_ns = self._series.times.of_bars(first, end + 1)
        for period in self.rules.periods:
            piece, starts = division_numbers(self._divisions[period], begin_ns)
            for later in (np.flatnonzero(np.diff(piece)) + 1).tolist():
                start_ns, bar = int(starts[piece[later - 1]]), first + later
                if period is Period.DAY and not self.rules.hours.open_at(np.array([start_ns]))[0]:
                    continue  # the time between two sessions has no levels
                of_period = self._of_period(period, start_ns, bar)
                births += [(bar, PERIODS.index(period), birth) for birth in of_period]
        return births

    def _of_period(self, period: Period, start_ns: int, end: int) -> list[DetectedLevel]:
        series, figures = self._series, self._figures
        first = first_bar_at(series, start_ns)
        profile, height = profile_of_bars(series, first, end), series.grid.ticks_per_row
        if not profile.volume:
            return []
        births = list(levels_of_profile(profile, height, figures.percent, figures.method))
        if period is Period.DAY:
            births += levels_of_nodes((peaks if self.rules.nodes == "peaks" else percentile)(profile), height)
            if bars_fit_brackets(series.rule.length_ns, start_ns, self.rules.bracket_ns):
                letters = tpo_of_bars(series, first, end, start_ns, self.rules.bracket_ns)
                births += levels_of_tpo(letters, height, int(series.close[end - 1]))
        return births

    def _end(self, alive: Int64Array, first: int, end: int) -> None:
        """End those of the levels `alive` whose end condition is met by one of the closed bars `[first, end)`."""
        series, table = self._series, self._table
        by_close = np.isin(table["kind"][alive], _ZONES) & (self.rules.zones_end == "close")
        for which, names in ((alive[~by_close], ("low", "high")), (alive[by_close], ("close", "close"))):
            low, high = (getattr(series, name)[first:end] for name in names)
            start = np.maximum(table["start"][which], first) - first
            found = first_ending_bars(low, high, table["low_at_most"][which], table["high_at_least"][which], start)
            table.writable("end")[which[found >= 0]] = found[found >= 0] + first
        self.looks += 1

    def _count_tests(self, asked: Int64Array, first: int, end: int) -> None:
        series, table = self._series, self._table
        ended = table["end"][asked]
        until = np.where(ended < 0, end, np.minimum(ended, end)) - first
        start = np.maximum(table["start"][asked], first) - first
        low, high = series.low[first:end], series.high[first:end]
        table.writable("tests")[asked] += bars_inside(low, high, table["bottom"][asked], table["top"][asked], start, until)

    # -- the bar in progress ---------------------------------------------------------------------

    def _compare_last_bar(self) -> None:
        """End the levels whose end condition the bar in progress has met, except zones that end only at a bar's close.

        The levels stay ended, because the range of the bar only grows.
        """
        low, high = int(self._series.low[-1]), int(self._series.high[-1])
        self._last = self._series.n_bars - 1, low, high
        if low > self._nearest[0] and high < self._nearest[1]:
            return
        table, alive, bar = self._table, self._table.alive, self._series.n_bars - 1
        least, most = table["low_at_most"][alive], table["high_at_least"][alive]
        counts = table["start"][alive] <= bar
        if self.rules.zones_end == "close":
            counts &= ~np.isin(table["kind"][alive], _ZONES)
        met = counts & (low <= least) & (high >= most)
        table.writable("end")[alive[met]] = bar
        self.looks += 1
        left = counts & ~met
        below, above = least[left & (high >= most)], most[left & (low <= least)]
        self._nearest = int(below.max(initial=-(1 << 62))), int(above.min(initial=1 << 62))
        if met.any():
            table.alive = alive[~met]
            self.revision += 1

    def _has_shrunk(self) -> bool:
        """True if the bar in progress that was last compared with the levels has a smaller range now, or no longer exists."""
        bar, low, high = self._last
        return bar >= self._series.n_bars or (bar >= 0 and (int(self._series.low[bar]) > low or int(self._series.high[bar]) < high))

    def _compare_next_bar_with_all(self) -> None:
        self._nearest = 1 << 62, -(1 << 62)
        self.revision += 1

    def _forget_from(self, bar: int) -> None:
        """Undo all starts, ends and tests of levels that depend on the bars from `bar` on, which have changed."""
        self._closed, self._last = min(bar, self._closed), (-1, 0, 0)
        again, first = self._table.forget_from(bar, self._closed)
        self._count_tests(again, first, self._closed)
        self._compare_next_bar_with_all()
