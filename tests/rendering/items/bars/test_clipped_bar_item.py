"""Half a number is no number: the bar that the left edge cuts stands back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rendering.items.bars.clipped_bar_item import cut_cells_end
from rendering.scene.scene import ChartScene
from rendering.style.theme import load_theme
from rendering.view.detail import Detail
from rendering.view.frame import Frame
from tests.rendering.charts import FIRST_MINUTE, StillChart, random_trades

pytestmark = pytest.mark.usefixtures("qapp")


def frame_at(bars: float, bar_px: float = 112.0) -> Frame:
    """A chart whose left edge lies so many bars behind the beginning of a bar."""
    scene = ChartScene(StillChart(random_trades(40, 80), 10), load_theme(), 1200, 700)
    scene.refresh(0)
    scene.set_viewport(replace(scene.viewport, first_bar=FIRST_MINUTE + 10 + bars, bar_px=bar_px))
    scene.refresh(0)
    assert scene.frame is not None
    return scene.frame


def test_cells_cut_by_the_edge_are_veiled_up_to_their_end():
    frame = frame_at(0.5)
    assert frame.detail is Detail.DIGITS
    assert cut_cells_end(frame) == pytest.approx(56 - 2, abs=1.5)


def test_a_bar_of_which_only_the_candle_is_cut_is_not():
    assert cut_cells_end(frame_at(0.05)) == 0.0


def test_a_bar_that_begins_at_the_edge_is_not():
    assert cut_cells_end(frame_at(0.0)) == 0.0


def test_without_digits_nothing_is():
    frame = frame_at(0.5, bar_px=12.0)
    assert frame.detail is not Detail.DIGITS
    assert cut_cells_end(frame) == 0.0
