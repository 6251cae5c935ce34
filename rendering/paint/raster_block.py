"""Bars with their cells, marks and digits, drawn from the arrays of a chart into a block of pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.settings.calculation import CellStyle
from rendering.paint import raster, shapes
from rendering.paint.bar_zones import BarZones
from rendering.paint.cell_colouring import VolumeRanks
from rendering.paint.cell_fill import CellFill, fill_of_cells
from rendering.paint.geometry import BarGeometry, CellGeometry, bar_geometry, bars_between, cell_geometry
from rendering.paint.glyphs import GlyphAtlas
from rendering.paint.shapes import CellTexts, Quads
from rendering.style.quantity_text import QuantityText
from rendering.style.text import CHAR_ASPECT
from rendering.style.theme import Theme
from rendering.view.detail import Detail
from rendering.view.pixel_grid import PixelGrid

if TYPE_CHECKING:
    from app.chart.chart import Chart

MIN_TEXT_PX, MAX_TEXT_PX = 5, 13
"""Range of the text height, logical pixels; the smallest text is only drawn if the user has fixed the detail to digits."""
_TEXT_HEIGHT_SHARE = 0.74
"""Text height as a share of a row's height: digits have space above and below."""
MARKS_FROM_BAR_PX = 22


def text_px_for(bar_pitch: float, row_pitch: float, dpr: float, column: BarZones, slots: int) -> int:
    """The font height that fits a cell, in device pixels; limited to `MIN_TEXT_PX` and `MAX_TEXT_PX` logical pixels."""
    free_px = bar_pitch - column.cell_left - column.gap - 4 * dpr
    fits = min(free_px / slots / CHAR_ASPECT, (row_pitch - column.row_gap) * _TEXT_HEIGHT_SHARE)
    return math.floor(min(max(fits, MIN_TEXT_PX * dpr), MAX_TEXT_PX * dpr))


