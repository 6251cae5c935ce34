"""Tiles: cached images of parts of the chart, which a pan moves and a trade updates.

Tiles lie in global pixel space (see `pixel_grid`), so they stay valid while the view moves, as long as the scale is
the same. A trade redraws only the strip of the changed bars. The painter decides which tiles are drawn when; the `TileBudget`
that all charts share decides which are discarded.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtGui import QImage

from rendering.paint.last_bar import LastBar, draw_last_bar
from rendering.paint.raster_block import BarStyle, draw_block
from rendering.paint.tile_budget import TileBudget
from rendering.view.detail import Detail
from rendering.view.pixel_grid import PixelGrid

if TYPE_CHECKING:
    from app.chart.chart import Chart

TILE_PX = 512
"""Edge of a tile, device pixels: large enough that a view needs few, small enough to draw one within a frame."""
TILE_BYTES = TILE_PX * TILE_PX * 4

Place = tuple[int, int]
"""Column and row of a tile; the upper left corner of `(0, 0)` is global pixel (0, 0)."""
Box = tuple[int, int, int, int]
"""A rectangle of global pixels, half-open: left, top, right and bottom."""
_ALL_PX = 1 << 40
"""A box from minus to plus this many pixels has all heights."""


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
        self._last = LastBar.of(chart, look, grid)  # as drawn in tiles
        self._unsure = False  # tiles may show the last bar in different states
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

    def missing(self, places: Iterable[Place]) -> list[Place]:
        """Return the places among `places` whose tiles are not drawn."""
        return [place for place in places if place not in self._tiles]

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
        if self._last.marked_at != self.chart.series.revision and self._shows_last_bar(place):
            self._unsure = True
        self._budget.free()

    def discard(self, place: Place) -> int:
        """Discard the tile at a place, if there is one; return the bytes that it needed."""
        n_bytes = TILE_BYTES if self._tiles.pop(place, None) is not None else 0
        self._last_use.pop(place, None)
        self._n_bytes -= n_bytes
        return n_bytes

    @property
    def marked_at(self) -> int:
        """Revision of the series whose marks (POC, value area, imbalances) the last bar shows."""
        return self._last.marked_at

    @property
    def has_old_marks(self) -> bool:
        """True if the last bar shows marks of an older revision than its cells, in any tile."""
        return self._unsure or self._last.has_old_marks

    def update(self, revision: int, seen: set[Place], *, marks: bool = True) -> Box | None:
        """Redraw what changed in the tiles in view, of the last bar only the rows that look different; discard other tiles there.

        Parameters
        ----------
        marks : bool
            Whether to update the POC, value area and imbalances of the last bar too; if False, they are left to a later call if the bar
            has the same rows as before.

        Returns
        -------
        Box or None
            Global pixels that changed; None if none did.
        """
        series, last = self.chart.series, self._last
        if last.revision == series.revision and not self.has_old_marks:
            return None
        first, number = series.changed_since(self.revision), series.number
        self.revision = revision
        before, self._last_number = self._last_number, int(number[-1])
        if first >= last.index and not self._unsure and last.has_rows_of(self.chart):
            box = self._update_last(last, seen, marks=marks)
            if box is None or box[3] < _ALL_PX:
                return box
        if self.has_old_marks:
            first = min(first, last.index)
        elif first >= series.n_bars and before <= self._last_number:
            return None
        # from the end of the last unchanged bar: bars may be gone, in a gap that is new or at the end
        first = min(first, series.n_bars - 1)
        unchanged = int(number[first - 1]) + 1 if first else min(int(number[0]), before)
        left, right = self.grid.bar_x([unchanged, max(before, self._last_number) + 1]).tolist()
        left, right = left - self.look.reach_left, max(right, left + 1)  # bars may be narrower than a pixel
        rows = series.grid.ticks_per_row
        top, bottom = self.grid.price_y([int(series.high[first:].max()) + rows, int(series.low[first:].min()) - rows]).tolist()
        self._forget_blanks(left, right, top, bottom)
        self._redraw((left, -_ALL_PX, right, _ALL_PX), seen)
        self._last, self._unsure = LastBar.of(self.chart, self.look, self.grid), False
        return left, -_ALL_PX, right, _ALL_PX

    def _update_last(self, last: LastBar, seen: set[Place], *, marks: bool) -> Box | None:
        """Redraw the rows of the last bar that look different; return their pixels, or a box of any height if all rows do."""
        series = self.chart.series
        alone = self.look.detail >= Detail.CELLS  # else its marks reach into the bar before, or several bars share a pixel
        if last.revision == series.revision and not ((marks or not alone) and last.has_old_marks):
            return None
        grid, rows = self.grid, series.grid.ticks_per_row
        now = LastBar.of(self.chart, self.look, grid, last if alone and not marks else None)
        left, right = grid.bar_x([self._last_number, self._last_number + 1]).tolist()
        if self.look.widths_by_volume and now.bars.heaviest[0] != last.bars.heaviest[0]:
            return left, -_ALL_PX, right, _ALL_PX
        self._last = now
        found = now.rows_that_differ(last, self.look, rows)
        if found is None:
            return None
        top, bottom = grid.price_y([(found[1] + 1) * rows, found[0] * rows]).tolist()
        margin = self.look.overhang(grid, rows)
        box = left - self.look.reach_left, top - margin, max(right, left + 1), bottom + margin
        self._redraw(box, seen, now if alone else None)
        return box

    def _shows_last_bar(self, place: Place) -> bool:
        left, right = self.grid.bar_x([self._last_number, self._last_number + 1]).tolist()
        return place[0] * TILE_PX <= right and (place[0] + 1) * TILE_PX >= left

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

    def _redraw(self, box: Box, seen: set[Place], last: LastBar | None = None) -> None:
        """Draw some global pixels in all tiles in view at once; discard the other tiles that contain such pixels.

        With `last`, only this bar is drawn, with these values.
        """
        left, top, right, bottom = box
        parts: list[tuple[Place, Tile]] = []
        for place, tile in list(self._tiles.items()):
            x, y = place[0] * TILE_PX, place[1] * TILE_PX
            if tile is None or x >= right or x + TILE_PX <= left or y >= bottom or y + TILE_PX <= top:
                continue
            if place in seen:
                parts.append((place, tile))
            else:
                self.discard(place)
        if not parts:
            return
        across, down = [place[0] for place, _ in parts], [place[1] for place, _ in parts]
        left, right = max(left, min(across) * TILE_PX), min(right, (max(across) + 1) * TILE_PX)
        top, bottom = max(top, min(down) * TILE_PX), min(bottom, (max(down) + 1) * TILE_PX)
        strip = np.zeros((bottom - top, right - left), np.uint32)
        if last is None:
            draw_block(strip, (left, top), self.chart, self.grid, self.look)
        else:
            draw_last_bar(strip, (left, top), last, self.grid, self.chart.series.grid.ticks_per_row, self.look)
        for (x, y), tile in parts:
            x, y = x * TILE_PX, y * TILE_PX
            start, end, over, under = max(left, x), min(right, x + TILE_PX), max(top, y), min(bottom, y + TILE_PX)
            tile.pixels[over - y : under - y, start - x : end - x] = strip[over - top : under - top, start - left : end - left]
        self.strips_drawn += 1


def places_in(left: int, top: int, width: int, height: int) -> set[Place]:
    """The places of all tiles that touch a rectangle of global pixels, drawn or not."""
    across = range(left // TILE_PX, -(-(left + width) // TILE_PX))
    down = range(top // TILE_PX, -(-(top + height) // TILE_PX))
    return {(x, y) for x in across for y in down}
