"""A theme's colours as a Qt palette, for toolbar, menus, lists and tooltips."""

from __future__ import annotations

from PySide6.QtGui import QColor, QPalette

from rendering.style.colour import Colour, contrast
from rendering.style.theme import Theme

_BORDER_SHOWS = 1.04
"""Contrast below which a field is indistinguishable from the background."""


def palette_of(theme: Theme) -> QPalette:
    """The Qt palette with the colours of a theme, also for disabled and inactive widgets."""
    palette, role = QPalette(), QPalette.ColorRole
    field = _field(theme)
    pairs = {
        role.Window: theme.background,
        role.Base: field,
        role.AlternateBase: theme.background,
        role.Button: field,
        role.WindowText: theme.text,
        role.Text: theme.text,
        role.ButtonText: theme.text,
        role.PlaceholderText: theme.text_muted,
        role.ToolTipBase: field,
        role.ToolTipText: theme.text,
        role.Highlight: theme.buy,
        role.HighlightedText: theme.ink_on(theme.buy),
        role.Link: theme.buy,
    }
    for colour_role, colour in pairs.items():
        palette.setColor(colour_role, QColor(*colour[:3]))
    for colour_role in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, colour_role, QColor(*theme.text_muted[:3]))
    # a list keeps the colours of its selection while the window is inactive
    for colour_role in (role.Highlight, role.HighlightedText):
        palette.setColor(QPalette.ColorGroup.Inactive, colour_role, QColor(*pairs[colour_role][:3]))
    return palette


def _field(theme: Theme) -> Colour:
    """The background colour of fields and buttons; on a dark theme lightened if it is too close to the window's colour.

    Qt's style derives a darker colour from it for borders, which could not be seen on black.
    """
    dark = theme.background.luminance < theme.text.luminance
    if not dark or contrast(theme.panel, theme.background) >= _BORDER_SHOWS:
        return theme.panel
    return Colour(*(round(0.82 * ground + 0.18 * ink) for ground, ink in zip(theme.background[:3], theme.text[:3], strict=True)))
