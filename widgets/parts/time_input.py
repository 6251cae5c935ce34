"""Parsing of times that the user types, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from datetime import time as time_of_day

from app.errors import BadInputError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NS_PER_US, _NS_PER_DAY = 1_000, 86_400_000_000_000


def parse_moment(text: str, near_ns: int) -> int:
    """Parse a typed time of day, or date with or without a time, to nanoseconds since 1970 UTC.

    Date and time are UTC unless they have an offset. A time of day is UTC, on the day of `near_ns`. A date is midnight.

    Raises
    ------
    BadInputError
        If the text is neither.
    """
    typed = text.strip().removesuffix("UTC").strip()
    try:
        moment = datetime.fromisoformat(typed)
    except ValueError:
        try:
            clock = time_of_day.fromisoformat(typed.rjust(5, "0") if typed[1:2] == ":" else typed)
        except ValueError:
            raise BadInputError(f"time: found {text!r}, expected e.g. 15:30 or 2026-11-21 15:30:12") from None
        day_ns = near_ns // _NS_PER_DAY * _NS_PER_DAY
        return day_ns + _ns(datetime.combine(_EPOCH.date(), clock.replace(tzinfo=UTC)))
    return _ns(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _ns(moment: datetime) -> int:
    gone = moment - _EPOCH
    return gone.days * _NS_PER_DAY + gone.seconds * 1_000_000_000 + gone.microseconds * _NS_PER_US
