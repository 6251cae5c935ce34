"""Trading hours: whole days or sessions, and the weeks and months made of them.

"By session" has two meanings; each value uses one of them:

- *from the start*: from the start of one session to the start of the next, without a gap. VWAP and CVD continue after the close; so
  do weeks and months, which begin with their first session.
- *the session itself*: trades before the open and after the close do not count. TPO, profiles and levels of a session use this.

A session belongs to the day on which it closes: one that opens on Sunday evening belongs to Monday and opens the week. One that
closes at midnight belongs to the day before.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import date, time, timedelta
from functools import lru_cache

import numpy as np

from app.errors import BadInputError
from app.market.arrays import BoolArray, Int64Array
from app.market.bar_rule import DAY_NS
from app.market.session import Period, PeriodRule, SessionRule, TimeDivision, division_numbers, local_time, parse_session
from app.market.span import Span

WHOLE_DAY = "day"
_MONDAY_TO_FRIDAY = frozenset(range(5))
_AROUND_NS = 40 * DAY_NS
"""Within this distance of a time are the first session of its month and that of the next month."""
TEMPLATES = {
    "us-rth": SessionRule(time(9, 30), time(16), "America/New_York", _MONDAY_TO_FRIDAY),
    "cme": SessionRule(time(17), time(16), "America/Chicago", frozenset((6, 0, 1, 2, 3))),
    "london": SessionRule(time(8), time(16, 30), "Europe/London", _MONDAY_TO_FRIDAY),
    "xetra": SessionRule(time(9), time(17, 30), "Europe/Berlin", _MONDAY_TO_FRIDAY),
    "tokyo": SessionRule(time(9), time(15, 30), "Asia/Tokyo", _MONDAY_TO_FRIDAY),
}
"""Sessions by name, each in the time zone of its exchange, without holidays."""


@dataclass(frozen=True, slots=True)
class TradingHours:
    """The trading hours of a chart.

    Attributes
    ----------
    name : str
        `day` for whole days, the name of a template, or times such as `09:30-16:00`.
    timezone : str
        IANA name; a template has its own.
    rule : SessionRule or None
        None for whole days.
    """

    name: str = WHOLE_DAY
    timezone: str = "UTC"
    rule: SessionRule | None = None

    @property
    def unit(self) -> str:
        """The word for one day of trading: `day` for whole days, `session` for named hours."""
        return "day" if self.rule is None else "session"

    @property
    def text(self) -> str:
        """The trading hours as shown in the chart's legend."""
        if self.rule is None:
            return f"day of {self.timezone}"
        times = f"{self.rule.opens:%H:%M}-{self.rule.closes:%H:%M}"
        return f"session {f'{self.name} {times}' if self.name in TEMPLATES else times} {self.timezone}"

    @property
    def divisions(self) -> TimeDivision:
        """The division of time into sessions and the times between them, or into days if there are no sessions."""
        return PeriodRule(timezone=self.timezone) if self.rule is None else self.rule

    def from_start(self, period: Period = Period.DAY) -> TimeDivision:
        """The division of time into days, weeks or months that begin with their first session, without gaps between them.

        Without sessions they begin at local midnight.
        """
        return PeriodRule(period, self.timezone) if self.rule is None else SessionPeriods(self.rule, period)

    def sessions(self, span: Span) -> tuple[Span, ...]:
        """The sessions, or whole days, that overlap a span, not cut to the span, oldest first."""
        return _sessions(self, span)

    def open_at(self, time_ns: Int64Array) -> BoolArray:
        """True for each time that is in a session, bool [shape=(n,)]; always True for whole days."""
        if self.rule is None or not len(time_ns):
            return np.ones(len(time_ns), bool)
        piece, starts = division_numbers(self.rule, time_ns)
        opens = [session.start_ns for session in self.sessions(Span(int(starts[0]), int(starts[-1])))]
        return np.isin(starts, opens)[piece]


@dataclass(frozen=True, slots=True)
class SessionPeriods:
    """Divides time into days, weeks or months that begin at the start of their first session.

    Trades after the close of a session belong to the same day, week or month as the session.
    """

    rule: SessionRule
    period: Period = Period.DAY

    def starts_ns(self, span: Span) -> Int64Array:
        """Start times of the periods that overlap a span, and of the next period after these; int64, ascending."""
        end_ns = max(span.end_ns, span.start_ns + 1)
        starts = _first_sessions(self, span.start_ns // DAY_NS, -(-end_ns // DAY_NS))
        first = int(np.searchsorted(starts, span.start_ns, side="right")) - 1
        return starts[first : int(np.searchsorted(starts, end_ns)) + 1]


@lru_cache(maxsize=16)  # called by every layer
def parse_hours(name: str, timezone: str = "UTC") -> TradingHours:
    """Parse trading hours written as `day`, a template's name, or times (`09:30-16:00`).

    Raises
    ------
    BadInputError
        If the text is none of these, or the time zone is unknown.
    """
    name = name.strip()
    if rule := TEMPLATES.get(name):
        return TradingHours(name, rule.timezone, rule)
    PeriodRule(timezone=timezone)  # raises for an unknown time zone
    if name == WHOLE_DAY:
        return TradingHours(name, timezone)
    try:
        return TradingHours(name, timezone, parse_session(name, timezone))
    except BadInputError:
        names = ", ".join((WHOLE_DAY, *TEMPLATES))
        raise BadInputError(f"session: found {name!r}, expected one of {names}, or times such as 09:30-16:00") from None


@lru_cache(maxsize=64)
def _sessions(hours: TradingHours, span: Span) -> tuple[Span, ...]:
    """The sessions, or whole days, that overlap a span, not cut to the span; cached because several layers need them."""
    if hours.rule is not None:
        return tuple(hours.rule.sessions(span))
    return tuple(Span(*edges) for edges in itertools.pairwise(hours.divisions.starts_ns(span).tolist()))


@lru_cache(maxsize=256)
def _first_sessions(periods: SessionPeriods, first_day: int, end_day: int) -> Int64Array:
    """Start times of the periods (see `SessionPeriods`) that begin from 40 days before `first_day` to 40 days after `end_day`.

    Both are UTC days, counted from 1970. The first session in that time is left out, as its period may begin earlier.
    """
    reach = Span(first_day * DAY_NS - _AROUND_NS, end_day * DAY_NS + _AROUND_NS)
    sessions = periods.rule.sessions(reach)
    named = [(_period_of(session, periods), session.start_ns) for session in sessions]
    firsts = [start for (before, _), (name, start) in itertools.pairwise(named) if periods.period is Period.DAY or name != before]
    starts = np.array(firsts, np.int64)
    starts.flags.writeable = False
    return starts


def _period_of(session: Span, periods: SessionPeriods) -> date:
    """The date of the first day in the period (day, week or month) to which a session belongs."""
    day = local_time(session.end_ns - 1000, periods.rule.timezone).date()  # a microsecond, the smallest step of a datetime
    if periods.period is Period.MONTH:
        return day.replace(day=1)
    return day - timedelta(days=day.weekday()) if periods.period is Period.WEEK else day
