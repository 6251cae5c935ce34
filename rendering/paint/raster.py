"""Shapes drawn into pixels with numpy: no Qt call and no Python loop per cell.

A block is an image of a part of global pixel space, uint32 [shape=(height, width)], premultiplied ARGB, transparent where nothing
is drawn.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from app.market.arrays import Int64Array
from app.market.distinct import distinct
from rendering.paint.cell_fill import CellFill
from rendering.paint.geometry import CellGeometry
from rendering.paint.shapes import CellTexts, Quads
from rendering.view.pixel_grid import PixelGrid

Pixels: TypeAlias = np.ndarray[tuple[int, int], np.dtype[np.uint32]]
"""A block of premultiplied colours."""
Glyphs: TypeAlias = np.ndarray[tuple[int, int, int, int], np.dtype[np.uint32]]
"""By ink and character, each a block."""


def fill_cells(
    block: Pixels,
    origin: tuple[int, int],
    ground: CellFill,
    ramp: np.ndarray,
    grid: PixelGrid,
    rows: int,
    row_gap: int,
) -> None:
    """Draw the fill of cells into an empty block.

    A small table with the colour of each cell is spread over the pixels by two array lookups. Where rows are lower than a pixel, the
    fill must already have one row per pixel; see `squeezed`.
    """
    left, top = origin
    height, width = block.shape
    if not len(ground.row):
        return
    n_columns = len(ground.left)
    low, high = int(ground.row.min()), int(ground.row.max())
    table = np.zeros((high - low + 2, n_columns + 1), np.uint32)  # the last row and column stay empty
    table[ground.row - low, ground.place] = ramp[ground.step]
    x = np.arange(left, left + width)
    place = np.searchsorted(ground.left, x, side="right") - 1
    place[(place < 0) | (x >= ground.right[place])] = n_columns
    y = np.arange(top, top + height)
    edges = grid.price_y(np.arange(low, high + 2) * rows)  # lower edges, from the bottom up: descending
    row = np.searchsorted(-edges, -y, side="left") - 1  # the row whose lower edge is below y, and whose upper edge is not
    outside = (row < 0) | (row > high - low)
    if row_gap:
        outside |= y < edges[np.clip(row + 1, 0, high - low + 1)] + row_gap
    row[outside] = high - low + 1
    np.take(table[:, place], row, axis=0, out=block, mode="clip")
    if ground.width is not None:
        ends = np.zeros(table.shape, np.int32)
        ends[ground.row - low, ground.place] = ground.width
        along = x - np.append(ground.left, left + width)[place]
        block *= np.take(along < ends[:, place], row, axis=0)


def squeezed(cells: CellGeometry, grid: PixelGrid, rows: int) -> tuple[CellGeometry, PixelGrid]:
    """Merge the cells of a bar that share a pixel row; return the merged cells, and a grid with one row per pixel.

    A merged cell has the volume of its heaviest cell, the sums of their buy and sell volumes, and an imbalance if any has one.
    """
    y: Int64Array = -grid.price_y((cells.row + 1) * rows) - 1  # pixel rows, counted upwards like rows
    if not len(y):
        return cells, grid
    starts = np.flatnonzero(np.concatenate(([True], (y[1:] != y[:-1]) | (cells.bar[1:] != cells.bar[:-1]))))
    reduced = CellGeometry(
        bar=cells.bar[starts],
        row=y[starts],
        buy=np.add.reduceat(cells.buy, starts),
        sell=np.add.reduceat(cells.sell, starts),
        volume=np.maximum.reduceat(cells.volume, starts),
        buy_imbalance=np.logical_or.reduceat(cells.buy_imbalance, starts),
        sell_imbalance=np.logical_or.reduceat(cells.sell_imbalance, starts),
    )
    return reduced, PixelGrid(grid.bar_pitch, 1.0 / rows, grid.left, grid.top, grid.width, grid.height, grid.dpr)


def fill_quads(block: Pixels, origin: tuple[int, int], quads: Quads) -> None:
    """Fill rectangles in a block with their colours, later ones over earlier ones, clipped to the block; the colours must be opaque."""
    height, width = block.shape
    left = np.clip(quads.left - origin[0], 0, width)
    right = np.clip(quads.right - origin[0], 0, width)
    top = np.clip(quads.top - origin[1], 0, height)
    bottom = np.clip(quads.bottom - origin[1], 0, height)
    across = np.maximum(right - left, 0)
    area = across * np.maximum(bottom - top, 0)
    seen = np.flatnonzero(area)
    if not len(seen):
        return
    left, top, across, area = left[seen], top[seen], across[seen], area[seen]
    within = np.arange(int(area.sum())) - np.repeat(np.cumsum(area) - area, area)
    down, along = np.divmod(within, np.repeat(across, area))
    block[down + np.repeat(top, area), along + np.repeat(left, area)] = np.repeat(quads.colour[seen], area)


def write_texts(block: Pixels, origin: tuple[int, int], texts: CellTexts, glyphs: Glyphs) -> None:
    """Draw the digits of cells over what a block shows already.

    `glyphs` is uint32 [shape=(n_inks, n_glyphs, height, width)]. Each cell's glyphs are put together and blended line
    by line; texts must not overlap.
    """
    _, _, glyph_height, glyph_width = glyphs.shape
    height, width = block.shape
    strip_width = texts.codes.shape[1] * glyph_width
    left, top = texts.left - origin[0], texts.top - origin[1]
    seen = (left > -strip_width) & (left < width) & (top > -glyph_height) & (top < height)
    if not seen.any():
        return
    left, top = left[seen], top[seen]
    strips = glyphs[texts.inks[seen], texts.codes[seen]]  # (n, slots, glyph height, glyph width)
    strips = strips.transpose(0, 2, 1, 3).reshape(len(left), glyph_height, strip_width)
    for x in distinct(left):  # once per bar: all its cells have the same left edge
        in_bar = left == x
        start, end = max(int(x), 0), min(int(x) + strip_width, width)
        y = (top[in_bar, None] + np.arange(glyph_height)).ravel()
        lines = strips[in_bar].reshape(-1, strip_width)[:, start - int(x) : end - int(x)]
        inside = (y >= 0) & (y < height)
        if not inside.all():
            y, lines = y[inside], lines[inside]
        region = block[:, start:end]
        region[y] = over(lines, region[y])


def over(upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """Blend premultiplied pixels over others: `upper + lower * (255 - alpha) / 255`.

    Four channels in two multiplications, rounded as in Qt: a channel times alpha is `(t + (t >> 8) + 128) >> 8`.
    """
    rest = np.uint32(255) - (upper >> np.uint32(24))
    mask, half = np.uint32(0x00FF00FF), np.uint32(0x00800080)
    odd = (lower & mask) * rest
    odd = (odd + ((odd >> np.uint32(8)) & mask) + half) >> np.uint32(8) & mask
    even = ((lower >> np.uint32(8)) & mask) * rest
    even = (even + ((even >> np.uint32(8)) & mask) + half) & ~mask
    return upper + (odd | even)
