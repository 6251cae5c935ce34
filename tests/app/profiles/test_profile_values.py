"""Profiles of any time range are exact, and recomputed only when a bar changes."""

from __future__ import annotations

from app.analytics.profile import profile_of_bars
from app.analytics.row_layout import RowLayout, RowMode
from app.analytics.value_area import ValueAreaMethod, value_area
from app.profiles.placed_profile import TimeRange
from app.profiles.profile_values import ProfileCache, ProfileValues
from tests.rendering.charts import FIRST_MINUTE, MINUTE, StillChart, random_trades, trade

CHART_ROWS, DALTON = RowLayout(), ValueAreaMethod.DALTON


def minute(bar: float) -> int:
    return round((FIRST_MINUTE + bar) * MINUTE.length_ns)


def of(chart: StillChart, start: float, end: float | None = None) -> ProfileValues:
    found = chart.profiles.of([TimeRange(minute(start), None if end is None else minute(end))], CHART_ROWS, 70, DALTON)
    assert found is not None
    return found


def test_an_anchor_inside_a_bar_includes_the_full_bar() -> None:
    chart = StillChart(random_trades(40, 30))
    found = of(chart, 7.9)
    expected = profile_of_bars(chart.series, 7, 40)
    assert found.rows.profile.total.tolist() == expected.total.tolist()
    assert (found.first_number, found.last_number) == (FIRST_MINUTE + 7, FIRST_MINUTE + 39)


def test_a_range_includes_every_bar_it_touches() -> None:
    chart = StillChart(random_trades(40, 30))
    assert of(chart, 7.9, 12.1).rows.profile.volume == profile_of_bars(chart.series, 7, 13).volume
    assert of(chart, 7, 12).rows.profile.volume == profile_of_bars(chart.series, 7, 12).volume


def test_poc_is_a_middle_tick_and_vah_and_val_are_edges() -> None:
    chart = StillChart(random_trades(40, 30))
    found, area = of(chart, 7), value_area(profile_of_bars(chart.series, 7, 40))
    assert (found.poc_ticks, found.vah_ticks, found.val_ticks) == (area.poc_row * 10 + 5, (area.high_row + 1) * 10, area.low_row * 10)


def test_a_live_trade_recomputes_only_growing_profiles() -> None:
    chart = StillChart(random_trades(40, 30))
    closed, growing = of(chart, 3, 20), of(chart, 7)
    before = chart.profiles.worked_out
    chart.apply(trade(39, int(chart.series.close[-1]), lots=5))
    assert of(chart, 3, 20) is closed
    assert of(chart, 7).rows.profile.volume == growing.rows.profile.volume + 5
    assert of(chart, 7) is of(chart, 7)
    assert chart.profiles.worked_out == before + 1


def test_a_profile_uses_the_given_rows_and_method() -> None:
    chart = StillChart(random_trades(40, 30))
    found = chart.profiles.of([TimeRange(minute(0), None)], RowLayout(RowMode.ROWS, 5), 50, ValueAreaMethod.SINGLE)
    assert found is not None
    assert 4 <= found.rows.profile.n_rows <= 6
    assert found.area == value_area(found.rows.profile, 50, ValueAreaMethod.SINGLE)


def test_a_range_without_trades_has_no_profile() -> None:
    chart = StillChart(random_trades(40, 30))
    assert chart.profiles.of([TimeRange(minute(60), None)], CHART_ROWS, 70, DALTON) is None
    assert chart.profiles.of([TimeRange(minute(-20), minute(-10))], CHART_ROWS, 70, DALTON) is None


def test_dragging_an_anchor_does_not_grow_the_cache() -> None:
    chart = StillChart(random_trades(600, 2))
    for bar in range(600):
        of(chart, bar)
    assert len(chart.profiles._cached) <= 256
    assert isinstance(chart.profiles, ProfileCache)


def test_a_bar_in_several_ranges_counts_once() -> None:
    chart = StillChart(random_trades(40, 30))
    stretches = [
        TimeRange(minute(5), minute(10)),
        TimeRange(minute(9.5), minute(10.5)),
        TimeRange(minute(20), None),
        TimeRange(minute(35), minute(38)),
    ]
    assert chart.profiles.bars_of(stretches) == ((FIRST_MINUTE + 5, FIRST_MINUTE + 11), (FIRST_MINUTE + 20, None))
    found = chart.profiles.of(stretches, CHART_ROWS, 70, DALTON)
    assert found is not None
    volume = profile_of_bars(chart.series, 5, 11).volume + profile_of_bars(chart.series, 20, 40).volume
    assert found.rows.profile.volume == volume
    assert found.runs == ((FIRST_MINUTE + 5, FIRST_MINUTE + 11), (FIRST_MINUTE + 20, FIRST_MINUTE + 40))


def test_a_live_trade_costs_only_a_composites_open_range() -> None:
    chart = StillChart(random_trades(40, 30))
    stretches = [TimeRange(minute(3), minute(9)), TimeRange(minute(20), None)]
    before = chart.profiles.of(stretches, CHART_ROWS, 70, DALTON)
    kept = next(iter(chart.profiles._cached.values()))
    counted = [growing.bars_counted for growing in kept.growing]
    chart.apply(trade(39, int(chart.series.close[-1]), lots=5))
    after = chart.profiles.of(stretches, CHART_ROWS, 70, DALTON)
    assert before is not None and after is not None
    assert after.rows.profile.volume == before.rows.profile.volume + 5
    assert [growing.bars_counted - past for growing, past in zip(kept.growing, counted, strict=True)] == [0, 1]
    assert kept.growing[0].asked == 1
