"""Period profiles, split and merged in any order: each bar lies in exactly one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analytics.profile import profile_of_bars
from app.analytics.row_layout import RowLayout
from app.analytics.value_area import ValueAreaMethod
from app.market.bar_rule import parse_bar_rule
from app.market.trading_hours import parse_hours
from app.profiles.chart_profiles import ChartProfiles
from app.profiles.period_profiles import PeriodKind, PeriodProfiles, PeriodSegment
from app.profiles.profile_settings import ProfileSettings
from tests.rendering.charts import FIRST_MINUTE, MINUTE, StillChart, random_trades

N_BARS = 48
DAY_NS = 86_400 * 10**9
BARS = PeriodProfiles(PeriodKind.BARS, 8)
CHART = StillChart(random_trades(N_BARS, 20))
TIMES = CHART.series.times
FIRST, LAST = FIRST_MINUTE, FIRST_MINUTE + N_BARS - 1


def minute(bar: int) -> int:
    return (FIRST_MINUTE + bar) * MINUTE.length_ns


def pieces(periods: PeriodProfiles, first: int = FIRST, last: int = LAST) -> list[list[tuple[int, int]]]:
    """The pieces, in bars counted from the first of the chart."""
    return [[(begin - FIRST, end - FIRST) for begin, end in runs] for _, _, runs in periods.segments(TIMES, first, last)]


def starts(periods: PeriodProfiles) -> list[int]:
    return [runs[0][0] for runs in pieces(periods)]


EDGE = -FIRST % 8  # the first bar of the chart at which a period of eight bars begins


def test_a_split_starts_a_profile_at_its_bar() -> None:
    found = starts(BARS.split(minute(EDGE + 3)))
    assert [one for one in found if EDGE <= one < EDGE + 16] == [EDGE, EDGE + 3, EDGE + 8]


def test_a_split_at_a_merge_undoes_the_merge() -> None:
    merged = BARS.merged(minute(EDGE + 8))
    assert [(EDGE, EDGE + 16)] in pieces(merged)
    again = merged.split(minute(EDGE + 8))
    assert pieces(again) == pieces(BARS)
    assert pieces(again.without_edits()) == pieces(BARS) and not again.without_edits().is_edited


def test_a_merge_at_a_split_undoes_the_split() -> None:
    at = minute(EDGE + 3)
    assert pieces(BARS.split(at).merged(at)) == pieces(BARS)


def test_a_merged_profile_is_complete_when_partly_in_view() -> None:
    periods = BARS
    for at in (8, 16, 24):
        periods = periods.merged(minute(EDGE + at))
    for bar in (0, 10, 20, 31):
        assert pieces(periods, FIRST + EDGE + bar, FIRST + EDGE + bar) == [[(EDGE, EDGE + 32)]]


def test_a_bar_across_midnight_belongs_to_the_day_of_its_start() -> None:
    chart = StillChart(random_trades(50 * 60, 1), rule=parse_bar_rule("7m"))
    series, days = chart.series, PeriodProfiles(PeriodKind.DAY)
    ends = int(series.number[0]), int(series.number[-1])
    found = days.segments(series.times, *ends)
    late = [series.times.start_ns(piece.runs[0][0]) - piece.start_ns for piece in found]
    assert all(piece.start_ns % DAY_NS == 0 for piece in found) and all(0 <= one < 7 * MINUTE.length_ns for one in late) and any(late)
    merged = days.merged(found[1].start_ns).segments(series.times, *ends)
    assert [piece.runs for piece in merged] == [((found[0].runs[0][0], found[1].runs[0][1]),), *(piece.runs for piece in found[2:])]


def test_merged_days_can_be_split_at_another_time() -> None:
    days = PeriodProfiles(PeriodKind.DAY)
    midnight = -(-minute(0) // (86_400 * 10**9)) * 86_400 * 10**9
    first, last = midnight // MINUTE.length_ns - 100, midnight // MINUTE.length_ns + 100
    whole = days.merged(midnight).split(midnight + 60 * MINUTE.length_ns)
    found = [piece.runs for piece in whole.segments(TIMES, first, last)]
    assert found == [
        ((first + 100 - 1440, first + 100 + 60),),
        ((first + 100 + 60, first + 100 + 1440),),
    ]


def test_days_start_in_the_charts_time_zone() -> None:
    chart = StillChart(random_trades(26 * 60, 1))
    series, kolkata = chart.series, parse_hours("day", "Asia/Kolkata")  # begins at 18:30 UTC
    found = PeriodProfiles(PeriodKind.DAY).segments(series.times, int(series.number[0]), int(series.number[-1]), kolkata)
    assert all(piece.start_ns % DAY_NS == 18.5 * 3600 * 10**9 for piece in found) and len(found) == 2


def test_sessions_leave_out_other_hours_also_when_merged() -> None:
    chart = StillChart(random_trades(50 * 60, 1))
    series, hours, ends = chart.series, parse_hours("09:30-16:00", "UTC"), (int(chart.series.number[0]), int(chart.series.number[-1]))
    sessions = PeriodProfiles(PeriodKind.SESSION)
    found = sessions.segments(series.times, *ends, hours)
    assert [(piece.start_ns % DAY_NS, piece.end_ns % DAY_NS) for piece in found] == [(9.5 * 3600 * 10**9, 16 * 3600 * 10**9)] * 2
    assert [number - begin for piece in found for begin, number in piece.runs] == [390, 390]
    next_ns = sessions.next_start_ns(found[0], series.times, hours)
    assert next_ns == found[1].start_ns
    (merged,) = sessions.merged(next_ns).segments(series.times, *ends, hours)
    assert merged.runs == (*found[0].runs, *found[1].runs)
    (first, end), (second, _) = merged.runs
    for bar in (first, end + 5, second):  # however little of it is in sight, and in the hours between
        assert sessions.merged(next_ns).segments(series.times, bar, bar, hours) == [merged]
    halves = sessions.split(found[0].start_ns + 60 * MINUTE.length_ns).segments(series.times, *ends, hours)
    assert [piece.runs[0][1] - piece.runs[0][0] for piece in halves] == [60, 330, 390]
    assert sessions.split(found[0].end_ns + 1).segments(series.times, *ends, hours) == found


STEPS = st.lists(st.tuples(st.sampled_from(["split", "merge", "undo", "redo", "whole"]), st.integers(0, N_BARS - 1)), max_size=25)
DIVISIONS = st.sampled_from(
    [
        PeriodProfiles(PeriodKind.BARS, 1),
        BARS,
        PeriodProfiles(PeriodKind.BARS, 30),
        PeriodProfiles(PeriodKind.DAY),
        PeriodProfiles(PeriodKind.SESSION),
    ]
)


@settings(max_examples=60)
@given(DIVISIONS, STEPS)
def test_each_bar_lies_in_one_segment_after_any_edits(periods: PeriodProfiles, steps: list[tuple[str, int]]) -> None:
    anchors = ChartProfiles()
    anchors.show_periods(periods)
    for step, bar in steps:
        if step == "split":
            anchors.split_period(minute(bar))
        elif step == "merge":
            anchors.merge_periods(minute(bar))
        elif step == "whole":
            anchors.reset_periods()
        elif step == "redo":
            anchors.redo()
        elif anchors.edition > 1:
            anchors.undo()
    shown = anchors.periods
    if shown is None:  # the first step was taken back too
        return
    found = shown.segments(TIMES, FIRST, LAST)
    bars = [number for piece in found for begin, end in piece.runs for number in range(begin, end)]
    assert bars == list(range(bars[0], bars[-1] + 1))
    assert bars[0] <= FIRST and bars[-1] >= LAST
    assert volumes(found) == profile_of_bars(CHART.series, 0, N_BARS).volume
    while anchors.undo():
        pass
    while anchors.redo():
        pass
    assert (anchors.periods is None) or anchors.periods.segments(TIMES, FIRST, LAST)


def volumes(found: list[PeriodSegment]) -> int:
    inputs = ProfileSettings()
    total = 0
    for piece in found:
        figures = CHART.profiles.of_bars(piece.runs, RowLayout(), inputs.percent, ValueAreaMethod.DALTON)
        total += 0 if figures is None else figures.rows.profile.volume
    return total


def test_period_profiles_shown_again_keep_their_splits() -> None:
    anchors = ChartProfiles()
    days = PeriodProfiles(PeriodKind.DAY)
    anchors.show_periods(BARS)
    anchors.split_period(minute(3))
    anchors.show_periods(days)
    assert anchors.periods == days
    anchors.show_periods(None)
    anchors.show_periods(BARS)
    assert anchors.periods == BARS.split(minute(3))
    assert anchors.undo() and anchors.undo() and anchors.undo() and anchors.undo()
    assert anchors.periods == BARS


def test_split_and_merge_do_nothing_without_period_profiles() -> None:
    anchors = ChartProfiles()
    anchors.split_period(5)
    anchors.merge_periods(5)
    anchors.reset_periods()
    assert (anchors.edition, anchors.can_undo) == (0, False)


@pytest.mark.parametrize("rule", ["7t", "30v"])
def test_each_tick_or_volume_bar_lies_in_one_segment(rule: str) -> None:
    chart = StillChart(random_trades(60, 20), rule=parse_bar_rule(rule))
    times, last = chart.series.times, int(chart.series.number[-1])
    periods = PeriodProfiles(PeriodKind.BARS, 5).split(times.start_ns(12)).merged(times.start_ns(20))
    found = periods.segments(times, 0, last)
    bars = [number for piece in found for begin, end in piece.runs for number in range(begin, end)]
    assert bars == list(range(bars[0], bars[-1] + 1)) and bars[0] <= 0 and last <= bars[-1]
