"""Bars and cells drawn as tiles without a GPU, a few new tiles per frame.

A frame never waits for all tiles. After a zoom or a change of style the old tiles are shown, scaled, until the new tiles
are drawn; the tiles ahead of a pan are drawn before they come into view. A trade redraws only the strip of the last bars.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QPainter, QRegion

from rendering.paint.exposed_region import exposed_region
from rendering.paint.rank_cache import RankCache, series_key
from rendering.paint.raster_block import bar_style_for
from rendering.paint.tiles import TILE_PX, Place, TileLayer, places_in
from rendering.style.quantity_text import QuantityText
from rendering.view.frame import Frame, figure_rules
from rendering.view.pixel_grid import PixelGrid

FRAME_BUDGET_S = 0.006
"""Time for missing tiles in one frame; a frame has 8 ms, the rest is for drawing."""
FIRST_BUDGET_S = 0.040
"""The same when there are no old tiles to show: better one late frame than an empty one."""
AHEAD_BUDGET_S = 0.0025
MAX_BYTES = 192 << 20
"""Memory for tiles; a screen of 1920 x 1080 needs 8 MB, one of 3840 x 2160 needs 33 MB."""


class RasterPainter:
    """The painter that draws bars and cells as tiles, without a GPU; see `CellPainter`.

    Attributes
    ----------
    keeper : RankCache
        The volume ranks that colour the cells.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter, keeper: RankCache | None = None) -> None:
        self.keeper = RankCache() if keeper is None else keeper
        self.layer: TileLayer | None = None
        self._fallback: TileLayer | None = None
        self._key: tuple[object, ...] = ()
        self._frame: Frame | None = None
        self._ahead: list[Place] = []
        self._clock = clock

    # -- CellPainter -----------------------------------------------------------------------------

    def prepare(self, frame: Frame) -> QRectF | None:
        """Redraw the strip of changed bars, and draw missing tiles while there is time; see `CellPainter`."""
        started = self._clock()
        old, self._frame = self._frame, frame
        if not frame.chart.series.n_bars:
            self.layer = self._fallback = None
            self._key = ()
            return _pane(frame) if old is not None and old.revision != frame.revision else None
        seen = _seen(frame.pixels)
        fresh = self._take_layer(frame, seen)
        assert self.layer is not None
        region: QRectF | None = None
        if not fresh and (strip := self.layer.update(frame.revision, seen)):
            region = _columns(frame, *strip)
        if fresh or old is None or _place(old) != _place(frame):
            region = _pane(frame)
        drawn = self._draw_missing(frame, seen, started)
        if drawn:
            region = _united(region, drawn, frame)
        self._queue_around(old, frame, seen, started)
        return region

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        """Copy the tiles to the screen, or old tiles, scaled, where a tile is not drawn yet; see `CellPainter`."""
        layer = self.layer
        if layer is None:
            return
        grid, dpr = frame.pixels, frame.dpr
        painter.scale(1 / dpr, 1 / dpr)  # device pixels from here on: copies at whole pixels
        left, top = int(exposed.left() * dpr) - 1, int(exposed.top() * dpr) - 1
        width, height = int(exposed.width() * dpr) + 3, int(exposed.height() * dpr) + 3
        missing = QRegion()
        dirty, to_device = exposed_region(painter), painter.deviceTransform()
        for place in places_in(grid.left + left, grid.top + top, width, height):
            x, y = place[0] * TILE_PX - grid.left, place[1] * TILE_PX - grid.top
            if dirty is not None and not dirty.intersects(to_device.mapRect(QRect(x, y, TILE_PX, TILE_PX))):
                continue
            if place not in layer:
                missing = missing.united(QRect(x, y, TILE_PX, TILE_PX))
            elif (tile := layer[place]) is not None:
                painter.drawImage(QPoint(x, y), tile.image)
        if not missing.isEmpty() and self._fallback is not None:
            self._draw_fallback(painter, grid, missing)

    def idle(self, budget_s: float = AHEAD_BUDGET_S) -> bool:
        """Draw tiles around the view, then replace the volume ranks if they no longer fit the view; see `CellPainter`."""
        frame, started = self._frame, self._clock()
        if frame is None or self.layer is None:
            return False
        while self._ahead:
            if self._clock() - started > budget_s:
                return True
            place = self._ahead.pop(0)
            if place not in self.layer:
                self.layer.draw(place)
        self.keeper.reconsider(frame)
        return False

    def settle(self) -> None:
        """Draw all tiles in view that are missing; see `CellPainter`."""
        if self.layer is not None and self._frame is not None:
            for place in _seen(self._frame.pixels):
                if place not in self.layer:
                    self.layer.draw(place)
            self._fallback = None

    # -- layers ----------------------------------------------------------------------------------

    def _take_layer(self, frame: Frame, seen: set[Place]) -> bool:
        """Create a new tile layer if the current one does not fit the frame's scale, style or bars; return True if one was created."""
        series = frame.chart.series
        ranks, ranks_for = self.keeper.follow(frame), series_key(frame)
        style, grid = frame.style, frame.pixels
        key = (grid.scale, grid.dpr, frame.detail, style, figure_rules(frame), frame.theme, ranks, ranks_for)
        if key == self._key:
            return False
        old = self.layer
        if old is not None and self._key and self._key[-1] == ranks_for and (self._fallback is None or self._covers_view(old)):
            self._fallback = old
            self._fallback.keep_only(set(old.places[-2 * len(seen) :]))
        if self._key and self._key[-1] != ranks_for:
            self._fallback = None  # other bars or rows: the old tiles would show wrong values
        self._key = key
        text = QuantityText(frame.chart.spec.instrument.lot_size)
        look = bar_style_for(frame.detail, style, frame.theme, ranks, grid, series.grid.ticks_per_row, text)
        self.layer = TileLayer(frame.chart, grid, look)
        self._ahead = []
        return True

    def _covers_view(self, layer: TileLayer) -> bool:
        """True if a layer has as many tiles as fill the view of the newest prepared frame; empty tiles count too."""
        return self._frame is not None and len(layer.places) >= len(_seen(self._frame.pixels))

    def _draw_missing(self, frame: Frame, seen: set[Place], started: float) -> list[Place]:
        assert self.layer is not None
        layer = self.layer
        missing = [place for place in seen if place not in layer]
        if not missing:
            self._fallback = None
            return []
        budget = FRAME_BUDGET_S if self._fallback is not None else FIRST_BUDGET_S
        grid = frame.pixels
        x, y = (grid.left + grid.width / 2) / TILE_PX - 0.5, (grid.top + grid.height / 2) / TILE_PX - 0.5
        missing.sort(key=lambda place: (self._is_covered(place, grid), abs(place[0] - x) + abs(place[1] - y)))
        drawn: list[Place] = []
        for place in missing:
            if drawn and self._clock() - started > budget:
                break
            layer.draw(place)
            drawn.append(place)
        if len(drawn) == len(missing):
            self._fallback = None
        return drawn

    def _queue_around(self, old: Frame | None, frame: Frame, seen: set[Place], started: float) -> None:
        """Queue missing tiles around the view, those ahead of a pan first; during a pan draw one if there is time; discard old tiles."""
        assert self.layer is not None
        grid = frame.pixels
        if old is None or old.pixels.scale != grid.scale or any(place not in self.layer for place in seen):
            self._ahead = []
            return
        dx, dy = grid.left - old.pixels.left, grid.top - old.pixels.top
        if dx or dy or not self._ahead:
            ring = places_in(grid.left - TILE_PX, grid.top - TILE_PX, grid.width + 2 * TILE_PX, grid.height + 2 * TILE_PX)
            around = [place for place in ring if place not in self.layer]
            middle_x, middle_y = (grid.left + grid.width / 2) / TILE_PX, (grid.top + grid.height / 2) / TILE_PX
            around.sort(key=lambda place: -(place[0] + 0.5 - middle_x) * dx - (place[1] + 0.5 - middle_y) * dy)
            self._ahead = around
        if (dx or dy) and self._ahead and self._clock() - started < AHEAD_BUDGET_S:
            self.layer.draw(self._ahead.pop(0))
        self.layer.shrink_to(MAX_BYTES, keep=seen)

    def _is_covered(self, place: Place, grid: PixelGrid) -> bool:
        """True if an old, scaled tile is shown at the middle of a missing tile."""
        if self._fallback is None:
            return False
        old = self._fallback.grid
        x = (place[0] + 0.5) * TILE_PX * old.bar_pitch / grid.bar_pitch // TILE_PX
        y = (place[1] + 0.5) * TILE_PX * old.tick_pitch / grid.tick_pitch // TILE_PX
        return (int(x), int(y)) in self._fallback

    def _draw_fallback(self, painter: QPainter, grid: PixelGrid, missing: QRegion) -> None:
        assert self._fallback is not None
        painter.save()
        painter.setClipRegion(missing, Qt.ClipOperation.IntersectClip)
        old = self._fallback.grid
        across, down = grid.bar_pitch / old.bar_pitch, grid.tick_pitch / old.tick_pitch
        for place in self._fallback.places:
            target = QRectF(place[0] * TILE_PX * across - grid.left, place[1] * TILE_PX * down - grid.top, TILE_PX * across, TILE_PX * down)
            if missing.intersects(target.toAlignedRect()) and (tile := self._fallback[place]) is not None:
                painter.drawImage(target, tile.image)
        painter.restore()


def _seen(grid: PixelGrid) -> set[Place]:
    return places_in(grid.left, grid.top, grid.width, grid.height)


def _place(frame: Frame) -> tuple[int, int, int, int]:
    grid = frame.pixels
    return grid.left, grid.top, grid.width, grid.height


def _pane(frame: Frame) -> QRectF:
    return QRectF(*frame.layout.price)


def _columns(frame: Frame, left: int, right: int) -> QRectF:
    """The strip of the price pane between two global X positions, as a rectangle of the scene, slightly enlarged.

    The rectangle is empty if the strip is out of view.
    """
    x, end = (left - frame.pixels.left) / frame.dpr, (right - frame.pixels.left) / frame.dpr
    return QRectF(x - 1, 0, end - x + 2, frame.layout.price.height) & _pane(frame)


def _united(region: QRectF | None, places: list[Place], frame: Frame) -> QRectF:
    grid, dpr = frame.pixels, frame.dpr
    combined = region or QRectF()
    for x, y in places:
        combined = combined.united(QRectF((x * TILE_PX - grid.left) / dpr, (y * TILE_PX - grid.top) / dpr, TILE_PX / dpr, TILE_PX / dpr))
    return combined & _pane(frame)
