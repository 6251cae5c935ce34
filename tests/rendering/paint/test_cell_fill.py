"""The fill and the numbers of a cell in each footprint style, computed by hand."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from app.settings.calculation import COLOURINGS, Cells, CellStyle, Colouring
from rendering.paint.bar_zones import BarZones
from rendering.paint.cell_colouring import VolumeRanks
from rendering.paint.cell_fill import cell_steps, fill_of_cells
from rendering.paint.geometry import BarGeometry, CellGeometry
from rendering.paint.shapes import INK_BUY, INK_BUY_IMBALANCE, INK_NUMBER, INK_SELL, INK_SELL_IMBALANCE, INK_TIMES, cell_texts
from rendering.style.quantity_text import QuantityText, text_of
from rendering.style.theme import DELTA_STEPS
from rendering.view.detail import Detail
from rendering.view.pixel_grid import PixelGrid
from rendering.view.viewport import Viewport

GRID = PixelGrid.of(Viewport(0.0, 100.0, 0.0, 17.0, 400, 300), 1.0)
COLUMN = BarZones.of(GRID.bar_pitch, 17.0, 1.0, Detail.DIGITS)
ALL_SOLD, BALANCE, ALL_BOUGHT = 0, DELTA_STEPS // 2, DELTA_STEPS - 1


def column_of(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


BARS = BarGeometry(column_of(0, 1), *[column_of(0, 0)] * 7, heaviest=column_of(12, 40))
# two rows of the first bar, the upper one with a buy imbalance, and two of the second, one of them empty
CELLS = CellGeometry(
    bar=column_of(0, 0, 1, 1),
    row=column_of(5, 6, 5, 6),
    buy=column_of(1, 9, 0, 0),
    sell=column_of(5, 3, 40, 0),
    volume=column_of(6, 12, 40, 0),
    buy_imbalance=np.array([False, True, False, False]),
    sell_imbalance=np.array([False, False, True, False]),
)
RANKS = VolumeRanks(np.arange(1, 41))


def texts_of(style: Cells) -> list[str]:
    return text_of(cell_texts(BARS, CELLS, QuantityText(Decimal(1)), style, GRID, 1, COLUMN, (7, 10)).codes)


@pytest.mark.parametrize(
    ("style", "texts"),
    [
        ("sellxbuy", ["5×1", "3×9", "40×0"]),
        ("ladder", ["5 1", "3 9", "40 0"]),
        ("delta", ["−4", "+6", "−40"]),
        ("total", ["6", "12", "40"]),
        ("profile", ["6", "12", "40"]),
    ],
)
def test_each_style_writes_numbers_only_in_cells_with_volume(style: Cells, texts: list[str]):
    assert texts_of(style) == texts


def test_numbers_of_a_bar_line_up():
    found = cell_texts(BARS, CELLS, QuantityText(Decimal(1)), "delta", GRID, 1, COLUMN, (7, 10))
    assert found.left[0] == found.left[1]
    assert (found.codes[:, -1] > 0).all()


def inks_of(style: Cells, cells: CellGeometry = CELLS) -> list[set[int]]:
    inks = cell_texts(BARS, cells, QuantityText(Decimal(1)), style, GRID, 1, COLUMN, (7, 10)).inks
    return [set(row) for row in inks.tolist()]


def test_imbalanced_number_of_a_pair_takes_the_imbalance_ink():
    plain = {INK_NUMBER, INK_TIMES}
    assert inks_of("sellxbuy") == [plain, plain | {INK_BUY_IMBALANCE}, plain | {INK_SELL_IMBALANCE}]


@pytest.mark.parametrize("style", ["total", "profile"])
def test_total_volume_takes_the_neutral_ink(style: Cells):
    assert inks_of(style) == [{INK_NUMBER}] * 3


def test_delta_takes_the_ink_of_its_sign_despite_imbalances():
    against = replace(CELLS, buy_imbalance=CELLS.sell_imbalance, sell_imbalance=CELLS.buy_imbalance)
    assert inks_of("delta", against) == inks_of("delta") == [{INK_SELL}, {INK_BUY}, {INK_SELL}]


def test_zero_delta_has_no_sign_and_neutral_ink():
    even = CellGeometry(*[column_of(0)] * 2, *[column_of(4)] * 2, column_of(8), *[np.array([False])] * 2)
    assert text_of(cell_texts(BARS, even, QuantityText(Decimal(1)), "delta", GRID, 1, COLUMN, (7, 10)).codes) == ["0"]
    assert inks_of("delta", even) == [{INK_NUMBER}]


def test_profile_cell_width_is_the_share_of_the_heaviest_row():
    ground = fill_of_cells(BARS, CELLS, CellStyle(cells="profile"), RANKS, GRID, COLUMN)
    assert ground.width is not None
    across = int(ground.right[0] - ground.left[0])
    assert ground.width.tolist() == [round(across * 6 / 12), across, across, 0]


def test_ladder_has_sell_on_the_left_and_buy_on_the_right():
    ground = fill_of_cells(BARS, CELLS, CellStyle(cells="ladder"), RANKS, GRID, COLUMN)
    assert (ground.right[::2] < ground.left[1::2]).all()
    assert ground.place.tolist() == [0, 0, 2, 2, 1, 1, 3, 3]
    assert ground.step.tolist() == RANKS.steps(np.concatenate((CELLS.sell, CELLS.buy))).tolist()


def test_ladder_by_imbalance_colours_the_imbalanced_side():
    ground = fill_of_cells(BARS, CELLS, CellStyle(cells="ladder", colouring="imbalance"), RANKS, GRID, COLUMN)
    assert ground.step.tolist() == [BALANCE, BALANCE, ALL_SOLD, BALANCE, BALANCE, ALL_BOUGHT, BALANCE, BALANCE]


def test_cells_too_narrow_for_halves_are_not_split():
    narrow = PixelGrid.of(Viewport(0.0, 7.0, 0.0, 17.0, 400, 300), 1.0)
    column = BarZones.of(narrow.bar_pitch, 17.0, 1.0, Detail.CELLS)
    assert len(fill_of_cells(BARS, CELLS, CellStyle(cells="ladder"), RANKS, narrow, column).left) == 2


def test_only_imbalanced_cells_are_coloured_by_imbalance():
    assert cell_steps(CELLS, "imbalance", RANKS).tolist() == [BALANCE, ALL_BOUGHT, ALL_SOLD, BALANCE]


def test_cell_with_both_imbalances_takes_its_delta_colour():
    both = CellGeometry(*[column_of(0, 0)] * 2, column_of(9, 3), column_of(3, 9), column_of(12, 12), *[np.array([True, True])] * 2)
    assert cell_steps(both, "imbalance", RANKS).tolist() == [ALL_BOUGHT, ALL_SOLD]


@pytest.mark.parametrize("colouring", COLOURINGS)
@pytest.mark.parametrize("style", ["delta", "total", "profile"])
def test_style_and_colouring_are_independent(style: Cells, colouring: Colouring):
    look = CellStyle(cells=style, colouring=colouring)
    assert fill_of_cells(BARS, CELLS, look, RANKS, GRID, COLUMN).step.tolist() == cell_steps(CELLS, colouring, RANKS).tolist()
