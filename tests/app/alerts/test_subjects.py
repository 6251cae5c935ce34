"""Prices of alert lines and events of bars, against the chart and oracles."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.alerts.alert import Condition, Scope, Subject, SubjectKind, Trigger
from app.alerts.subjects import SUBJECTS, SubjectValues
from app.analytics.anchored_vwap import SessionVwap, VwapSums
from app.analytics.row_layout import RowLayout
from app.chart.chart import Chart
from app.market.session import Period
from app.settings.calculation import CalculationSettings, SessionSettings
from app.storage.trade_store import TradeStore
from tests.app.alerts.tapes import Tape, wish
from tests.app.chart.test_chart import spec
from tests.builders import SECOND_NS, random_trades, split

DAYS = random_trades(11, 600, seconds=3.5 * 86_400, price=1_000, spread=60)


def chart_of(trades=DAYS, rules: CalculationSettings | None = None) -> Chart:
    chart, store = Chart(spec(), rules), TradeStore()
    chart.apply(store.insert(trades), store)
    return chart


def line(chart: Chart, end: int, kind: SubjectKind, **subject: object) -> float | None:
    return SubjectValues(chart).line(Subject(kind=kind, **subject), 0, end, end).ticks  # type: ignore[arg-type]


@pytest.mark.parametrize("of", [Scope.DAY, Scope.WEEK, Scope.MONTH])
@pytest.mark.parametrize("band", [0, 1, -2])
def test_vwap_lines_equal_the_drawn_ones_of_the_bar_before(of: Scope, band: int):
    chart = chart_of()
    end = chart.series.n_bars - 1
    drawn = SessionVwap(VwapSums(chart.series), chart.rules.hours.from_start(Period(of.value))).values(end - 1, end)
    assert line(chart, end, SubjectKind.VWAP, of=of, band=band) == drawn.price_ticks[0] + band * drawn.deviation_ticks[0]


@pytest.mark.parametrize(("kind", "name"), [(SubjectKind.POC, "poc_ticks"), (SubjectKind.VAH, "vah_ticks"), (SubjectKind.VAL, "val_ticks")])
def test_profile_lines_leave_out_the_bar_in_progress(kind: SubjectKind, name: str):
    chart, series = chart_of(), chart_of().series
    key = chart.anchors.add(series.start_ns(40))
    inputs = replace(chart.anchors.get(key).inputs, percent=40)  # type: ignore[union-attr]
    chart.anchors.set_inputs(key, inputs)
    end = series.n_bars - 1
    figures = chart.profiles.of_bars(((int(series.number[40]), int(series.number[end])),), inputs.rows, 40, inputs.method)
    assert line(chart, end, kind, of=Scope.PROFILE, key=key) == getattr(figures, name)


def test_a_past_range_line_is_fixed_and_unknown_once_deleted():
    chart = chart_of()
    series, readings = chart.series, SubjectValues(chart)
    key = chart.anchors.add(series.start_ns(10), series.start_ns(50))
    stands = {line(chart, end, SubjectKind.POC, of=Scope.PROFILE, key=key) for end in (50, 60, series.n_bars - 1)}
    assert len(stands) == 1 and None not in stands
    chart.anchors.delete(key)
    assert readings.line(Subject(kind=SubjectKind.POC, of=Scope.PROFILE, key=key), 0, 60, 60) == (
        None,
        f"profile {key} is not on the chart",
    )


def test_day_before_is_a_session_and_not_the_time_between_two():
    chart = chart_of(rules=CalculationSettings(time=SessionSettings(session="09:30-16:00")))
    series = chart.series
    hours = chart.rules.hours
    inside = hours.open_at(series.times.of_bars())
    last = int(inside.nonzero()[0][-1])
    found = line(chart, last, SubjectKind.POC, of=Scope.DAY_BEFORE)
    day_ns = 86_400 * SECOND_NS
    day = series.start_ns(last) // day_ns
    bars = [bar for bar in range(series.n_bars) if inside[bar] and series.start_ns(bar) // day_ns == day - 1]
    area = chart.rules.value_area
    runs = ((int(series.number[bars[0]]), int(series.number[bars[-1]]) + 1),)
    assert found == chart.profiles.of_bars(runs, RowLayout(), area.percent, area.method).poc_ticks


def test_a_line_is_unknown_before_a_bar_closes_and_while_loading():
    chart = chart_of()
    first = SubjectValues(chart).line(Subject(kind=SubjectKind.VWAP, of=Scope.DAY), 0, 0, 0)
    assert first == (None, "no bar of the day has closed yet")
    end = chart.series.n_bars - 1
    assert SubjectValues(chart).line(Subject(kind=SubjectKind.POC, of=Scope.MONTH_BEFORE), 0, end, end) == (
        None,
        "no trades loaded for the previous month",
    )
    chart.asked_from_ns = chart.series.start_ns(5)
    assert SubjectValues(chart).line(Subject(kind=SubjectKind.POC, of=Scope.WEEK), 0, end, end) == (
        None,
        "trades of the week are still loading",
    )
    chart.oldest_ns = chart.asked_from_ns
    assert line(chart, end, SubjectKind.POC, of=Scope.WEEK) is not None


def test_divergences_fire_at_the_same_trades_with_any_batching():
    trades = random_trades(7, 500, seconds=90 * 60, spread=25)
    told = []
    for cuts in ([], range(500), [3, 200, 201, 350]):
        tape = Tape()
        tape.book.add(tape.chart.spec.instrument, wish(SubjectKind.DIVERGENCE_UP, Condition.NEW, often=Trigger.EVERY_TIME))
        tape.book.add(tape.chart.spec.instrument, wish(SubjectKind.DIVERGENCE_DOWN, Condition.NEW, often=Trigger.EVERY_TIME))
        for piece in split(trades, list(cuts)):
            tape.say(piece)
        told.append([(fired.trade_id, fired.text) for fired in tape.fired])
    assert told[0] and told[0] == told[1] == told[2]


def test_every_subject_kind_has_an_entry():
    assert set(SUBJECTS) == set(SubjectKind)
