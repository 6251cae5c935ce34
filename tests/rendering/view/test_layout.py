"""The division of a chart into panes."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rendering.view.layout import PaneLayout, Rect, Strip, text_width

PANES = ("price", "profile", "delta", "volume", "totals", "price_axis", "delta_axis", "time_axis")


def test_a_chart_of_1600_by_900_is_divided_into_whole_pixels():
    layout = PaneLayout.of(1600, 900, "61837.63")
    assert layout.price_axis == Rect(1533, 0, 67, 748)  # 8 characters of 6.6 px, and 14 px of padding
    assert layout.profile == Rect(1313, 0, 220, 748)
    assert layout.price == Rect(0, 0, 1313, 748)
    assert layout.delta == Rect(0, 748, 1313, 110)
    assert layout.volume == Rect(0, 858, 1313, 18)
    assert layout.time_axis == Rect(0, 876, 1533, 24)


def test_the_profile_takes_16_percent_up_to_220_pixels():
    assert PaneLayout.of(1067, 600, "61837.63").profile.width == 160
    assert PaneLayout.of(4000, 600, "61837.63").profile.width == 220


def test_a_narrow_chart_keeps_its_width_for_the_bars():
    layout = PaneLayout.of(400, 600, "61837.63")
    assert layout.profile.width == 0
    assert layout.price.width == 400 - layout.price_axis.width


def test_a_low_chart_keeps_its_height_for_the_prices():
    layout = PaneLayout.of(800, 200)
    assert (layout.delta.height, layout.volume.height) == (0, 0)
    assert layout.price.height == 200 - 24


def test_panes_not_requested_leave_their_space_to_the_prices():
    layout = PaneLayout.of(1600, 900, "61837.63", profile=False, delta=False)
    assert layout.price == Rect(0, 0, 1533, 876)


def test_the_price_axis_is_as_wide_as_its_longest_label():
    narrow, wide = PaneLayout.of(800, 600, "1.00"), PaneLayout.of(800, 600, "0.00001234")
    assert wide.price_axis.width - narrow.price_axis.width == text_width("0.00001234") - text_width("1.00")


@given(st.integers(0, 5000), st.integers(0, 3000), st.text("0123456789.", max_size=20), st.booleans(), st.booleans())
def test_panes_never_overlap_and_never_leave_the_chart(width: int, height: int, label: str, profile: bool, delta: bool):
    layout = PaneLayout.of(width, height, label, profile=profile, delta=delta)
    panes = [getattr(layout, name) for name in PANES]
    for pane in panes:
        assert pane.left >= 0 and pane.top >= 0 and pane.width >= 0 and pane.height >= 0
        assert pane.right <= width and pane.bottom <= height
    for one, other in itertools.combinations((pane for pane in panes if pane.width and pane.height), 2):
        assert one.right <= other.left or other.right <= one.left or one.bottom <= other.top or other.bottom <= one.top
    corner = (width - layout.time_axis.width) * layout.time_axis.height
    assert sum(pane.width * pane.height for pane in panes) + corner == width * height


@pytest.mark.parametrize("name", PANES)
def test_a_point_in_a_pane_names_it(name: str):
    layout = PaneLayout.of(1600, 900)
    pane = getattr(layout, name)
    assert layout.pane_at(pane.left, pane.top) == name
    assert layout.pane_at(pane.right - 0.5, pane.bottom - 0.5) == name


def test_the_corner_and_points_outside_are_in_no_pane():
    layout = PaneLayout.of(1600, 900)
    assert layout.pane_at(1599, 899) is None
    assert layout.pane_at(-1, 10) is None
    assert layout.pane_at(10, 900) is None


CVD, TABLE = Strip("cvd", 0.1, 40, 90), Strip("table", 0.0, 120, 120)


def test_strips_are_stacked_under_the_volume_row():
    layout = PaneLayout.of(1600, 900, "61837.63", strips=[CVD, TABLE])
    assert layout.price == Rect(0, 0, 1313, 540)
    assert layout.strip_of("cvd") == Rect(0, layout.volume.bottom, 1313, 88)
    assert layout.strip_of("table") == Rect(0, 756, 1313, 120)
    assert layout.strip_of("table").bottom == layout.time_axis.top
    assert layout.beside(layout.strip_of("cvd")) == Rect(1313, 668, 287, 88)
    assert layout.pane_at(5, 760) == "table"
    assert layout.strip_of("profile").height == 0


def test_strips_that_take_too_much_from_prices_are_left_out():
    layout = PaneLayout.of(1600, 400, "61837.63", strips=[CVD, TABLE])
    assert layout.strip_of("cvd").height == 40
    assert layout.strip_of("table").height == 0
    assert layout.strips == (("cvd", layout.strip_of("cvd")),)


@given(st.integers(0, 3000), st.lists(st.tuples(st.floats(0, 1), st.integers(1, 300), st.integers(1, 300)), max_size=5))
def test_prices_strips_and_axis_fill_the_height(height: int, wanted: list[tuple[float, int, int]]):
    strips = [Strip(str(index), share, min(a, b), max(a, b)) for index, (share, a, b) in enumerate(wanted)]
    layout = PaneLayout.of(1000, height, strips=strips)
    found = [pane.height for _, pane in layout.strips]
    assert layout.price.height + layout.delta.height + layout.volume.height + sum(found) + layout.time_axis.height == height
    assert not found or layout.price.height >= 0.4 * (height - 24)
