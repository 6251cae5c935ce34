"""The visible bars and prices, and their position on the screen.

The x axis counts bars (bar `k` occupies `[k, k + 1)`), the y axis counts price ticks (row `r` of `n` ticks
occupies `[r * n, (r + 1) * n)`). The price pane's upper left corner is the scene's origin, so pixels of the
viewport are pixels of the scene; y grows downwards, prices grow upwards.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

BAR_PX_LIMITS = (0.02, 800.0)  # a year of minutes on one screen … two bars side by side
TICK_PX_LIMITS = (1e-7, 400.0)  # even a price glitch must fit into the view


@dataclass(frozen=True, slots=True)
class Viewport:
    """The visible bars and prices of a chart; a frozen value: every movement returns a new viewport.

    Attributes
    ----------
    first_bar : float
        Bar number at the left edge.
    bar_px : float
        Width of a bar, logical pixels.
    low_ticks : float
        Price at the lower edge, ticks.
    tick_px : float
        Height of a tick, logical pixels.
    width_px, height_px : float
        Size of the price pane, logical pixels.
    """

    first_bar: float
    bar_px: float
    low_ticks: float
    tick_px: float
    width_px: float
    height_px: float

    def x(self, bar: float) -> float:
        """The x position of the left edge of a bar, given by number, logical pixels; a fraction is a position inside the bar."""
        return (bar - self.first_bar) * self.bar_px

    def y(self, ticks: float) -> float:
        """The y position of a price in ticks, logical pixels."""
        return self.height_px - (ticks - self.low_ticks) * self.tick_px

    def bar_at(self, x_px: float) -> float:
        """The bar number at `x_px`, with a fraction; rounded down, the number of the bar drawn there."""
        return self.first_bar + x_px / self.bar_px

    def ticks_at(self, y_px: float) -> float:
        """The price at `y_px`, in ticks, with a fraction."""
        return self.low_ticks + (self.height_px - y_px) / self.tick_px

    def visible_bars(self) -> tuple[int, int]:
        """The first and last bar number that are at least partly in view, both included, even if no bars have these numbers."""
        return math.floor(self.first_bar), math.ceil(self.bar_at(self.width_px)) - 1

    def visible_ticks(self) -> tuple[int, int]:
        """The lowest and highest tick that are at least partly in view, both included."""
        return math.floor(self.low_ticks), math.ceil(self.ticks_at(0)) - 1

    def panned(self, dx_px: float, dy_px: float) -> Viewport:
        """The viewport after the chart is dragged by some logical pixels; positive values move the chart right and down."""
        return replace(self, first_bar=self.first_bar - dx_px / self.bar_px, low_ticks=self.low_ticks + dy_px / self.tick_px)

    def zoomed_time(self, x_px: float, factor: float) -> Viewport:
        """The viewport with bars `factor` times as wide, within limits; the bar at `x_px` stays in place."""
        bar_px = _clamped(self.bar_px * factor, BAR_PX_LIMITS)
        return replace(self, bar_px=bar_px, first_bar=self.bar_at(x_px) - x_px / bar_px)

    def zoomed_price(self, y_px: float, factor: float) -> Viewport:
        """The viewport with rows `factor` times as high, within limits; the price at `y_px` stays in place."""
        tick_px = _clamped(self.tick_px * factor, TICK_PX_LIMITS)
        return replace(self, tick_px=tick_px, low_ticks=self.ticks_at(y_px) - (self.height_px - y_px) / tick_px)

    def resized(self, width_px: float, height_px: float) -> Viewport:
        """The viewport in a pane of another size; the bar at the right edge and the middle price stay in place."""
        right, middle = self.bar_at(self.width_px), self.ticks_at(self.height_px / 2)
        return replace(
            self,
            width_px=width_px,
            height_px=height_px,
            first_bar=right - width_px / self.bar_px,
            low_ticks=middle - height_px / 2 / self.tick_px,
        )

    def following(self, old_last: int, new_last: int) -> Viewport:
        """The viewport moved on by the number of new bars, so that the newest bar is drawn where the last one was."""
        return replace(self, first_bar=self.first_bar + (new_last - old_last))

    def fitted(self, low_ticks: float, high_ticks: float, margin: float = 0.08) -> Viewport:
        """The viewport fitted to a price range, with at least a share `margin` of the height free above and below, within limits."""
        tick_px = _clamped(self.height_px * (1 - 2 * margin) / max(high_ticks - low_ticks, 1), TICK_PX_LIMITS)
        return replace(self, tick_px=tick_px).centred((low_ticks + high_ticks) / 2)

    def centred(self, ticks: float) -> Viewport:
        """The viewport with the price `ticks` in the middle of the height, at the same scale."""
        return replace(self, low_ticks=ticks - self.height_px / 2 / self.tick_px)

    def with_bar_at(self, bar: float, x_px: float) -> Viewport:
        """The viewport with the left edge of bar number `bar` at `x_px`, at the same scale."""
        return replace(self, first_bar=bar - x_px / self.bar_px)


def _clamped(value: float, limits: tuple[float, float]) -> float:
    return min(max(value, limits[0]), limits[1])
