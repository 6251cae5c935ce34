"""Bars above or below the visible prices are counted at that edge."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.market.trade import TradeBatch, concatenate
from rendering.items.bars.offscreen_bars_item import OffscreenBars, OffscreenBarsItem, count_offscreen_bars
from rendering.scene.scene import ChartScene
from rendering.style.theme import load_theme
from rendering.view.frame import Frame
from tests.rendering.charts import FIRST_MINUTE, StillChart, trade

pytestmark = pytest.mark.usefixtures("qapp")


def scene_of(*prices: int) -> ChartScene:
    """A bar with one trade at each price, the last in the middle of the height."""
    trades: TradeBatch = concatenate([trade(bar, ticks) for bar, ticks in enumerate(prices)])
    scene = ChartScene(StillChart(trades), load_theme(), 1200, 700, layers=[OffscreenBarsItem])
    scene.refresh(0)
    scene.set_viewport(replace(scene.viewport, first_bar=float(FIRST_MINUTE)).centred(prices[-1] + 0.5))
    scene.refresh(0)
    return scene


def frame_of(scene: ChartScene) -> Frame:
    assert scene.frame is not None
    return scene.frame


def test_only_bars_entirely_out_of_view_are_counted():
    scene = scene_of(600_000, 610_000, 610_000, 590_000, 600_000)
    assert count_offscreen_bars(frame_of(scene)) == OffscreenBars(2, 1)
    assert count_offscreen_bars(frame_of(scene)).texts == ("▲ 2 bars above", "▼ 1 bar below")
    low, high = scene.viewport.visible_ticks()
    edge = scene_of(high, high + 1, low, low - 1, (low + high) // 2)
    assert edge.viewport.visible_ticks() == (low, high)
    assert count_offscreen_bars(frame_of(edge)) == OffscreenBars(1, 1)


def test_there_is_no_text_when_all_bars_are_in_view():
    scene = scene_of(600_000, 600_010)
    assert count_offscreen_bars(frame_of(scene)).texts == ("", "")


def test_only_changed_texts_are_repainted():
    scene = scene_of(600_000, 610_000, 600_000)
    item = scene.items_by_layer[0]
    old = frame_of(scene)
    assert item.changed(old, old) == []
    scene.sight.fit_price()
    scene.refresh(0)
    regions = OffscreenBarsItem()
    regions._shown = count_offscreen_bars(old)
    assert len(regions.changed(old, frame_of(scene))) == 1
