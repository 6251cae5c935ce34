"""How a volume profile is made and drawn: the inputs that a user chooses, of every profile on a chart alike."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field

from app.analytics.row_layout import RowLayout
from app.analytics.value_area import ValueAreaMethod
from app.errors import BadInputError


class VolumeDisplay(enum.Enum):
    """What the rows of a profile show; the value is the name shown."""

    TOTAL = "total"
    SPLIT = "buy/sell"
    DELTA = "delta"


class Placement(enum.Enum):
    """At which end of its room a profile's rows begin."""

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
"""Colours that people with any of the usual kinds of colour blindness tell apart: M. Okabe, K. Ito, Color Universal Design, 2008."""


@dataclass(frozen=True, slots=True)
class ProfileColours:
    """The colours of one profile, each as `#rrggbb`; an empty one is the theme's.

    Attributes
    ----------
    buy, sell : str
        Of the rows inside the value area; those outside are drawn fainter.
    value_area : str
        Of the lines VAH and VAL, and of rows that have no side.

    Raises
    ------
    BadInputError
        If one is no colour.
    """

    buy: str = ""
    sell: str = ""
    value_area: str = ""

    def __post_init__(self) -> None:
        for colour in (self.buy, self.sell, self.value_area):
            if colour and not re.fullmatch(r"#[0-9a-f]{6}", colour):
                raise BadInputError(f"colour: found {colour!r}, expected a hex colour such as #0072b2")


def parse_colour_name(text: str) -> str:
    """A colour by its name in `SAFE_COLOURS`, or as `#rrggbb`; nothing, or `theme`, is the theme's.

    Raises
    ------
    BadInputError
        If it is neither.
    """
    text = text.strip().lower()
    found = "" if text == "theme" else SAFE_COLOURS.get(text, text)
    if found and not re.fullmatch(r"#[0-9a-f]{6}", found):
        raise BadInputError(f"colour: found {text!r}, expected {', '.join(SAFE_COLOURS)}, theme, or a hex colour such as #0072b2")
    return found


@dataclass(frozen=True, slots=True)
class ProfileSettings:
    """How one profile is made and drawn.

    Attributes
    ----------
    rows : RowLayout
    volume : VolumeShown
    percent, method : int, ValueAreaMethod
        Share and rule of the value area.
    placement : Placement
    width_percent : int, 5 to 100
        Share of the profile's width on the screen that its longest row takes.
    extend_poc, extend_vah, extend_val : bool
        Whether the line goes on to the right edge of the chart.
    colours : ProfileColours
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
"""Of the profile beside the bars, until the user chooses others."""
