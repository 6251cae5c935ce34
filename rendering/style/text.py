"""The chart's font, the same on every machine, and labels that are cheap to redraw.

The font comes with the program (JetBrains Mono: monospaced, so digits line up and the width of a
text follows from its length). Hinting is off: a text has the same width at 1x and at 2x.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPainter, QStaticText, QTransform

from rendering.style.colour import Colour
from rendering.view.layout import AXIS_TEXT_PX, CHAR_ASPECT, Rect

FONT_FAMILY = "JetBrains Mono"
_FONT_FILES = ("JetBrainsMono-Regular.ttf", "JetBrainsMono-SemiBold.ttf")
_INSTALLED = "tapeprint_fonts"
_MAX_LABELS = 1024  # a few screens of labels; then all are discarded

CAP_HEIGHT = 0.73
"""Height of a digit, in text heights; numbers are centred by it."""


def install_fonts() -> None:
    """Register the chart's font with Qt, unless that was done before; needs a QGuiApplication.

    Raises
    ------
    RuntimeError
        If there is no QGuiApplication, or Qt cannot read the font.
    """
    app = QGuiApplication.instance()
    if app is None:
        raise RuntimeError("fonts need a QGuiApplication")
    if app.property(_INSTALLED):
        return
    for name in _FONT_FILES:
        if QFontDatabase.addApplicationFontFromData((resources.files("resources") / "fonts" / name).read_bytes()) < 0:
            raise RuntimeError(f"font {name}: Qt cannot read it")
    app.setProperty(_INSTALLED, True)


@lru_cache(maxsize=64)
def chart_font(text_px: int = AXIS_TEXT_PX, *, bold: bool = False) -> QFont:
    """The chart's font at a height in pixels; shared, so do not modify it."""
    install_fonts()
    font = QFont(FONT_FAMILY)
    font.setPixelSize(text_px)
    font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    font.setKerning(False)
    return font


@lru_cache(maxsize=256)
def qcolor(colour: Colour) -> QColor:
    """A colour as a QColor; shared, so do not modify it."""
    return QColor(*colour)


def qrect(rect: Rect) -> QRectF:
    """A pane's rectangle as a QRectF."""
    return QRectF(*rect)


def fits_wholly(middle_x: float, width: float, pane: Rect) -> bool:
    """True if a text of a given width, centred on `middle_x`, fits between a pane's left and right edge."""
    return pane.left <= middle_x - width / 2 and middle_x + width / 2 <= pane.right


class Labels:
    """Draws texts in one size and weight; a text is laid out once and can then be drawn many times."""

    def __init__(self, text_px: int = AXIS_TEXT_PX, *, bold: bool = False) -> None:
        self.text_px = text_px
        self._font = chart_font(text_px, bold=bold)
        self._laid_out: dict[str, QStaticText] = {}

    def width(self, text: str) -> float:
        """The width of a text, logical pixels."""
        return len(text) * CHAR_ASPECT * self.text_px

    def draw(self, painter: QPainter, x: float, centre_y: float, text: str, colour: Colour, align: float = 0.0) -> None:
        """Draw a text with its digits centred on `centre_y`.

        Parameters
        ----------
        x : float
            X position to which the text is aligned.
        align : float
            Share of the text's width left of `x`: with 0 the text starts at `x`, with 0.5 it is centred, with 1 it ends there.
        """
        label = self._laid_out.get(text)
        if label is None:
            if len(self._laid_out) >= _MAX_LABELS:
                self._laid_out.clear()
            label = QStaticText(text)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setPerformanceHint(QStaticText.PerformanceHint.AggressiveCaching)
            label.prepare(QTransform(), self._font)
            self._laid_out[text] = label
        painter.setFont(self._font)
        painter.setPen(qcolor(colour))
        # a text's box reaches from the font's ascent (1.02) to its descent; digits fill the lower 0.73 of the ascent
        top = centre_y + 0.5 * CAP_HEIGHT * self.text_px - 1.02 * self.text_px
        painter.drawStaticText(QPointF(x - align * self.width(text), top), label)
