"""Settings of a volume profile: anchored, range, composite, period or visible range."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field

from app.analytics.row_layout import RowLayout
from app.analytics.value_area import ValueAreaMethod
from app.errors import BadInputError


class VolumeDisplay(enum.Enum):
    """The volume that the rows of a profile show; each member's value is its label."""

    TOTAL = "total"
    SPLIT = "buy/sell"
    DELTA = "delta"


class Placement(enum.Enum):
    """The side of a profile from which its rows grow: all rows begin at its left or at its right edge."""

    LEFT = "left"
    RIGHT = "right"


SAFE_COLOURS = {
    "blue": "#0072b2",
    "sky blue": "#56b4e9",
    "orange": "#e69f00",
    "vermilion": "#d55e00",
    "green": "#009e73",
    "yellow": "#f0e442",
    "purple": "#cc79a7",
}
"""Colours, by name, that are distinct with common colour blindness: M. Okabe, K. Ito, Color Universal Design, 2008."""


@dataclass(frozen=True, slots=True)
class ProfileColours:
    """The colours of one profile, each as `#rrggbb`, or empty for the theme's colour.

    Attributes
    ----------
    buy, sell : str
        Colours of rows inside the value area; rows outside are drawn fainter.
    value_area : str
        Colour of the VAH and VAL lines, and of rows without a side.

    Raises
    ------
    BadInputError
        If a text is neither empty nor `#` and six lowercase hex digits.
    """

    buy: str = ""
    sell: str = ""
    value_area: str = ""

    def __post_init__(self) -> None:
        for colour in (self.buy, self.sell, self.value_area):
            if colour and not re.fullmatch(r"#[0-9a-f]{6}", colour):
                raise BadInputError(f"colour: found {colour!r}, expected a hex colour such as #0072b2")


def parse_colour_name(text: str) -> str:
    """Convert a name in `SAFE_COLOURS`, or `#rrggbb`, to `#rrggbb`; `theme` and an empty text give an empty text.

    Raises
    ------
    BadInputError
        If the text is none of these.
    """
    text = text.strip().lower()
    found = "" if text == "theme" else SAFE_COLOURS.get(text, text)
    if found and not re.fullmatch(r"#[0-9a-f]{6}", found):
        raise BadInputError(f"colour: found {text!r}, expected {', '.join(SAFE_COLOURS)}, theme, or a hex colour such as #0072b2")
    return found


@dataclass(frozen=True, slots=True)
class ProfileSettings:
    """Settings of one profile: rows, shown volume, value area, placement, width, lines, colours.

    Attributes
    ----------
    rows : RowLayout
    volume : VolumeDisplay
    percent, method : int, ValueAreaMethod
        Percentage and method of the value area.
    placement : Placement
    width_percent : int, 5 to 100
        Length of the longest row, in percent of the profile's width on the screen.
    extend_poc, extend_vah, extend_val : bool
        True extends the line to the right edge of the chart.
    colours : ProfileColours

    Raises
    ------
    BadInputError
        If a percentage is outside its range.
    """

    rows: RowLayout = field(default_factory=RowLayout)
    volume: VolumeDisplay = VolumeDisplay.SPLIT
    percent: int = 70
    method: ValueAreaMethod = ValueAreaMethod.DALTON
    placement: Placement = Placement.LEFT
    width_percent: int = 30
    extend_poc: bool = False
    extend_vah: bool = False
    extend_val: bool = False
    colours: ProfileColours = field(default_factory=ProfileColours)

    def __post_init__(self) -> None:
        if not 1 <= self.percent <= 100:
            raise BadInputError(f"value area: found {self.percent} %, expected 1 to 100")
        if not 5 <= self.width_percent <= 100:
            raise BadInputError(f"width: found {self.width_percent} %, expected 5 to 100")


SIDE_INPUTS = ProfileSettings(placement=Placement.RIGHT, width_percent=94, extend_poc=True, extend_vah=True, extend_val=True)
"""Settings of the visible range profile, until the user changes them."""
