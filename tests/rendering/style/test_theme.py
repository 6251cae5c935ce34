"""Colours that are legible, also with colour blindness."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from app.errors import SettingsError
from rendering.style.colour import Colour, contrast, parse_colour, ramp
from rendering.style.theme import DELTA_STEPS, VOLUME_STEPS, Theme, load_theme, parse_theme, theme_names
from resources import __file__ as resources_file

PALETTES = ("blue-orange", "green-red")
LOOKS = [(name, palette) for name in ("dark", "high-contrast", "light") for palette in PALETTES]
READABLE = 4.5  # WCAG 2 level AA for small text


def theme_text(name: str = "dark") -> str:
    from pathlib import Path

    return (Path(resources_file).parent / "themes" / f"{name}.toml").read_text(encoding="utf-8")


def test_three_themes_come_with_the_program():
    assert theme_names() == ("dark", "high-contrast", "light")


@pytest.mark.parametrize(("name", "palette"), LOOKS)
def test_texts_are_legible_on_their_backgrounds(name: str, palette: str):
    theme = load_theme(name, palette)
    panel = theme.panel.over(theme.background)
    for ink in ("text", "text_muted", "hole_text", "poc", "value_area", "buy", "sell", "live", "offline", "simulated", "replay"):
        needed = 3.0 if ink in ("poc", "value_area", "live", "replay") else READABLE  # lines and marks, not text
        assert contrast(getattr(theme, ink), theme.background) >= needed, ink
    for ink in ("text", "text_muted", "buy", "sell"):
        assert contrast(getattr(theme, ink), panel) >= READABLE, ink


@pytest.mark.parametrize(("name", "palette"), LOOKS)
def test_digits_are_legible_on_every_step_of_both_ramps(name: str, palette: str):
    theme = load_theme(name, palette)
    for ink, ground in itertools.product((theme.digits, theme.imbalance_buy, theme.imbalance_sell), theme.volume_ramp + theme.delta_ramp):
        assert contrast(ink, ground) >= READABLE, (ink.hex, ground.hex)


@pytest.mark.parametrize(("name", "palette"), LOOKS)
def test_every_tag_colour_has_a_legible_ink(name: str, palette: str):
    theme = load_theme(name, palette)
    for token in ("tag", "poc", "value_area", "live", "stale", "offline", "simulated", "replay", "buy", "sell", "candle_up", "candle_down"):
        ground = getattr(theme, token)
        assert contrast(theme.ink_on(ground), ground) >= READABLE, token


@pytest.mark.parametrize("name", theme_names())
def test_buy_and_sell_differ_with_green_colour_blindness(name: str):
    theme = load_theme(name, "blue-orange")
    for buy, sell in (
        (theme.buy, theme.sell),
        (theme.candle_up, theme.candle_down),
        (theme.imbalance_buy, theme.imbalance_sell),
        (theme.profile_buy, theme.profile_sell),
        (theme.profile_buy_value_area, theme.profile_sell_value_area),
        (theme.delta_ramp[-1], theme.delta_ramp[0]),
    ):
        assert colour_distance(without_green(buy), without_green(sell)) >= 25, (buy.hex, sell.hex)  # 2.3 is just noticeable


@pytest.mark.parametrize(("name", "palette"), LOOKS)
def test_the_volume_ramp_moves_one_way_in_lightness(name: str, palette: str):
    theme = load_theme(name, palette)
    assert len(theme.volume_ramp) == VOLUME_STEPS
    assert len(theme.delta_ramp) == DELTA_STEPS
    steps = np.diff([colour.luminance for colour in theme.volume_ramp])
    assert (steps > 0).all() if theme.is_dark else (steps < 0).all()


def test_a_missing_token_is_named_in_one_line():
    text = theme_text().replace('grid = "#1b212b"\n', "").replace('text = "#dce3ec"\n', "")
    with pytest.raises(SettingsError, match=r"^theme mine, palette blue-orange: missing grid, text$"):
        parse_theme(text, label="mine")


def test_an_unknown_token_is_named_in_one_line():
    text = theme_text().replace("[colours]", '[colours]\nsparkle = "#ffffff"')
    with pytest.raises(SettingsError, match=r"^theme mine, palette blue-orange: unknown sparkle$"):
        parse_theme(text, label="mine")


def test_a_misspelt_colour_is_named_with_its_token():
    with pytest.raises(SettingsError, match=r"^theme mine: grid: colour: found 'reddish', expected #rrggbb or #rrggbbaa$"):
        parse_theme(theme_text().replace('grid = "#1b212b"', 'grid = "reddish"'), label="mine")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("palette = 5", r"theme mine: found palette = 5, expected the table \[palette\]"),
        ("[palette]\nblue-orange = 7", r"theme mine: found blue-orange = 7, expected the table \[palette.blue-orange\]"),
        ("colours = 5\n[palette.blue-orange]", r"theme mine: found colours = 5, expected the table \[colours\]"),
        ("[[colours]]\n[palette.blue-orange]", r"theme mine: found colours = \[\{\}\], expected the table \[colours\]"),
        ("colours = " + "[" * 50_000, "theme mine: not valid TOML: "),
        ("x = " + "9" * 5_000, "theme mine: not valid TOML: "),
    ],
)
def test_a_theme_of_another_shape_is_an_error_in_one_line(text: str, said: str):
    with pytest.raises(SettingsError, match=f"^{said}"):
        parse_theme(text, label="mine")


def test_an_unknown_theme_or_palette_lists_the_available_ones():
    with pytest.raises(SettingsError, match="found 'pink', expected one of dark, high-contrast, light"):
        load_theme("pink")
    with pytest.raises(SettingsError, match="no palette 'grey', available: blue-orange, green-red"):
        load_theme("dark", "grey")


def test_a_users_theme_file_is_read_by_its_path(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(theme_text("light").replace('background = "#ffffff"', 'background = "#fffff0"'), encoding="utf-8")
    theme = load_theme(str(path))
    assert isinstance(theme, Theme)
    assert theme.background == Colour(255, 255, 240)


def test_a_ramp_begins_and_ends_at_its_stops():
    stops = [parse_colour("#102030"), parse_colour("#405060"), parse_colour("#a0b0c0")]
    steps = ramp(stops, 5)
    assert (steps[0], steps[2], steps[4]) == tuple(stops)


def test_argb_of_a_translucent_colour_is_premultiplied():
    assert parse_colour("#ff800080").argb == 0x80804000


def test_black_on_white_has_the_highest_contrast():
    assert contrast(Colour(0, 0, 0), Colour(255, 255, 255)) == pytest.approx(21)


def without_green(colour: Colour) -> np.ndarray:
    """Linear RGB as seen with full deuteranopia (Machado, Oliveira & Fernandes 2009)."""
    matrix = np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]])
    srgb = np.array(colour[:3]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return np.clip(matrix @ linear, 0, 1)


def colour_distance(one: np.ndarray, other: np.ndarray) -> float:
    """CIE 1976 distance of two linear RGB colours."""
    return float(np.linalg.norm(lab(one) - lab(other)))


def lab(linear: np.ndarray) -> np.ndarray:
    to_xyz = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])
    x, y, z = (to_xyz @ linear) / np.array([0.95047, 1.0, 1.08883])
    f = [t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116 for t in (x, y, z)]
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])
