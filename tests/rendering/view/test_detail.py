"""Levels of detail by size."""

from __future__ import annotations

import pytest

from rendering.view.detail import Detail, detail_for


@pytest.mark.parametrize(
    ("bar_px", "row_px", "level"),
    [
        (64.0, 11.0, Detail.DIGITS),
        (63.9, 11.0, Detail.CELLS),
        (64.0, 10.9, Detail.CELLS),
        (6.0, 2.0, Detail.CELLS),
        (5.9, 40.0, Detail.BODIES),
        (200.0, 0.4, Detail.BODIES),
        (3.0, 1.0, Detail.BODIES),
        (2.9, 1.0, Detail.CANDLES),
    ],
)
def test_a_level_starts_at_its_size(bar_px: float, row_px: float, level: Detail):
    assert detail_for(bar_px, row_px) is level


def test_a_level_stays_until_its_size_is_15_percent_too_small():
    assert detail_for(60.0, 20.0, Detail.DIGITS) is Detail.DIGITS
    assert detail_for(54.0, 20.0, Detail.DIGITS) is Detail.CELLS
    assert detail_for(60.0, 20.0, Detail.CELLS) is Detail.CELLS


def test_zooming_back_and_forth_at_a_limit_changes_level_once():
    level, changes = detail_for(70.0, 20.0), 0
    for bar_px in (63, 65, 62, 66, 61, 65):
        new = detail_for(bar_px, 20.0, level)
        changes += new is not level
        level = new
    assert changes == 0
