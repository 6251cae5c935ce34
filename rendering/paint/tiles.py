"""Tiles: cached images of parts of the chart, which a pan moves and a trade updates.

Tiles lie in global pixel space (see `pixel_grid`), so they stay valid while the view moves, as long as the scale is
the same. A trade redraws only the strip of the changed bars. The painter decides which tiles are drawn when; the `TileBudget`
that all charts share decides which are discarded.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtGui import QImage

from rendering.paint.raster_block import BarStyle, draw_block
from rendering.paint.tile_budget import TileBudget
from rendering.view.pixel_grid import PixelGrid

if TYPE_CHECKING:
    from app.chart.chart import Chart

TILE_PX = 512
"""Edge of a tile, device pixels: large enough that a view needs few, small enough to draw one within a frame."""
TILE_BYTES = TILE_PX * TILE_PX * 4

Place = tuple[int, int]
"""Column and row of a tile; the upper left corner of `(0, 0)` is global pixel (0, 0)."""


@dataclass(slots=True, eq=False)
class Tile:
    """A square image of a part of the chart; `image` shares the memory of `pixels`."""

    pixels: np.ndarray
    image: QImage

    @classmethod
    def blank(cls) -> Tile:
        """Create a transparent tile."""
        pixels = np.zeros((TILE_PX, TILE_PX), np.uint32)
        return cls(pixels, QImage(pixels.data, TILE_PX, TILE_PX, TILE_PX * 4, QImage.Format.Format_ARGB32_Premultiplied))


class TileLayer:
    """All tiles of one scale and style.

    Parameters
    ----------
    chart : Chart
        The chart to draw.
    grid : PixelGrid
        The scale; the position of the view does not matter here.
    look : BarStyle
        The style of the bars.
    budget : TileBudget
        The memory for tiles, shared with other layers.

    Attributes
    ----------
    in_view : set of Place
        The places in view: their tiles are not discarded.
    tiles_drawn, strips_drawn : int
        Numbers of tiles, and of strips through tiles in view, drawn so far, for tests.
    """

    def __init__(self, chart: Chart, grid: PixelGrid, look: BarStyle, budget: TileBudget) -> None:
        self.chart, self.grid, self.look = chart, grid, look
        self.in_view: AbstractSet[Place] = frozenset()
        self.revision = chart.series.revision
        self._last_number = int(chart.series.number[-1])
        self.tiles_drawn = self.strips_drawn = 0
        self._budget = budget
        self._tiles: dict[Place, Tile | None] = {}  # None: the tile is empty
        self._last_use: dict[Place, int] = {}
        self._n_bytes = 0
        budget.add(self)

    def __contains__(self, place: Place) -> bool:
        return place in self._tiles

    def __getitem__(self, place: Place) -> Tile | None:
        """Return the tile at a place and mark it as recently used; None if it is empty, KeyError if it was not drawn."""
        tile = self._tiles[place]
        self._budget.uses += 1
        self._last_use[place] = self._budget.uses
        return tile

    @property
    def places(self) -> list[Place]:
        """The places of all tiles drawn so far and not discarded, including empty ones."""
        return list(self._tiles)

    @property
    def n_bytes(self) -> int:
        """Memory of the tiles in bytes; empty tiles need none."""
        return self._n_bytes

    def last_use(self, place: Place) -> int:
        """The number in the budget's `uses` of the last use of the tile at a place."""
        return self._last_use[place]

    def draw(self, place: Place) -> None:
        """Draw the complete tile at a place, and remember whether it is empty; other tiles may be discarded for it."""
        tile = self._tiles.get(place) or Tile.blank()
        shown = draw_block(tile.pixels, (place[0] * TILE_PX, place[1] * TILE_PX), self.chart, self.grid, self.look)
        self.discard(place)
        self._tiles[place] = tile if shown else None
        self._n_bytes += TILE_BYTES if shown else 0
        self._budget.uses += 1
        self._last_use[place] = self._budget.uses
        self.tiles_drawn += 1
        self._budget.free()

    def discard(self, place: Place) -> int:
        """Discard the tile at a place, if there is one; return the bytes that it needed."""
        n_bytes = TILE_BYTES if self._tiles.pop(place, None) is not None else 0
        self._last_use.pop(place, None)
        self._n_bytes -= n_bytes
        return n_bytes

    def update(self, revision: int, seen: set[Place]) -> tuple[int, int] | None:
        """Redraw the strip of changed bars in the tiles in view; discard the other tiles that the strip crosses.

        Returns
        -------
        (left, right) or None
            Global X positions between which bars changed; None if no bar changed.
        """
        series = self.chart.series
        first = series.changed_since(self.revision)
        self.revision = revision
        before, self._last_number = self._last_number, int(series.number[-1])
        if first >= series.n_bars and before <= self._last_number:
            return None
        # from the end of the last unchanged bar: bars may be gone, in a gap that is new or at the end
        unchanged = int(series.number[first - 1]) + 1 if first else min(int(series.number[0]), before)
        left, right = self.grid.bar_x([unchanged, max(before, self._last_number) + 1]).tolist()
        right = max(right, left + 1)  # bars narrower than a pixel
        first = min(first, series.n_bars - 1)
        rows = series.grid.ticks_per_row
        top, bottom = self.grid.price_y([int(series.high[first:].max()) + rows, int(series.low[first:].min()) - rows]).tolist()
        self._forget_blanks(left, right, top, bottom)
        self._redraw_strip(left, right, seen)
        return left, right

    def keep_newest(self, n: int) -> None:
        """Discard all tiles except for the `n` most recently used; these count as in view from now on."""
        newest = sorted(self._tiles, key=self.last_use)[-n:]
        for place in self._tiles.keys() - set(newest):
            self.discard(place)
        self.in_view = frozenset(newest)

    def _forget_blanks(self, left: int, right: int, top: int, bottom: int) -> None:
        """Discard empty tiles that touch a rectangle of global pixels, because bars may have grown into them."""
        for x, y in [place for place, tile in self._tiles.items() if tile is None]:
            across = x * TILE_PX < right and (x + 1) * TILE_PX > left
            if across and y * TILE_PX < bottom and (y + 1) * TILE_PX > top:
                self.discard((x, y))

    def _redraw_strip(self, left: int, right: int, seen: set[Place]) -> None:
        """Draw global pixel columns `[left, right)` in all tiles in view at once; discard the other tiles that contain such columns."""
        held = [place for place in self._tiles if place[0] * TILE_PX < right and (place[0] + 1) * TILE_PX > left]
        parts: list[tuple[Place, Tile]] = []
        for place in held:
            tile = self._tiles[place]
            if tile is None:
                continue
            if place in seen:
                parts.append((place, tile))
            else:
                self.discard(place)
        if not parts:
            return
        across, down = [place[0] for place, _ in parts], [place[1] for place, _ in parts]
        left, right = max(left, min(across) * TILE_PX), min(right, (max(across) + 1) * TILE_PX)
        top, bottom = min(down) * TILE_PX, (max(down) + 1) * TILE_PX
        strip = np.empty((bottom - top, right - left), np.uint32)
        draw_block(strip, (left, top), self.chart, self.grid, self.look)
        for (x, y), tile in parts:
            start, end = max(left, x * TILE_PX), min(right, (x + 1) * TILE_PX)
            under = y * TILE_PX - top
            tile.pixels[:, start - x * TILE_PX : end - x * TILE_PX] = strip[under : under + TILE_PX, start - left : end - left]
        self.strips_drawn += 1


def places_in(left: int, top: int, width: int, height: int) -> set[Place]:
    """The places of all tiles that touch a rectangle of global pixels, drawn or not."""
    across = range(left // TILE_PX, -(-(left + width) // TILE_PX))
    down = range(top // TILE_PX, -(-(top + height) // TILE_PX))
    return {(x, y) for x in across for y in down}
