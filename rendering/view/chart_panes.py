"""The room of a chart and how it is divided now: again when its size, its panes or the length of its price labels change."""

from __future__ import annotations

from collections.abc import Sequence

from rendering.view.layout import PaneLayout, Strip

_FIRST_LABEL = "00000.00"
"""What the price axis has room for before there are prices."""


class ChartPanes:
    """Width and height in logical pixels, and the panes in them.

    Attributes
    ----------
    size : (width, height)
    layout : PaneLayout
    """

    def __init__(self, width: float, height: float, shown: frozenset[str], strips: Sequence[Strip]) -> None:
        self.size = (width, height)
        self._label = ""
        self.layout = self._divided(shown, strips)

    def divide(self, shown: frozenset[str], strips: Sequence[Strip], label: str = "") -> None:
        """Divide it among the overlays that are shown; `label` is a price that the axis must have room for, from now on."""
        if len(label) > len(self._label):
            self._label = label
        layout = self._divided(shown, strips)
        if layout != self.layout:  # the same value stays the same object
            self.layout = layout

    def take_after(self, other: ChartPanes) -> None:
        """Leave as much room for prices as another."""
        self._label = other._label
        if self.size == other.size:
            self.layout = other.layout

    def _divided(self, shown: frozenset[str], strips: Sequence[Strip]) -> PaneLayout:
        width, height = round(self.size[0]), round(self.size[1])
        label = self._label or _FIRST_LABEL
        return PaneLayout.of(width, height, label, profile="profile" in shown, delta="delta" in shown, strips=strips)
