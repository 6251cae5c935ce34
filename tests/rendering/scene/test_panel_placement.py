"""A panel covers no box that must stay visible, wherever that is possible."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rendering.scene.panel_placement import PanelRect, covers, place_panel

WIDE, HIGH = 24, 18
AREA = PanelRect(0, 0, WIDE, HIGH)

boxes = st.builds(
    lambda left, top, width, height: PanelRect(left, top, left + width, top + height),
    st.integers(-4, WIDE),
    st.integers(-4, HIGH),
    st.integers(0, 14),
    st.integers(0, 14),
)
sizes = st.tuples(st.integers(1, 26), st.integers(1, 20))
points = st.tuples(st.floats(-5, WIDE + 5), st.floats(-5, HIGH + 5))


def free_places(width: int, height: int, clear: list[PanelRect]) -> list[PanelRect]:
    """Every free place with whole coordinates; all edges are whole, so if any place is free, one of these is."""
    places = [PanelRect(x, y, x + width, y + height) for x in range(WIDE - width + 1) for y in range(HIGH - height + 1)]
    return [place for place in places if not covers(place, clear)]


@given(sizes, st.lists(boxes, max_size=6), points)
def test_panel_covers_nothing_when_a_free_place_exists(size, clear, near):
    found = place_panel(*size, AREA, clear, near)
    assert (found.right - found.left, found.bottom - found.top) == size
    if size[0] <= WIDE and size[1] <= HIGH:
        assert found.left >= 0
        assert found.top >= 0
        assert found.right <= WIDE
        assert found.bottom <= HIGH
        if free_places(*size, clear):
            assert not covers(found, clear)


@given(sizes, st.lists(boxes, min_size=1, max_size=6), points)
def test_panel_takes_the_corner_that_covers_least_when_none_is_free(size, clear, near):
    width, height = size
    found = place_panel(width, height, AREA, clear, near)
    if covers(found, clear):
        corners = [PanelRect(x, y, x + width, y + height) for x in (0, max(0, WIDE - width)) for y in (0, max(0, HIGH - height))]
        assert found in corners
        assert sum(found.overlap(box) for box in clear) == min(sum(corner.overlap(box) for box in clear) for corner in corners)


def test_panel_touches_the_box_it_must_leave_visible():
    assert place_panel(6, 4, AREA, [PanelRect(8, 0, 10, HIGH)], (9.0, 9.0)) == PanelRect(2, 7, 8, 11)
    assert place_panel(6, 4, AREA, [PanelRect(0, 0, 10, HIGH)], (5.0, 9.0)) == PanelRect(10, 7, 16, 11)


def test_panel_is_centred_on_the_point_when_nothing_is_in_the_way():
    assert place_panel(6, 4, AREA, [], (12.0, 9.0)) == PanelRect(9, 7, 15, 11)
    assert place_panel(6, 4, AREA, [], (0.0, 0.0)) == PanelRect(0, 0, 6, 4)


def test_panel_larger_than_the_area_starts_at_its_upper_left():
    assert place_panel(30, 30, AREA, [], (12.0, 9.0)) == PanelRect(0, 0, 30, 30)
