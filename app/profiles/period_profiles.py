"""Profiles of periods: one for each session, day, week or month, or for each so many bars; split and merged by the user.

Of a session what trades outside of it is left out; a day goes from the start of one to the start of the next (see `TradingHours`).

A split makes a profile begin at a bar inside a period, a merge makes none begin where a period does. Both are kept as
times, so that they hold for other bars too. In whatever order they come, every bar of a period lies in one profile and in no
other: so the volumes of the pieces add up to the volume of the whole.
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
"""No market is closed for longer, and no period lasts longer."""
BarRanges = tuple[tuple[int, int], ...]
"""Runs of bars `[first number, end number)`, in order and apart."""


class PeriodKind(enum.Enum):
    """What there is a profile of; the value is its name."""

    SESSION = "session"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    BARS = "bars"


_ADJECTIVES = {PeriodKind.SESSION: "session", PeriodKind.DAY: "daily", PeriodKind.WEEK: "weekly", PeriodKind.MONTH: "monthly"}


class PeriodSegment(NamedTuple):
    """The time of one profile.

    Attributes
    ----------
    start_ns, end_ns : int
        Where it begins, and where it ends: the edge of a period, or a split.
    runs : Runs
        Its bars.
    """

    start_ns: int
    end_ns: int
    runs: BarRanges


@dataclass(frozen=True, slots=True)
class PeriodProfiles:
    """A profile for each period: of the calendar, as the hours of the chart say, or of so many bars.

    Attributes
    ----------
    each : Each
    bars : int
        How many bars make a period, counted from bar number 0 on, so that a period does not depend on where the chart begins;
        of no meaning but for `Each.BARS`.
    inputs : ProfileInputs
        Of all of them.
    cuts : frozenset of int
        Times at which a profile begins, whatever the periods say.
    joins : frozenset of int
        Starts of periods at which none begins: that period goes on with the profile before.
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
        """What its profiles are, in front of that noun: session, daily, 30-bar."""
        return f"{self.bars}-bar" if self.each is PeriodKind.BARS else _ADJECTIVES[self.each]

    @property
    def is_edited(self) -> bool:
        """Whether any was split or merged."""
        return bool(self.cuts or self.joins)

    def has_same_periods(self, other: PeriodProfiles) -> bool:
        """Whether the periods are the same, whatever was split or merged and however they are drawn."""
        return self.each is other.each and (self.bars == other.bars or self.each is not PeriodKind.BARS)

    def split(self, time_ns: int) -> PeriodProfiles:
        """One that begins at a time."""
        return replace(self, cuts=self.cuts | {time_ns}, joins=self.joins - {time_ns})

    def merged(self, time_ns: int) -> PeriodProfiles:
        """None that begins at a time: what would begin there goes on with the profile before."""
        return replace(self, cuts=self.cuts - {time_ns}, joins=self.joins | {time_ns})

    def without_edits(self) -> PeriodProfiles:
        """Every period one profile again."""
        return replace(self, cuts=frozenset(), joins=frozenset())

    # -- the bars of each ------------------------------------------------------------------------

    def segments(self, times: BarTimes, first: int, last: int, hours: TradingHours = _WHOLE_DAYS) -> list[PeriodSegment]:
        """The profiles that touch the bars with numbers `first` to `last`, oldest first, each whole; no bar lies in two.

        A bar that an edge of a period falls into belongs to the period in which it begins.
        """
        spans = self._periods(first, last, times, hours)
        if not spans and self.joins:  # between two sessions that may be one
            spans = [one for one in self._after(times.start_ns(last), times, hours) if one.start_ns in self.joins]
        while spans and spans[0].start_ns in self.joins:  # what is in sight goes on with periods that are not
            spans = [*self._before(spans[0].start_ns, times, hours), *spans]
        while spans and (after := self._after(spans[-1].end_ns, times, hours)) and after[0].start_ns in self.joins:
            spans = [*spans, *after]
        pieces = self._cut_and_joined(spans, times)
        return [piece for piece in pieces if piece.runs[-1][1] > first and piece.runs[0][0] <= last]

    def next_start_ns(self, piece: PeriodSegment, times: BarTimes, hours: TradingHours = _WHOLE_DAYS) -> int | None:
        """Where the profile after one begins; None if there is no other."""
        if self.each is not PeriodKind.SESSION or piece.end_ns in self.cuts:
            return piece.end_ns
        after = self._after(piece.end_ns, times, hours)
        return after[0].start_ns if after else None

    def _cut_and_joined(self, spans: Sequence[Span], times: BarTimes) -> list[PeriodSegment]:
        pieces: list[PeriodSegment] = []
        for span in spans:
            edges = [span.start_ns, *sorted(cut for cut in self.cuts if span.start_ns < cut < span.end_ns), span.end_ns]
            for start_ns, end_ns in pairwise(edges):
                run = _first_from(times, start_ns), _first_from(times, end_ns)
                if run[0] >= run[1]:  # no bar begins there
                    continue
                if pieces and start_ns in self.joins:
                    before = pieces.pop()
                    pieces.append(PeriodSegment(before.start_ns, end_ns, _followed(before.runs, run)))
                else:
                    pieces.append(PeriodSegment(start_ns, end_ns, (run,)))
        return pieces

    def _periods(self, first: int, last: int, times: BarTimes, hours: TradingHours) -> list[Span]:
        """The periods that touch some bars, whole, oldest first; bars that begin at one instant lie in one."""
        if self.each is not PeriodKind.BARS:
            return _of_calendar(self.each, Span(times.start_ns(first), times.start_ns(last + 1)), hours)
        edges = [times.start_ns(number) for number in range(first // self.bars * self.bars, last + self.bars + 1, self.bars)]
        return [Span(start, end) for start, end in pairwise(edges) if end > start]

    def _before(self, time_ns: int, times: BarTimes, hours: TradingHours) -> list[Span]:
        """The last period that ends at a time or sooner."""
        if self.each is PeriodKind.BARS:
            number = times.number(time_ns - 1)
            return self._periods(number, number, times, hours)
        return [span for span in _of_calendar(self.each, Span(time_ns - _CLOSED_NS, time_ns), hours) if span.end_ns <= time_ns][-1:]

    def _after(self, time_ns: int, times: BarTimes, hours: TradingHours) -> list[Span]:
        """The first period that begins at a time or later."""
        if self.each is PeriodKind.BARS:
            number = times.number(time_ns)
            return self._periods(number, number, times, hours)
        return [span for span in _of_calendar(self.each, Span(time_ns, time_ns + _CLOSED_NS), hours) if span.start_ns >= time_ns][:1]


def _followed(runs: BarRanges, run: tuple[int, int]) -> BarRanges:
    """Runs and one behind them, which goes on with the last of them if it touches it."""
    return (*runs[:-1], (runs[-1][0], run[1])) if runs[-1][1] == run[0] else (*runs, run)


def _first_from(times: BarTimes, time_ns: int) -> int:
    """The number of the first bar that begins at a time or later."""
    number = times.number(time_ns)
    return number if times.start_ns(number) >= time_ns else number + 1


@lru_cache(maxsize=64)
def _of_calendar(each: PeriodKind, span: Span, hours: TradingHours) -> list[Span]:
    """The periods that touch a span; asked for by every layer of a frame, while nothing moves."""
    if each is PeriodKind.SESSION:
        return list(hours.sessions(span))
    return [Span(*edges) for edges in pairwise(hours.from_start(Period(each.value)).starts_ns(span).tolist())]
