"""Times as text: dates, times of day, spans, and lengths of time.

Times are in UTC unless a function takes a time zone, and texts do not name the zone unless shown in the example. Month and
weekday names are English in any system language, so that an image looks the same everywhere.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from app.market.session import local_time

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_US, _LAST_US = -62_135_596_800_000_000, 253_402_300_799_999_999  # years 1 to 9999, the range of `datetime`
_DAY_S = 86_400
# not strftime: %a and %b follow the system's language
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

# -- times of day --------------------------------------------------------------------------------


def clock_text(time_ns: int, *, seconds: bool) -> str:
    """The time of day in UTC: `15:30`, or with `seconds` `15:30:12`; rounded down."""
    minute, second = divmod(int(time_ns) // 10**9 % _DAY_S, 60)
    text = f"{minute // 60:02}:{minute % 60:02}"
    return f"{text}:{second:02}" if seconds else text


def fine_clock_text(time_ns: int) -> str:
    """The time of day in UTC, rounded down to a millisecond: `15:30:12.123`."""
    return f"{clock_text(time_ns, seconds=True)}.{int(time_ns) // 10**6 % 1000:03}"


# -- dates ---------------------------------------------------------------------------------------


def month_text(time_ns: int) -> str:
    """The month of a time in UTC: `Nov`."""
    return _MONTHS[_utc(time_ns).month - 1]


def short_date_text(time_ns: int) -> str:
    """The date of a time in UTC, without the year: `21 Nov`."""
    return f"{_utc(time_ns).day} {month_text(time_ns)}"


def date_text(time_ns: int) -> str:
    """The date of a time in UTC, with weekday and year: `Sat 21 Nov 2026`."""
    return f"{_WEEKDAYS[_utc(time_ns).weekday()]} {_plain_date(time_ns)}"


def iso_date_text(time_ns: int) -> str:
    """The date of a time in UTC in digits, e.g. for file names: `2026-11-21`."""
    return _utc(time_ns).date().isoformat()


# -- dates with times of day ---------------------------------------------------------------------


def date_and_clock_text(time_ns: int, *, seconds: bool) -> str:
    """The date and time of day in UTC: `Sat 21 Nov 2026 15:30`, or with `seconds` `Sat 21 Nov 2026 15:30:12`."""
    return f"{date_text(time_ns)} {clock_text(time_ns, seconds=seconds)}"


def clock_on_day_text(time_ns: int, day_ns: int, *, seconds: bool) -> str:
    """The time of day in UTC, e.g. `15:30`; if it is on another day than `day_ns`, with the date in front."""
    same_day = date_text(time_ns) == date_text(day_ns)
    return (clock_text if same_day else date_and_clock_text)(time_ns, seconds=seconds)


def timestamp_text(time_ns: int) -> str:
    """The date and time in UTC in digits, rounded down to a millisecond: `2026-11-21 15:30:12.123`.

    >>> timestamp_text(1_723_161_240_123_999_999)
    '2024-08-08 23:54:00.123'
    """
    return f"{iso_date_text(time_ns)} {fine_clock_text(time_ns)}"


def iso_text(time_ns: int, *, milliseconds: bool = False) -> str:
    """The date and time in UTC as ISO 8601 text: `2026-11-21T15:30:12Z`, or with `milliseconds` `2026-11-21T15:30:12.123Z`."""
    return f"{iso_date_text(time_ns)}T{fine_clock_text(time_ns) if milliseconds else clock_text(time_ns, seconds=True)}Z"


def local_iso_text(time_ns: int, timezone: str) -> str:
    """The local date and time as ISO 8601 text with the time zone's offset: `2026-11-21T10:30:12-05:00`.

    Fractions of a second are included, to the microsecond, unless they are 0.

    Raises
    ------
    BadInputError
        If the time zone is unknown.
    """
    return local_time(time_ns, timezone).isoformat()


def file_time_text(time_ns: int) -> str:
    """The date and time in UTC for a file name: `20261121T153012`."""
    return f"{iso_date_text(time_ns)}T{clock_text(time_ns, seconds=True)}".replace("-", "").replace(":", "")


# -- spans and lengths of time -------------------------------------------------------------------


def span_text(start_ns: int, end_ns: int) -> str:
    """A time span in UTC as text, with the date only once if the span is within one day.

    Seconds are shown if the span is within one day, shorter than an hour, and does not both start and end at a full minute.

    >>> span_text(0, 1_860_000_000_000)
    '1 Jan 1970 00:00–00:31 UTC'
    """
    same_day = end_ns <= start_ns or iso_date_text(start_ns) == iso_date_text(end_ns - 1)
    odd = start_ns // 10**9 % 60 or end_ns // 10**9 % 60
    seconds = bool(odd) and same_day and end_ns - start_ns < 3600 * 10**9
    start, end = (clock_text(time_ns, seconds=seconds) for time_ns in (start_ns, end_ns))
    return f"{_plain_date(start_ns)} {start}–{end if same_day else f'{_plain_date(end_ns)} {end}'} UTC"


def duration_text(duration_ns: int) -> str:
    """A duration as text in at most two units: `0.4 s`, `12 s`, `3 min 20 s` or `5 h 10 min`."""
    seconds = duration_ns / 1e9
    if seconds < 10:
        return f"{max(0.0, seconds):.1f} s"
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def narrow_duration_text(duration_ns: int) -> str:
    """A duration as short text that fits the width of a bar: `4.2 s`, `2:30 m` or `1:05 h`."""
    seconds = duration_ns / 1e9
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds % 1 else f"{seconds:.0f} s"
    unit, small = (3600, "h") if seconds >= 3600 else (60, "m")
    whole, rest = divmod(round(seconds), unit)
    return f"{whole}:{rest * 60 // unit:02d} {small}" if rest else f"{whole} {small}"


def age_text(age_ns: int) -> str:
    """An age as text, in days and hours, hours and minutes, or minutes: `3 d 4 h`, `4 h 12 m` or `12 m`."""
    minutes = max(0, age_ns) // 60_000_000_000
    days, hours = minutes // 1440, minutes // 60 % 24
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes % 60} m" if hours else f"{minutes % 60} m"


def _plain_date(time_ns: int) -> str:
    return f"{short_date_text(time_ns)} {_utc(time_ns).year}"


def _utc(time_ns: int) -> datetime:
    return _EPOCH + timedelta(microseconds=min(max(_FIRST_US, int(time_ns) // 1000), _LAST_US))
