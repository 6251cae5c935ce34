"""The colours of a profile: the theme's or the user's, and the colour-blind safe ones."""

from __future__ import annotations

from itertools import combinations

import pytest

from app.errors import BadInputError
from app.profiles.profile_settings import SAFE_COLOURS, ProfileColours, parse_colour_name
from rendering.style.colour import Colour, contrast, parse_colour
from rendering.style.profile_palette import profile_palette
from rendering.style.theme import load_theme, theme_names
from tests.rendering.style.test_theme import colour_distance, without_green

NOTICEABLE = 15.0  # a CIE distance of some 2 can just be seen side by side


def test_safe_colours_differ_with_green_colour_blindness_too() -> None:
    for one, other in combinations(SAFE_COLOURS, 2):
        seen = [without_green(parse_colour(SAFE_COLOURS[name])) for name in (one, other)]
        assert colour_distance(*seen) > NOTICEABLE, f"{one}, {other}"


@pytest.mark.parametrize("theme", theme_names())
@pytest.mark.parametrize("name", SAFE_COLOURS)
def test_rows_in_the_value_area_stand_out_more_than_those_outside(theme: str, name: str) -> None:
    look = load_theme(theme)
    tones = profile_palette(look, ProfileColours(buy=SAFE_COLOURS[name]))
    assert tones.inside.buy == parse_colour(SAFE_COLOURS[name])
    assert contrast(tones.outside.buy, look.background) < contrast(tones.inside.buy, look.background)


def test_colours_that_are_not_set_are_the_themes() -> None:
    theme = load_theme()
    usual, tones = profile_palette(theme, ProfileColours()), profile_palette(theme, ProfileColours(value_area="#cc79a7"))
    assert (usual.poc, usual.value_area, usual.inside.buy) == (theme.poc, theme.value_area, theme.profile_buy_value_area)
    assert (tones.poc, tones.value_area, tones.inside.other) == (theme.poc, Colour(0xCC, 0x79, 0xA7), Colour(0xCC, 0x79, 0xA7))
    assert (tones.inside[:2], tones.outside[:2]) == (usual.inside[:2], usual.outside[:2])


@pytest.mark.parametrize(("text", "colour"), [(" Blue ", "#0072b2"), ("theme", ""), ("", ""), ("#ABCDEF", "#abcdef")])
def test_a_colour_is_a_name_the_theme_s_or_six_digits(text: str, colour: str) -> None:
    assert parse_colour_name(text) == colour


@pytest.mark.parametrize("text", ["mauve", "#12345", "#12345g", "0072b2"])
def test_invalid_colours_are_rejected(text: str) -> None:
    with pytest.raises(BadInputError, match="colour: found"):
        parse_colour_name(text)
    with pytest.raises(BadInputError, match="colour: found"):
        ProfileColours(buy=text)
