"""UTC days and months, the units of published files."""

from __future__ import annotations

import calendar
import itertools
import re
from datetime import date, timedelta

from app.market.bar_rule import DAY_NS
from app.market.span import Span

_EPOCH = date(1970, 1, 1)


def days_of(span: Span, now_s: float) -> list[date]:
    """The UTC days that a span touches and that have begun by `now_s`, oldest first."""
    end_ns = min(span.end_ns, int(now_s * 1e9))
    if end_ns <= span.start_ns:
        return []
    first, last = date_of(span.start_ns), date_of(end_ns - 1)
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def span_of(first: date, last: date) -> Span:
    """The span from the start of one UTC day to the end of another."""
    return Span((first - _EPOCH).days * DAY_NS, ((last - _EPOCH).days + 1) * DAY_NS)


def whole_months(days: list[date]) -> list[list[date]]:
    """Group consecutive days: the days of a month together if all of them are there, other days alone."""
    groups: list[list[date]] = []
    for (year, month), group in itertools.groupby(days, lambda day: (day.year, day.month)):
        of_month = list(group)
        whole = len(of_month) == calendar.monthrange(year, month)[1]
        groups += [of_month] if whole else [[day] for day in of_month]
    return groups


def date_of(time_ns: int) -> date:
    """The UTC day in which a time falls."""
    return _EPOCH + timedelta(days=time_ns // DAY_NS)


def file_name(text: str) -> str:
    """A text made safe for a file name on any system, at most 100 characters."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text)[:100].lstrip(".") or "_"
