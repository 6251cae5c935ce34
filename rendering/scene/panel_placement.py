"""Where a small panel finds room beside what it speaks of. Plain numbers, no Qt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class PanelRect(NamedTuple):
    """Left, top, right and bottom in logical pixels; the right and lower edges do not belong to it."""

    left: float
    top: float
    right: float
    bottom: float

    def overlap(self, other: PanelRect) -> float:
        """The area that both have in common."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(width, 0.0) * max(height, 0.0)

    def grown(self, by: float) -> PanelRect:
        """One that is larger by so much on each side."""
        return PanelRect(self.left - by, self.top - by, self.right + by, self.bottom + by)

    def at(self, left: float, top: float) -> PanelRect:
        """One of the same size elsewhere."""
        return PanelRect(left, top, left + self.right - self.left, top + self.bottom - self.top)


def place_panel(width: float, height: float, area: PanelRect, clear: Sequence[PanelRect], near: tuple[float, float]) -> PanelRect:
    """A place inside an area that covers nothing of what must stay clear, as near to a point as such a place can be found.

    If there is any such place, one is found: from any, the panel can be pushed to the left until it meets the area's edge or
    one of the boxes, and then upwards, so it is enough to look where edges meet. If there is none, it is the corner of the area
    that covers least; a panel larger than the area begins at its upper left.

    Parameters
    ----------
    width, height : float
        Of the panel.
    clear : sequence of Box
        What must not be covered; a few dozen, the work grows with the cube of their number.
    near : (float, float)
        The point that was asked about.
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
    """Whether a panel covers any part of what must stay clear."""
    return any(panel.overlap(box) > 0 for box in clear)


def _candidates(low: float, high: float, size: float, starts: np.ndarray, ends: np.ndarray, near: float) -> np.ndarray:
    """Where one edge of the panel may lie: at the area's edges, just before and just behind each box, and around the point."""
    found = np.concatenate(([low, high, np.floor(near - size / 2)], starts - size, ends))
    return np.unique(found[(found >= low) & (found <= high)])
