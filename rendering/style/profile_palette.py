"""The colours of a profile: the theme's colours, or those set by the user."""

from __future__ import annotations

from typing import NamedTuple

from app.profiles.profile_settings import ProfileColours
from rendering.style.colour import Colour, parse_colour
from rendering.style.theme import Theme

_OUTSIDE = 0.45
"""Opacity of a user's colour outside the value area, on the chart's background: as faint as the theme's own."""


class RowColours(NamedTuple):
    """The colours of the parts of a profile row, in drawing order: sell, buy, other."""

    sell: Colour
    buy: Colour
    other: Colour


class ProfilePalette(NamedTuple):
    """All colours of one profile: rows inside and outside the value area, and lines.

    Attributes
    ----------
    inside, outside : RowColours
        Colours of the rows in the value area, and of the other rows.
    poc, value_area : Colour
        Colours of the POC line, and of the VAH and VAL lines.
    """

    inside: RowColours
    outside: RowColours
    poc: Colour
    value_area: Colour


def profile_palette(theme: Theme, chosen: ProfileColours) -> ProfilePalette:
    """The colours of a profile: those in `chosen` that the user has set, else the theme's; the POC always has the theme's."""
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
