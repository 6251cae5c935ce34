"""The OpenGL painter: the same image as the raster painter, and minimal work per change."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QOpenGLContext, QPainter
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from structlog.testing import LogCapture

from app.settings.calculation import CELLS, CellStyle
from rendering.items.bars.footprint_item import FootprintItem
from rendering.paint.gl_painter import GlPainter
from rendering.paint.gl_surface import GlError, GlSurface
from rendering.paint.instances import GLYPH, QUAD, rgba
from rendering.scene.scene import ChartScene
from rendering.style.theme import load_theme
from rendering.view.detail import Detail
from tests.rendering.charts import StillChart, random_trades, trade
from widgets.chart.chart_view import ChartView

N_BARS = 60


def new_scene(dpr: float = 1.0) -> ChartScene:
    return ChartScene(StillChart(random_trades(N_BARS, 150), 10), load_theme(), 900, 600, dpr, layers=(FootprintItem,))


def item_of(scene: ChartScene) -> FootprintItem:
    item = scene.items_by_layer[0]
    assert isinstance(item, FootprintItem)
    return item


def painter_of(scene: ChartScene) -> GlPainter:
    painter = item_of(scene)._painters["gl"]
    assert isinstance(painter, GlPainter)
    return painter


def pixels(image: QImage) -> np.ndarray:
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    return np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)[..., :3].astype(int)


def shown(view: ChartView) -> np.ndarray:
    for _ in range(3):  # until the view rests: ranks are checked when nothing else is to be done
        view.chart_scene.refresh()
        view.viewport().update()
        QApplication.processEvents()
    return pixels(view.screen().grabWindow(view.winId()).toImage())


@pytest.fixture
def view(qtbot: QtBot) -> Iterator[ChartView]:
    view = ChartView(new_scene(), use_gl=True)
    view.chart_scene.install_gl(pytest.fail)
    view.chart_scene.set_painter("gl")
    qtbot.addWidget(view)
    view.resize(900, 600)
    view.show()
    qtbot.waitExposed(view)
    view.chart_scene.refresh()
    yield view
    view.use_gl(False)


def assert_like_raster(view: ChartView, drawn_share: float = 0.02) -> None:
    ours = shown(view)
    theirs = pixels(view.chart_scene.render_image())
    assert ours.shape == theirs.shape
    differing = np.abs(ours - theirs).max(axis=2) > 8
    assert differing.mean() < 0.0005, f"{differing.sum()} pixels differ, first at {np.argwhere(differing)[:5].tolist()}"
    assert (theirs != theirs[0, 0]).any(axis=2).mean() > drawn_share, "nothing was drawn"


@pytest.mark.gl
@pytest.mark.parametrize("detail", list(Detail))
@pytest.mark.parametrize("colouring", ["volume", "delta"])
def test_image_equals_the_raster_painters(view: ChartView, detail: Detail, colouring) -> None:
    view.chart_scene.set_style(CellStyle(colouring=colouring))
    view.chart_scene.fixed_detail = detail
    assert_like_raster(view)


@pytest.mark.gl
@pytest.mark.parametrize("cells", CELLS[1:])
@pytest.mark.parametrize("colouring", ["delta", "imbalance"])
def test_every_footprint_style_equals_the_raster_painters(view: ChartView, cells, colouring) -> None:
    view.chart_scene.set_style(CellStyle(cells=cells, colouring=colouring))
    view.chart_scene.fixed_detail = Detail.DIGITS
    assert_like_raster(view)


@pytest.mark.gl
def test_rows_lower_than_a_pixel_equal_the_raster_painters(view: ChartView) -> None:
    scene = view.chart_scene
    scene.fixed_detail = Detail.CELLS
    scene.show_all()
    scene.set_viewport(scene.viewport.zoomed_price(300, 0.05))
    assert_like_raster(view, drawn_share=0.001)


@pytest.mark.gl
def test_a_pan_within_the_margin_encodes_and_uploads_nothing(view: ChartView) -> None:
    shown(view)
    scene, painter = view.chart_scene, painter_of(view.chart_scene)
    assert painter.surface is not None
    encoded, uploaded = painter.encoded_bars, painter.surface.quads.uploaded_bytes
    for _ in range(10):
        scene.set_viewport(scene.viewport.panned(20, 9))
        assert_like_raster(view)
    assert (painter.encoded_bars, painter.surface.quads.uploaded_bytes) == (encoded, uploaded)


@pytest.mark.gl
def test_a_pan_beyond_the_margin_fills_the_buffers_again(view: ChartView) -> None:
    shown(view)
    scene = view.chart_scene
    scene.set_viewport(scene.viewport.panned(2000, 0))
    scene.sight.fit_price()
    assert_like_raster(view)


@pytest.mark.gl
def test_live_trade_encodes_and_uploads_one_bar(view: ChartView) -> None:
    shown(view)
    scene, painter = view.chart_scene, painter_of(view.chart_scene)
    surface = painter.surface
    assert surface is not None and isinstance(scene.chart, StillChart)
    encoded, uploaded = painter.encoded_bars, surface.quads.uploaded_bytes
    whole = len(painter._head.quads) * QUAD.itemsize
    scene.chart.apply(trade(N_BARS - 1, int(scene.chart.series.close[-1]), lots=70_000))
    assert_like_raster(view)
    assert painter.encoded_bars == encoded + 1
    assert 0 < surface.quads.uploaded_bytes - uploaded < whole / 3


@pytest.mark.gl
def test_new_bars_are_added_to_the_end_of_the_buffers(view: ChartView) -> None:
    shown(view)
    scene = view.chart_scene
    assert isinstance(scene.chart, StillChart)
    for bar in range(N_BARS, N_BARS + 25):
        scene.chart.apply(trade(bar, int(scene.chart.series.close[-1]), lots=bar))
        scene.refresh()
    assert_like_raster(view, drawn_share=0.005)  # one cell a bar


@pytest.mark.gl
def test_a_new_context_gets_all_buffers_again(view: ChartView) -> None:
    shown(view)
    for on in (False, True, False, True):
        view.use_gl(on)
        view.chart_scene.set_painter("gl" if on else "raster")
        assert_like_raster(view)


@pytest.mark.gl
def test_raster_painter_draws_after_a_failure_with_its_reason(
    qtbot: QtBot, view: ChartView, monkeypatch: pytest.MonkeyPatch, logged: LogCapture
) -> None:
    reasons: list[str] = []

    def refuse(_self: GlSurface, _context: QOpenGLContext) -> None:
        raise GlError("the driver failed to compile quad.vert", detail="line 1")

    def fall_back(reason: str) -> None:
        reasons.append(reason)
        view.use_gl(False)
        view.chart_scene.set_painter("raster")

    monkeypatch.setattr(GlSurface, "__init__", refuse)
    view.chart_scene.install_gl(fall_back)
    shown(view)
    qtbot.waitUntil(lambda: len(reasons) == 1)
    shown(view)
    assert reasons == ["the driver failed to compile quad.vert"]
    assert_like_raster(view)
    assert [entry["event"] for entry in logged.entries] == ["OpenGL failed"]


def test_drawing_without_a_context_reports_a_reason(qtbot: QtBot, logged: LogCapture) -> None:
    reasons: list[str] = []
    scene = new_scene()
    scene.install_gl(reasons.append)
    scene.set_painter("gl")
    scene.refresh()
    image = QImage(900, 600, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    assert scene.frame is not None
    item_of(scene).draw(painter, scene.frame, QRectF(0, 0, 900, 600))
    painter.end()
    qtbot.waitUntil(lambda: len(reasons) == 1)
    assert reasons == ["no OpenGL context"]


def test_colours_become_bytes_in_the_order_that_opengl_reads() -> None:
    assert rgba(np.array([0x80102030, 0xFF000001], np.uint32)).tolist() == [[0x10, 0x20, 0x30, 0x80], [0, 0, 1, 255]]
    assert (QUAD.itemsize, GLYPH.itemsize) == (20, 12)
