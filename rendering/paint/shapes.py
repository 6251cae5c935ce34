"""Rectangles and glyphs of bars and cells, in global device pixels.

The raster painter fills these rectangles in an array, the OpenGL painter draws each as an instanced quad: the same numbers
give the same image. Colours are premultiplied `0xAARRGGBB`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.market.price_grid import TICK_MIDDLE, row_price
from app.settings.calculation import Cells
from rendering.paint.bar_zones import BarZones
from rendering.paint.cell_fill import CellFill
from rendering.paint.geometry import BarGeometry, CellGeometry
from rendering.paint.glyphs import BOLD, REGULAR
from rendering.style.colour import Colour
from rendering.style.quantity_text import BLANK, MINUS, PLUS, TEXT_CHARS, TIMES, QuantityText, left_aligned
from rendering.style.theme import Theme
from rendering.view.pixel_grid import PixelGrid

_PAIR_SLOTS = 2 * TEXT_CHARS + 1
"""Glyphs in a cell with two numbers: sell, ×, buy."""
_SINGLE_SLOTS = TEXT_CHARS + 1
"""Glyphs in a cell with one number: sign, number."""
INK_NUMBER, INK_TIMES, INK_BUY_IMBALANCE, INK_SELL_IMBALANCE, INK_BUY, INK_SELL = range(6)


@dataclass(frozen=True, slots=True, eq=False)
class Quads:
    """Filled rectangles, in drawing order.

    Attributes
    ----------
    left, top, right, bottom : int64 [shape=(n,)]
        Global device pixels, half-open.
    colour : uint32 [shape=(n,)]
        Premultiplied ARGB.
    """

    left: np.ndarray
    top: np.ndarray
    right: np.ndarray
    bottom: np.ndarray
    colour: np.ndarray

    def __len__(self) -> int:
        return len(self.left)


@dataclass(frozen=True, slots=True, eq=False)
class CellTexts:
    """The numbers of cells as glyphs with positions and colours, one text per cell.

    Attributes
    ----------
    left, top : int64 [shape=(n,)]
        Global device pixel of the first glyph's upper left corner; the text's other glyphs follow to the right.
    codes, inks : uint8 [shape=(n, n_slots)]
        Glyph code and ink of each character.
    """

    left: np.ndarray
    top: np.ndarray
    codes: np.ndarray
    inks: np.ndarray

    def __len__(self) -> int:
        return len(self.left)


def text_inks(theme: Theme) -> tuple[tuple[Colour, int], ...]:
    """Colour and weight of each ink, in the order of the `INK_…` numbers; only the inks of imbalances are bold."""
    return (
        (theme.digits, REGULAR),
        (theme.digits.faded(0.45), REGULAR),
        (theme.imbalance_buy, BOLD),
        (theme.imbalance_sell, BOLD),
        (theme.imbalance_buy, REGULAR),
        (theme.imbalance_sell, REGULAR),
    )


def cell_fill_quads(ground: CellFill, ramp: np.ndarray, grid: PixelGrid, rows: int, row_gap: int) -> Quads:
    """The rectangles that fill cells; `rows` is the number of ticks per row, `ramp` has the colour of each step, uint32."""
    left = ground.left[ground.place]
    return Quads(
        left=left,
        top=grid.price_y((ground.row + 1) * rows) + row_gap,
        right=ground.right[ground.place] if ground.width is None else left + ground.width,
        bottom=grid.price_y(ground.row * rows),
        colour=ramp[ground.step],
    )


def candle_quads(bars: BarGeometry, grid: PixelGrid, column: BarZones, theme: Theme) -> Quads:
    """The wick and body of each bar's candle, with prices at mid-tick; `close >= open` is up. Empty if bars have no candle zone."""
    if column.body_right <= column.body_left:
        return _no_quads()
    left = grid.bar_x(bars.number)
    high, low = grid.price_y(bars.high + 0.5), grid.price_y(bars.low + 0.5)
    top, bottom = grid.price_y(np.maximum(bars.open, bars.close) + 0.5), grid.price_y(np.minimum(bars.open, bars.close) + 0.5)
    colour = np.where(bars.close >= bars.open, np.uint32(theme.candle_up.argb), np.uint32(theme.candle_down.argb))
    wick = Quads(left + column.wick_left, high, left + column.wick_right, np.maximum(low, high + column.hairline), colour)
    body = Quads(left + column.body_left, top, left + column.body_right, np.maximum(bottom, top + column.hairline), colour)
    return joined(wick, body)


