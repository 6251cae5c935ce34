"""Periods and sessions in local time, with clock changes twice a year."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import BadInputError
from app.market.session import (
    Period,
    PeriodRule,
    SessionRule,
    day_start_ns,
    division_numbers,
    local_time,
    parse_session,
    span_at,
    span_before,
)
from app.market.span import Span

HOUR = 3_600 * 10**9
ZONES = ("Europe/London", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe")


def at(text: str) -> int:
    """Nanoseconds of an ISO time; UTC unless it has an offset."""
    when = datetime.fromisoformat(text)
    return round((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()) * 10**9


# fmt: off
CHANGES = (  # the last Sunday of March and October; the second of March and the first of November; the first of October and April
    ("Europe/London", 23, "2024-03-31", "2025-03-30", "2026-03-29", "2027-03-28"),
    ("Europe/London", 25, "2024-10-27", "2025-10-26", "2026-10-25", "2027-10-31"),
    ("America/New_York", 23, "2024-03-10", "2025-03-09", "2026-03-08", "2027-03-14"),
    ("America/New_York", 25, "2024-11-03", "2025-11-02", "2026-11-01", "2027-11-07"),
    ("Australia/Lord_Howe", 23.5, "2024-10-06", "2025-10-05", "2026-10-04", "2027-10-03"),
    ("Australia/Lord_Howe", 24.5, "2024-04-07", "2025-04-06", "2026-04-05", "2027-04-04"),
)
# fmt: on


@pytest.mark.parametrize(("zone", "hours", "day"), [(zone, hours, day) for zone, hours, *days in CHANGES for day in days])
def test_a_day_with_a_clock_change_is_shorter_or_longer(zone: str, hours: float, day: str):
    start = day_start_ns(date.fromisoformat(day), zone)
    piece = span_at(PeriodRule(Period.DAY, zone), start + HOUR)
    assert piece.start_ns == start
    assert piece.length_ns == hours * HOUR


@pytest.mark.parametrize("zone", ZONES)
def test_all_days_without_a_clock_change_have_24_hours(zone: str):
    starts = PeriodRule(Period.DAY, zone).starts_ns(Span(day_start_ns(date(2024, 1, 1), zone), day_start_ns(date(2028, 1, 1), zone)))
    changed = {day for name, _, *days in CHANGES if name == zone for day in days}
    odd = np.flatnonzero(np.diff(starts) != 24 * HOUR)
    assert len(starts) == 4 * 365 + 1 + 1
    assert {local_time(int(start), zone).date().isoformat() for start in starts[odd]} == changed


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("period", list(Period))
def test_periods_begin_at_local_midnight_on_mondays_and_the_1st(zone: str, period: Period):
    starts = PeriodRule(period, zone).starts_ns(Span(at("2024-01-01"), at("2028-01-01")))
    walls = [local_time(int(start), zone) for start in starts]
    assert all(wall.time() == time() for wall in walls)
    if period is Period.WEEK:
        assert {wall.weekday() for wall in walls} == {0}
    if period is Period.MONTH:
        assert {wall.day for wall in walls} == {1}
        assert len({(wall.year, wall.month) for wall in walls}) == len(walls)


def test_an_indian_day_begins_at_18_30_utc():
    assert span_at(PeriodRule(Period.DAY, "Asia/Kolkata"), at("2026-11-21T18:29:59")).end_ns == at("2026-11-21T18:30:00")
    assert span_at(PeriodRule(Period.DAY, "Asia/Kolkata"), at("2026-11-21T18:30:00")).start_ns == at("2026-11-21T18:30:00")


def test_the_week_before_is_a_complete_local_week():
    week = span_before(PeriodRule(Period.WEEK, "Europe/London"), at("2026-03-31T12:00:00"))
    assert week == Span(at("2026-03-23"), at("2026-03-30T00:00:00+01:00"))
    assert week.length_ns == (7 * 24 - 1) * HOUR
    assert span_before(PeriodRule(Period.MONTH), at("2024-03-31T23:59:59")) == Span(at("2024-02-01"), at("2024-03-01"))


@given(
    time_ns=st.integers(at("2024-01-01"), at("2028-01-01")),
    zone=st.sampled_from((*ZONES, "UTC", "Africa/Cairo", "America/Santiago", "Pacific/Apia", "America/St_Johns")),
    rule=st.one_of(
        st.sampled_from(list(Period)),
        st.tuples(st.times(), st.times(), st.sets(st.integers(0, 6), min_size=1)),
    ),
)
def test_every_time_lies_in_exactly_one_segment(time_ns: int, zone: str, rule):
    division = PeriodRule(rule, zone) if isinstance(rule, Period) else SessionRule(rule[0], rule[1], zone, frozenset(rule[2]))
    wide = division.starts_ns(Span(time_ns - 40 * 24 * HOUR, time_ns + 40 * 24 * HOUR))
    assert (np.diff(wide) > 0).all()
    piece = span_at(division, time_ns)
    assert time_ns in piece
    holds = (wide[:-1] <= time_ns) & (time_ns < wide[1:])
    assert holds.sum() == 1
    place = int(np.argmax(holds))
    assert Span(int(wide[place]), int(wide[place + 1])) == piece  # the same for every requested span
    assert span_at(division, piece.start_ns) == span_at(division, piece.end_ns - 1) == piece
    assert span_before(division, time_ns).end_ns == piece.start_ns


@given(st.lists(st.integers(at("2024-01-01"), at("2028-01-01")), min_size=1, max_size=40), st.sampled_from(ZONES))
def test_the_volumes_of_all_sessions_add_up(times: list[int], zone: str):
    division = SessionRule(time(9, 30), time(16), zone, frozenset(range(5)))
    piece, starts = division_numbers(division, np.array(times))
    assert np.bincount(piece, minlength=len(starts) - 1).sum() == len(times)
    for time_ns, number in zip(times, piece, strict=True):
        assert starts[number] <= time_ns < starts[number + 1]


def test_a_session_keeps_local_time_through_a_clock_change():
    rule = SessionRule(time(9, 30), time(16), "America/New_York", frozenset(range(5)))
    assert rule.sessions(Span(at("2026-03-06"), at("2026-03-10"))) == [
        Span(at("2026-03-06T14:30:00"), at("2026-03-06T21:00:00")),  # Friday, winter
        Span(at("2026-03-09T13:30:00"), at("2026-03-09T20:00:00")),  # Monday, summer
    ]


def test_a_night_session_is_longer_when_clocks_go_back():
    rule = SessionRule(time(22), time(5), "Europe/London")
    assert [session.length_ns // HOUR for session in rule.sessions(Span(at("2026-10-24T12:00:00"), at("2026-10-26T12:00:00")))] == [8, 7]


def test_the_time_between_two_sessions_is_a_segment():
    rule = SessionRule(time(9, 30), time(16), "America/New_York", frozenset(range(5)))
    assert span_at(rule, at("2026-03-07T12:00:00")) == Span(at("2026-03-06T21:00:00"), at("2026-03-09T13:30:00"))


def test_holidays_do_not_open_and_the_eve_closes_early():
    rule = SessionRule(
        time(9, 30),
        time(16),
        "America/New_York",
        frozenset(range(5)),
        closed=frozenset({date(2026, 11, 26)}),
        early=((date(2026, 11, 27), time(13)),),
    )
    assert rule.sessions(Span(at("2026-11-26"), at("2026-11-28"))) == [Span(at("2026-11-27T14:30:00"), at("2026-11-27T18:00:00"))]


def test_a_skipped_midnight_is_the_moment_of_the_change():
    assert day_start_ns(date(2024, 4, 26), "Africa/Cairo") == at("2024-04-25T22:00:00")  # 0:00 becomes 1:00
    assert local_time(day_start_ns(date(2024, 4, 26), "Africa/Cairo"), "Africa/Cairo").time() == time(1)


def test_a_midnight_that_occurs_twice_is_the_first_one():
    day = span_at(PeriodRule(Period.DAY, "America/Havana"), at("2026-11-01T12:00:00"))
    assert day == Span(at("2026-11-01T04:00:00"), at("2026-11-02T05:00:00"))


def test_a_day_skipped_by_a_time_zone_does_not_exist():
    starts = PeriodRule(Period.DAY, "Pacific/Apia").starts_ns(Span(at("2011-12-29T12:00:00"), at("2011-12-31T12:00:00")))
    days = [local_time(int(start), "Pacific/Apia").date().day for start in starts]
    assert 30 not in days
    assert np.diff(starts).tolist() == [24 * HOUR] * (len(starts) - 1)


def test_a_session_of_equal_times_is_a_whole_day():
    assert parse_session("17:00-17:00", "America/New_York").sessions(Span(at("2026-01-05T23:00:00"), at("2026-01-06"))) == [
        Span(at("2026-01-05T22:00:00"), at("2026-01-06T22:00:00"))
    ]


@pytest.mark.parametrize("zone", ["", "Europe", "Europe/Atlantis", "../etc/passwd", "europe/london\0"])
def test_an_unknown_time_zone_is_refused(zone: str):
    with pytest.raises(BadInputError, match="expected an IANA name such as Europe/London"):
        PeriodRule(Period.DAY, zone)


@pytest.mark.parametrize("text", ["9:30-16:00", "09:30", "24:00-01:00", "09:60-10:00", ""])
def test_an_unreadable_session_is_refused(text: str):
    with pytest.raises(BadInputError, match=r"expected times such as 09:30-16:00"):
        parse_session(text)


def test_invalid_weekdays_are_refused():
    with pytest.raises(BadInputError, match="expected some of 0"):
        SessionRule(time(9), time(10), weekdays=frozenset({7}))


def test_times_outside_1700_to_2260_are_refused():
    with pytest.raises(BadInputError, match="expected the years 1700 to 2260"):
        span_at(PeriodRule(), (1 << 63) - 1)


def test_times_are_read_to_the_microsecond():
    assert local_time(at("2026-11-21T12:00:00") + 1_500, "UTC") == datetime(2026, 11, 21, 12, tzinfo=ZoneInfo("UTC")) + timedelta(
        microseconds=1
    )


def test_no_times_give_no_segments():
    piece, starts = division_numbers(PeriodRule(), np.zeros(0, np.int64))
    assert len(piece) == len(starts) == 0
