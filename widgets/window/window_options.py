"""Options that a window starts with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.settings.calculation import CalculationSettings
from rendering.items.overlays import shown_at_first
from rendering.paint.tile_budget import TileBudget
from rendering.scene.all_layers import LAYERS


def _forget(*_what: object) -> None:
    """Discard a setting, for a window that saves none."""


@dataclass(frozen=True, slots=True)
class WindowOptions:
    """Appearance, folders and callbacks of a new window.

    Attributes
    ----------
    theme, palette : str
    painter : "raster" or "gl"
        As determined for this machine.
    painter_reason : str
        The reason for that painter, for the status bar's tooltip.
    journal : Path
        Folder for images.
    instruments : sequence of str
        Markets in the toolbar's list.
    shown : frozenset of str
        Names of the visible overlays.
    remember_shown : callable
        Called with the overlays in the format of the settings, when the user has changed them.
    remember : callable
        Called with section, name and value of another setting that the user has changed.
    remember_rules : callable
        Called with the calculation settings before and after a change by the user.
    tiles : TileBudget
        The memory for tiles, for all charts of the program.
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
    tiles: TileBudget = field(default_factory=TileBudget)