@dataclass(frozen=True, slots=True, eq=False)
class BarStyle:
    """All that decides how bars look, except for their positions: blocks drawn in the same style fit together.

    Attributes
    ----------
    detail, style, theme, ranks :
        Level of detail, cell settings, colours and volume ranks.
    column : BarZones
        Zones of a bar's width.
    glyphs : uint32 [shape=(n_inks, n_glyphs, height, width)] or None
        Glyphs in each ink; None if no digits are drawn.
    ramp : uint32 [shape=(n_steps,)]
        Colours of the cells.
    text : QuantityText
        Format of quantities.
    """

    detail: Detail
    style: CellStyle
    theme: Theme
    ranks: VolumeRanks
    column: BarZones
    glyphs: np.ndarray | None
    ramp: np.ndarray
    text: QuantityText

    @property
    def marks_poc(self) -> bool:
        """True if the POC of bars is drawn: the cell settings show it, the detail is finer than `CANDLES`, and bars are wide enough."""
        return self.style.show_point_of_control and self.detail > Detail.CANDLES and self.column.marks

    @property
    def brackets(self) -> bool:
        """True if brackets mark the value areas of bars: the cell settings show them, and bars with cells are wide enough."""
        return self.column.bracket_right > self.column.bracket_left

    def cell_fill(self, bars: BarGeometry, cells: CellGeometry, grid: PixelGrid) -> CellFill:
        """The fill of the given cells, coloured by this style."""
        return fill_of_cells(bars, cells, self.style, self.ranks, grid, self.column)

    def texts(self, bars: BarGeometry, cells: CellGeometry, grid: PixelGrid, rows: int) -> CellTexts:
        """The digits of the given cells; the style must have `glyphs`."""
        assert self.glyphs is not None
        size = (self.glyphs.shape[3], self.glyphs.shape[2])
        return shapes.cell_texts(bars, cells, self.text, self.style.cells, grid, rows, self.column, size)

    def marks(self, grid: PixelGrid) -> bool:
        """True if imbalances are marked on the cells: the cell settings show them, and bars are wide enough or have digits."""
        return self.style.show_imbalances and (self.detail == Detail.DIGITS or grid.bar_pitch >= MARKS_FROM_BAR_PX * grid.dpr)

    def bars(self, chart: Chart, first: int, end: int) -> BarGeometry:
        """The bars `[first, end)` (indices), with only those values that this style draws."""
        profile = self.style.cells == "profile" and self.detail >= Detail.CELLS
        return bar_geometry(chart, first, end, poc=self.marks_poc, value_areas=self.brackets, heaviest=profile)

    def cells(self, chart: Chart, first: int, end: int, ticks: tuple[int, int], grid: PixelGrid) -> CellGeometry:
        """The cells of bars `[first, end)` (indices) between two ticks, with imbalances if this style draws them."""
        rows = chart.series.grid.ticks_per_row
        imbalances = self.marks(grid) or self.style.colouring == "imbalance"
        return cell_geometry(chart, first, end, ticks[0] // rows, ticks[1] // rows, imbalances=imbalances)


def bar_style_for(
    detail: Detail, style: CellStyle, theme: Theme, ranks: VolumeRanks, grid: PixelGrid, rows: int, text: QuantityText
) -> BarStyle:
    """Create the style of bars at one scale; drawing its glyphs takes a few milliseconds."""
    row_pitch = rows * grid.tick_pitch
    column = BarZones.of(grid.bar_pitch, row_pitch, grid.dpr, detail, candle=style.show_candles, bracket=style.show_value_area)
    glyphs = None
    if detail == Detail.DIGITS and style.show_numbers:
        text_px = text_px_for(grid.bar_pitch, row_pitch, grid.dpr, column, shapes.text_slots(style.cells))
        glyphs = GlyphAtlas(text_px).inked(shapes.text_inks(theme))
    ramp = theme.volume_ramp if style.colouring == "volume" else theme.delta_ramp
    return BarStyle(detail, style, theme, ranks, column, glyphs, np.array([colour.argb for colour in ramp], np.uint32), text)


def draw_block(block: np.ndarray, origin: tuple[int, int], chart: Chart, grid: PixelGrid, look: BarStyle) -> bool:
    """Draw all bars that touch a block into it; return False if no bar touches it.

    Parameters
    ----------
    block : uint32 [shape=(height, width)]
        The block, overwritten completely.
    origin : (X, Y)
        Global pixel of the block's upper left corner.
    """
    series = chart.series
    height, width = block.shape
    rows = series.grid.ticks_per_row
    block[...] = 0
    first, end = bars_between(series, *grid.bars_in(origin[0], origin[0] + width))
    low_tick, high_tick = grid.ticks_in(origin[1], origin[1] + height)
    if end <= first or int(series.low[first:end].min()) > high_tick + rows or int(series.high[first:end].max()) < low_tick - rows:
        return False
    bars = look.bars(chart, first, end)
    if look.detail >= Detail.CELLS:
        cells = look.cells(chart, first, end, (low_tick, high_tick), grid)
        _draw_ground(block, origin, bars, cells, grid, rows, look)
        raster.fill_quads(block, origin, cell_decoration(bars, cells if look.marks(grid) else None, grid, rows, look))
        if look.glyphs is not None:
            raster.write_texts(block, origin, look.texts(bars, cells, grid, rows), look.glyphs)
    else:
        raster.fill_quads(block, origin, body_quads(bars, grid, rows, look))
    return True


def cell_decoration(bars: BarGeometry, cells: CellGeometry | None, grid: PixelGrid, rows: int, look: BarStyle) -> Quads:
    """The rectangles of candles, brackets, POC borders and imbalance marks of bars drawn with cells, in drawing order.

    Brackets and POCs are left out if the style does not draw them, imbalance marks if `cells` is None.
    """
    column, theme = look.column, look.theme
    parts = [shapes.candle_quads(bars, grid, column, theme)]
    if look.brackets:
        parts.append(shapes.value_area_brackets(bars, grid, rows, column, theme))
    if look.marks_poc:
        parts.append(shapes.poc_frames(bars, grid, rows, column, theme))
    if cells is not None:
        parts.append(shapes.imbalance_marks(bars, cells, grid, rows, column, theme))
    return shapes.joined(*parts)


def body_quads(bars: BarGeometry, grid: PixelGrid, rows: int, look: BarStyle) -> Quads:
    """The rectangles of candles drawn without cells, and of their POC marks if the style draws POCs."""
    quads = shapes.candle_quads(bars, grid, look.column, look.theme)
    if look.marks_poc:
        quads = shapes.joined(quads, shapes.poc_ticks(bars, grid, rows, look.column, look.theme))
    return quads


def _draw_ground(
    block: np.ndarray, origin: tuple[int, int], bars: BarGeometry, cells: CellGeometry, grid: PixelGrid, rows: int, look: BarStyle
) -> None:
    if rows * grid.tick_pitch < 1:
        cells, grid = raster.squeezed(cells, grid, rows)
    raster.fill_cells(block, origin, look.cell_fill(bars, cells, grid), look.ramp, grid, rows, look.column.row_gap)
