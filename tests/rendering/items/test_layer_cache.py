"""Cached overlays equal overlays that draw themselves, and are seldom drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication

from app.chart.chart import Chart, ChartSpec
from app.storage.trade_store import TradeStore
from rendering.items.chart_item import ChartItem
from rendering.items.levels.vwap_item import VwapItem
from rendering.scene.all_layers import LAYERS
from rendering.scene.scene import ChartScene
from rendering.style.text import qrect
from rendering.style.theme import load_theme
from rendering.view.frame import Frame
from tests.rendering.charts import INSTRUMENT, MINUTE, random_trades, trade
from widgets.chart.chart_view import ChartView

ROUNDED = 9
"""Layers that are blended with one another first, and then over the rest, are rounded differently, which is invisible."""


class Screen:
    """A chart with a store, in a chart view."""

    def __init__(self, layers: Sequence[type[ChartItem]] = LAYERS, minutes: int = 1500, width: int = 1000, height: int = 700) -> None:
        self.store = TradeStore()
        self.chart = Chart(ChartSpec(INSTRUMENT, MINUTE, 10))
        self.chart.apply(self.store.insert(random_trades(minutes, 30)), self.store)
        self.scene = ChartScene(self.chart, load_theme(), width, height, layers=layers)
        self.view = ChartView(self.scene)
        self.view.resize(width, height)
        self.view.show()
        self.now_ns = self.last_id = 10**9
        self.last_bar = minutes - 1

    def show(self) -> bool:
        self.now_ns += 10**9  # every layer's rest is over
        dirty = self.scene.refresh(self.now_ns)
        QApplication.processEvents()
        return dirty

    def rest(self) -> None:
        """Show frames until no work is deferred and every layer had its turn."""
        while any(self.show() for _ in range(4)) or self.scene.idle(1.0):
            pass

    def trade(self, price_ticks: int, lots: int, bar: int | None = None) -> None:
        one = trade(self.last_bar if bar is None else bar, price_ticks, lots)
        self.last_id += 1
        one.trade_id.flags.writeable = True
        one.trade_id[:] = self.last_id
        self.chart.apply(self.store.insert(one), self.store)
        self.show()

    def image(self) -> QImage:
        """The image on the screen."""
        return self.view.viewport().grab().toImage()

    @property
    def close(self) -> int:
        return int(self.chart.series.close[-1])


def pixels_of(image: QImage) -> np.ndarray:
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    return np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1, 4)[:, : image.width(), :3].astype(int)


def difference(one: QImage, other: QImage) -> np.ndarray:
    """The largest difference of the channels of each pixel."""
    return np.abs(pixels_of(one) - pixels_of(other)).max(axis=2)


@pytest.fixture
def screen(qapp) -> Screen:
    """All cached overlays and no others; without VWAP, which is drawn again only after it has moved by half a pixel."""
    screen = Screen([layer for layer in LAYERS if layer.kept and not issubclass(layer, VwapItem)])
    screen.scene.show_only(frozenset(layer.name for layer in LAYERS if layer.kept))
    screen.rest()
    return screen


@pytest.mark.parametrize("n_bars", [None, 90, 1500])
def test_cached_image_equals_a_full_redraw_after_any_trades(qapp, screen: Screen, n_bars: int | None):
    screen.scene.show_last(n_bars)
    rng = np.random.default_rng(3)
    for step in range(30):
        bar = screen.last_bar = screen.last_bar + int(step % 7 == 6)
        screen.trade(screen.close + int(rng.integers(-40, 41)), int(rng.integers(1, 4000)), bar - 3 if step % 20 == 19 else bar)
    screen.rest()
    kept = screen.image()
    for item in screen.scene.items_by_layer:
        item.forget()
    screen.rest()
    assert not screen.scene.failures
    assert not difference(kept, screen.image()).any()


def test_cached_image_is_redrawn_after_pan_theme_or_overlay_change(qapp, screen: Screen):
    screen.scene.set_viewport(screen.scene.viewport.panned(333, 40))
    screen.rest()
    assert difference(screen.image(), screen.scene.twin(1.0).render_image()).max() <= ROUNDED
    screen.scene.set_theme(load_theme("light"))
    screen.rest()
    assert difference(screen.image(), screen.scene.twin(1.0).render_image()).max() <= ROUNDED
    screen.scene.show("tpo", False)
    screen.rest()
    assert difference(screen.image(), screen.scene.twin(1.0).render_image()).max() <= ROUNDED
    screen.scene.show("cvd", False)
    screen.view.resize(800, 640)
    screen.rest()
    assert difference(screen.image(), screen.scene.twin(1.0).render_image()).max() <= ROUNDED


class Probe(ChartItem):
    """An overlay that marks a column, and counts."""

    name, kept, z = "probe", True, 5.0
    drawn: tuple[QRectF, ...] = ()
    column = 0.0

    def pane(self, frame: Frame) -> QRectF:
        return qrect(frame.layout.price)

    def changed(self, old: Frame, new: Frame) -> QRectF | None:
        return None

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        self.drawn += (exposed,)
        painter.fillRect(exposed, QColor("#ff00ff"))


def probed(qapp) -> tuple[Screen, Probe]:
    screen = Screen((*LAYERS, Probe))
    screen.scene.show("probe")
    for _ in range(3):
        screen.show()
    probe = screen.scene.items_by_layer[-1]
    assert isinstance(probe, Probe)
    return screen, probe


def test_trade_that_changes_no_overlay_draws_none(qapp):
    screen, probe = probed(qapp)
    before = len(probe.drawn)
    for step in range(5):
        screen.trade(screen.close + step % 2, 1 + step)
    assert len(probe.drawn) == before
    assert screen.image().pixelColor(500, 5).name() == "#ff00ff"


def test_overlay_is_drawn_only_where_it_is_marked_dirty(qapp):
    screen, probe = probed(qapp)
    probe.drawn = ()
    probe.mark_dirty(QRectF(100, 50, 30, 40))
    screen.show()
    assert probe.drawn == (QRectF(100, 50, 30, 40),)


def test_image_of_the_scene_does_not_use_the_cache(qapp):
    screen, probe = probed(qapp)
    probe.drawn = ()
    screen.scene.render_image()
    assert len(probe.drawn) == 1


def test_overlay_that_raises_in_the_cache_is_put_out_of_use(qapp, logged):
    screen, probe = probed(qapp)

    def draw(*_: object) -> None:
        raise ValueError("no")

    probe.draw = draw
    for _ in range(3):
        probe.mark_dirty(QRectF(0, 0, 50, 50))
        screen.show()
    assert screen.scene.failures == {"Probe": 2}
    assert not probe.isVisible()
    assert any(line["event"] == "a layer of the chart failed" for line in logged.entries)
