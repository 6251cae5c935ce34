"""The lines of a profile: POC, VAH and VAL, with their prices and colours."""

from __future__ import annotations

from typing import NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtGui import QPen

from app.profiles.profile_settings import ProfileColours
from app.profiles.profile_values import ProfileValues
from rendering.style.colour import Colour
from rendering.style.profile_palette import profile_palette
from rendering.style.text import qcolor
from rendering.view.frame import Frame


class ProfileLine(NamedTuple):
    """A line of a profile: its name (POC, VAH or VAL), price in ticks, price text and colour."""

    name: str
    ticks: int
    text: str
    colour: Colour

    @property
    def pen(self) -> QPen:
        """The pen of the line: solid for the POC, dashed for VAH and VAL."""
        return QPen(qcolor(self.colour), 1, Qt.PenStyle.SolidLine if self.name == "POC" else Qt.PenStyle.DashLine)


def profile_lines(frame: Frame, figures: ProfileValues, colours: ProfileColours) -> tuple[ProfileLine, ProfileLine, ProfileLine]:
    """The POC, VAH and VAL lines of a profile, in this order; see `app.market.price_grid` for their prices."""
    grid, tones = frame.chart.series.grid, profile_palette(frame.theme, colours)
    return (
        ProfileLine("POC", figures.poc_ticks, grid.text(figures.poc_ticks), tones.poc),
        ProfileLine("VAH", figures.vah_ticks, grid.text(figures.vah_ticks), tones.value_area),
        ProfileLine("VAL", figures.val_ticks, grid.text(figures.val_ticks), tones.value_area),
    )
