"""The device pixels of bar and row edges, rounded in one place for all layers.

Global pixel space has its origin at bar number 0 and price 0, and does not move when the view is panned:
`X = floor(bar * bar_px * dpr)`, `Y = -round(ticks * tick_px * dpr)` (half up), Y growing downwards. Cells, profile rows
and lines that take their edges from here share them exactly, and a pan is a shift by whole pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from rendering.view.viewport import Viewport


@dataclass(frozen=True, slots=True)
class PixelGrid:
    """The scale of global pixel space, and the position of the screen in it.

    Attributes
    ----------
    bar_pitch, tick_pitch : float
        Device pixels per bar and per tick.
    left, top : int
        Global pixel at the upper left corner of the price pane.
    width, height : int
        Size of the price pane, device pixels.
    dpr : float
        Device pixels per logical pixel.
    """

    bar_pitch: float
    tick_pitch: float
    left: int
    top: int
    width: int
    height: int
    dpr: float

    @classmethod
    def of(cls, viewport: Viewport, dpr: float) -> PixelGrid:
        """The pixel grid of a viewport at `dpr` device pixels per logical pixel."""
        bar_pitch, tick_pitch = viewport.bar_px * dpr, viewport.tick_px * dpr
        height = round(viewport.height_px * dpr)
        return cls(
            bar_pitch=bar_pitch,
            tick_pitch=tick_pitch,
            left=math.floor(viewport.first_bar * bar_pitch + 0.5),
            top=-math.floor(viewport.low_ticks * tick_pitch + 0.5) - height,
            width=round(viewport.width_px * dpr),
            height=height,
            dpr=dpr,
        )

    @property
    def scale(self) -> tuple[float, float]:
        """Device pixels per bar and per tick; tiles drawn at the same scale fit together."""
        return self.bar_pitch, self.tick_pitch

    def bar_x(self, bars: Any) -> Any:
        """Global X of the left edges of the bars with these numbers; int64, shape as given."""
        return np.floor(np.asarray(bars, np.float64) * self.bar_pitch).astype(np.int64)

    def price_y(self, ticks: Any) -> Any:
        """Global Y of prices in ticks, int64, shape as given; smaller is higher up."""
        return -np.floor(np.asarray(ticks, np.float64) * self.tick_pitch + 0.5).astype(np.int64)

    def screen_x(self, bar: float) -> int:
        """X of the left edge of a bar, given by number, in device pixels from the left edge of the price pane."""
        return math.floor(bar * self.bar_pitch) - self.left

    def screen_y(self, ticks: float) -> int:
        """Y of a price in ticks, in device pixels from the top of the price pane: the first pixel below that price."""
        return -math.floor(ticks * self.tick_pitch + 0.5) - self.top

    def bars_in(self, left: int, right: int) -> tuple[int, int]:
        """The first and last bar number in global pixels `[left, right)`, both included, with one bar of margin on each side."""
        return math.floor(left / self.bar_pitch) - 1, math.ceil(right / self.bar_pitch)

    def ticks_in(self, top: int, bottom: int) -> tuple[int, int]:
        """The lowest and highest tick in global pixels `[top, bottom)`, both included, with a tick or two of margin on each side."""
        return math.floor(-bottom / self.tick_pitch) - 1, math.ceil(-top / self.tick_pitch) + 1
