"""Choose a place for a panel where it does not cover given boxes. Plain numbers, no Qt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class PanelRect(NamedTuple):
    """A rectangle: left, top, right and bottom in logical pixels; right and bottom are exclusive."""

    left: float
    top: float
    right: float
    bottom: float

    def overlap(self, other: PanelRect) -> float:
        """The area shared with another rectangle, in square pixels; 0 if they do not overlap."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(width, 0.0) * max(height, 0.0)

    def grown(self, by: float) -> PanelRect:
        """This rectangle with each side moved outwards by `by` pixels."""
        return PanelRect(self.left - by, self.top - by, self.right + by, self.bottom + by)

    def at(self, left: float, top: float) -> PanelRect:
        """A rectangle of the same size with its upper left corner at (`left`, `top`)."""
        return PanelRect(left, top, left + self.right - self.left, top + self.bottom - self.top)


def place_panel(width: float, height: float, area: PanelRect, clear: Sequence[PanelRect], near: tuple[float, float]) -> PanelRect:
    """The rectangle for a panel inside an area, near a point and without covering a `clear` box if possible.

    If any place is free, a free place is found: from a free place the panel could be pushed to the left until it meets the area's edge
    or a box, and then upwards, so it is enough to try the places where edges meet. If no place is free, the result is that corner of
    the area in which the panel covers least; a panel larger than the area starts at the area's upper left.

    Parameters
    ----------
    width, height : float
        Size of the panel.
    clear : sequence of PanelRect
        Boxes that must not be covered; a few dozen, as the work grows with the cube of their number.
    near : (float, float)
        The clicked point.
    """
    right, bottom = max(area.left, area.right - width), max(area.top, area.bottom - height)
    boxes = np.array([box for box in clear if box.right > box.left and box.bottom > box.top], np.float64).reshape(-1, 4)
    left = _candidates(area.left, right, width, boxes[:, 0], boxes[:, 2], near[0])
    top = _candidates(area.top, bottom, height, boxes[:, 1], boxes[:, 3], near[1])
    beside = (left[:, None] < boxes[:, 2]) & (left[:, None] + width > boxes[:, 0])
    level = (top[:, None] < boxes[:, 3]) & (top[:, None] + height > boxes[:, 1])
    free = (beside.astype(np.float32) @ level.astype(np.float32).T) == 0
    panel = PanelRect(0.0, 0.0, width, height)
    if not free.any():
        corners = [panel.at(x, y) for y in (area.top, bottom) for x in (right, area.left)]
        return min(corners, key=lambda corner: sum(corner.overlap(box) for box in clear))
    away = np.hypot((left + width / 2 - near[0])[:, None], (top + height / 2 - near[1])[None, :])
    best = int(np.argmin(np.where(free, away, np.inf)))
    return panel.at(float(left[best // len(top)]), float(top[best % len(top)]))


def covers(panel: PanelRect, clear: Sequence[PanelRect]) -> bool:
    """True if a panel covers any part of a `clear` box."""
    return any(panel.overlap(box) > 0 for box in clear)


def _candidates(low: float, high: float, size: float, starts: np.ndarray, ends: np.ndarray, near: float) -> np.ndarray:
    """Positions to try for the panel's left or top edge, ascending.

    They put the panel at both ends of the area, at either side of each box, and centred on the point, if it then lies inside the area.
    """
    found = np.concatenate(([low, high, np.floor(near - size / 2)], starts - size, ends))
    return np.unique(found[(found >= low) & (found <= high)])
