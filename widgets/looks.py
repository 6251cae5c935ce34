"""What a window looks like when it opens, and where its pictures go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PALETTES = ("blue-orange", "green-red")


@dataclass(frozen=True, slots=True)
class Looks:
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
    """

    theme: str
    palette: str
    painter: str
    painter_reason: str
    journal: Path
    instruments: Sequence[str] = ()
