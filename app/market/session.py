"""How the calendar cuts time: days, weeks and months of a time zone, and trading sessions by the clock on its wall.

Every rule is a list of instants at which something begins; a piece lasts from one of them to the next, `[start, next start)`.
So every instant lies in exactly one piece, whatever the clocks do. The rule is kept by the wall's clock, and dates are counted
by the calendar: a day on which the clocks are changed has 23, 25 or 24½ hours, and begins at midnight all the same.

A midnight that the clocks skip is the instant at which they skip it; one that they strike twice is the first of the two.
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
from app.market.span import Span

_NS_PER_S = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_NS, _LAST_NS = -8_520_336_000 * _NS_PER_S, 9_151_488_000 * _NS_PER_S  # 1700 to 2260: in 64 bits, with room at both ends
ALL_WEEKDAYS = frozenset(range(7))
"""Monday is 0."""


class Period(enum.Enum):
    """How long a period is; the value is its name on the command line."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class TimeDivision(Protocol):
    """Anything that cuts time into pieces."""

    def starts_ns(self, span: Span) -> np.ndarray:
        """Where the pieces that touch a span begin, and the start of the one after them; int64, ascending."""
        ...


@dataclass(frozen=True, slots=True)
class PeriodRule:
    """Days, weeks from Monday on, or months, in an IANA time zone.

    Raises
    ------
    BadInputError
        If there is no such time zone.
    """

    period: Period = Period.DAY
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        _zone(self.timezone)

    def starts_ns(self, span: Span) -> np.ndarray:
        """Where the periods that touch a span begin, and the start of the one after them; int64, ascending."""
        first, last = _dates(span, self.timezone)
        return _around(span, [_instant(day, time(), self.timezone) for day in self._days(first, last)])

    def _days(self, first: date, last: date) -> list[date]:
        """The first days of the periods around two dates."""
        if self.period is Period.MONTH:
            months = range(first.year * 12 + first.month - 2, last.year * 12 + last.month + 1)
            return [date(month // 12, month % 12 + 1, 1) for month in months]
        step = 7 if self.period is Period.WEEK else 1
        begin = first - timedelta(days=first.weekday() if step == 7 else 0) - timedelta(days=step)
        return [begin + timedelta(days=days) for days in range(0, (last - begin).days + 2 * step, step)]


@dataclass(frozen=True, slots=True)
class SessionRule:
    """A trading session: from one time of the day to another, on some days of the week; over midnight if the end is not later.

    Time outside of it is a piece too: what trades between two sessions is not lost. A session that would begin before the one
    before has ended (they last a day at most, so only by a change of clocks) begins when that one ends.

    Attributes
    ----------
    opens, closes : time
        By the clock on the wall; equal ones make a session of a whole day.
    timezone : str
        IANA name.
    weekdays : frozenset of int
        On which days it opens; Monday is 0.
    closed : frozenset of date
        Days on which it does not open: holidays.
    early : tuple of (date, time)
        Days on which it closes at another time.

    Raises
    ------
    BadInputError
        If there is no such time zone, or no day of the week.
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

    def starts_ns(self, span: Span) -> np.ndarray:
        """Where sessions open and close around a span, int64, ascending; the first is not after it, the last not before its end."""
        first, last = _dates(span, self.timezone)
        return _around(span, [edge for session in self._sessions(first, last) for edge in session])

    def sessions(self, span: Span) -> list[Span]:
        """The sessions that touch a span, whole, oldest first."""
        first, last = _dates(span, self.timezone)
        found = (Span(*edges) for edges in self._sessions(first, last))
        return [session for session in found if session and session.start_ns < span.end_ns and session.end_ns > span.start_ns]

    def _sessions(self, first: date, last: date) -> list[tuple[int, int]]:
        sessions, before, other = [], 0, dict(self.early)
        days = (last - first).days
        for ahead in range(-8, days + 9):  # a week to both sides: the last session before may be Friday's
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
    """The one piece that holds an instant."""
    starts = division.starts_ns(Span(time_ns, time_ns + 1))
    index = int(np.searchsorted(starts, time_ns, side="right"))
    return Span(int(starts[index - 1]), int(starts[index]))


def span_before(division: TimeDivision, time_ns: int) -> Span:
    """The piece before the one that holds an instant."""
    return span_at(division, span_at(division, time_ns).start_ns - 1)


def division_numbers(division: TimeDivision, time_ns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """In which piece each time falls.

    Parameters
    ----------
    time_ns : int64 [shape=(n,)]
        In any order.

    Returns
    -------
    piece, starts : int64 [shape=(n,)], int64 [shape=(n_pieces + 1,)]
        Index of each time's piece, and where these begin; the last start is where the last piece ends.
    """
    if not len(time_ns):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    starts = division.starts_ns(Span(int(time_ns.min()), int(time_ns.max()) + 1))
    return np.searchsorted(starts, time_ns, side="right") - 1, starts


def local_time(time_ns: int, timezone: str) -> datetime:
    """What calendar and clock say at an instant in a time zone; below a microsecond nothing is said."""
    return (_EPOCH + timedelta(microseconds=time_ns // 1000)).astimezone(_zone(timezone))


def day_start_ns(day: date, timezone: str = "UTC") -> int:
    """The instant at which a day begins in a time zone."""
    return _instant(day, time(), timezone)


def parse_session(text: str, timezone: str = "UTC") -> SessionRule:
    """A session written as `09:30-16:00`; over midnight as `22:00-05:00`.

    Raises
    ------
    BadInputError
        If it is not.
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
    except (KeyError, ValueError, OSError):  # unknown; no name at all; the name of a folder
        raise BadInputError(f"time zone: found {name!r}, expected an IANA name such as Europe/London") from None


def _dates(span: Span, timezone: str) -> tuple[date, date]:
    """The dates on the wall at both ends of a span."""
    ends = span.start_ns, max(span.end_ns, span.start_ns + 1)
    if ends[0] < _FIRST_NS or ends[1] > _LAST_NS:
        raise BadInputError(f"time: found {ends[0] if ends[0] < _FIRST_NS else ends[1]} ns since 1970, expected the years 1700 to 2260")
    return local_time(ends[0], timezone).date(), local_time(ends[1], timezone).date()


def _around(span: Span, instants: list[int]) -> np.ndarray:
    """Of some instants those that bound the pieces which touch a span."""
    starts = np.unique(np.array(instants, np.int64))  # a day that a zone skipped altogether begins where the next one does
    first = int(np.searchsorted(starts, span.start_ns, side="right")) - 1
    last = int(np.searchsorted(starts, max(span.end_ns, span.start_ns + 1)))
    return starts[first : last + 1]


@lru_cache(maxsize=1 << 14)  # the days of forty years; a change of zone or rule asks for others
def _instant(day: date, clock: time, timezone: str) -> int:
    """When the clock on the wall shows a time on a day for the first time, or is put past it."""
    wall = datetime.combine(day, clock, _zone(timezone))
    before, after = wall.astimezone(UTC), wall.replace(fold=1).astimezone(UTC)
    if before <= after:  # once, or twice
        return _ns(before)
    low, high = _ns(after) // _NS_PER_S, _ns(before) // _NS_PER_S  # skipped: the clocks are put on between these two
    offset = local_time(low * _NS_PER_S, timezone).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if local_time(middle * _NS_PER_S, timezone).utcoffset() == offset else (low, middle)
    return high * _NS_PER_S


def _ns(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(microseconds=1) * 1000
