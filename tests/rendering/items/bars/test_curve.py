"""Lines through one value per bar."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyqtgraph as pg
import pytest
from PySide6.QtGui import QPainterPath

from rendering.items.bars.curve import _path


def elements(path: QPainterPath) -> list[tuple[str, float, float]]:
    found = [path.elementAt(index) for index in range(path.elementCount())]
    return [("line" if element.isLineTo() else "move", element.x, element.y) for element in found]


def test_a_path_is_broken_after_each_point_that_is_not_joined_to_the_next():
    x, y = np.array([0.0, 1.0, 2.0, 3.5]), np.array([5.0, 6.0, 7.0, 8.25])
    path = _path(x, y, np.array([1, 0, 1, 0]))
    assert elements(path) == [("move", 0, 5), ("line", 1, 6), ("move", 2, 7), ("line", 3.5, 8.25)]


@pytest.mark.parametrize("seed", range(5))
def test_a_path_is_that_of_pyqtgraph(seed: int):
    rng = np.random.default_rng(seed)
    x, y, connect = np.cumsum(rng.random(300)), rng.normal(0, 40, 300), (rng.random(300) < 0.8).astype(np.int32)
    theirs = pg.arrayToQPath(x, y, connect=connect)
    lines = [(before[1:], element[1:]) for before, element in pairwise(elements(theirs)) if element[0] == "line"]
    ours = elements(_path(x, y, connect))
    assert [(before[1:], element[1:]) for before, element in pairwise(ours) if element[0] == "line"] == lines
