"""Settings of profiles by default, their bounds, and colours by name or number."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest

from app.analytics.row_layout import RowLayout
from app.analytics.value_area import ValueAreaMethod
from app.errors import BadInputError
from app.profiles.profile_settings import (
    SAFE_COLOURS,
    SIDE_INPUTS,
    Placement,
    ProfileColours,
    ProfileSettings,
    VolumeDisplay,
    parse_colour_name,
)


def test_a_profile_is_split_at_the_left_and_holds_70_percent_by_default() -> None:
    usual = ProfileSettings()
    assert (usual.rows, usual.volume, usual.placement) == (RowLayout(), VolumeDisplay.SPLIT, Placement.LEFT)
    assert (usual.percent, usual.method, usual.width_percent) == (70, ValueAreaMethod.DALTON, 30)
    assert (usual.extend_poc, usual.extend_vah, usual.extend_val) == (False, False, False)
    assert usual.colours == ProfileColours("", "", "")


def test_the_visible_range_profile_grows_from_the_right_with_lines() -> None:
    lines = {"extend_poc": True, "extend_vah": True, "extend_val": True}
    assert replace(ProfileSettings(), placement=Placement.RIGHT, width_percent=94, **lines) == SIDE_INPUTS


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("percent", 0, "value area: found 0 %, expected 1 to 100"),
        ("percent", 101, "value area: found 101 %, expected 1 to 100"),
        ("width_percent", 4, "width: found 4 %, expected 5 to 100"),
        ("width_percent", 101, "width: found 101 %, expected 5 to 100"),
    ],
)
def test_a_percentage_out_of_bounds_is_refused(field: str, value: int, message: str) -> None:
    with pytest.raises(BadInputError) as caught:
        replace(ProfileSettings(), **{field: value})
    assert caught.value.user_message == message


@pytest.mark.parametrize(("field", "value"), [("percent", 1), ("percent", 100), ("width_percent", 5), ("width_percent", 100)])
def test_a_percentage_at_a_bound_is_accepted(field: str, value: int) -> None:
    assert getattr(replace(ProfileSettings(), **{field: value}), field) == value


def test_settings_are_replaced_and_never_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        ProfileSettings().percent = 80  # type: ignore[misc]


def test_the_words_of_volume_and_placement_never_change() -> None:
    assert [display.value for display in VolumeDisplay] == ["total", "buy/sell", "delta"]
    assert [placement.value for placement in Placement] == ["left", "right"]


@pytest.mark.parametrize("field", ["buy", "sell", "value_area"])
@pytest.mark.parametrize("colour", ["blue", "#0072B2", "#0072b", "#0072b22", "0072b2", "#0072b2\n", " "])
def test_a_colour_that_is_not_six_small_hex_digits_is_refused(field: str, colour: str) -> None:
    with pytest.raises(BadInputError) as caught:
        ProfileColours(**{field: colour})
    assert caught.value.user_message == f"colour: found {colour!r}, expected a hex colour such as #0072b2"


def test_empty_colours_and_hex_colours_are_accepted() -> None:
    assert ProfileColours("#0072b2", "", "#abcdef").value_area == "#abcdef"


@pytest.mark.parametrize(
    ("text", "colour"),
    [
        ("theme", ""),
        ("", ""),
        ("blue", "#0072b2"),
        ("sky blue", "#56b4e9"),
        (" Vermilion ", "#d55e00"),
        ("#ABCDEF", "#abcdef"),
        ("THEME", ""),
    ],
)
def test_a_colour_is_parsed_from_its_name_or_number(text: str, colour: str) -> None:
    assert parse_colour_name(text) == colour


@pytest.mark.parametrize("text", ["mauve", "#12345", "#12345g", "rgb(0,0,0)"])
def test_an_unknown_colour_is_refused_with_all_names(text: str) -> None:
    with pytest.raises(BadInputError) as caught:
        parse_colour_name(text)
    names = "blue, sky blue, orange, vermilion, green, yellow, purple, theme"
    assert caught.value.user_message == f"colour: found {text!r}, expected {names}, or a hex colour such as #0072b2"


def test_every_safe_colour_can_be_used() -> None:
    assert [parse_colour_name(name) for name in SAFE_COLOURS] == list(SAFE_COLOURS.values())
    assert len(set(SAFE_COLOURS.values())) == 7
    for colour in SAFE_COLOURS.values():
        ProfileColours(colour, colour, colour)
