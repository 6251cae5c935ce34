"""Screen positions of the bars and prices of a frame."""

from __future__ import annotations

import math

from rendering.view.frame import Frame


def price_y(frame: Frame, ticks: float) -> float:
    """Y of a price in logical pixels, rounded to a device pixel as the edges of cells and rows are."""
    return frame.pixels.screen_y(ticks) / frame.dpr


def hairline(frame: Frame) -> float:
    """Width of a thin line: about 1 logical pixel, in whole device pixels."""
    return max(1, math.floor(frame.dpr)) / frame.dpr


def bars_on_screen(frame: Frame) -> tuple[int, int]:
    """Indices `[first, end)` of all bars at least partly in view, also after `as_of`."""
    return frame.bars_on_screen


def bars_in_view(frame: Frame) -> tuple[int, int]:
    """Indices `[first, end)` of the bars in view that values may use, up to `as_of`."""
    (first, end), known = bars_on_screen(frame), frame.known_end
    return min(first, known), min(end, known)


def bars_around(frame: Frame) -> tuple[int, int]:
    """Indices `[first, end)` of the bars in view that values may use, plus one bar on each side for lines that leave the view."""
    first, end = bars_in_view(frame)
    return max(0, first - 1), min(frame.known_end, end + 1)
