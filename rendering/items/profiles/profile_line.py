"""The lines that a profile draws: POC, VAH and VAL, with their prices and colours."""

from __future__ import annotations

import math
from typing import NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtGui import QPen

from app.profiles.profile_settings import ProfileColours
from app.profiles.profile_values import ProfileFigures
from rendering.style.colour import Colour
from rendering.style.profile_palette import profile_tones
from rendering.style.text import qcolor
from rendering.view.frame import Frame


class LevelLine(NamedTuple):
    """A line across the prices: its name, its price in ticks, the price as text, its colour."""

    name: str
    ticks: float
    text: str
    colour: Colour

    @property
    def pen(self) -> QPen:
        """Solid for the POC, dashed for the edges of the value area."""
        return QPen(qcolor(self.colour), 1, Qt.PenStyle.SolidLine if self.name == "POC" else Qt.PenStyle.DashLine)


def level_lines(frame: Frame, figures: ProfileFigures, colours: ProfileColours) -> tuple[LevelLine, LevelLine, LevelLine]:
    """POC at the middle of its row, VAH at the upper edge of the highest row, VAL at the lower edge of the lowest."""
    grid, tones = frame.chart.series.grid, profile_tones(frame.theme, colours)
    middle = math.floor(figures.poc_ticks)  # of a middle between two ticks the lower one
    return (
        LevelLine("POC", figures.poc_ticks, grid.text(middle), tones.poc),
        LevelLine("VAH", figures.vah_ticks, grid.text(figures.vah_ticks), tones.value_area),
        LevelLine("VAL", figures.val_ticks, grid.text(figures.val_ticks), tones.value_area),
    )
