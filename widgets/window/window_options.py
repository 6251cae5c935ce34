"""What a window looks like when it opens, and where its pictures go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.settings.calculation import CalculationSettings
from rendering.items.overlays import shown_at_first
from rendering.scene.layers import LAYERS


def _forget(*_what: object) -> None:
    """For a window that remembers nothing."""


PALETTES = ("blue-orange", "green-red")


@dataclass(frozen=True, slots=True)
class WindowOptions:
    """What the window starts with.

    Attributes
    ----------
    theme, palette : str
    painter : "raster" or "gl"
        As chosen for this machine.
    painter_reason : str
        Why, for the status bar's tool tip.
    journal : Path
        Where pictures go.
    instruments : sequence of str
        Offered in the toolbar.
    shown : frozenset of str
        Overlays that are shown.
    remember_shown : callable
        Called with the overlays as settings write them, when the user has chosen others.
    remember : callable
        Called with section, name and value of another setting that the user has changed.
    remember_rules : callable
        Called with the rules of the figures before and after the user has changed them.
    """

    theme: str
    palette: str
    painter: str
    painter_reason: str
    journal: Path
    instruments: Sequence[str] = ()
    shown: frozenset[str] = shown_at_first(LAYERS)
    remember_shown: Callable[[str], None] = _forget
    remember: Callable[[str, str, str], None] = _forget
    remember_rules: Callable[[CalculationSettings, CalculationSettings], None] = _forget
