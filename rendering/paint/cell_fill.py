"""The fill of cells in each footprint style: the complete cell, two halves, or a width by volume as in a profile.

Style and colouring are separate settings. Both painters draw these fills: the raster painter by array lookups, OpenGL as quads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.settings.calculation import CellStyle, Colouring
from rendering.paint.bar_zones import BarZones
from rendering.paint.cell_colouring import VolumeRanks, delta_steps
from rendering.paint.geometry import BarGeometry, CellGeometry
from rendering.style.theme import DELTA_STEPS
from rendering.view.pixel_grid import PixelGrid

_BALANCE = DELTA_STEPS // 2
_HALVES_FROM_PX = 8
"""Narrower cells are not divided."""


@dataclass(frozen=True, slots=True, eq=False)
class CellFill:
    """The fill of some cells: coloured rectangles in columns that do not overlap.

    Attributes
    ----------
    left, right : int64 [shape=(n_columns,)]
        Global device pixels, half-open, ascending.
    place : int64 [shape=(n,)]
        The column of each rectangle.
    row : int64 [shape=(n,)]
        The row of each rectangle.
    step : intp [shape=(n,)]
        Its colour, as a step of the colour ramp.
    width : int64 [shape=(n,)] or None
        Its width from the column's left edge; None for the full column.
    """

    left: np.ndarray
    right: np.ndarray
    place: np.ndarray
    row: np.ndarray
    step: np.ndarray
    width: np.ndarray | None = None


def fill_of_cells(
    bars: BarGeometry, cells: CellGeometry, style: CellStyle, ranks: VolumeRanks, grid: PixelGrid, column: BarZones
) -> CellFill:
    """The coloured rectangles that fill the given cells in a footprint style."""
    left, right = grid.bar_x(bars.number) + column.cell_left, grid.bar_x(bars.number + 1) - column.gap
    if style.cells == "ladder" and grid.bar_pitch - column.cell_left - column.gap >= _HALVES_FROM_PX * grid.dpr:
        return _halves(left, right, cells, style.colouring, ranks, column)
    ground = CellFill(left, right, cells.bar, cells.row, cell_steps(cells, style.colouring, ranks))
    if style.cells != "profile" or not len(cells):
        return ground
    across, heaviest = (right - left)[cells.bar], np.maximum(bars.heaviest, 1)[cells.bar]
    width = np.where(cells.volume > 0, np.maximum(column.hairline, np.minimum(across, _share(across, cells.volume, heaviest))), 0)
    return CellFill(left, right, cells.bar, cells.row, ground.step, width)


def cell_steps(cells: CellGeometry, colouring: Colouring, ranks: VolumeRanks) -> np.ndarray:
    """The colour step of each cell: by volume rank, by delta, or by imbalance; intp.

    A cell with an imbalance on both sides takes the colour of the side that its delta is on.
    """
    if colouring == "delta":
        return delta_steps(cells.buy, cells.sell, cells.volume, ranks)
    if colouring == "imbalance":
        lean = cells.buy_imbalance.astype(np.intp) - cells.sell_imbalance
        both = cells.buy_imbalance & cells.sell_imbalance
        return _BALANCE + _BALANCE * np.where(both, np.sign(cells.buy - cells.sell), lean)
    return ranks.steps(cells.volume)


def _halves(
    left: np.ndarray, right: np.ndarray, cells: CellGeometry, colouring: Colouring, ranks: VolumeRanks, column: BarZones
) -> CellFill:
    """The fill of cells in two halves, each with its colour: selling left, buying right."""
    middle = (left + right) // 2
    none = np.zeros(len(cells), np.int64)
    if colouring == "volume":
        sold, bought = ranks.steps(cells.sell), ranks.steps(cells.buy)
    elif colouring == "delta":
        sold, bought = delta_steps(none, cells.sell, cells.sell, ranks), delta_steps(cells.buy, none, cells.buy, ranks)
    else:
        sold, bought = _BALANCE - _BALANCE * cells.sell_imbalance.astype(np.intp), _BALANCE + _BALANCE * cells.buy_imbalance.astype(np.intp)
    return CellFill(
        np.stack((left, middle), 1).ravel(),
        np.stack((middle - column.hairline, right), 1).ravel(),
        np.concatenate((2 * cells.bar, 2 * cells.bar + 1)),
        np.concatenate((cells.row, cells.row)),
        np.concatenate((sold, bought)),
    )


def _share(across: np.ndarray, volume: np.ndarray, heaviest: np.ndarray) -> np.ndarray:
    return np.rint(across * (volume / heaviest)).astype(np.int64)
