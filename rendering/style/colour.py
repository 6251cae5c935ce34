"""Colours as red, green, blue and opacity, their contrast, and ramps of colours in visually even steps."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from app.errors import SettingsError

_HEX = re.compile(r"#([0-9a-fA-F]{6})([0-9a-fA-F]{2})?")


class Colour(NamedTuple):
    """A colour: red, green, blue and opacity (alpha), 0 to 255 each, not premultiplied."""

    red: int
    green: int
    blue: int
    alpha: int = 255

    @property
    def argb(self) -> int:
        """This colour as the number `0xAARRGGBB`, premultiplied: a pixel in the format `QImage.Format_ARGB32_Premultiplied`."""
        return _premultiplied(self)

    @property
    def hex(self) -> str:
        """This colour as text: `#rrggbb` if opaque, else `#rrggbbaa`."""
        return "#" + "".join(f"{c:02x}" for c in (self[:3] if self.alpha == 255 else self))

    def faded(self, opacity: float) -> Colour:
        """This colour with its opacity multiplied by `opacity` (0 to 1)."""
        return self._replace(alpha=round(self.alpha * opacity))

    def over(self, background: Colour) -> Colour:
        """The opaque colour seen when this colour is drawn on an opaque background."""
        a = self.alpha / 255
        return Colour(*(round(c * a + b * (1 - a)) for c, b in zip(self[:3], background[:3], strict=True)))

    @property
    def luminance(self) -> float:
        """The relative luminance by WCAG 2, from 0 (black) to 1 (white); opacity is ignored."""
        r, g, b = _linear(self)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b


@lru_cache(maxsize=256)
def _premultiplied(colour: Colour) -> int:
    red, green, blue, alpha = colour
    return alpha << 24 | (red * alpha + 127) // 255 << 16 | (green * alpha + 127) // 255 << 8 | (blue * alpha + 127) // 255


def parse_colour(text: object) -> Colour:
    """Parse a colour written `#rrggbb` or `#rrggbbaa`.

    Raises
    ------
    SettingsError
        If it is not a text of this form.
    """
    match = _HEX.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise SettingsError(f"colour: found {text!r}, expected #rrggbb or #rrggbbaa")
    rgb = bytes.fromhex(match[1])
    return Colour(rgb[0], rgb[1], rgb[2], int(match[2] or "ff", 16))


@lru_cache(maxsize=1024)  # each tag on the chart needs it, and a chart has few colours
def contrast(one: Colour, other: Colour) -> float:
    """The contrast ratio of two colours by WCAG 2, from 1 (equal) to 21 (black on white); opacity is ignored."""
    high, low = sorted((one.luminance, other.luminance), reverse=True)
    return (high + 0.05) / (low + 0.05)


def ramp(stops: list[Colour], steps: int) -> tuple[Colour, ...]:
    """A ramp of `steps` opaque colours, visually even from stop to stop, along straight lines in OKLab; two or more stops and steps."""
    labs = [_oklab(colour) for colour in stops]
    colours: list[Colour] = []
    for step in range(steps):
        at = step / (steps - 1) * (len(labs) - 1)
        left = min(int(at), len(labs) - 2)
        colours.append(_from_oklab(*(a + (b - a) * (at - left) for a, b in zip(labs[left], labs[left + 1], strict=True))))
    return tuple(colours)


def _linear(colour: Colour) -> tuple[float, float, float]:
    r, g, b = (c / 255 for c in colour[:3])
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (r, g, b))
    return r, g, b


def _oklab(colour: Colour) -> tuple[float, float, float]:
    r, g, b = _linear(colour)
    long = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    medium = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    short = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


def _from_oklab(lightness: float, a: float, b: float) -> Colour:
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    return Colour(*(round(255 * min(1.0, max(0.0, _gamma(c)))) for c in linear))


def _gamma(c: float) -> float:
    return 12.92 * c if c <= 0.0031308 else 1.055 * c ** (1 / 2.4) - 0.055
