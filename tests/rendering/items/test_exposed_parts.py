"""Every layer draws only what is exposed: the work for a narrow strip, and equal pixels whatever the parts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QImage, QPainter

from rendering.items.chart_item import ChartItem
from rendering.scene.all_layers import LAYERS
from rendering.scene.scene import ChartScene
from rendering.style.text import Labels, qcolor
from rendering.view.frame import Frame
from tests.rendering.busy_chart import HEIGHT, WIDTH, busy_scene, columns, counted_calls, drawn

STRIP_PX = 16.0
USUAL_SHARE = 25
"""Most percent of a layer's work that a strip may cost: also that of layers to come."""
FEW = 100
"""Work that any strip may cost besides: a layer with little to draw need not look at what is exposed."""
SHARES = {
    "VwapItem": 70,  # a dozen calls of numpy per line, however few bars a strip has
    "WeekVwapItem": 70,
    "MonthVwapItem": 70,
    "AnchoredVwapItem": 70,
    "CvdItem": 87,
    "StatisticsItem": 47,  # twelve rows
    "UnfinishedAuctionsItem": 60,  # the active ones cross every strip
    "CandleAreasItem": 80,
    "VisibleProfileItem": 97,  # its rows cross every strip
    "CoverageItem": 47,
    "AsOfVeilItem": 100,  # finds the layers that it draws again
    "PriceAxisItem": 100,  # as wide as four strips
    "LegendItem": 100,
    "CrosshairItem": 80,
}
"""Layers that may cost more, with the percentage."""
ROUNDED = {"CvdItem": 5, "DivergenceItem": 3, "AnchoredVwapItem": 8, "WeekVwapItem": 46, "MonthVwapItem": 46, "TpoSplitItem": 76}
"""Largest difference of a channel where Qt rounds a clipped line, a dash or a scaled image differently, by layer."""
NAMES = [layer.__name__ for layer in LAYERS]


class CountingPainter(QPainter):
    """A painter that counts what it draws: each rectangle, line, text and image, and each point of a path."""

    work = 0


def _counted(name: str) -> None:
    plain = getattr(QPainter, name)

    def draw(self: CountingPainter, *arguments) -> None:
        first, last = arguments[0], arguments[-1]
        if name == "strokePath":
            self.work += first.elementCount()
        elif isinstance(last, int) and name == "drawRects":
            self.work += last
        else:
            self.work += len(first) if name in ("drawLines", "drawPolyline", "drawRects") else 1
        plain(self, *arguments)

    setattr(CountingPainter, name, draw)


for _name in ("fillRect", "drawLine", "drawLines", "drawPolyline", "drawPolygon", "drawRects", "drawEllipse", "drawImage", "strokePath"):
    _counted(_name)


def work_of(item: ChartItem, part: QRectF) -> int:
    """Python calls, calls into C, and things painted for a part of a layer whose caches are filled."""
    image = QImage(WIDTH, HEIGHT, QImage.Format.Format_ARGB32_Premultiplied)
    with CountingPainter(image) as painter:
        item.draw_part(painter, part)
        painted = painter.work
    with QPainter(image) as painter, counted_calls() as calls:
        item.draw_part(painter, part)
        return painted + calls()


def strips_of(bounds: QRectF, count: int = 7) -> list[QRectF]:
    """Strips of 16 pixels at regular places of a layer, also at its edges."""
    lefts = np.floor(np.linspace(bounds.left(), max(bounds.left(), bounds.right() - STRIP_PX), count)).tolist()
    return [QRectF(left, bounds.top(), STRIP_PX, bounds.height()) for left in lefts]


def share_of(item: ChartItem) -> tuple[int, int]:
    """Work for the median strip of a layer, and for all of it."""
    bounds = item.boundingRect()
    return int(np.median([work_of(item, strip) for strip in strips_of(bounds)])), work_of(item, bounds)


VIEWS: dict[str, Callable[[], ChartScene]] = {
    "digits": lambda: busy_scene(15, around=20),
    "cells": lambda: busy_scene(30),
    "candles": lambda: busy_scene(300),
    "as of": lambda: busy_scene(120, as_of=20),
}


@pytest.fixture(scope="module", params=VIEWS)
def scene(request: pytest.FixtureRequest, qapp) -> ChartScene:
    return VIEWS[request.param]()


@pytest.mark.parametrize("scene", ["cells", "candles", "as of"], indirect=True)  # with digits a strip is a seventh of a bar
def test_a_strip_costs_a_small_share_of_each_layer(scene: ChartScene):
    shares = {type(item).__name__: share_of(item) for item in scene.items_by_layer}
    assert {*shares} == set(NAMES)
    assert {
        name: f"{strip} of {whole}"
        for name, (strip, whole) in shares.items()
        if strip > max(FEW + USUAL_SHARE / 100 * whole, SHARES.get(name, 0) / 100 * whole)
    } == {}


def test_parts_look_like_the_whole_of_each_layer(scene: ChartScene):
    different: dict[str, int] = {}
    for item in scene.items_by_layer:
        name, bounds = type(item).__name__, item.boundingRect()
        rows = [QRectF(bounds.left(), top, bounds.width(), 83) for top in np.arange(bounds.top(), bounds.bottom(), 83).tolist()]
        whole = channels(drawn(item, [bounds]))
        for parts in (columns(bounds, 37.0), rows):
            difference = int(np.abs(whole - channels(drawn(item, parts))).max())
            if difference > ROUNDED.get(name, 0):
                different[name] = difference
    assert different == {}


def channels(image: QImage) -> np.ndarray:
    return np.frombuffer(image.constBits(), np.uint8).astype(np.int16)


def test_every_layer_has_something_to_draw_in_one_of_the_views(qapp):
    seen: set[str] = set()
    for view in (VIEWS["digits"](), VIEWS["as of"]()):
        assert not view.failures
        seen |= {type(item).__name__ for item in view.items_by_layer if channels(drawn(item, [item.boundingRect()])).any()}
    assert set(NAMES) - seen == set()


class Careless(ChartItem):
    """A layer that draws all it has, whatever is exposed."""

    def __init__(self) -> None:
        super().__init__()
        self._labels = Labels()

    def pane(self, frame: Frame) -> QRectF:
        return QRectF(*frame.layout.price)

    def changed(self, old: Frame, new: Frame) -> QRectF | None:
        return None

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        painter.setBrush(qcolor(frame.theme.buy))
        for bar in range(100):
            painter.drawEllipse(QPointF(bar * 12.0, 40.0), 3, 3)


@pytest.mark.parametrize("scene", ["cells"], indirect=True)
def test_a_layer_that_draws_all_it_has_exceeds_its_share(scene: ChartScene):
    item = Careless()
    assert scene.frame is not None
    item._frame, item._bounds = scene.frame, item.pane(scene.frame)
    strip, whole = share_of(item)
    assert strip == whole > FEW + USUAL_SHARE / 100 * whole


def test_exceptions_name_layers(qapp):
    assert {*SHARES, *ROUNDED} <= set(NAMES)
