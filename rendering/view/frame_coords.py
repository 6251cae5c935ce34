"""Screen positions of the bars and prices of a frame."""

from __future__ import annotations

import math

from rendering.view.frame import Frame


def price_y(frame: Frame, ticks: float) -> float:
    """Where a price is drawn: the rounded edge that cells and profile rows share, in logical pixels."""
    return frame.pixels.screen_y(ticks) / frame.dpr


def hairline(frame: Frame) -> float:
    """The thickness of a line, logical pixels: whole device pixels, about one logical one."""
    return max(1, math.floor(frame.dpr)) / frame.dpr


def bars_on_screen(frame: Frame) -> tuple[int, int]:
    """Indices `[first, end)` of the bars of which at least a part is in sight, known or veiled."""
    return frame.bars_on_screen


def bars_in_view(frame: Frame) -> tuple[int, int]:
    """Those of them that figures may know of."""
    (first, end), known = bars_on_screen(frame), frame.known_end
    return min(first, known), min(end, known)


def bars_around(frame: Frame) -> tuple[int, int]:
    """The bars in sight and one more on each side: lines lead to those."""
    first, end = bars_in_view(frame)
    return max(0, first - 1), min(frame.known_end, end + 1)
