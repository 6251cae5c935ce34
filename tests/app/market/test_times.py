"""Texts of times."""

from __future__ import annotations

import ast
import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import BadInputError
from app.market import times
from app.market.times import (
    age_text,
    clock_on_day_text,
    clock_text,
    date_and_clock_text,
    date_text,
    duration_text,
    file_time_text,
    fine_clock_text,
    iso_date_text,
    iso_text,
    local_iso_text,
    month_text,
    narrow_duration_text,
    short_date_text,
    span_text,
    timestamp_text,
)

ROOT = Path(__file__).parents[3]
FOLDERS = ("app", "feeds", "rendering", "widgets")
S, DAY_NS = 10**9, 86_400 * 10**9
NOON_NS = 1_795_275_012_123_999_999
"""Saturday 21 November 2026, 15:30:12.123999999 UTC."""
ANY_NS = st.integers(1 - (1 << 63), (1 << 63) - 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (clock_text(NOON_NS, seconds=False), "15:30"),
        (clock_text(NOON_NS, seconds=True), "15:30:12"),
        (fine_clock_text(NOON_NS), "15:30:12.123"),
        (month_text(NOON_NS), "Nov"),
        (short_date_text(NOON_NS), "21 Nov"),
        (date_text(NOON_NS), "Sat 21 Nov 2026"),
        (iso_date_text(NOON_NS), "2026-11-21"),
        (date_and_clock_text(NOON_NS, seconds=False), "Sat 21 Nov 2026 15:30"),
        (date_and_clock_text(NOON_NS, seconds=True), "Sat 21 Nov 2026 15:30:12"),
        (timestamp_text(NOON_NS), "2026-11-21 15:30:12.123"),
        (iso_text(NOON_NS), "2026-11-21T15:30:12Z"),
        (iso_text(NOON_NS, milliseconds=True), "2026-11-21T15:30:12.123Z"),
        (file_time_text(NOON_NS), "20261121T153012"),
    ],
)
def test_each_format_of_one_time(text: str, expected: str) -> None:
    assert text == expected


def test_months_and_weekdays_are_english() -> None:
    firsts = [int(datetime(2026, month, 1, tzinfo=UTC).timestamp()) * S for month in range(1, 13)]
    assert " ".join(map(month_text, firsts)) == "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"
    assert [date_text(NOON_NS + day * DAY_NS)[:3] for day in range(7)] == ["Sat", "Sun", "Mon", "Tue", "Wed", "Thu", "Fri"]


def test_the_date_is_shown_only_on_another_day() -> None:
    assert clock_on_day_text(NOON_NS, NOON_NS - 15 * 3600 * S, seconds=False) == "15:30"
    assert clock_on_day_text(NOON_NS, NOON_NS - 16 * 3600 * S, seconds=True) == "Sat 21 Nov 2026 15:30:12"


def test_local_time_has_the_offset_of_its_zone() -> None:
    whole = NOON_NS // S * S
    assert local_iso_text(whole, "America/New_York") == "2026-11-21T10:30:12-05:00"
    assert local_iso_text(whole, "UTC") == "2026-11-21T15:30:12+00:00"
    with pytest.raises(BadInputError, match="time zone: found 'Mars'"):
        local_iso_text(whole, "Mars")


@given(ANY_NS)
def test_texts_agree_with_numpy(time_ns: int) -> None:
    expected = str(np.datetime64(time_ns, "ns"))
    assert timestamp_text(time_ns) == expected[:23].replace("T", " ")
    assert iso_text(np.int64(time_ns)) == f"{expected[:19]}Z"


def test_times_beyond_the_calendar_show_its_last_day() -> None:
    assert date_text(10**21) == "Fri 31 Dec 9999"
    assert iso_date_text(-(10**21)) == "0001-01-01"


def test_a_span_over_midnight_names_both_days() -> None:
    start = NOON_NS - 43_812 * S  # 03:20
    assert span_text(start, start + DAY_NS) == "21 Nov 2026 03:20–22 Nov 2026 03:20 UTC"


def test_a_span_up_to_midnight_names_one_day() -> None:
    midnight = NOON_NS // DAY_NS * DAY_NS + DAY_NS
    assert span_text(midnight - 3600 * S, midnight) == "21 Nov 2026 23:00–00:00 UTC"


def test_a_span_with_seconds_shows_them() -> None:
    assert span_text(NOON_NS, NOON_NS + 30 * S) == "21 Nov 2026 15:30:12–15:30:42 UTC"


def test_a_span_of_an_hour_or_more_shows_no_seconds() -> None:
    assert span_text(NOON_NS, NOON_NS + 3600 * S) == "21 Nov 2026 15:30–16:30 UTC"


def test_an_empty_span_is_one_time() -> None:
    assert span_text(0, 0) == "1 Jan 1970 00:00–00:00 UTC"


def test_durations_have_at_most_two_units() -> None:
    texts = [duration_text(round(s * S)) for s in (-1, 0.44, 12.9, 200, 18_600)]
    assert texts == ["0.0 s", "0.4 s", "12 s", "3 min 20 s", "5 h 10 min"]


@pytest.mark.parametrize(
    ("duration_ns", "text"),
    [(60 * S, "1 m"), (4_200_000_000, "4.2 s"), (15 * S, "15 s"), (150 * S, "2:30 m"), (3900 * S, "1:05 h"), (1, "0.0 s")],
)
def test_narrow_durations(duration_ns: int, text: str) -> None:
    assert narrow_duration_text(duration_ns) == text


def test_ages_are_to_the_minute() -> None:
    minutes = (-5, 0, 12, 252, 3 * 1440 + 4 * 60 + 59)
    assert [age_text(minute * 60 * S) for minute in minutes] == ["0 m", "0 m", "12 m", "4 h 12 m", "3 d 4 h"]


def test_no_text_of_a_time_follows_the_system() -> None:
    """Month names from strftime or the calendar are in the system's language; `localtime` is in its time zone."""
    paths = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    found = [f"{path.relative_to(ROOT)}: {what}" for path in paths for what in following_the_system(path.read_text(encoding="utf-8"))]
    assert len(paths) > 300 and found == []


@pytest.mark.parametrize(
    "source",
    ['f"{day:%d %b}"', 'time.strftime("%H:%M")', "time.localtime(0)", "calendar.month_name[1]", 'text = "%A"', "QDateTime().toString()"],
)
def test_a_text_that_follows_the_system_is_found(source: str) -> None:
    assert list(following_the_system(source))


def following_the_system(source: str) -> list[str]:
    words = {"strftime", "localtime", "ctime", "asctime", "month_name", "month_abbr", "day_abbr", "toString", "setlocale"}
    nodes = list(ast.walk(ast.parse(source)))
    names = [node.attr for node in nodes if isinstance(node, ast.Attribute) and node.attr in words]
    texts = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return names + [text for text in texts if re.search(r"%[aAbBcxXp](?![a-zA-Z])", text)]


def test_the_months_are_written_once() -> None:
    lists = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py") if '"Feb", "Mar"' in path.read_text(encoding="utf-8")]
    assert lists == [Path(times.__file__)]
