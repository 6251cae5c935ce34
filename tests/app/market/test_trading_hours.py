"""Sessions, and the days, weeks and months that they make."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import BadInputError
from app.market.session import Period, PeriodRule
from app.market.span import Span
from app.market.trading_hours import TradingHours, parse_hours

HOUR = 3_600_000_000_000
LONG = 13 * HOUR // 2
RTH, CME, DAY = parse_hours("us-rth"), parse_hours("cme"), parse_hours("day", "Europe/London")
NEW_YORK, CHICAGO = ZoneInfo("America/New_York"), ZoneInfo("America/Chicago")


def at(text: str, zone: ZoneInfo | None = None) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=zone or UTC).timestamp()) * 10**9


def starts(hours: TradingHours, period: Period, begin: str, end: str) -> list[int]:
    return hours.from_start(period).starts_ns(Span(at(begin), at(end))).tolist()


def test_a_session_keeps_local_time_when_clocks_change():
    before, after = starts(RTH, Period.DAY, "2026-03-06T20:00", "2026-03-09T20:00")[:2]
    assert (before, after) == (at("2026-03-06T14:30"), at("2026-03-09T13:30"))  # Friday in winter, Monday in summer
    assert [session.end_ns - session.start_ns for session in RTH.sessions(Span(before, after + 1))] == [LONG, LONG]


def test_from_start_reaches_the_next_session_unlike_the_session():
    saturday = at("2026-11-21T12:00")
    friday, monday = at("2026-11-20T09:30", NEW_YORK), at("2026-11-23T09:30", NEW_YORK)
    assert starts(RTH, Period.DAY, "2026-11-21T12:00", "2026-11-21T13:00") == [friday, monday]
    assert RTH.sessions(Span(saturday, saturday + HOUR)) == ()
    inside = [friday - 1, friday, friday + LONG - 1, friday + LONG, saturday]
    assert RTH.open_at(np.array(inside, np.int64)).tolist() == [False, True, True, False, False]


def test_weeks_and_months_begin_with_their_first_session():
    assert starts(RTH, Period.WEEK, "2026-11-19T00:00", "2026-11-20T00:00") == [
        at("2026-11-16T09:30", NEW_YORK),
        at("2026-11-23T09:30", NEW_YORK),
    ]
    august = starts(RTH, Period.MONTH, "2026-08-15T00:00", "2026-08-16T00:00")
    assert august == [at("2026-08-03T09:30", NEW_YORK), at("2026-09-01T09:30", NEW_YORK)]  # the first is a Saturday


def test_a_session_over_midnight_belongs_to_its_closing_day():
    week = starts(CME, Period.WEEK, "2026-11-18T00:00", "2026-11-19T00:00")
    assert week == [at("2026-11-15T17:00", CHICAGO), at("2026-11-22T17:00", CHICAGO)]  # Sunday evening is Monday's
    midnight = parse_hours("18:00-00:00")
    assert starts(midnight, Period.MONTH, "2026-11-05T00:00", "2026-11-06T00:00") == [at("2026-11-01T18:00"), at("2026-12-01T18:00")]


def test_whole_days_are_days_of_the_time_zone():
    span = Span(at("2026-03-29T12:00"), at("2026-03-29T13:00"))
    for period in Period:
        assert DAY.from_start(period) == PeriodRule(period, "Europe/London")
    assert DAY.sessions(span) == (Span(at("2026-03-29T00:00"), at("2026-03-29T23:00")),)  # 23 hours
    assert DAY.open_at(np.array([span.start_ns])).all()


def test_text_names_the_hours_for_the_legend():
    assert (DAY.unit, DAY.text) == ("day", "day of Europe/London")
    assert (RTH.unit, RTH.text) == ("session", "session us-rth 09:30-16:00 America/New_York")
    assert parse_hours("22:00-05:00", "Asia/Tokyo").text == "session 22:00-05:00 Asia/Tokyo"


@pytest.mark.parametrize(("name", "zone"), [("night", "UTC"), ("9-17", "UTC"), ("day", "Mars"), ("us-rth", "")])
def test_parse_hours_refuses_bad_text_and_templates_need_no_zone(name: str, zone: str):
    if name == "us-rth":
        assert parse_hours(name, zone).timezone == "America/New_York"
    else:
        with pytest.raises(BadInputError, match="found"):
            parse_hours(name, zone)


def slow_starts(hours: TradingHours, period: Period, first: date) -> dict[date, int]:
    """By first date of a period the start of its first session, day by day over a hundred days."""
    assert hours.rule is not None
    zone, found = ZoneInfo(hours.timezone), {}
    for day in (first + timedelta(days=ahead) for ahead in range(100)):
        if day.weekday() not in hours.rule.weekdays:
            continue
        over = hours.rule.closes <= hours.rule.opens
        belongs = day + timedelta(days=over and hours.rule.closes != datetime.min.time())
        if period is Period.WEEK:
            belongs -= timedelta(days=belongs.weekday())
        elif period is Period.MONTH:
            belongs = belongs.replace(day=1)
        found.setdefault(belongs, round(datetime.combine(day, hours.rule.opens, zone).timestamp()) * 10**9)
    return found


@given(
    name=st.sampled_from(["us-rth", "cme", "tokyo", "xetra", "22:15-05:45", "18:00-00:00", "00:00-00:00", "09:30-09:30"]),
    period=st.sampled_from(list(Period)),
    first=st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    hours=st.floats(24 * 34, 24 * 60),
)
def test_periods_begin_with_their_first_session_on_any_day(name: str, period: Period, first: date, hours: float):
    chosen = parse_hours(name, "Europe/Berlin")
    wanted = sorted(slow_starts(chosen, period, first).values())[1:]  # the first period may have begun before the walk
    time_ns = at(first.isoformat()) + round(hours * HOUR)
    later = [start for start in wanted if start > time_ns]
    earlier = [start for start in wanted if start <= time_ns]
    if later and earlier:
        assert chosen.from_start(period).starts_ns(Span(time_ns, time_ns + 1)).tolist() == [earlier[-1], later[0]]
