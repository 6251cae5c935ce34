"""The colours of the chart by meaning: layers use e.g. `theme.buy`, never a hex code.

A theme file has a table `[colours]` that all palettes share, and a table `[palette.NAME]` per
palette with the colours of buying and selling. The fields of `Theme` are the only list of tokens:
a file must define each of them and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any, TypeAlias

from app.errors import SettingsError
from app.settings.settings import DisplaySettings, parse_toml
from rendering.style.colour import Colour, contrast, parse_colour, ramp

DEFAULT_THEME, DEFAULT_PALETTE = DisplaySettings().theme, DisplaySettings().palette
"""The palette is distinguishable with red-green colour blindness."""

TomlValue: TypeAlias = dict[str, Any] | list[Any] | str | int | float | bool
"""A value in a theme file."""
VOLUME_STEPS = 16
"""Steps from the lowest to the highest volume rank."""
DELTA_STEPS = 17
"""Steps from the strongest selling over balance (the middle) to the strongest buying."""


@dataclass(frozen=True, eq=False)
class Theme:
    """The colours of one theme with one of its palettes.

    Each field after `palette` is a token. Themes compare by identity: load a theme once and pass it on,
    so that comparing themes in every frame costs nothing.
    """

    name: str
    palette: str
    background: Colour
    grid: Colour
    """Faint lines at the labels of the axes."""
    grid_day: Colour
    """The line at the start of a day."""
    edge: Colour
    """Lines between the panes."""
    text: Colour
    text_muted: Colour
    panel: Colour
    """Background of the legend and of the crosshair's readout."""
    panel_edge: Colour
    crosshair: Colour
    tag: Colour
    """Fill of the crosshair's tags on the axes."""
    ink_dark: Colour
    ink_light: Colour
    """The two inks for text on a coloured background; see `ink_on`."""
    digits: Colour
    """Numbers in the cells, on every step of every ramp."""
    cvd: Colour
    vwap: Colour
    vwap_band: Colour
    """The VWAP bands at one and two standard deviations."""
    poc: Colour
    value_area: Colour
    """VAH and VAL: lines and tags."""
    value_area_fill: Colour
    """Translucent band over the value area of a bar or profile."""
    live: Colour
    stale: Colour
    offline: Colour
    simulated: Colour
    replay: Colour
    hole: Colour
    """Hatching where trades are missing."""
    hole_text: Colour
    buy: Colour
    sell: Colour
    candle_up: Colour
    candle_down: Colour
    imbalance_buy: Colour
    imbalance_sell: Colour
    """Digits and marks of imbalances; legible on every step of both ramps."""
    profile_buy: Colour
    profile_sell: Colour
    profile_buy_value_area: Colour
    profile_sell_value_area: Colour
    volume_ramp: tuple[Colour, ...]
    """[shape=(VOLUME_STEPS,)], lowest rank first."""
    delta_ramp: tuple[Colour, ...]
    """[shape=(DELTA_STEPS,)], strongest selling first, balance in the middle."""

    def ink_on(self, ground: Colour) -> Colour:
        """The ink for text on a coloured background: dark or light, by contrast."""
        return max(self.ink_dark, self.ink_light, key=lambda ink: contrast(ink, ground))

    @cached_property
    def is_dark(self) -> bool:
        """True if the background is dark, by its luminance."""
        return self.background.luminance < 0.2


_RAMPS = {"volume_ramp": VOLUME_STEPS, "delta_ramp": DELTA_STEPS}
_TOKENS = tuple(field.name for field in fields(Theme) if field.name not in ("name", "palette"))


def theme_names() -> tuple[str, ...]:
    """The names of the themes that come with the program, in alphabetical order."""
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in _folder().iterdir() if entry.name.endswith(".toml")))


def load_theme(name: str = DEFAULT_THEME, palette: str = DEFAULT_PALETTE) -> Theme:
    """Load a theme by its name, or from a `.toml` file by its path.

    Raises
    ------
    SettingsError
        If there is no such theme or palette, if the file cannot be read, if tokens are missing or unknown, or if a colour is
        invalid; the message names them in one line.
    """
    if name.endswith(".toml"):
        source, label = Path(name), name
    else:
        if name not in theme_names():
            raise SettingsError(f"theme: found {name!r}, expected one of {', '.join(theme_names())}, or the path of a .toml file")
        source, label = _folder() / f"{name}.toml", f"{name}.toml"
    try:
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"theme {label}: cannot read the file: {error}") from None
    return parse_theme(text, palette, label)


def parse_theme(text: str, palette: str = DEFAULT_PALETTE, label: str = "theme") -> Theme:
    """Parse a theme from TOML text; `label` is its name in error messages, and the theme's if the text has none.

    Raises
    ------
    SettingsError
        If the text is not TOML, and in the cases of `load_theme`.
    """
    document = parse_toml(text, f"theme {label}")
    palettes = _table(document, "palette", label)
    if palette not in palettes:
        raise SettingsError(f"theme {label}: no palette {palette!r}, available: {', '.join(palettes) or 'none'}")
    given = {**_table(document, "colours", label), **_table(palettes, palette, label, "palette.")}
    if missing := [token for token in _TOKENS if token not in given]:
        raise SettingsError(f"theme {label}, palette {palette}: missing {', '.join(missing)}")
    if unknown := [token for token in given if token not in _TOKENS]:
        raise SettingsError(f"theme {label}, palette {palette}: unknown {', '.join(unknown)}")
    values: dict[str, Any] = {token: _value(token, given[token], label) for token in _TOKENS}
    return Theme(name=str(document.get("name", label)), palette=palette, **values)


def _table(within: dict[str, Any], name: str, label: str, above: str = "") -> dict[str, Any]:
    """A table of a TOML document; empty if there is none. Raises SettingsError if the value is not a table."""
    found: TomlValue = within.get(name, {})
    if not isinstance(found, dict):
        raise SettingsError(f"theme {label}: found {name} = {found!r}, expected the table [{above}{name}]")
    return found


def _value(token: str, written: TomlValue, label: str) -> Colour | tuple[Colour, ...]:
    try:
        if token not in _RAMPS:
            return parse_colour(written)
        if not isinstance(written, list) or len(written) < 2:
            raise SettingsError(f"found {written!r}, expected a list of two or more colours")
        return ramp([parse_colour(stop) for stop in written], _RAMPS[token])
    except SettingsError as error:
        raise SettingsError(f"theme {label}: {token}: {error}") from None


def _folder():  # a Traversable: the themes may be in a zip file
    return resources.files("resources") / "themes"
