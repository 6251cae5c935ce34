"""Shapes as rows of vertex buffers: one instance per rectangle or glyph.

Positions are device pixels relative to an origin near the view, so that single precision is exact for whole pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rendering.paint.raster import squeezed
from rendering.paint.raster_block import BarStyle, body_quads, cell_decoration
from rendering.paint.shapes import CellTexts, Quads, cell_fill_quads, joined
from rendering.style.quantity_text import BLANK
from rendering.view.detail import Detail
from rendering.view.pixel_grid import PixelGrid

if TYPE_CHECKING:
    from app.chart.chart import Chart

QUAD = np.dtype([("rect", np.float32, 4), ("colour", np.uint8, 4)])
"""Left, top, right, bottom; red, green, blue, alpha, premultiplied."""
GLYPH = np.dtype([("place", np.float32, 2), ("glyph", np.float32)])
"""Left, top; the glyph's number in the atlas, `ink * n_glyphs + code`."""


@dataclass(frozen=True, slots=True, eq=False)
class Instances:
    """The instances of some bars: rectangles (`quads`), drawn first, and `glyphs`; both in drawing order."""

    quads: np.ndarray
    glyphs: np.ndarray


def instances_of(
    chart: Chart, first: int, end: int, ticks: tuple[int, int], grid: PixelGrid, look: BarStyle, origin: tuple[int, int]
) -> Instances:
    """The instances of the bars with indices `[first, end)` and of their cells between two ticks.

    Parameters
    ----------
    chart : Chart
    ticks : (low, high)
        Cells whose rows lie at least partly between these ticks are included.
    origin : (X, Y)
        Global pixel to which positions are relative.
    """
    if end <= first:
        return Instances(np.zeros(0, QUAD), np.zeros(0, GLYPH))
    rows = chart.series.grid.ticks_per_row
    bars = look.bars(chart, first, end)
    if look.detail < Detail.CELLS:
        return Instances(_quads(body_quads(bars, grid, rows, look), origin), np.zeros(0, GLYPH))
    cells = look.cells(chart, first, end, ticks, grid)
    ground, fine = (cells, grid) if rows * grid.tick_pitch >= 1 else squeezed(cells, grid, rows)
    quads = joined(
        cell_fill_quads(look.cell_fill(bars, ground, fine), look.ramp, fine, rows, look.column.row_gap),
        cell_decoration(bars, cells if look.marks(grid) else None, grid, rows, look),
    )
    glyphs = np.zeros(0, GLYPH)
    if look.glyphs is not None:
        _, n_glyphs, _, width = look.glyphs.shape
        glyphs = _glyphs(look.texts(bars, cells, grid, rows), n_glyphs, width, origin)
    return Instances(_quads(quads, origin), glyphs)


def atlas_pixels(glyphs: np.ndarray) -> np.ndarray:
    """All glyphs in all inks, arranged in one image, a line per ink.

    From uint32 ARGB [shape=(n_inks, n_glyphs, h, w)] to uint8 RGBA [shape=(n_inks * h, n_glyphs * w, 4)].
    """
    inks, codes, height, width = glyphs.shape
    picture = glyphs.transpose(0, 2, 1, 3).reshape(inks * height, codes * width)
    return rgba(picture.ravel()).reshape(*picture.shape, 4)


def rgba(colours: np.ndarray) -> np.ndarray:
    """The red, green, blue and alpha bytes of colours given as numbers `0xAARRGGBB`: uint8 [shape=(n, 4)]."""
    return np.stack([(colours >> np.uint32(shift)).astype(np.uint8) for shift in (16, 8, 0, 24)], axis=1)


def _quads(quads: Quads, origin: tuple[int, int]) -> np.ndarray:
    seen = (quads.right > quads.left) & (quads.bottom > quads.top)
    out = np.empty(int(seen.sum()), QUAD)
    for place, (edge, zero) in enumerate(
        ((quads.left, origin[0]), (quads.top, origin[1]), (quads.right, origin[0]), (quads.bottom, origin[1]))
    ):
        out["rect"][:, place] = edge[seen] - zero
    out["colour"] = rgba(quads.colour[seen])
    return out


def _glyphs(texts: CellTexts, n_glyphs: int, width: int, origin: tuple[int, int]) -> np.ndarray:
    text, slot = np.nonzero(texts.codes != BLANK)
    out = np.empty(len(text), GLYPH)
    out["place"][:, 0] = texts.left[text] - origin[0] + slot * width
    out["place"][:, 1] = texts.top[text] - origin[1]
    out["glyph"] = texts.inks[text, slot].astype(np.int64) * n_glyphs + texts.codes[text, slot]
    return out
