"""Days, weeks and months in a time zone, and trading sessions in local time.

Every rule is a list of start times; a segment lasts from one start to the next, `[start, next start)`. So every time is in exactly
one segment, even when clocks change. Rules use local time, and dates are calendar dates: a day with a clock change has 23, 25 or
24½ hours, and still begins at midnight.

If the clocks skip midnight, the day begins at the moment of the change; if midnight occurs twice, at the first of the two.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

import numpy as np

from app.errors import BadInputError
from app.market.arrays import Int64Array
from app.market.span import Span

_NS_PER_S = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_NS, _LAST_NS = -8_520_336_000 * _NS_PER_S, 9_151_488_000 * _NS_PER_S  # 1700 to 2260: fits into 64 bits with a margin at both ends
ALL_WEEKDAYS = frozenset(range(7))
"""Monday is 0."""


class Period(enum.Enum):
    """The possible lengths of a period; the value is its name on the command line."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class TimeDivision(Protocol):
    """A rule that divides time into consecutive segments."""

    def starts_ns(self, span: Span) -> Int64Array:
        """Start times of the segments that overlap a span, and of the next segment after these; int64, ascending."""
        ...


@dataclass(frozen=True, slots=True)
class PeriodRule:
    """Divides time into days, weeks from Monday, or months, in an IANA time zone; supports the years 1700 to 2260.

    Raises
    ------
    BadInputError
        If the time zone is unknown.
    """

    period: Period = Period.DAY
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        _zone(self.timezone)

    def starts_ns(self, span: Span) -> Int64Array:
        """Start times of the periods that overlap a span, and of the next period after these; int64, ascending."""
        first, last = _dates(span, self.timezone)
        return _around(span, [_instant(day, time(), self.timezone) for day in self._days(first, last)])

    def _days(self, first: date, last: date) -> list[date]:
        """The first date of each period, from the period before the one of the date `first` to the period after the one of `last`."""
        if self.period is Period.MONTH:
            months = range(first.year * 12 + first.month - 2, last.year * 12 + last.month + 1)
            return [date(month // 12, month % 12 + 1, 1) for month in months]
        step = 7 if self.period is Period.WEEK else 1
        begin = first - timedelta(days=first.weekday() if step == 7 else 0) - timedelta(days=step)
        return [begin + timedelta(days=days) for days in range(0, (last - begin).days + 2 * step, step)]


@dataclass(frozen=True, slots=True)
class SessionRule:
    """A trading session: opening and closing time on some days of the week; supports the years 1700 to 2260.

    A session crosses midnight if its closing time is not later than its opening time.

    The time between two sessions is a segment, too: its trades are not lost. A session that would begin before the end of the one
    before (sessions last at most a day, so only after a clock change) begins at that end.

    Attributes
    ----------
    opens, closes : time
        Local times; equal ones make a session of a whole day.
    timezone : str
        IANA name.
    weekdays : frozenset of int
        Days of the week on which it opens; Monday is 0.
    closed : frozenset of date
        Holidays, on which it does not open.
    early : tuple of (date, time)
        Days with another closing time.

    Raises
    ------
    BadInputError
        If the time zone is unknown, or the days of the week are invalid.
    """

    opens: time
    closes: time
    timezone: str = "UTC"
    weekdays: frozenset[int] = ALL_WEEKDAYS
    closed: frozenset[date] = frozenset()
    early: tuple[tuple[date, time], ...] = field(default=())

    def __post_init__(self) -> None:
        _zone(self.timezone)
        if not self.weekdays or not self.weekdays <= ALL_WEEKDAYS:
            raise BadInputError(f"session: found weekdays {sorted(self.weekdays)}, expected some of 0 (Monday) to 6")

    def starts_ns(self, span: Span) -> Int64Array:
        """Opening and closing times of sessions: from the last one at or before a span's start to the first at or after its end.

        Int64, ascending.
        """
        first, last = _dates(span, self.timezone)
        return _around(span, [edge for session in self._sessions(first, last) for edge in session])

    def sessions(self, span: Span) -> list[Span]:
        """The sessions that overlap a span, not cut to the span, oldest first."""
        first, last = _dates(span, self.timezone)
        found = (Span(*edges) for edges in self._sessions(first, last))
        return [session for session in found if session and session.start_ns < span.end_ns and session.end_ns > span.start_ns]

    def _sessions(self, first: date, last: date) -> list[tuple[int, int]]:
        sessions: list[tuple[int, int]] = []
        before, other = 0, dict(self.early)
        days = (last - first).days
        for ahead in range(-8, days + 9):  # a week on both sides: the session before may be on Friday
            day = first + timedelta(days=ahead)
            if day.weekday() not in self.weekdays or day in self.closed:
                continue
            closes = other.get(day, self.closes)
            begin = _instant(day, self.opens, self.timezone)
            end = _instant(day + timedelta(days=closes <= self.opens), closes, self.timezone)
            begin = max(begin, before) if sessions else begin
            if end > begin:
                sessions.append((begin, end))
                before = end
        return sessions


def span_at(division: TimeDivision, time_ns: int) -> Span:
    """The segment of a time division that contains a time."""
    starts = division.starts_ns(Span(time_ns, time_ns + 1))
    index = int(np.searchsorted(starts, time_ns, side="right"))
    return Span(int(starts[index - 1]), int(starts[index]))


def span_before(division: TimeDivision, time_ns: int) -> Span:
    """The segment before the one that contains a time."""
    return span_at(division, span_at(division, time_ns).start_ns - 1)


def division_numbers(division: TimeDivision, time_ns: Int64Array) -> tuple[Int64Array, Int64Array]:
    """The index of the segment that contains each time, and the start times of the segments; both are empty without times.

    Parameters
    ----------
    time_ns : int64 [shape=(n,)]
        Times in any order.

    Returns
    -------
    piece, starts : int64 [shape=(n,)], int64 [shape=(n_pieces + 1,)]
        Index of each time's segment, and the segment starts; the last start is the end of the last segment.
    """
    if not len(time_ns):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    starts = division.starts_ns(Span(int(time_ns.min()), int(time_ns.max()) + 1))
    return np.searchsorted(starts, time_ns, side="right") - 1, starts


def local_time(time_ns: int, timezone: str) -> datetime:
    """The local date and time in a time zone, rounded down to a microsecond; raises `BadInputError` for an unknown zone."""
    return (_EPOCH + timedelta(microseconds=time_ns // 1000)).astimezone(_zone(timezone))


def day_start_ns(day: date, timezone: str = "UTC") -> int:
    """The start of a day in a time zone, in ns since 1970 UTC; raises `BadInputError` for an unknown zone."""
    return _instant(day, time(), timezone)


def parse_session(text: str, timezone: str = "UTC") -> SessionRule:
    """Parse a session on all days of the week, written as `09:30-16:00`, or `22:00-05:00` if it crosses midnight.

    Raises
    ------
    BadInputError
        If the text is not a session, or the time zone is unknown.
    """
    match = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)", text)
    if not match:
        raise BadInputError(f"session: found {text!r}, expected times such as 09:30-16:00")
    hour, minute, until_hour, until_minute = map(int, match.groups())
    return SessionRule(time(hour, minute), time(until_hour, until_minute), timezone)


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # an unknown name; an empty name; the name of a folder
        raise BadInputError(f"time zone: found {name!r}, expected an IANA name such as Europe/London") from None


def _dates(span: Span, timezone: str) -> tuple[date, date]:
    """The local dates of the start and the end of a span; raises `BadInputError` outside the years 1700 to 2260."""
    ends = span.start_ns, max(span.end_ns, span.start_ns + 1)
    if ends[0] < _FIRST_NS or ends[1] > _LAST_NS:
        raise BadInputError(f"time: found {ends[0] if ends[0] < _FIRST_NS else ends[1]} ns since 1970, expected the years 1700 to 2260")
    return local_time(ends[0], timezone).date(), local_time(ends[1], timezone).date()


def _around(span: Span, instants: list[int]) -> Int64Array:
    """Select times around a span, without duplicates: from the last one at or before its start to the first at or after its end."""
    starts = np.unique(np.array(instants, np.int64))  # a day that a time zone skipped begins at the same time as the next day
    first = int(np.searchsorted(starts, span.start_ns, side="right")) - 1
    last = int(np.searchsorted(starts, max(span.end_ns, span.start_ns + 1)))
    return starts[first : last + 1]


@lru_cache(maxsize=1 << 14)  # forty years of days for one time zone and rule
def _instant(day: date, clock: time, timezone: str) -> int:
    """The first moment at which local clocks show a time on a day, in ns; if they skip that time, the moment of the skip."""
    wall = datetime.combine(day, clock, _zone(timezone))
    before, after = wall.astimezone(UTC), wall.replace(fold=1).astimezone(UTC)
    if before <= after:  # shown once or twice
        return _ns(before)
    low, high = _ns(after) // _NS_PER_S, _ns(before) // _NS_PER_S  # skipped: the clocks go forward between these two
    offset = local_time(low * _NS_PER_S, timezone).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if local_time(middle * _NS_PER_S, timezone).utcoffset() == offset else (low, middle)
    return high * _NS_PER_S


def _ns(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(microseconds=1) * 1000
