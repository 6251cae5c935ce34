"""The colours in which a profile is drawn: the theme's, but for those that the user chose for it."""

from __future__ import annotations

from typing import NamedTuple

from app.profiles.profile_settings import ProfileColours
from rendering.style.colour import Colour, parse_colour
from rendering.style.theme import Theme

_OUTSIDE = 0.45
"""How much of a chosen colour is left outside the value area, over the chart's ground: as faint as the theme's own."""


class RowColours(NamedTuple):
    """Colours of rows, in the order in which their parts are drawn."""

    sell: Colour
    buy: Colour
    other: Colour


class ProfilePalette(NamedTuple):
    """All colours of one profile.

    Attributes
    ----------
    inside, outside : Tones
        Of rows in the value area, and of the others.
    poc, value_area : Colour
        Of the lines.
    """

    inside: RowColours
    outside: RowColours
    poc: Colour
    value_area: Colour


def profile_palette(theme: Theme, chosen: ProfileColours) -> ProfilePalette:
    """The colours of a profile."""
    inside = RowColours(theme.profile_sell_value_area, theme.profile_buy_value_area, theme.stale)
    outside = RowColours(theme.profile_sell, theme.profile_buy, theme.grid_day)
    if chosen == ProfileColours():
        return ProfilePalette(inside, outside, theme.poc, theme.value_area)
    own = [parse_colour(text) if text else None for text in (chosen.sell, chosen.buy, chosen.value_area)]
    faint = [None if colour is None else colour.faded(_OUTSIDE).over(theme.background) for colour in own]
    return ProfilePalette(
        RowColours(*(mine or usual for mine, usual in zip(own, inside, strict=True))),
        RowColours(*(mine or usual for mine, usual in zip(faint, outside, strict=True))),
        theme.poc,
        own[2] or theme.value_area,
    )
