"""The bars of the chart on the screen."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter

from rendering.items.bars.footprint_item import FootprintItem
from rendering.scene.scene import ChartScene
from rendering.style.theme import load_theme
from rendering.view.frame import Frame
from tests.rendering.charts import FIRST_MINUTE, StillChart, random_trades, trade


class CountingPainter:
    """A painter that draws nothing and counts."""

    due_ns = None

    def __init__(self) -> None:
        self.prepared = self.drawn = 0

    def prepare(self, frame: Frame) -> QRectF | None:
        self.prepared += 1
        return None

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        self.drawn += 1

    def idle(self, budget_s: float) -> bool:
        return False

    def settle(self) -> None:
        pass


@pytest.fixture
def scene(qapp) -> ChartScene:
    return ChartScene(StillChart(random_trades(60, 150), 10), load_theme(), 900, 600, 1.0, layers=(FootprintItem,))


def item_of(scene: ChartScene) -> FootprintItem:
    item = scene.items_by_layer[0]
    assert isinstance(item, FootprintItem)
    return item


def drawn(scene: ChartScene) -> np.ndarray:
    """The pixels that the named painter draws; images of the scene always use the raster painter."""
    scene.refresh()
    scene.settle()  # on a busy machine a frame does not draw all tiles
    image = QImage(900, 600, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(scene.backgroundBrush().color())
    painter = QPainter(image)
    scene.render(painter)
    painter.end()
    return pixels(image)


def pixels(image: QImage) -> np.ndarray:
    return np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), image.width()).copy()


def test_installed_painter_draws_when_the_frame_names_it(scene):
    counting = CountingPainter()
    item_of(scene).install("gl", counting)
    drawn(scene)
    assert counting.prepared == 0
    scene.set_painter("gl")
    drawn(scene)
    assert counting.prepared == 1 and counting.drawn == 1


def test_raster_painter_draws_when_the_named_one_is_not_installed(scene):
    plain = drawn(scene)
    scene.set_painter("gl")
    assert np.array_equal(drawn(scene), plain)


def test_raster_painter_draws_after_the_named_one_is_removed(scene):
    plain = drawn(scene)
    item_of(scene).install("gl", CountingPainter())
    scene.set_painter("gl")
    assert not np.array_equal(drawn(scene), plain)
    item_of(scene).remove("gl")
    assert np.array_equal(drawn(scene), plain)


@pytest.mark.parametrize("dpr", [1.0, 1.5, 2.0])
def test_a_pan_shifts_the_image_by_whole_pixels(qapp, dpr: float):
    chart = StillChart(random_trades(60, 150), 10)
    scene = ChartScene(chart, load_theme(), 900, 600, dpr, layers=(FootprintItem,))
    here = pixels(scene.render_image())
    scene.set_viewport(scene.viewport.panned(-8.0, 4.0))
    there = pixels(scene.render_image())
    dx, dy = round(8 * dpr), round(4 * dpr)
    pane = scene.layout.price
    right, bottom = round(pane.width * dpr), round(pane.height * dpr)
    assert np.array_equal(there[dy:bottom, : right - dx], here[: bottom - dy, dx:right])


def test_a_bar_is_drawn_at_the_viewports_position(scene):
    scene.refresh()
    image = scene.render_image()
    view, series = scene.viewport, scene.chart.series
    background = load_theme().background
    x = int(view.x(FIRST_MINUTE + 59) + view.bar_px / 2)
    inside = image.pixelColor(x, int(view.y(int(series.close[-1]))) - 1)
    above = image.pixelColor(x, int(view.y(int(series.high[-1]) + 25)))
    assert inside.getRgb()[:3] != background[:3]
    assert above.getRgb()[:3] == background[:3]


def test_painting_keeps_the_reference_count_of_none(scene):
    """PySide6 6.12.0 under Python 3.11 drops one reference with each call that returns None, until the process crashes."""
    scene.render_image()
    before = sys.getrefcount(None)
    for lots in range(1, 200):
        scene.chart.apply(trade(59, int(scene.chart.series.close[-1]), lots))
        scene.render_image()
    assert sys.getrefcount(None) > before - 200
