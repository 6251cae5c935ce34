"""Period profiles: one per session, day, week, month or N bars.

The user can split and merge them. A session leaves out trades outside its hours; a day lasts from the start of one session to
the start of the next (see `TradingHours`).

A split makes a profile start at a bar inside a period; a merge lets a profile continue where a period or a split starts. Both are stored
as times, so that they apply to bars of other rules too. In whatever order they are made, every bar of a period lies in exactly one
profile: so the volumes of the segments add up to the volume of the periods.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from app.analytics.bar_times import BarTimes
from app.errors import BadInputError
from app.market.session import Period
from app.market.span import Span
from app.market.trading_hours import TradingHours
from app.profiles.profile_settings import ProfileSettings

_WHOLE_DAYS = TradingHours()
_CLOSED_NS = 32 * 86_400 * 10**9
"""A time longer than any period, and than any time for which a market is closed."""
BarRanges = tuple[tuple[int, int], ...]
"""Runs of bars by number, `[first, end)`, in order and not touching."""


class PeriodKind(enum.Enum):
    """The kinds of period for period profiles; each member's value is the name of the kind."""

    SESSION = "session"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    BARS = "bars"


_ADJECTIVES = {PeriodKind.SESSION: "session", PeriodKind.DAY: "daily", PeriodKind.WEEK: "weekly", PeriodKind.MONTH: "monthly"}


class PeriodSegment(NamedTuple):
    """The time range and the bars of one period profile, after splits and merges.

    Attributes
    ----------
    start_ns, end_ns : int
        Start and end: each the edge of a period, or a split.
    runs : BarRanges
        The bars of the profile; more than one run if sessions were merged.
    """

    start_ns: int
    end_ns: int
    runs: BarRanges


