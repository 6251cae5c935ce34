"""The visible range profile: exact sums of the bars in view, in line with the cells."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter

from app.analytics.profile import VolumeProfile, profile_of_bars
from app.analytics.row_layout import RowLayout, RowMode, RowProfile
from app.analytics.value_area import ValueArea, ValueAreaMethod, value_area
from app.market.coverage import CoveredSpan, Source
from app.market.span import Span
from app.profiles.profile_settings import SIDE_INPUTS, Placement, ProfileColours, ProfileSettings, VolumeDisplay
from app.profiles.profile_values import ProfileValues
from rendering.items.profiles.profile_line import profile_lines
from rendering.items.profiles.profile_rows import ProfileBars, profile_bars
from rendering.items.profiles.visible_profile import VisibleProfile
from rendering.items.profiles.visible_profile_item import VisibleProfileItem
from rendering.paint.bar_zones import BarZones
from rendering.style.theme import load_theme
from rendering.view.detail import Detail
from rendering.view.frame import CellStyle, Frame
from rendering.view.frame_coords import price_y
from rendering.view.layout import PaneLayout
from rendering.view.viewport import Viewport
from tests.rendering.charts import FIRST_MINUTE, MINUTE, StillChart, random_trades, trade

THEME = load_theme()


def frame_of(chart: StillChart, *, first_bar: float = 0.0, bar_px: float = 100, row_px: float = 16, dpr: float = 1) -> Frame:
    layout = PaneLayout.of(1600, 900, "60000.0")
    viewport = Viewport(FIRST_MINUTE + first_bar, bar_px, 599_800, row_px / 10, layout.price.width, layout.price.height)
    return Frame(chart, chart.revision, 0, viewport, layout, THEME, dpr, CellStyle(), Detail.DIGITS)


def rows_of(frame: Frame, profile: VolumeProfile, area: ValueArea | None = None) -> ProfileBars:
    """The rows of a profile at 94 % of the strip, as they are drawn."""
    figures = figures_of(profile, area)
    return profile_bars(frame, figures, VolumeDisplay.SPLIT, 0.94 * frame.layout.profile.width)


def figures_of(profile: VolumeProfile, area: ValueArea | None = None) -> ProfileValues:
    rows = RowProfile(profile.first_row * 10, 10, replace(profile, first_row=0))
    return ProfileValues(((0, 1),), rows, area or value_area(rows.profile))


def same(one: VolumeProfile | None, other: VolumeProfile) -> bool:
    if one is None:
        return other.n_rows == 0
    return one.first_row == other.first_row and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in ("buy", "sell", "unknown")
    )


def test_panning_by_a_bar_counts_two_bars():
    chart = StillChart(random_trades(60, 50))
    visible = VisibleProfile()
    visible.update(chart.series, 10, 40)
    assert visible.bars_counted == 30
    assert visible.update(chart.series, 11, 41)
    assert visible.bars_counted == 33  # one subtracted, two added: the last bar is always counted again
    assert same(visible.profile, profile_of_bars(chart.series, 11, 41))


def test_nothing_is_counted_while_nothing_in_view_changes():
    chart = StillChart(random_trades(60, 50))
    visible = VisibleProfile()
    visible.update(chart.series, 10, 40)
    assert not visible.update(chart.series, 10, 40)
    chart.apply(trade(59, 600_000))  # out of view
    assert not visible.update(chart.series, 10, 40)
    assert visible.bars_counted == 30


def test_a_live_trade_counts_the_last_bar_only():
    chart = StillChart(random_trades(60, 50))
    visible = VisibleProfile()
    visible.update(chart.series, 0, 60)
    chart.apply(trade(59, 599_000, lots=77))  # far below: the row range grows
    assert visible.update(chart.series, 0, 60)
    assert visible.bars_counted == 61
    assert same(visible.profile, profile_of_bars(chart.series, 0, 60))


def test_a_new_bar_counts_two_bars():
    chart = StillChart(random_trades(60, 50))
    visible = VisibleProfile()
    visible.update(chart.series, 0, 60)
    chart.apply(trade(60, 600_000, second=1))
    visible.update(chart.series, 0, 61)
    assert visible.bars_counted == 62
    assert same(visible.profile, profile_of_bars(chart.series, 0, 61))


def test_a_changed_earlier_bar_causes_a_rebuild():
    chart = StillChart(random_trades(60, 50))
    visible = VisibleProfile()
    visible.update(chart.series, 0, 60)
    chart.series.truncate(20)
    chart.apply(random_trades(60, 50, seed=8)[20 * 50 :])
    assert visible.update(chart.series, 0, 60)
    assert same(visible.profile, profile_of_bars(chart.series, 0, 60))


def test_another_series_causes_a_rebuild():
    one, other = StillChart(random_trades(30, 50)), StillChart(random_trades(30, 50, seed=9))
    visible = VisibleProfile()
    visible.update(one.series, 0, 30)
    assert visible.update(other.series, 0, 30)
    assert same(visible.profile, profile_of_bars(other.series, 0, 30))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.tuples(st.integers(0, 60), st.integers(0, 60)), st.integers(-40, 40)), max_size=12))
def test_sums_equal_a_rebuild_after_any_moves(moves: list):
    chart = StillChart(random_trades(50, 20))
    visible, (first, end) = VisibleProfile(), (0, 10)
    for move in moves:
        if isinstance(move, tuple):
            first, end = min(move), max(move)
        else:
            chart.apply(trade(int(chart.series.number[-1]) - FIRST_MINUTE + (move > 20), 600_000 + 10 * move, lots=3, side=move % 3 - 1))
        first, end = min(first, chart.series.n_bars), min(end, chart.series.n_bars)
        visible.update(chart.series, first, end)
        assert same(visible.profile, profile_of_bars(chart.series, first, end))


def test_value_area_follows_the_selected_method():
    chart = StillChart(random_trades(60, 50))
    visible = VisibleProfile()
    visible.update(chart.series, 0, 60)
    for method in ValueAreaMethod:
        figures, profile = visible.values(ProfileSettings(method=method)), profile_of_bars(chart.series, 0, 60)
        assert figures is not None
        assert figures.area == value_area(replace(profile, first_row=0), 70, method)
        assert figures.rows.low_ticks == profile.first_row * 10


def test_a_view_without_bars_has_no_profile_and_no_value_area():
    visible = VisibleProfile()
    visible.update(StillChart(random_trades(5, 50)).series, 5, 5)
    assert visible.profile is None
    assert visible.values(ProfileSettings()) is None


@pytest.mark.parametrize("dpr", [1.0, 1.5, 2.0])
@pytest.mark.parametrize("row_px", [2.3, 11.0, 16.7])
def test_rows_share_their_edges_with_the_cells(dpr: float, row_px: float):
    chart = StillChart(random_trades(12, 200))
    frame = frame_of(chart, row_px=row_px, dpr=dpr)
    profile = profile_of_bars(chart.series, 0, 12)
    rows = rows_of(frame, profile)
    low, high = frame.viewport.visible_ticks()
    first, last = max(low // 10, profile.first_row), min(high // 10, profile.first_row + profile.n_rows - 1)
    assert len(rows.top) == last - first + 1
    gap = BarZones.of(frame.pixels.bar_pitch, row_px * dpr, dpr, Detail.CELLS).row_gap  # as the cells leave it
    for index, row in enumerate(range(first, last + 1)):
        assert rows.top[index] == frame.pixels.price_y(row * 10 + 10) - frame.pixels.top + gap
        assert rows.top[index] + rows.height[index] == frame.pixels.price_y(row * 10) - frame.pixels.top


def test_rows_lower_than_a_pixel_show_the_longest_per_pixel():
    chart = StillChart(random_trades(12, 200, volatility=40))
    frame = frame_of(chart, row_px=0.3)
    profile = profile_of_bars(chart.series, 0, 12)
    rows = rows_of(frame, profile)
    assert (rows.height == 1).all()
    assert len(np.unique(rows.top)) == len(rows.top)
    low, high = frame.viewport.visible_ticks()
    seen = profile.total[max(0, low // 10 - profile.first_row) : high // 10 + 1 - profile.first_row]
    longest = (rows.buy + rows.sell + rows.other).max()
    assert longest == round(0.94 * frame.layout.profile.width * seen.max() / profile.total.max())


def test_rows_are_scaled_to_the_longest_and_split_by_aggressor():
    profile = VolumeProfile(60_000, np.array([300, 10]), np.array([90, 0]), np.array([10, 0]))
    rows = rows_of(frame_of(StillChart(random_trades(2, 20))), profile, ValueArea(0, 0, 0, 400))
    full = 0.94 * 220
    assert rows.sell.tolist() == [round(full * 90 / 400), 0]
    assert rows.buy.tolist() == [round(full * 390 / 400) - round(full * 90 / 400), round(full * 10 / 400)]
    assert rows.other.tolist() == [round(full) - round(full * 390 / 400), 0]
    assert rows.in_value_area.tolist() == [True, False]


def test_poc_is_at_mid_row_and_vah_val_at_row_edges():
    frame, eight = frame_of(StillChart(random_trades(2, 20))), np.ones(9, np.int64)
    figures = figures_of(VolumeProfile(60_000, eight, eight, 0 * eight), ValueArea(low_row=1, high_row=7, poc_row=3, volume=14))
    lines = {line.name: line for line in profile_lines(frame, figures, ProfileColours())}
    assert {name: line.ticks for name, line in lines.items()} == {"POC": 600_035, "VAH": 600_080, "VAL": 600_010}
    assert {name: line.text for name, line in lines.items()} == {"POC": "60003.5", "VAH": "60008.0", "VAL": "60001.0"}


def test_profile_is_drawn_with_the_users_settings(qapp):
    chart = StillChart(random_trades(12, 200))
    frame, item = frame_of(chart), VisibleProfileItem()
    usual = picture(item, frame)
    side = replace(
        SIDE_INPUTS, rows=RowLayout(RowMode.ROWS, 5), volume=VolumeDisplay.TOTAL, percent=40, placement=Placement.LEFT, width_percent=50
    )
    chart.anchors.set_side(replace(side, colours=ProfileColours(value_area="#0072b2")))
    assert item.refresh(frame_of(chart))
    figures = item.values(frame)
    assert figures is not None
    profile = profile_of_bars(chart.series, 0, 12)
    assert figures.rows.profile.volume == profile.volume and 4 <= figures.rows.profile.n_rows <= 6
    other, strip = picture(item, frame), frame.layout.profile
    y = round(price_y(frame, figures.poc_ticks)) - 4
    assert other.pixel(strip.left + 40, y) == other.pixel(strip.left + strip.width // 2 - 2, y) == 0xFF0072B2
    assert other.pixel(strip.left + strip.width // 2 + 2, y) == 0
    assert usual != other
    assert (
        item.legend(frame)
        == f"visible range: total · rows {figures.rows.ticks_per_row} ({figures.rows.ticks_per_row / 10}) · VA 40 % dalton"
    )


def test_legend_is_empty_with_default_settings(qapp):
    chart = StillChart(random_trades(12, 200))
    assert VisibleProfileItem().legend(frame_of(chart)) == ""


@pytest.mark.parametrize("dpr", [1, 2])
def test_rows_are_drawn_in_their_colours_at_their_pixels(qapp, dpr: int):
    chart = StillChart(random_trades(12, 200))
    frame = frame_of(chart, dpr=dpr)
    image = picture(VisibleProfileItem(), frame)
    profile = profile_of_bars(chart.series, 0, 12)
    rows = rows_of(frame, profile)
    right, theme = round(frame.layout.profile.right * dpr), frame.theme
    checked = 0
    for top, height, buy, inside in zip(rows.top, rows.height, rows.buy, rows.in_value_area, strict=True):
        y = int(top) + 2 * dpr  # above the lines in the middle, below those at the edges
        if buy > 4 and 0 <= y < frame.layout.price.height * dpr and height > 6:
            expected = theme.profile_buy_value_area if inside else theme.profile_buy
            assert image.pixel(right - 1, y) == image.pixel(right - int(buy), y) == expected.argb
            assert image.pixel(right - int(buy) - 1, y) != expected.argb
            checked += 1
    assert checked > 5


def test_live_trade_repaints_only_the_profile_strip(qapp):
    chart = StillChart(random_trades(12, 200))
    item = VisibleProfileItem()
    item.refresh(frame_of(chart))
    before = frame_of(chart)
    item.changed(before, before)
    number = int(chart.series.number[-1]) - FIRST_MINUTE
    chart.apply(trade(number, int(chart.series.close[-1])))
    assert item.changed(before, frame_of(chart)) == QRectF(*before.layout.profile)
    assert item.changed(before, frame_of(chart)) is None


def test_only_the_poc_tag_is_drawn_when_tags_would_overlap(qapp):
    chart = StillChart(random_trades(1, 30))
    frame = frame_of(chart, row_px=0.5)
    item = VisibleProfileItem()
    item.refresh(frame)
    area = value_area(profile_of_bars(chart.series, 0, 1))
    assert item.price_tags(frame) == (price_y(frame, area.poc_row * 10 + 5),)


def picture(item: VisibleProfileItem, frame: Frame) -> QImage:
    item.refresh(frame)
    size = frame.layout.width, frame.layout.height
    image = QImage(round(size[0] * frame.dpr), round(size[1] * frame.dpr), QImage.Format.Format_ARGB32_Premultiplied)
    image.setDevicePixelRatio(frame.dpr)
    image.fill(0)
    painter = QPainter(image)
    item.draw(painter, frame, QRectF(0, 0, *size))
    painter.end()
    return image


def test_profile_shows_its_coverage_when_time_is_missing(qapp):
    chart = StillChart(random_trades(10, 50))
    item = VisibleProfileItem()
    item.refresh(frame_of(chart))
    item.refresh(frame_of(chart))
    assert not item.refresh(frame_of(chart))
    bars = [Span(*((FIRST_MINUTE + minute) * MINUTE.length_ns for minute in span)) for span in ((0, 6), (7, 10))]
    chart.covered = tuple(CoveredSpan(span, Source.LIVE, 0, 0) for span in bars)
    assert item.refresh(frame_of(chart))
    assert not item.refresh(frame_of(chart))
    assert strip_head(item, frame_of(chart)) != strip_head(VisibleProfileItem(), frame_of(StillChart(random_trades(10, 50))))


def strip_head(item: VisibleProfileItem, frame: Frame) -> QImage:
    strip = frame.layout.profile
    image = QImage(strip.width, 40, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(0)
    painter = QPainter(image)
    painter.translate(-strip.left, 0)
    item.refresh(frame)
    item.draw(painter, frame, QRectF(*strip))
    painter.end()
    return image
