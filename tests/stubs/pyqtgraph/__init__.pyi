"""The part of pyqtgraph that the program uses; it has no types of its own."""

from typing import Literal

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QPainterPath
from PySide6.QtWidgets import QGraphicsItem, QGraphicsObject, QGraphicsScene

class GraphicsObject(QGraphicsObject):
    def __init__(self, parent: QGraphicsItem | None = None, /) -> None: ...
    def scene(self) -> QGraphicsScene | None: ...  # None until it is added to one, which Qt's own types leave out

def arrayToQPath(
    x: npt.NDArray[np.float64],
    y: npt.NDArray[np.float64],
    connect: Literal["all", "pairs", "finite"] | npt.NDArray[np.int32] = "all",
    finiteCheck: bool = True,
) -> QPainterPath: ...
