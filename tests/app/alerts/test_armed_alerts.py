"""Armed alerts are grouped by how they are watched, and lines are computed once per bar."""

from __future__ import annotations

import pytest

from app.alerts.alert import Alert, AlertSpec, Condition, Scope, Subject, SubjectKind
from app.alerts.armed_alerts import ArmedAlert, ArmedAlerts, Thresholds
from app.alerts.subjects import SubjectValues
from app.chart.chart import Chart
from app.market.trade import BUY
from app.settings.calculation import CalculationSettings, CvdSettings
from app.storage.trade_store import TradeStore
from tests.app.alerts.tapes import lots, price, wish
from tests.app.chart.test_chart import MARKET, spec
from tests.builders import trades_of


def alerts(*specs: AlertSpec) -> list[Alert]:
    """Alerts numbered from 1."""
    return [
        Alert(number=number, instrument=MARKET.id, subject=one.subject, when=one.when, value=one.value, often=one.often)
        for number, one in enumerate(specs, 1)
    ]


def numbers(waiting: list[ArmedAlert] | tuple[ArmedAlert, ...]) -> list[int]:
    return [one.alert.number for one in waiting]


# -- thresholds ----------------------------------------------------------------------------------


def thresholds(*steps: int) -> Thresholds:
    return Thresholds([ArmedAlert(alert, value) for alert, value in zip(alerts(*[wish()] * len(steps)), steps, strict=True)])


def test_a_threshold_is_passed_once_when_it_is_reached() -> None:
    found = thresholds(5, 2, 9)
    assert [numbers(found.passed("bar", value)) for value in (1, 2, 4, 9, 9, 20)] == [[], [2], [], [1, 3], [], []]


def test_a_value_that_falls_back_passes_no_threshold_twice() -> None:
    found = thresholds(5)
    assert [numbers(found.passed("bar", value)) for value in (5, 3, 6)] == [[1], [], []]


def test_the_next_bar_passes_thresholds_again() -> None:
    found = thresholds(5)
    assert numbers(found.passed("one", 5)) == numbers(found.passed("two", 6)) == [1]
    assert numbers(found.passed("two", 7)) == []


def test_thresholds_below_zero_count_by_their_size() -> None:
    found = thresholds(-5, -2)
    assert [numbers(found.passed("bar", value)) for value in (1, 3, 5)] == [[], [2], [1]]


# -- groups --------------------------------------------------------------------------------------

GROUPED = alerts(
    wish(value=price(102)),
    wish(when=Condition.CROSS_DOWN, value=price(101)),
    wish(when=Condition.CLOSE_ABOVE, value=price(103)),
    wish(SubjectKind.VWAP, Condition.CROSS, of=Scope.DAY),
    wish(SubjectKind.VWAP, Condition.CLOSE_BELOW, of=Scope.DAY),
    wish(SubjectKind.STACKED_BUY, Condition.NEW),
    wish(SubjectKind.DELTA_PERCENT, Condition.REACH, "60"),
    wish(SubjectKind.NAKED_POC, of=Scope.WEEK),
    wish(SubjectKind.DELTA, Condition.REACH, lots(7)),
    wish(SubjectKind.DELTA, Condition.REACH, lots(-8)),
    wish(SubjectKind.VOLUME, Condition.REACH, lots(9)),
    wish(value="10.05"),  # not a multiple of the tick size, which has changed
)


def test_each_alert_is_in_the_group_that_watches_it() -> None:
    armed = ArmedAlerts(GROUPED, MARKET)
    assert armed.alerts == tuple(GROUPED)
    assert [(one.alert.number, one.steps) for one in armed.fixed] == [(2, 101), (1, 102)]  # by price
    assert [numbers(group) for group in (armed.moving, armed.closes, armed.events, armed.levels)] == [[4], [3, 5], [6, 7], [8]]
    assert [numbers(group.passed("bar", 1000)) for group in (armed.buying, armed.selling, armed.volume)] == [[9], [10], [11]]


def test_lines_alone_are_the_alerts_that_trades_reach() -> None:
    alone = ArmedAlerts(GROUPED, MARKET).lines_alone()
    assert [alert.number for alert in alone.alerts] == [2, 1, 4]
    assert (alone.closes, alone.events, alone.levels) == ([], [], [])


# -- lines ---------------------------------------------------------------------------------------


