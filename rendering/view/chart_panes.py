"""The current layout of a chart's panes, replaced when size, panes or price labels change."""

from __future__ import annotations

from collections.abc import Sequence

from rendering.view.layout import PaneLayout, Strip

_FIRST_LABEL = "00000.00"
"""The price axis is this wide before there are prices."""


class ChartPanes:
    """The size of a chart in logical pixels, and the layout of its panes.

    Attributes
    ----------
    size : (width, height)
    layout : PaneLayout
    """

    def __init__(self, width: float, height: float, shown: frozenset[str], strips: Sequence[Strip]) -> None:
        self.size = (width, height)
        self._label = ""
        self._divided_for: tuple[object, ...] = ()
        self.layout = self._divided(shown, strips)

    def divide(self, shown: frozenset[str], strips: Sequence[Strip], label: str = "") -> None:
        """Lay out the panes for the shown overlays; the price axis fits the longest `label` so far and never becomes narrower."""
        if len(label) > len(self._label):
            self._label = label
        key = self.size, shown, strips, self._label
        if key == self._divided_for:
            return
        self._divided_for = key
        layout = self._divided(shown, strips)
        if layout != self.layout:  # the same value stays the same object
            self.layout = layout

    def take_after(self, other: ChartPanes) -> None:
        """Copy the width of another chart's price axis, and that chart's layout if both charts have the same size."""
        self._label = other._label
        if self.size == other.size:
            self.layout, self._divided_for = other.layout, ()

    def _divided(self, shown: frozenset[str], strips: Sequence[Strip]) -> PaneLayout:
        width, height = round(self.size[0]), round(self.size[1])
        label = self._label or _FIRST_LABEL
        return PaneLayout.of(width, height, label, profile="profile" in shown, delta="delta" in shown, strips=strips)
