"""Bars and cells drawn by OpenGL in two instanced calls: rectangles and glyphs.

Vertex buffers contain the view and a margin around it. A pan changes two numbers; a live trade encodes the last bars again
and uploads only that end of the buffers. Another scale or style, a pan beyond the margin, a change of earlier bars, or too many
new bars fill the buffers again.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import structlog
from PySide6.QtCore import QRectF, QSize, QTimer
from PySide6.QtGui import QOpenGLContext, QPaintEngine, QPainter

from app.errors import TapeprintError
from rendering.paint.geometry import bars_between
from rendering.paint.gl_surface import GlSurface
from rendering.paint.instances import GLYPH, QUAD, Instances, atlas_pixels, instances_of
from rendering.paint.rank_cache import RankCache, series_key
from rendering.paint.raster_block import BarStyle, bar_style_for
from rendering.style.quantity_text import QuantityText
from rendering.view.frame import Frame, figure_rules
from rendering.view.pixel_grid import PixelGrid

_log = structlog.get_logger(__name__)

MARGIN = 0.5
"""Margin on each side of the view, as a share of the pane's width and height."""
_TAIL_BARS = 8
"""Maximum number of bars in the tail, the last bars that each trade encodes again; with more, all buffers are filled again."""


class GlPainter:
    """The painter that draws bars and cells with OpenGL; see `CellPainter`.

    Parameters
    ----------
    keeper : RankCache
        The volume ranks, shared with the raster painter, so that both use the same colours.
    on_failure : callable
        Called once from the event loop with the reason when OpenGL fails.

    Attributes
    ----------
    encoded_bars : int
        Number of bars encoded so far, for tests.
    """

    def __init__(self, keeper: RankCache, on_failure: Callable[[str], None] = lambda _reason: None) -> None:
        self.encoded_bars = 0
        self.due_ns: int | None = None
        self.surface: GlSurface | None = None
        self._keeper, self._on_failure = keeper, on_failure
        self._failed = False
        self._frame: Frame | None = None
        self._key: tuple[object, ...] = ()
        self._revision = -1
        self._look: BarStyle | None = None
        self._atlas_for: np.ndarray | None = None  # the glyphs on the graphics card
        self._origin = (0, 0)
        self._encoded_area = (0, 0, 0, 0)  # global pixels: left, top, right, bottom
        self._split = 0  # index of the first bar of the tail
        self._ticks = (0, 0)
        self._numbers = (0, 0)
        self._head = self._tail = Instances(np.zeros(0, QUAD), np.zeros(0, GLYPH))
        self._upload_from: str | None = None  # "head" for everything, "tail" for the last bars only

    # -- CellPainter -----------------------------------------------------------------------------

    def prepare(self, frame: Frame) -> QRectF | None:
        """Encode the last bars after a trade, or all bars after e.g. a change of scale or style or a long pan; see `CellPainter`."""
        old, self._frame = self._frame, frame
        pane = QRectF(*frame.layout.price)
        if not frame.chart.series.n_bars:
            self._key = ()
            self._head = self._tail = Instances(np.zeros(0, QUAD), np.zeros(0, GLYPH))
            self._upload_from = "head"
            return pane if old is not None and old.revision != frame.revision else None
        ranks = self._keeper.follow(frame)
        key = (frame.pixels.scale, frame.dpr, frame.detail, frame.style, figure_rules(frame), frame.theme, ranks, series_key(frame))
        series = frame.chart.series
        if key != self._key or not _inside(frame.pixels, self._encoded_area) or series.changed_since(self._revision) < self._split:
            self._fill(frame, key)
        elif series.changed_since(self._revision) < series.n_bars:
            if series.n_bars - self._split > _TAIL_BARS:
                self._fill(frame, key)
            else:
                self._tail = self._encode(frame, self._split, series.n_bars)
                self._upload_from = self._upload_from or "tail"
        elif old is not None and old.pixels == frame.pixels and old.painter == frame.painter:
            return None
        self._revision = series.revision
        return pane

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        """Upload new instances and draw all of them; do nothing after OpenGL has failed; see `CellPainter`."""
        if self._failed:
            return
        on_opengl = painter.paintEngine().type() is QPaintEngine.Type.OpenGL2  # another widget's context may still be the current one
        painter.beginNativePainting()
        try:
            if not on_opengl:
                raise TapeprintError("no OpenGL context")
            self._draw(frame)
        except (TapeprintError, RuntimeError, AttributeError, TypeError) as error:
            self._fail(error)
        finally:
            painter.endNativePainting()

    def idle(self, budget_s: float) -> bool:
        """Replace the volume ranks if they no longer fit the view, and return False; see `CellPainter`."""
        if self._frame is not None:
            self._keeper.reconsider(self._frame)
        return False

    def settle(self) -> None:
        """Do nothing, because this painter defers no drawing; see `CellPainter`."""

    # -- encoding --------------------------------------------------------------------------------

    def _fill(self, frame: Frame, key: tuple[object, ...]) -> None:
        """Encode all bars and cells in the view and its margin."""
        grid, series = frame.pixels, frame.chart.series
        across, down = round(MARGIN * grid.width), round(MARGIN * grid.height)
        self._encoded_area = (grid.left - across, grid.top - down, grid.left + grid.width + across, grid.top + grid.height + down)
        self._origin = (grid.left, grid.top)
        self._ticks = grid.ticks_in(self._encoded_area[1], self._encoded_area[3])
        self._numbers = grid.bars_in(self._encoded_area[0], self._encoded_area[2])
        if key != self._key:
            text = QuantityText(frame.chart.spec.instrument.lot_size)
            ranks = self._keeper.follow(frame)
            self._look = bar_style_for(frame.detail, frame.style, frame.theme, ranks, grid, series.grid.ticks_per_row, text)
        self._key = key
        self._split = series.n_bars - 1
        self._head = self._encode(frame, 0, self._split)
        self._tail = self._encode(frame, self._split, series.n_bars)
        self._upload_from = "head"

    def _encode(self, frame: Frame, first: int, end: int) -> Instances:
        """The instances of the bars `[first, end)` (indices) that lie in the view or its margin."""
        assert self._look is not None
        visible = bars_between(frame.chart.series, *self._numbers)
        first, end = max(first, visible[0]), min(end, visible[1])
        self.encoded_bars += max(0, end - first)
        return instances_of(frame.chart, first, end, self._ticks, frame.pixels, self._look, self._origin)

    # -- drawing ---------------------------------------------------------------------------------

    def _draw(self, frame: Frame) -> None:
        surface = self._surface_of_context()
        if self._look is not None and self._look.glyphs is not None and self._look.glyphs is not self._atlas_for:
            self._set_atlas(surface, self._look.glyphs)
        self._upload(surface)
        dpr, grid = frame.dpr, frame.pixels
        pane = frame.layout.price
        size = QSize(round(frame.layout.width * dpr), round(frame.layout.height * dpr))
        clip = (round(pane.left * dpr), round(pane.top * dpr), grid.width, grid.height)
        offset = (self._origin[0] - grid.left + clip[0], self._origin[1] - grid.top + clip[1])
        n_quads, n_glyphs = (len(self._head.quads) + len(self._tail.quads), len(self._head.glyphs) + len(self._tail.glyphs))
        surface.draw(n_quads, n_glyphs, size, clip, offset)

    def _surface_of_context(self) -> GlSurface:
        """The painter's objects on the graphics card for the current OpenGL context, created again if the context is new."""
        context = QOpenGLContext.currentContext()
        assert context is not None
        if self.surface is None or self.surface.context is not context:
            self.surface = GlSurface(context)
            context.aboutToBeDestroyed.connect(self._forget)
            self._atlas_for, self._upload_from = None, "head"
        return self.surface

    def _forget(self) -> None:
        """Release the graphics card's objects of an OpenGL context that is about to be destroyed."""
        surface, self.surface = self.surface, None
        if surface is not None:
            surface.destroy()

    def _upload(self, surface: GlSurface) -> None:
        if self._upload_from is None:
            return
        for buffer, head, tail in (
            (surface.quads, self._head.quads, self._tail.quads),
            (surface.glyphs, self._head.glyphs, self._tail.glyphs),
        ):
            if self._upload_from == "tail" and buffer.fits(len(head) + len(tail)):
                buffer.write(tail, len(head))
            else:
                buffer.write(np.concatenate((head, tail)), 0)
        self._upload_from = None

    def _set_atlas(self, surface: GlSurface, glyphs: np.ndarray) -> None:
        self._atlas_for = glyphs
        _, _, height, width = glyphs.shape
        surface.set_atlas(atlas_pixels(glyphs), (width, height))

    def _fail(self, error: Exception) -> None:
        self._failed = True
        reason = error.user_message if isinstance(error, TapeprintError) else f"{type(error).__name__}: {error}"
        _log.warning("OpenGL failed", reason=reason, detail=getattr(error, "detail", ""))
        QTimer.singleShot(0, lambda: self._on_failure(reason))


def _inside(grid: PixelGrid, area: tuple[int, int, int, int]) -> bool:
    left, top, right, bottom = area
    return left <= grid.left and top <= grid.top and grid.left + grid.width <= right and grid.top + grid.height <= bottom