def chart_of(*rows: tuple[float, int, int, int]) -> tuple[Chart, TradeStore]:
    chart, store = Chart(spec()), TradeStore()
    if rows:
        chart.apply(store.insert(trades_of(rows)), store)
    return chart, store


VWAP = wish(SubjectKind.VWAP, of=Scope.DAY)
ROWS = ((0, 100, 1, BUY), (1, 103, 2, BUY), (60, 110, 1, BUY), (120, 90, 1, BUY))


def test_fixed_prices_are_lines_in_order_without_any_bars() -> None:
    armed = ArmedAlerts(alerts(wish(value=price(102)), wish(value=price(99)), wish(value=price(102))), MARKET)
    lines = armed.active_lines(SubjectValues(chart_of()[0]), -1)
    assert (lines.ticks.tolist(), numbers(lines.waiting), lines.unknown) == ([99.0, 102.0, 102.0], [2, 1, 3], {})


def test_a_moving_line_has_no_value_without_bars() -> None:
    armed = ArmedAlerts(alerts(VWAP, wish(value=price(99))), MARKET)
    lines = armed.active_lines(SubjectValues(chart_of()[0]), -1)
    assert (lines.ticks.tolist(), numbers(lines.waiting), lines.unknown) == ([99.0], [2], {1: "no bars loaded"})


def test_a_moving_line_is_computed_from_the_closed_bars() -> None:
    armed = ArmedAlerts(alerts(VWAP, wish(value=price(102)), wish(value=price(103)), VWAP), MARKET)
    readings = SubjectValues(chart_of(*ROWS)[0])
    lines = armed.active_lines(readings, 1)
    assert lines.ticks.tolist() == [102.0, 102.0, 102.0, 103.0]  # (100 + 2 x 103) / 3 = 102
    assert numbers(lines.waiting) == [2, 1, 4, 3]  # equal prices: fixed ones first
    assert armed.active_lines(readings, 2).ticks.tolist() == [102.0, 103.0, 104.0, 104.0]


def test_a_line_without_value_is_left_out_with_its_reason() -> None:
    armed = ArmedAlerts(alerts(VWAP, wish(SubjectKind.POC, of=Scope.PROFILE, key=5)), MARKET)
    lines = armed.active_lines(SubjectValues(chart_of(*ROWS)[0]), 0)
    assert (len(lines.ticks), lines.waiting) == (0, ())
    assert lines.unknown == {1: "no bar of the day has closed yet", 2: "profile 5 is not on the chart"}


def test_lines_are_computed_once_per_bar_and_again_after_a_change() -> None:
    chart, store = chart_of(*ROWS)
    readings, armed = SubjectValues(chart), ArmedAlerts(alerts(VWAP), MARKET)
    lines = armed.active_lines(readings, 2)
    chart.apply(store.insert(trades_of([*ROWS, (121, 95, 1, BUY)])), store)  # only the bar in progress
    assert armed.active_lines(readings, 2) is lines
    for change in (
        lambda: chart.apply(store.insert(trades_of([*ROWS, (121, 95, 1, BUY), (61, 111, 1, BUY)])), store),  # late
        lambda: chart.anchors.add(chart.series.start_ns(0)),
        lambda: chart.set_rules(CalculationSettings(cvd=CvdSettings(reset="never"))),
        lambda: setattr(chart, "asked_from_ns", 5),
        lambda: setattr(chart, "oldest_ns", 4),
    ):
        change()
        again = armed.active_lines(readings, 2)
        assert again is not lines
        assert armed.active_lines(readings, 2) is again
        lines = again


def test_the_key_without_bars_still_follows_profiles_and_settings() -> None:
    chart, _ = chart_of()
    armed, readings = ArmedAlerts([], MARKET), SubjectValues(chart)
    before = armed.key(readings, -1)
    assert armed.key(readings, -1) == before
    chart.asked_from_ns = 7
    assert armed.key(readings, -1) != before


@pytest.mark.parametrize("when", [Condition.TOUCH, Condition.CROSS, Condition.CROSS_UP, Condition.CROSS_DOWN])
def test_every_passing_condition_waits_for_trades(when: Condition) -> None:
    armed = ArmedAlerts(alerts(AlertSpec(subject=Subject(), when=when, value=price(5))), MARKET)
    assert (numbers(armed.fixed), armed.closes) == ([1], [])