@dataclass(frozen=True, slots=True)
class PeriodProfiles:
    """One profile per session, day, week or month of the chart, or per N bars.

    Attributes
    ----------
    each : PeriodKind
    bars : int
        Number of bars in a period, counted from bar number 0, so that a period does not depend on where the chart starts;
        used only for `PeriodKind.BARS`.
    inputs : ProfileSettings
        Settings of all these profiles.
    cuts : frozenset of int
        Times of splits, at which a profile starts too.
    joins : frozenset of int
        Times of merges: the period that starts there continues the profile before it.

    Raises
    ------
    BadInputError
        If `bars` is below 1.
    """

    each: PeriodKind
    bars: int = 1
    inputs: ProfileSettings = field(default_factory=ProfileSettings)
    cuts: frozenset[int] = frozenset()
    joins: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        if self.bars < 1:
            raise BadInputError(f"bars of a profile: found {self.bars}, expected 1 or more")

    @property
    def text(self) -> str:
        """The adjective that names these profiles in texts, e.g. `session`, `daily` or `30-bar`."""
        return f"{self.bars}-bar" if self.each is PeriodKind.BARS else _ADJECTIVES[self.each]

    @property
    def is_edited(self) -> bool:
        """True if any of the profiles is split or merged."""
        return bool(self.cuts or self.joins)

    def has_same_periods(self, other: PeriodProfiles) -> bool:
        """True if the others have the same kind of period and, for N bars, the same N, regardless of splits, merges and settings."""
        return self.each is other.each and (self.bars == other.bars or self.each is not PeriodKind.BARS)

    def split(self, time_ns: int) -> PeriodProfiles:
        """The same period profiles, split at a time; if they were merged there, the merge is removed."""
        return replace(self, cuts=self.cuts | {time_ns}, joins=self.joins - {time_ns})

    def merged(self, time_ns: int) -> PeriodProfiles:
        """The same period profiles, with the two that meet at a time merged into one; a split there is removed."""
        return replace(self, cuts=self.cuts - {time_ns}, joins=self.joins | {time_ns})

    def without_edits(self) -> PeriodProfiles:
        """The same period profiles without splits and merges."""
        return replace(self, cuts=frozenset(), joins=frozenset())

    # -- the bars of each ------------------------------------------------------------------------

    def segments(self, times: BarTimes, first: int, last: int, hours: TradingHours = _WHOLE_DAYS) -> list[PeriodSegment]:
        """The period profiles that have some of the bars numbered `first` to `last`, as complete segments, oldest first.

        No bar lies in two segments. A bar that contains the edge of a period belongs to the period in which it starts. A segment
        without bars is left out.
        """
        spans = self._periods(first, last, times, hours)
        if not spans and self.joins:  # between two sessions that may be merged
            spans = [one for one in self._after(times.start_ns(last), times, hours) if one.start_ns in self.joins]
        while spans and spans[0].start_ns in self.joins:  # the first profile in view continues one that starts before
            spans = [*self._before(spans[0].start_ns, times, hours), *spans]
        while spans and (after := self._after(spans[-1].end_ns, times, hours)) and after[0].start_ns in self.joins:
            spans = [*spans, *after]
        segments = self._cut_and_joined(spans, times)
        return [segment for segment in segments if segment.runs[-1][1] > first and segment.runs[0][0] <= last]

    def next_start_ns(self, segment: PeriodSegment, times: BarTimes, hours: TradingHours = _WHOLE_DAYS) -> int | None:
        """The time at which the profile after a segment starts; None for sessions if none starts within 32 days."""
        if self.each is not PeriodKind.SESSION or segment.end_ns in self.cuts:
            return segment.end_ns
        after = self._after(segment.end_ns, times, hours)
        return after[0].start_ns if after else None

    def _cut_and_joined(self, spans: Sequence[Span], times: BarTimes) -> list[PeriodSegment]:
        segments: list[PeriodSegment] = []
        for span in spans:
            edges = [span.start_ns, *sorted(cut for cut in self.cuts if span.start_ns < cut < span.end_ns), span.end_ns]
            for start_ns, end_ns in pairwise(edges):
                run = _first_from(times, start_ns), _first_from(times, end_ns)
                if run[0] >= run[1]:  # no bar starts there
                    continue
                if segments and start_ns in self.joins:
                    before = segments.pop()
                    segments.append(PeriodSegment(before.start_ns, end_ns, _followed(before.runs, run)))
                else:
                    segments.append(PeriodSegment(start_ns, end_ns, (run,)))
        return segments

    def _periods(self, first: int, last: int, times: BarTimes, hours: TradingHours) -> list[Span]:
        """The periods, each in full, that contain some of the bars numbered `first` to `last`, oldest first.

        Bars with the same start time are in the same period.
        """
        if self.each is not PeriodKind.BARS:
            return _of_calendar(self.each, Span(times.start_ns(first), times.start_ns(last + 1)), hours)
        edges = [times.start_ns(number) for number in range(first // self.bars * self.bars, last + self.bars + 1, self.bars)]
        return [Span(start, end) for start, end in pairwise(edges) if end > start]

    def _before(self, time_ns: int, times: BarTimes, hours: TradingHours) -> list[Span]:
        """The last period that ends at a time or earlier, in a list; empty if there is no such period within 32 days."""
        if self.each is PeriodKind.BARS:
            number = times.number(time_ns - 1)
            return self._periods(number, number, times, hours)
        return [span for span in _of_calendar(self.each, Span(time_ns - _CLOSED_NS, time_ns), hours) if span.end_ns <= time_ns][-1:]

    def _after(self, time_ns: int, times: BarTimes, hours: TradingHours) -> list[Span]:
        """The first period that starts at a time or later, in a list; empty if there is no such period within 32 days."""
        if self.each is PeriodKind.BARS:
            number = times.number(time_ns)
            return self._periods(number, number, times, hours)
        return [span for span in _of_calendar(self.each, Span(time_ns, time_ns + _CLOSED_NS), hours) if span.start_ns >= time_ns][:1]


def _followed(runs: BarRanges, run: tuple[int, int]) -> BarRanges:
    """Append a run of bars to other runs; if it begins where the last run ends, that run is extended."""
    return (*runs[:-1], (runs[-1][0], run[1])) if runs[-1][1] == run[0] else (*runs, run)


def _first_from(times: BarTimes, time_ns: int) -> int:
    """The number of the first bar that starts at a time or later."""
    number = times.number(time_ns)
    return number if times.start_ns(number) >= time_ns else number + 1


@lru_cache(maxsize=64)
def _of_calendar(each: PeriodKind, span: Span, hours: TradingHours) -> list[Span]:
    """The sessions or calendar periods that overlap a span, in full and in order; cached, as each drawn layer needs them."""
    if each is PeriodKind.SESSION:
        return list(hours.sessions(span))
    return [Span(*edges) for edges in pairwise(hours.from_start(Period(each.value)).starts_ns(span).tolist())]
