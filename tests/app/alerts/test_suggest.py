"""Subjects near a price: lines of the periods, of placed profiles, and naked levels."""

from __future__ import annotations

import pytest

from app.alerts.alert import Scope, Subject, SubjectKind
from app.alerts.subjects import SubjectValues
from app.alerts.suggest import Suggestion, subjects_near
from app.chart.chart import Chart
from app.market.trade import BUY, TradeBatch
from app.storage.trade_store import TradeStore
from tests.app.chart.test_chart import spec
from tests.builders import trades_of

DAY_S = 86_400.0
FIRST_DAY = [(0.0, 100, 1, BUY), (1.0, 101, 9, BUY), (2.0, 102, 1, BUY)]  # POC 101
NEXT_DAY = [(DAY_S, 200, 1, BUY), (DAY_S + 1, 202, 3, BUY)]  # POC 202, VWAP 201.5, deviation 0.87


def chart_of(trades: TradeBatch) -> Chart:
    chart, store = Chart(spec()), TradeStore()
    if len(trades):
        chart.apply(store.insert(trades), store)
    return chart


def near(chart: Chart, ticks: float, reach: float) -> list[Suggestion]:
    return subjects_near(SubjectValues(chart), ticks, reach)


def subject(kind: SubjectKind, of: Scope, **other: int) -> Subject:
    return Subject(kind=kind, of=of, **other)


def test_a_chart_without_bars_has_no_subjects() -> None:
    assert near(chart_of(TradeBatch.empty()), 100, 1e9) == []


@pytest.mark.parametrize(("ticks", "reach", "found"), [(201.9, 0.125, True), (201.0, 1.0, True), (201.0, 0.99, False), (203.0, 1.0, True)])
def test_a_line_is_found_within_reach_inclusive(ticks: float, reach: float, found: bool) -> None:
    poc = Suggestion(subject(SubjectKind.POC, Scope.DAY), 202.0)
    assert (poc in near(chart_of(trades_of([*FIRST_DAY, *NEXT_DAY])), ticks, reach)) is found


def test_the_lines_of_the_current_day_include_the_bar_in_progress() -> None:
    found = dict(near(chart_of(trades_of(NEXT_DAY)), 202, 1e9))
    assert found[subject(SubjectKind.POC, Scope.DAY)] == 202.0
    assert found[subject(SubjectKind.VWAP, Scope.DAY)] == 201.5
    assert found[subject(SubjectKind.VAH, Scope.DAY)] == 202.0
    assert found[subject(SubjectKind.VAL, Scope.DAY)] == 202.0


def test_each_period_has_a_profile_and_five_vwap_lines() -> None:
    found = [one.subject for one in near(chart_of(trades_of(NEXT_DAY)), 202, 1e9)]
    periods = (Scope.DAY, Scope.WEEK, Scope.MONTH)
    expected = [subject(kind, of) for of in periods for kind in (SubjectKind.POC, SubjectKind.VAH, SubjectKind.VAL)]
    expected += [subject(SubjectKind.VWAP, of, band=band) for of in periods for band in (0, 1, -1, 2, -2)]
    assert sorted(found, key=repr) == sorted(expected, key=repr)  # the day before has no trades


def test_the_day_before_has_a_profile_and_no_vwap() -> None:
    found = [one for one in near(chart_of(trades_of([*FIRST_DAY, *NEXT_DAY])), 101.5, 2) if one.subject.of is Scope.DAY_BEFORE]
    assert {one.subject.kind: one.ticks for one in found} == {SubjectKind.POC: 101.0, SubjectKind.VAH: 101.0, SubjectKind.VAL: 101.0}


def test_naked_levels_are_found_at_their_price() -> None:
    found = near(chart_of(trades_of([*FIRST_DAY, *NEXT_DAY])), 101.5, 2)
    naked = {(one.subject.kind, one.subject.of): one.ticks for one in found if one.subject.kind.value.startswith("naked")}
    kinds = {SubjectKind.NAKED_POC: 101.0, SubjectKind.NAKED_VAH: 101.0, SubjectKind.NAKED_VAL: 101.0}
    assert naked == {(kind, Scope.DAY): ticks for kind, ticks in kinds.items()}


def test_a_reached_level_is_no_longer_found() -> None:
    chart = chart_of(trades_of([*FIRST_DAY, *NEXT_DAY, (DAY_S + 2, 101, 1, BUY), (DAY_S + 3, 102, 1, BUY)]))
    assert [one for one in near(chart, 101.5, 2) if one.subject.kind is SubjectKind.NAKED_POC] == []


def test_suggestions_are_ordered_by_distance() -> None:
    found = near(chart_of(trades_of([*FIRST_DAY, *NEXT_DAY])), 201, 1e9)
    distances = [abs(one.ticks - 201) for one in found]
    assert distances == sorted(distances) and len({*distances}) > 5
    assert found[0].ticks in (201.5, 200.633974596215565)


def test_an_anchored_profile_has_a_vwap_and_a_composite_has_none() -> None:
    chart = chart_of(trades_of([*FIRST_DAY, *NEXT_DAY]))
    keys = [chart.anchors.add(chart.series.start_ns(bar), chart.series.start_ns(bar) + 1) for bar in (0, 1)]
    of_range = {SubjectKind.POC, SubjectKind.VAH, SubjectKind.VAL, SubjectKind.VWAP}
    assert kinds_of(chart, keys[0]) == kinds_of(chart, keys[1]) == of_range
    chart.anchors.choose_none()
    for key in keys:
        placed = chart.anchors.get(key)
        assert placed is not None
        chart.anchors.choose(placed)
    assert kinds_of(chart, chart.anchors.compose()) == of_range - {SubjectKind.VWAP}


def kinds_of(chart: Chart, key: int) -> set[SubjectKind]:
    return {one.subject.kind for one in near(chart, 150, 1e9) if one.subject.of is Scope.PROFILE and one.subject.key == key}