def poc_ticks(bars: BarGeometry, grid: PixelGrid, rows: int, column: BarZones, theme: Theme) -> Quads:
    """A POC mark for each bar without cells: a line at the price of its POC row, wider than the body."""
    middle = grid.price_y(row_price(bars.poc_row * rows, rows) + TICK_MIDDLE)
    height = 2 * column.hairline
    top = middle - column.hairline
    return _coloured(grid.bar_x(bars.number) - column.hairline, top, grid.bar_x(bars.number + 1), top + height, theme.poc)


def poc_frames(bars: BarGeometry, grid: PixelGrid, rows: int, column: BarZones, theme: Theme) -> Quads:
    """A border around the POC cell of each bar; a line through it if cells are too small for a border."""
    line = column.hairline
    left, right = grid.bar_x(bars.number) + column.cell_left, grid.bar_x(bars.number + 1) - column.gap
    top, bottom = grid.price_y((bars.poc_row + 1) * rows) + column.row_gap, grid.price_y(bars.poc_row * rows)
    if rows * grid.tick_pitch < 6 * line or grid.bar_pitch < 20 * line:
        middle = (top + bottom - line) // 2
        return _coloured(left, middle, right, middle + line, theme.poc)
    return joined(
        _coloured(left, top, right, top + line, theme.poc),
        _coloured(left, bottom - line, right, bottom, theme.poc),
        _coloured(left, top, left + line, bottom, theme.poc),
        _coloured(right - line, top, right, bottom, theme.poc),
    )


def value_area_brackets(bars: BarGeometry, grid: PixelGrid, rows: int, column: BarZones, theme: Theme) -> Quads:
    """A bracket left of each bar's cells, from the highest to the lowest row of its value area; empty without a bracket zone."""
    if column.bracket_right <= column.bracket_left:
        return _no_quads()
    line = column.hairline
    x = grid.bar_x(bars.number)
    left, right = x + column.bracket_left, x + column.bracket_right
    top, bottom = grid.price_y((bars.value_high_row + 1) * rows) + column.row_gap, grid.price_y(bars.value_low_row * rows)
    return joined(
        _coloured(left, top, left + line, bottom, theme.value_area),
        _coloured(left, top, right, top + line, theme.value_area),
        _coloured(left, bottom - line, right, bottom, theme.value_area),
    )


def imbalance_marks(bars: BarGeometry, cells: CellGeometry, grid: PixelGrid, rows: int, column: BarZones, theme: Theme) -> Quads:
    """A stripe at the edge of each imbalanced cell: at the right for a buy imbalance, at the left for a sell imbalance."""
    width = _mark_width(grid)
    marks: list[Quads] = []
    for flags, colour, at_right in ((cells.sell_imbalance, theme.imbalance_sell, False), (cells.buy_imbalance, theme.imbalance_buy, True)):
        number, row = bars.number[cells.bar[flags]], cells.row[flags]
        top, bottom = grid.price_y((row + 1) * rows) + column.row_gap, grid.price_y(row * rows)
        if at_right:
            right = grid.bar_x(number + 1) - column.gap
            marks.append(_coloured(right - width, top, right, bottom, colour))
        else:
            left = grid.bar_x(number) + column.cell_left
            marks.append(_coloured(left, top, left + width, bottom, colour))
    return joined(*marks)


def _mark_width(grid: PixelGrid) -> int:
    return max(2, round(2.5 * grid.dpr))


def text_slots(style: Cells) -> int:
    """The number of characters that a footprint style reserves for the text of a cell."""
    return _PAIR_SLOTS if style in ("sellxbuy", "ladder") else _SINGLE_SLOTS


