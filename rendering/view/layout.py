"""Positions of the panes of a chart, in logical pixels. Plain numbers, no Qt.

        ┌──────────────────────────┬─────────┬───────┐
        │ price                    │ profile │ price │
        │                          │         │ axis  │
        ├──────────────────────────┼─────────┼───────┤
        │ delta                    │         │ delta │
        ├──────────────────────────┤ totals  │ axis  │
        │ volume                   │         │       │
        ├──────────────────────────┼─────────┼───────┤
        │ strip of an overlay      │         │       │
        ├──────────────────────────┴─────────┼───────┤
        │ time axis                          │corner │
        └────────────────────────────────────┴───────┘

The profile has its own pane next to the bars, at the same prices, so that it covers no number.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

AXIS_TEXT_PX = 11
LEGEND_TEXT_PX = 12
LEGEND_LEFT, LEGEND_TOP, LINE_PX = 8.0, 7.0, 18.0
"""Upper left corner of the legend, and the height of its lines, of the crosshair's readout and of the badge."""
CHAR_ASPECT = 0.6
"""Width of a character of the chart's monospaced font, in text heights."""

TIME_AXIS_PX = 24
VOLUME_ROW_PX = 18
PROFILE_SHARE, PROFILE_MAX_PX = 0.16, 220
_PROFILE_NEEDS_PX = 420  # below that the bars need the width
_DELTA_NEEDS_PX = 260  # below that the prices need the height
_DELTA_SHARE, _DELTA_MIN_PX, _DELTA_MAX_PX = 0.13, 44, 110
_LABEL_PADDING_PX = 7
_PRICE_SHARE = 0.4
"""The price pane gets at least this share of the height; strips that leave it less are left out, the last ones first."""


class Rect(NamedTuple):
    """A rectangle in whole logical pixels: left, top, width and height; its `right` and `bottom` are exclusive."""

    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """X of the first pixel right of the rectangle."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """Y of the first pixel below the rectangle."""
        return self.top + self.height

    def holds(self, x: float, y: float) -> bool:
        """True if the rectangle contains a point; its right and bottom edges are exclusive."""
        return self.left <= x < self.right and self.top <= y < self.bottom


class Strip(NamedTuple):
    """A pane that an overlay requests under the bars, sized as a share of the height.

    The pane gets about `share` of the height above the time axis, between `least_px` and `most_px`; if less than `least_px`
    is free, there is no pane.
    """

    name: str
    share: float
    least_px: int
    most_px: int


_NOWHERE = Rect(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class PaneLayout:
    """The panes of a chart of `width` x `height` logical pixels; panes that do not fit have width or height 0.

    `strips` are the panes of overlays with their names, as wide as the price pane, from top to bottom.
    """

    width: int
    height: int
    price: Rect
    profile: Rect
    delta: Rect
    volume: Rect
    totals: Rect
    price_axis: Rect
    delta_axis: Rect
    time_axis: Rect
    strips: tuple[tuple[str, Rect], ...] = ()

    @classmethod
    def of(
        cls,
        width: int,
        height: int,
        axis_label: str = "00000.00",
        *,
        profile: bool = True,
        delta: bool = True,
        strips: Sequence[Strip] = (),
    ) -> PaneLayout:
        """The layout of a chart's panes for a size, an axis label and the requested panes.

        Parameters
        ----------
        width, height : int
            Logical pixels of the whole chart.
        axis_label : str
            The longest price label; it sets the width of the axis.
        profile, delta : bool
            Whether these panes are requested; they are left out if the chart is too small.
        strips : sequence of Strip
            Further panes that overlays request, from top to bottom.
        """
        axis = min(width, text_width(axis_label) + 2 * _LABEL_PADDING_PX)
        plot_width = max(0, width - axis)
        strip = min(PROFILE_MAX_PX, round(PROFILE_SHARE * plot_width)) if profile and plot_width >= _PROFILE_NEEDS_PX else 0
        time_height = min(TIME_AXIS_PX, height)
        above = height - time_height
        delta_height, volume_height = 0, 0
        if delta and above >= _DELTA_NEEDS_PX:
            delta_height = min(_DELTA_MAX_PX, max(_DELTA_MIN_PX, round(_DELTA_SHARE * above)))
            volume_height = VOLUME_ROW_PX
        bars = plot_width - strip
        under = delta_height + volume_height
        heights = _strip_heights(strips, above, above - under - math.ceil(_PRICE_SHARE * above))
        price_height = above - under - sum(heights)
        tops = [price_height + under + sum(heights[:index]) for index in range(len(heights))]
        return cls(
            width=width,
            height=height,
            price=Rect(0, 0, bars, price_height),
            profile=Rect(bars, 0, strip, price_height),
            delta=Rect(0, price_height, bars, delta_height),
            volume=Rect(0, price_height + delta_height, bars, volume_height),
            totals=Rect(bars, price_height, strip, under),
            price_axis=Rect(plot_width, 0, axis, price_height),
            delta_axis=Rect(plot_width, price_height, axis, under),
            time_axis=Rect(0, above, plot_width, time_height),
            strips=tuple(
                (wanted.name, Rect(0, top, bars, height)) for wanted, top, height in zip(strips, tops, heights, strict=True) if height
            ),
        )

    def strip_of(self, name: str) -> Rect:
        """The pane under the bars that an overlay gets, by its name; size 0 if it gets none."""
        return dict(self.strips).get(name, _NOWHERE)

    def beside(self, pane: Rect) -> Rect:
        """The area right of a pane that shows bars, up to the right edge of the chart."""
        return Rect(pane.right, pane.top, self.width - pane.right, pane.height)

    @property
    def plot_right(self) -> int:
        """X of the left edge of the price axis, where bars and profile end."""
        return self.price_axis.left

    def pane_at(self, x: float, y: float) -> str | None:
        """The name of the pane under a point, e.g. `"price"` or an overlay's name; None where there is no pane."""
        for name in ("price", "profile", "delta", "volume", "totals", "price_axis", "delta_axis", "time_axis"):
            if getattr(self, name).holds(x, y):
                return name
        return next((name for name, pane in self.strips if pane.holds(x, y)), None)


def _strip_heights(strips: Sequence[Strip], above: int, free: int) -> list[int]:
    """The height of each strip in whole pixels, earlier strips first; 0 for a strip if fewer than its `least_px` pixels are free."""
    heights: list[int] = []
    for strip in strips:
        height = min(strip.most_px, max(strip.least_px, round(strip.share * above)), free)
        heights.append(height if height >= strip.least_px else 0)
        free -= heights[-1]
    return heights


def text_width(text: str, text_px: int = AXIS_TEXT_PX) -> int:
    """The width of a text in the chart's font, logical pixels, rounded up."""
    return math.ceil(len(text) * CHAR_ASPECT * text_px)
