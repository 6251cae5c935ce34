"""The cells cut by the left edge are veiled, as half a number would be misread."""

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
    """A frame whose left edge is `bars` bars after the start of a bar."""
    scene = ChartScene(StillChart(random_trades(40, 80), 10), load_theme(), 1200, 700)
    scene.refresh(0)
    scene.set_viewport(replace(scene.viewport, first_bar=FIRST_MINUTE + 10 + bars, bar_px=bar_px))
    scene.refresh(0)
    assert scene.frame is not None
    return scene.frame


def test_cells_cut_by_the_edge_are_veiled():
    frame = frame_at(0.5)
    assert frame.detail is Detail.DIGITS
    assert cut_cells_end(frame) == pytest.approx(56 - 2, abs=1.5)


def test_bar_is_not_veiled_when_only_its_candle_is_cut():
    assert cut_cells_end(frame_at(0.05)) == 0.0


def test_bar_is_not_veiled_when_it_starts_at_the_edge():
    assert cut_cells_end(frame_at(0.0)) == 0.0


def test_bar_is_not_veiled_when_cells_have_no_digits():
    frame = frame_at(0.5, bar_px=12.0)
    assert frame.detail is not Detail.DIGITS
    assert cut_cells_end(frame) == 0.0