def cell_texts(
    bars: BarGeometry,
    cells: CellGeometry,
    text: QuantityText,
    style: Cells,
    grid: PixelGrid,
    rows: int,
    column: BarZones,
    glyph_size: tuple[int, int],
) -> CellTexts:
    """The numbers in the cells that have volume, in a footprint style.

    Texts have a fixed width and are centred in the cell, so that the numbers of a bar line up; in the style `profile` they
    start at the cell's left edge, right of the place for an imbalance mark.
    """
    traded = cells.volume > 0
    bar, row = cells.bar[traded], cells.row[traded]
    width, height = glyph_size
    left, right = grid.bar_x(bars.number) + column.cell_left, grid.bar_x(bars.number + 1) - column.gap
    start = left + _mark_width(grid) + width // 2 if style == "profile" else (left + right - width * text_slots(style)) // 2
    top, bottom = grid.price_y((row + 1) * rows) + column.row_gap, grid.price_y(row * rows)
    codes, inks = (_pair if style in ("sellxbuy", "ladder") else _single)(cells, traded, text, style)
    assert BLANK == 0
    return CellTexts(left=start[bar], top=(top + bottom - height) // 2, codes=codes, inks=inks)


def _single(cells: CellGeometry, traded: np.ndarray, text: QuantityText, style: Cells) -> tuple[np.ndarray, np.ndarray]:
    """Codes and inks of one number per cell: the delta with its sign and the ink of that side, or the volume.

    Neither uses the ink of an imbalance, which depends on other rows and may be on the other side; a stripe at the edge marks it.
    """
    delta = (cells.buy - cells.sell)[traded]
    codes = np.full((len(delta), _SINGLE_SLOTS), BLANK, np.uint8)
    figures = text.right_aligned(np.abs(delta) if style == "delta" else cells.volume[traded])
    codes[:, 1:] = left_aligned(figures) if style == "profile" else figures
    if style == "profile":
        codes = np.roll(codes, -1, axis=1)
    inks = np.full(codes.shape, INK_NUMBER, np.uint8)
    if style == "delta":
        blanks = np.argmax(figures != BLANK, axis=1)
        signed = np.flatnonzero(delta)
        codes[signed, blanks[signed]] = np.where(delta[signed] > 0, PLUS, MINUS)
        inks[delta > 0], inks[delta < 0] = INK_BUY, INK_SELL
    return codes, inks


def _pair(cells: CellGeometry, traded: np.ndarray, text: QuantityText, style: Cells) -> tuple[np.ndarray, np.ndarray]:
    """Codes and inks of two numbers per cell, sell and buy, with × between them in the style `sellxbuy`."""
    row = cells.row[traded]
    codes = np.empty((len(row), _PAIR_SLOTS), np.uint8)
    both = text.right_aligned(np.concatenate((cells.sell[traded], cells.buy[traded])))
    codes[:, :TEXT_CHARS] = both[: len(row)]
    codes[:, TEXT_CHARS] = TIMES if style == "sellxbuy" else BLANK
    codes[:, TEXT_CHARS + 1 :] = left_aligned(both[len(row) :])
    inks = np.full((len(row), _PAIR_SLOTS), INK_NUMBER, np.uint8)
    inks[:, TEXT_CHARS] = INK_TIMES
    inks[cells.sell_imbalance[traded], :TEXT_CHARS] = INK_SELL_IMBALANCE
    inks[cells.buy_imbalance[traded], TEXT_CHARS + 1 :] = INK_BUY_IMBALANCE
    return codes, inks


def joined(*parts: Quads) -> Quads:
    """Join one or more `Quads` into one, in the given order."""
    return Quads(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("left", "top", "right", "bottom", "colour")))


def _coloured(left: np.ndarray, top: np.ndarray, right: np.ndarray, bottom: np.ndarray, colour: Colour) -> Quads:
    return Quads(left, top, right, bottom, np.full(len(left), colour.argb, np.uint32))


def _no_quads() -> Quads:
    nothing = np.zeros(0, np.int64)
    return Quads(nothing, nothing, nothing, nothing, np.zeros(0, np.uint32))
