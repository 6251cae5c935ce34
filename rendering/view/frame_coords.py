"""Screen positions of the bars and prices of a frame."""

from __future__ import annotations

import math

from app.market.price_grid import TICK_MIDDLE
from rendering.view.frame import Frame


def price_y(frame: Frame, ticks: float) -> float:
    """The y position of a price, logical pixels, rounded to a device pixel like the edges of cells and rows."""
    return frame.pixels.screen_y(ticks) / frame.dpr


def line_y(frame: Frame, ticks: float) -> float:
    """The y position of a line at a price, which is drawn at the middle of its tick; logical pixels, rounded to a device pixel."""
    return price_y(frame, ticks + TICK_MIDDLE)


def hairline(frame: Frame) -> float:
    """The width of a thin line, logical pixels: about 1, and a whole number of device pixels."""
    return max(1, math.floor(frame.dpr)) / frame.dpr


def bars_on_screen(frame: Frame) -> tuple[int, int]:
    """Indices `[first, end)` of all bars at least partly in view, also after `as_of`."""
    return frame.bars_on_screen


def bars_in_view(frame: Frame) -> tuple[int, int]:
    """Indices `[first, end)` of the bars in view, without those after the as-of moment."""
    (first, end), known = bars_on_screen(frame), frame.known_end
    return min(first, known), min(end, known)


def bars_around(frame: Frame) -> tuple[int, int]:
    """Indices `[first, end)` of the bars in view and one more on each side, for lines that leave the view."""
    first, end = bars_in_view(frame)
    return max(0, first - 1), min(frame.known_end, end + 1)
