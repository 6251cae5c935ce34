"""Labels on the axes: round prices and calendar times."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter

from app.market.price_grid import PriceGrid
from app.market.times import date_text
from rendering.items.guides.axes import GridItem, PriceAxisItem, TimeAxisItem, visible_price_ticks, visible_time_ticks
from rendering.style.axis_labels import price_labels, price_step, time_step, time_ticks
from rendering.style.theme import load_theme
from rendering.view.detail import Detail
from rendering.view.frame import CellStyle, Frame
from rendering.view.frame_coords import price_y
from rendering.view.layout import PaneLayout
from rendering.view.viewport import Viewport
from tests.rendering.charts import FIRST_MINUTE, StillChart, random_trades

NS = 1_000_000_000
MINUTE_NS = 60 * NS
THEME = load_theme()


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * NS


def frame_of(chart: StillChart, *, bar_px: float = 100, row_px: float = 16, dpr: float = 1, first_bar: float = 0.0) -> Frame:
    layout = PaneLayout.of(1600, 900, "60000.0")
    viewport = Viewport(FIRST_MINUTE + first_bar, bar_px, 599_800, row_px / 10, layout.price.width, layout.price.height)
    return Frame(chart, chart.revision, 0, viewport, layout, THEME, dpr, CellStyle(), Detail.DIGITS)


@pytest.fixture(scope="module")
def chart() -> StillChart:
    return StillChart(random_trades(30, 60))


@pytest.mark.parametrize(
    ("tick_size", "ticks_per_row", "tick_px", "step"),
    [
        ("0.01", 1, 40.0, 1),  # a tick is large enough
        ("0.01", 1, 10.0, 5),  # 4 ticks needed: 0.05
        ("0.01", 10, 1.6, 20),  # 0.20, two rows
        ("0.01", 1, 1.28, 25),  # exactly 25 ticks needed: 0.25
        ("0.25", 1, 16.0, 2),  # 0.50
        ("0.25", 1, 9.0, 4),  # 1.00 rather than 0.75
        ("0.5", 1, 1.0, 40),  # 20
        ("5", 1, 8.0, 4),  # 20
        ("0.05", 4, 2.0, 20),  # 1.00, five rows
        ("0.01", 20, 1.5, 25),  # 0.25 and 0.50 cut rows of 0.20, and 1.00 is more than 2.5 times as far: 0.25 it is
    ],
)
def test_price_labels_are_round_prices(tick_size: str, ticks_per_row: int, tick_px: float, step: int):
    grid = PriceGrid(Decimal(tick_size), ticks_per_row)
    assert price_step(grid, tick_px) == step


def test_labels_follow_rows_when_a_tick_size_has_no_round_step():
    assert price_step(PriceGrid(Decimal("0.03"), 7), 1.0) == 35


@given(
    st.sampled_from(["0.00000001", "0.0001", "0.01", "0.05", "0.25", "0.5", "1", "2.5", "3", "7", "10"]),
    st.integers(1, 500),
    st.floats(1e-7, 400),
)
def test_price_labels_keep_their_minimum_distance(tick_size: str, ticks_per_row: int, tick_px: float):
    step = price_step(PriceGrid(Decimal(tick_size), ticks_per_row), tick_px)
    assert step >= 1
    assert step * tick_px >= 32 * (1 - 1e-9)


def test_price_labels_are_the_multiples_in_view():
    assert list(price_labels(99.5, 121.0, 10)) == [100, 110, 120]
    assert list(price_labels(100, 120, 10)) == [100, 110, 120]
    assert list(price_labels(-35, 12, 10)) == [0, 10]


@pytest.mark.parametrize(
    ("bar_s", "bar_px", "step"),
    [
        (60, 100.0, (60, 0)),
        (60, 20.0, (300, 0)),
        (60, 1.0, (7200, 0)),
        (1, 10.0, (10, 0)),
        (60, 0.05, (2 * 86_400, 0)),
        (86_400, 10.0, (0, 1)),
        (86_400, 0.1, (0, 60)),
    ],
)
def test_time_labels_follow_the_calendar(bar_s: int, bar_px: float, step: tuple[int, int]):
    assert time_step(bar_s * NS, bar_px) == step


def test_a_new_day_is_written_as_its_date_in_bold():
    ticks = time_ticks(at("2026-11-20 22:30"), at("2026-11-21 01:10"), (3600, 0))
    assert [(tick.text, tick.strong) for tick in ticks] == [("23:00", False), ("21 Nov", True), ("01:00", False)]


def test_time_labels_show_seconds_when_steps_are_below_a_minute():
    ticks = time_ticks(at("2026-11-21 15:30:05"), at("2026-11-21 15:30:31"), (15, 0))
    assert [tick.text for tick in ticks] == ["15:30:15", "15:30:30"]


def test_months_and_years_follow_the_calendar():
    ticks = time_ticks(at("2026-11-15 00:00"), at("2027-03-02 00:00"), (0, 1))
    assert [(tick.text, tick.strong) for tick in ticks] == [("Dec", False), ("2027", True), ("Feb", False), ("Mar", False)]


def test_weeks_begin_on_monday():
    ticks = time_ticks(at("2026-11-10 00:00"), at("2026-11-30 00:00"), (7 * 86_400, 0))
    assert [date_text(tick.time_ns) for tick in ticks] == ["Mon 16 Nov 2026", "Mon 23 Nov 2026", "Mon 30 Nov 2026"]


def test_time_labels_include_both_ends_of_the_view():
    ticks = time_ticks(at("2026-11-21 15:00"), at("2026-11-21 15:10"), (300, 0))
    assert [tick.text for tick in ticks] == ["15:00", "15:05", "15:10"]


def test_times_before_1970_and_after_9999_have_no_labels():
    assert time_ticks(-10 * NS, -5 * NS, (1, 0)) == ()
    assert len(time_ticks(0, 2**63 - 1, (0, 240))) < 500


def test_a_price_label_lies_on_the_rounded_edge_of_its_row(chart: StillChart):
    frame = frame_of(chart, row_px=15.3, dpr=2)
    ticks = list(visible_price_ticks(frame))
    assert ticks[:2] == [599_800, 599_850]  # 5.0 in price: 2.5 would do but cuts rows
    for tick in ticks:
        assert price_y(frame, tick) * 2 == frame.pixels.price_y(tick) - frame.pixels.top


def test_a_time_label_is_centred_on_a_wide_bar(chart: StillChart):
    place = visible_time_ticks(frame_of(chart))[0]
    assert (place.x, place.text_x) == (0.0, 50.0)
    assert place.tick.time_ns == FIRST_MINUTE * MINUTE_NS


def test_a_time_label_is_at_the_left_edge_of_a_narrow_bar(chart: StillChart):
    places = visible_time_ticks(frame_of(chart, bar_px=10))
    assert all(place.text_x == place.x for place in places)
    assert {int(b.x - a.x) for a, b in itertools.pairwise(places)} == {100}  # ten minutes of ten pixels


@pytest.mark.parametrize(
    ("item_type", "moved", "still"),
    [(PriceAxisItem, {"row_px": 15.0}, {"first_bar": 1.0}), (TimeAxisItem, {"first_bar": 1.0}, {"row_px": 15.0})],
)
def test_an_axis_is_repainted_only_when_its_own_scale_changes(qapp, chart: StillChart, item_type, moved: dict, still: dict):
    item = item_type()
    assert item.refresh(frame_of(chart))
    assert not item.refresh(frame_of(chart))
    assert not item.refresh(frame_of(chart, **still))
    before = frame_of(chart, **still)
    item.refresh(before)
    assert item.refresh(frame_of(chart, **{**still, **moved}))


def test_the_grid_draws_a_line_at_each_label(qapp, chart: StillChart):
    frame = frame_of(chart)
    image = QImage(1600, 900, QImage.Format.Format_RGB32)
    image.fill(0)
    item = GridItem()
    item.refresh(frame)
    painter = QPainter(image)
    item.draw(painter, frame, QRectF(0, 0, 1600, 900))
    painter.end()
    theme = frame.theme
    for ticks in visible_price_ticks(frame):
        y = round(price_y(frame, ticks))
        if 0 <= y < frame.layout.price.height:
            assert image.pixel(33, y) & 0xFFFFFF == theme.grid.argb & 0xFFFFFF
    assert image.pixel(33, 1) & 0xFFFFFF == theme.background.argb & 0xFFFFFF
