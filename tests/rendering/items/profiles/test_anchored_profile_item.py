"""Anchored, range and period profiles: rows, lines and flags at their pixels, minimal repaints."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QRectF

from app.analytics.profile import profile_of_bars
from app.analytics.row_layout import RowLayout, RowMode
from app.analytics.value_area import ValueAreaMethod, value_area
from app.market.coverage import CoveredSpan, Source
from app.market.span import Span
from app.market.times import date_text
from app.profiles.period_profiles import PeriodKind, PeriodProfiles
from app.profiles.profile_settings import Placement, ProfileColours, ProfileSettings, VolumeDisplay
from rendering.items.profiles.anchor_flag_item import AnchorFlagItem, _labels, flag_at, flags_of, marks_of
from rendering.items.profiles.anchored_profile_item import AnchoredProfileItem, anchored_profile_lines
from rendering.items.profiles.placed_profile_views import (
    MIN_WIDTH_PX,
    period_views,
    profile_views,
    run_x,
    segment_profile,
    visible_segments,
)
from rendering.items.profiles.profile_rows import profile_bars
from rendering.scene.scene import ChartScene
from rendering.style.colour import Colour, contrast
from rendering.style.profile_palette import profile_palette
from rendering.style.theme import load_theme
from rendering.view.detail import Detail
from rendering.view.frame import CellStyle, Frame
from rendering.view.frame_coords import price_y
from rendering.view.layout import PaneLayout
from rendering.view.viewport import Viewport
from tests.rendering.charts import FIRST_MINUTE, MINUTE, StillChart, random_trades, trade

THEME = load_theme()


def frame_of(
    chart: StillChart, *, first_bar: float = 0.0, bar_px: float = 40, row_px: float = 6, dpr: float = 1, now_s: float = 0
) -> Frame:
    layout = PaneLayout.of(1600, 900, "60000.0")
    viewport = Viewport(FIRST_MINUTE + first_bar, bar_px, 599_600, row_px / 10, layout.price.width, layout.price.height)
    return Frame(
        chart, chart.revision, chart.generation, viewport, layout, THEME, dpr, CellStyle(), Detail.CELLS, now_ns=round(now_s * 1e9)
    )


def minute(bar: int) -> int:
    return (FIRST_MINUTE + bar) * MINUTE.length_ns


@pytest.fixture
def chart() -> StillChart:
    return StillChart(random_trades(30, 100))


def test_profile_runs_from_its_first_to_its_last_bar(chart: StillChart) -> None:
    chart.anchors.add(minute(5))
    chart.anchors.add(minute(3), minute(9))
    frame = frame_of(chart)
    one, other = profile_views(frame)
    assert (one.start_x, one.end_x) == (5 * 40, 30 * 40)
    assert (other.start_x, other.end_x, other.selected) == (3 * 40, 9 * 40, True)
    assert one.width_px(frame) == 0.3 * 25 * 40
    assert other.width_px(frame) == MIN_WIDTH_PX


@pytest.mark.parametrize("dpr", [1, 1.5, 2])
def test_each_row_has_its_pixels_and_its_share_of_the_width(chart: StillChart, dpr: float) -> None:
    chart.anchors.add(minute(5))
    frame = frame_of(chart, dpr=dpr)
    view = profile_views(frame)[0]
    assert view.figures is not None
    bars = profile_bars(frame, view.figures, VolumeDisplay.SPLIT, 200)
    profile = profile_of_bars(chart.series, 5, 30)
    total, largest, top = profile.total, int(profile.total.max()), frame.pixels.top
    for row in range(profile.n_rows):
        edge = int(frame.pixels.price_y((profile.first_row + row) * 10.0)) - top
        assert bars.top[row] + bars.height[row] == edge
        whole = bars.sell[row] + bars.buy[row] + bars.other[row]
        assert whole == np.floor(total[row] * (200 * dpr / largest) + 0.5)
        assert bars.sell[row] == np.floor(profile.sell[row] * (200 * dpr / largest) + 0.5)
    area = value_area(profile)
    assert np.flatnonzero(bars.in_value_area).tolist() == [*range(area.low_row - profile.first_row, area.high_row - profile.first_row + 1)]


def test_delta_rows_have_one_side_and_total_rows_none(chart: StillChart) -> None:
    chart.anchors.add(minute(5))
    frame = frame_of(chart)
    figures = profile_views(frame)[0].figures
    assert figures is not None
    delta, profile = profile_bars(frame, figures, VolumeDisplay.DELTA, 100), profile_of_bars(chart.series, 5, 30)
    assert not ((delta.buy > 0) & (delta.sell > 0)).any()
    assert ((delta.buy > 0) <= (profile.delta > 0)).all() and ((delta.sell > 0) <= (profile.delta < 0)).all()
    assert int((delta.buy + delta.sell).max()) == 100
    total = profile_bars(frame, figures, VolumeDisplay.TOTAL, 100)
    assert not total.buy.any() and not total.sell.any() and int(total.other.max()) == 100


def test_rows_lower_than_a_pixel_show_the_longest_per_pixel(chart: StillChart) -> None:
    chart.anchors.add(minute(0))
    frame = frame_of(chart, row_px=0.3)
    figures = profile_views(frame)[0].figures
    assert figures is not None
    bars = profile_bars(frame, figures, VolumeDisplay.TOTAL, 100)
    assert len(set(bars.top.tolist())) == len(bars.top) < figures.rows.profile.n_rows
    assert int(bars.other.max()) == 100


def test_lines_lie_at_poc_vah_val_and_extend_when_set(chart: StillChart) -> None:
    key = chart.anchors.add(minute(3), minute(12))
    chart.anchors.set_inputs(key, replace(ProfileSettings(), extend_vah=True))
    frame = frame_of(chart)
    area = value_area(profile_of_bars(chart.series, 3, 12))
    lines = {line.name: (line.ticks, end) for line, end in anchored_profile_lines(frame, profile_views(frame)[0])}
    assert lines == {
        "POC": (area.poc_row * 10 + 5, 12 * 40),
        "VAH": (area.high_row * 10 + 10, frame.layout.price.right),
        "VAL": (area.low_row * 10, 12 * 40),
    }


def test_legend_names_time_and_source(chart: StillChart, qapp) -> None:
    chart.anchors.add(minute(5))
    item, frame = AnchoredProfileItem(), frame_of(chart)
    assert item.legend(frame) == "A1 from 21:25 · trades"
    chart.covered = (
        CoveredSpan(Span(minute(5), minute(20)), Source.LIVE, 0, 9),
        CoveredSpan(Span(minute(25), minute(30)), Source.LIVE, 20, 30),
    )
    assert item.legend(frame_of(chart, now_s=0.2)).endswith("trades")  # no hurry: it is requested in every frame
    assert item.legend(frame_of(chart, now_s=0.3)).endswith("⚠ trades cover 80 % of its time")
    chart.covered = (CoveredSpan(Span(minute(0), minute(30)), Source.LIVE, 0, 9),)
    assert item.legend(frame).endswith("trades, complete")
    chart.covered = (CoveredSpan(Span(minute(0), minute(30)), Source.LIVE, 0, 9, proven=False),)
    assert item.legend(frame_of(chart, now_s=9)).endswith("trades, unverified")
    for bar in (6, 7, 8):
        chart.anchors.add(minute(bar), minute(bar + 2))
    assert item.legend(frame).startswith("R4 from 21:28 to 21:30") and item.legend(frame).endswith("and 1 more")


def test_legend_names_settings_that_differ_from_the_chart(chart: StillChart, qapp) -> None:
    key = chart.anchors.add(minute(5))
    rows = RowLayout(RowMode.TICKS, 20)
    for inputs, told in (
        (ProfileSettings(volume=VolumeDisplay.DELTA), "delta"),
        (ProfileSettings(rows=rows), "rows 20 (2.0)"),
        (ProfileSettings(percent=68), "VA 68 % dalton"),
        (ProfileSettings(rows=rows, method=ValueAreaMethod.TRADINGVIEW), "rows 20 (2.0) · VA 70 % tradingview"),
    ):
        chart.anchors.set_inputs(key, inputs)
        assert AnchoredProfileItem().legend(frame_of(chart)) == f"A1 from 21:25 · {told} · trades"


def test_composite_legend_names_dates_and_counts_omitted_ranges(chart: StillChart, qapp) -> None:
    day = 1440
    for begin, end in ((-day, -day + 2), *((bar, bar + 2) for bar in (1, 5, 9, 13))):
        chart.anchors.add(minute(begin), minute(end))
        chart.anchors.choose(chart.anchors.profiles[-1])
    chart.anchors.compose()
    told = AnchoredProfileItem().legend(frame_of(chart)).partition(" · ")[0]
    assert told == f"C6 {date_text(minute(-day))} 21:20-21:22 + 21:21-21:23 + 21:25-21:27 + 21:29-21:31 + 1 more"


def test_labels_name_the_profile_when_there_are_several(chart: StillChart) -> None:
    chart.anchors.add(minute(2), minute(6))
    assert {label.text.split()[0] for label in _labels(frame_of(chart))} <= {"POC", "VAH", "VAL"}
    chart.anchors.add(minute(9), minute(14))
    told = {tuple(label.text.split()[:2]) for label in _labels(frame_of(chart))}
    assert {("R1", "POC"), ("R2", "POC")} <= told
    assert all(name in ("R1", "R2") for name, _ in told)


def test_profile_without_trades_draws_only_its_flag(chart: StillChart, qapp) -> None:
    chart.anchors.add(minute(-20), minute(-10))
    frame = frame_of(chart, first_bar=-25)
    assert AnchoredProfileItem().legend(frame).endswith("· no trades")
    assert anchored_profile_lines(frame, profile_views(frame)[0]) == []
    assert [flag.text for flag in flags_of(frame)] == ["R1", "◂"]


def test_flags_are_at_their_bars_and_never_overlap(chart: StillChart) -> None:
    for bar in (5, 5, 6):
        chart.anchors.add(minute(bar))
    flags = flags_of(frame_of(chart))
    assert [flag.pole_x for flag in flags] == [200, 200, 240]
    assert len({(flag.left, flag.top) for flag in flags}) == 3
    assert not any(one.rect.intersects(other.rect) for one in flags for other in flags if one is not other)
    assert all(flag.width >= 8 and flag.rect.height() >= 8 for flag in flags)


def test_flag_stays_at_the_edge_with_its_time_when_out_of_view(chart: StillChart) -> None:
    key = chart.anchors.add(minute(5))
    flag = flags_of(frame_of(chart, first_bar=10))[0]
    assert (flag.left, flag.pole_x, flag.text) == (0, None, "‹ A1 21:25")
    assert flag_at(frame_of(chart, first_bar=10), flag.rect.center().x(), flag.rect.center().y()) == flag
    assert flag.key == key
    chart.anchors.add(minute(2), minute(4))
    assert [flag.text for flag in flags_of(frame_of(chart, first_bar=10))] == ["‹ A1 21:25", "‹ R2 21:22"]
    chart.anchors.select(None)
    assert [flag.text for flag in flags_of(frame_of(chart, first_bar=10))] == ["‹ A1 21:25"]


def test_live_trade_repaints_only_open_profiles(chart: StillChart, qapp) -> None:
    chart.anchors.add(minute(3), minute(9))
    item = AnchoredProfileItem()
    before = frame_of(chart)
    item.refresh(before)
    item.changed(before, before)
    chart.apply(trade(29, int(chart.series.close[-1])))
    assert item.changed(before, frame_of(chart)) is None
    chart.anchors.add(minute(20))
    item.changed(before, before)
    chart.apply(trade(29, int(chart.series.close[-1])))
    (region,) = item.changed(before, frame_of(chart)) or []
    assert region == QRectF(20 * 40 - 1, 0, 10 * 40 + 2, before.layout.price.height)


def test_dragged_flag_is_drawn_in_every_frame(chart: StillChart, qapp) -> None:
    key = chart.anchors.add(minute(3))
    for item in (AnchoredProfileItem(), AnchorFlagItem()):
        item.refresh(frame_of(chart))
        for step in range(1, 5):
            chart.apply(trade(29, int(chart.series.close[-1])))
            chart.anchors.move(key, minute(3 + step), None)
            assert item.refresh(frame_of(chart, now_s=step * 0.001))


@pytest.mark.parametrize("placement", list(Placement))
def test_rows_start_at_the_selected_side(chart: StillChart, qapp, placement: Placement) -> None:
    key = chart.anchors.add(minute(3), minute(15))
    chart.anchors.set_inputs(key, replace(ProfileSettings(), placement=placement, volume=VolumeDisplay.TOTAL))
    scene = ChartScene(chart, THEME, 1600, 900)
    scene.refresh()
    scene.set_viewport(frame_of(chart).viewport)
    scene.refresh()
    image = scene.render_image()
    chart.anchors.delete(key)
    scene.refresh()
    without = scene.render_image()
    area = value_area(profile_of_bars(chart.series, 3, 15))
    y = round(price_y(scene.frame, area.poc_row * 10 + 8))
    differs = [x for x in range(3 * 40, 15 * 40) if image.pixel(x, y) != without.pixel(x, y)]
    assert len(differs) > 100
    middle = sum(differs) / len(differs)
    assert (middle < 9 * 40) is (placement is Placement.LEFT)


def test_no_label_covers_digits(qapp) -> None:
    chart = StillChart(random_trades(30, 100))
    chart.anchors.add(minute(20))
    scene = ChartScene(chart, THEME, 1600, 900)
    scene.refresh()
    from rendering.items.profiles.anchor_flag_item import _labels

    assert scene.frame is not None and scene.frame.detail is Detail.DIGITS
    series, viewport = chart.series, scene.viewport
    for label in _labels(scene.frame):
        first, last = (int(viewport.bar_at(x)) for x in (label.rect.left(), label.rect.right()))
        bars = slice(series.index_of(first), series.index_of(last + 1))
        assert not (
            (series.low[bars] < viewport.ticks_at(label.rect.top())) & (series.high[bars] > viewport.ticks_at(label.rect.bottom()))
        ).any()


def test_idle_time_builds_the_profile_index(qapp) -> None:
    chart = StillChart(random_trades(300, 3))
    scene = ChartScene(chart, THEME, 1600, 900)
    scene.refresh()
    scene.settle()
    while scene.idle():
        pass
    assert chart.profiles.index.nodes_built == 4 + 2 + 1  # leaves of 64 bars, and the nodes above them


def test_bar_periods_do_not_depend_on_the_start_of_the_view(chart: StillChart) -> None:
    chart.anchors.show_periods(PeriodProfiles(PeriodKind.BARS, 8))
    frame = frame_of(chart, first_bar=2)
    views = period_views(frame)
    first = -(FIRST_MINUTE % 8)  # of the period that holds the first bar, counted from it
    starts = [(view.placed.start_ns - minute(0)) // MINUTE.length_ns for view in views]
    assert starts == [start for start in range(first, 30, 8) if start + 8 > 2]
    for start, view in zip(starts, views, strict=True):
        assert view.figures is not None
        assert view.figures.rows.profile.volume == profile_of_bars(chart.series, start, start + 8).volume
    assert flags_of(frame) == []


def test_day_profiles_follow_the_calendar_and_narrow_ones_are_hidden(chart: StillChart, qapp) -> None:
    chart.anchors.show_periods(PeriodProfiles(PeriodKind.DAY))
    frame = frame_of(chart)
    (view,) = period_views(frame)
    assert view.placed.start_ns % 86_400_000_000_000 == 0
    assert view.figures is not None and view.figures.rows.profile.volume == int(chart.series.volume.sum())
    item = AnchoredProfileItem()
    assert item.legend(frame) == "daily profiles · trades"
    chart.anchors.show_periods(PeriodProfiles(PeriodKind.BARS, 2))
    narrow = frame_of(chart, bar_px=5)
    assert period_views(narrow) == ()
    assert item.legend(narrow).endswith(" · zoom in to see them")


def test_live_trade_repaints_only_the_current_period(chart: StillChart, qapp) -> None:
    chart.anchors.show_periods(PeriodProfiles(PeriodKind.BARS, 8))
    item, before = AnchoredProfileItem(), frame_of(chart)
    item.refresh(before)
    item.changed(before, before)
    worked_out = chart.profiles.worked_out
    chart.apply(trade(29, int(chart.series.close[-1])))
    (region,) = item.changed(before, frame_of(chart)) or []
    assert chart.profiles.worked_out == worked_out + 1
    assert region.left() == period_views(before)[-1].start_x - 1


def test_composite_has_one_flag_and_a_mark_per_range(chart: StillChart, qapp) -> None:
    for begin, end in ((2, 6), (9, 14)):
        chart.anchors.add(minute(begin), minute(end))
        chart.anchors.choose(chart.anchors.profiles[-1])
    chart.anchors.compose()
    for key in (1, 2):
        chart.anchors.delete(key)
    frame = frame_of(chart)
    (view,) = profile_views(frame)
    assert view.figures is not None
    assert view.figures.rows.profile.volume == profile_of_bars(chart.series, 2, 6).volume + profile_of_bars(chart.series, 9, 14).volume
    assert [flag.text for flag in flags_of(frame)] == ["C3", "◂"]
    assert [(mark.left, mark.left + mark.width) for mark in marks_of(frame)] == [(2 * 40 + 1, 6 * 40 - 1), (9 * 40 + 1, 14 * 40 - 1)]
    assert AnchoredProfileItem().legend(frame).startswith("C3 21:22-21:26 + 21:29-21:34 · trades")


def test_selected_period_profiles_are_marked(chart: StillChart, qapp) -> None:
    chart.anchors.show_periods(PeriodProfiles(PeriodKind.BARS, 8))
    item = AnchorFlagItem()
    before = frame_of(chart)
    item.refresh(before)
    assert marks_of(before) == []
    (piece, *_) = visible_segments(before)
    chart.anchors.choose(segment_profile(before, piece))
    after = frame_of(chart)
    assert item.refresh(after)
    (mark,) = marks_of(after)
    assert mark.chosen and mark.left + mark.width == run_x(after, piece.runs[0])[1] - 1


def test_profile_uses_its_own_colours_when_set(chart: StillChart, qapp) -> None:
    tones = profile_palette(THEME, ProfileColours(buy="#0072b2"))
    usual = profile_palette(THEME, ProfileColours())
    assert tones.inside.buy == Colour(0x00, 0x72, 0xB2)
    assert contrast(tones.outside.buy, THEME.background) < contrast(tones.inside.buy, THEME.background)
    assert (tones.inside.sell, tones.outside.sell, tones.value_area) == (usual.inside.sell, usual.outside.sell, usual.value_area)
    assert profile_palette(THEME, ProfileColours(value_area="#cc79a7")).value_area == Colour(0xCC, 0x79, 0xA7)
    chart.anchors.add(minute(5))
    view = profile_views(frame_of(chart))[0]
    chart.anchors.set_inputs(1, replace(view.placed.inputs, colours=ProfileColours(value_area="#cc79a7")))
    frame = frame_of(chart)
    lines = {line.name: line.colour for line, _ in anchored_profile_lines(frame, profile_views(frame)[0])}
    assert lines == {"POC": THEME.poc, "VAH": Colour(0xCC, 0x79, 0xA7), "VAL": Colour(0xCC, 0x79, 0xA7)}


def test_flags_of_many_profiles_never_overlap_and_stack_from_below(chart: StillChart) -> None:
    rng = np.random.default_rng(5)
    for first in rng.integers(0, 24, 60).tolist():
        if first % 3:
            chart.anchors.add(minute(first))
        else:
            chart.anchors.add(minute(first), minute(first + 1 + first % 5))
    frame = frame_of(chart, bar_px=20)
    flags, lowest = flags_of(frame), frame.layout.price.bottom - 21
    assert len(flags) > 60
    for number, flag in enumerate(flags):
        under = flag._replace(top=flag.top + 18)
        earlier = flags[:number]
        assert not any(flag.rect.intersects(other.rect) for other in earlier)
        assert flag.top == lowest or any(under.rect.intersects(other.rect) for other in earlier)


def test_labels_of_many_profiles_do_not_overlap(chart: StillChart) -> None:
    for first in range(24):
        chart.anchors.add(minute(first), minute(first + 3))
    labels = _labels(frame_of(chart, bar_px=20))
    assert len(labels) == 20
    assert not any(one.rect.intersects(other.rect) for number, one in enumerate(labels) for other in labels[:number])


def test_a_frame_computes_the_values_of_a_profile_once(qapp, chart: StillChart, monkeypatch: pytest.MonkeyPatch) -> None:
    for first in range(6):
        chart.anchors.add(minute(first), minute(first + 3))
    scene, asked = ChartScene(chart, THEME, 1200, 700), 0
    of_bars = chart.profiles.of_bars

    def counted(*arguments: object) -> object:
        nonlocal asked
        asked += 1
        return of_bars(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(chart.profiles, "of_bars", counted)
    scene.refresh(1)
    scene.render_image()
    asked = 0
    chart.apply(trade(29, 600_000))
    scene.refresh(10**9)
    flag_at(scene.frame, 3.0, 3.0)
    assert asked == 6
