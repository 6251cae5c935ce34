"""The characters that are written in cells, each drawn once per size and stored as an array of pixels."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QFontMetricsF, QImage, QPainter

from rendering.style.colour import Colour
from rendering.style.quantity_text import GLYPHS
from rendering.style.text import CAP_HEIGHT, CHAR_ASPECT, chart_font

REGULAR, BOLD = 0, 1
_WEIGHTS = (REGULAR, BOLD)


Inks: TypeAlias = tuple[tuple[Colour, int], ...]
"""Colours with a weight each, in which characters are written."""


@lru_cache(maxsize=32)
def inked_glyphs(text_px: int, inks: Inks) -> np.ndarray:
    """All glyphs of a size in each ink, drawn once for all charts: uint32 [shape=(n_inks, n_glyphs, height, width)], some 50 kB."""
    glyphs = glyph_atlas(text_px).inked(inks)
    glyphs.flags.writeable = False
    return glyphs


@lru_cache(maxsize=32)
def glyph_atlas(text_px: int) -> GlyphAtlas:
    """All glyphs of a size, drawn once for all charts and themes."""
    return GlyphAtlas(text_px)


class GlyphAtlas:
    """All characters of cell texts in two weights, regular and bold, at one size.

    Parameters
    ----------
    text_px : int
        Font height in device pixels.

    Attributes
    ----------
    masks : uint8 [shape=(2, n_glyphs, height, width)]
        Opacity of each pixel, regular then bold; all glyphs have the same size, and a text is a row of glyphs.
    """

    def __init__(self, text_px: int) -> None:
        self.text_px = text_px
        self.width = max(2, round(CHAR_ASPECT * text_px))
        self.height = math.ceil(CAP_HEIGHT * text_px) + 2  # digits have no descenders; one free pixel above and below
        self.masks = np.stack([_draw(text_px, weight == BOLD, self.width, self.height) for weight in _WEIGHTS])
        self.masks.flags.writeable = False

    def inked(self, inks: Inks) -> np.ndarray:
        """Premultiplied pixels of every glyph in each ink: uint32 [shape=(n_inks, n_glyphs, height, width)].

        An ink is a colour and a weight.
        """
        return np.stack([_premultiplied(self.masks[weight], colour) for colour, weight in inks])


def _draw(text_px: int, bold: bool, width: int, height: int) -> np.ndarray:
    image = QImage(width * len(GLYPHS), height, QImage.Format.Format_Grayscale8)
    image.fill(Qt.GlobalColor.black)
    painter = QPainter(image)
    font = chart_font(text_px, bold=bold)
    painter.setFont(font)
    painter.setPen(Qt.GlobalColor.white)
    advance = QFontMetricsF(font).horizontalAdvance("0")
    for place, glyph in enumerate(GLYPHS):
        painter.setClipRect(place * width, 0, width, height)
        # whole pixels: the base line lies on a pixel's edge, so that digits are sharp at the bottom
        painter.drawText(QPointF(place * width + (width - advance) / 2, height - 1), glyph)
    painter.end()
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(height, image.bytesPerLine())[:, : width * len(GLYPHS)]
    return pixels.reshape(height, len(GLYPHS), width).transpose(1, 0, 2).copy()


def _premultiplied(mask: np.ndarray, colour: Colour) -> np.ndarray:
    alpha = (mask.astype(np.uint32) * colour.alpha + 127) // 255
    red, green, blue = ((alpha * channel + 127) // 255 for channel in colour[:3])
    return alpha << 24 | red << 16 | green << 8 | blue
