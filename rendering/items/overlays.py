"""The names of the overlays, and texts that list which of them are shown and hidden."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.errors import BadInputError
from rendering.items.chart_item import ChartItem


def overlays(layers: Iterable[type[ChartItem]]) -> list[type[ChartItem]]:
    """The first layer with each overlay name, in the order of `layers`."""
    found: dict[str, type[ChartItem]] = {}
    for layer in layers:
        if layer.name:
            found.setdefault(layer.name, layer)
    return list(found.values())


def shown_at_first(layers: Iterable[type[ChartItem] | ChartItem]) -> frozenset[str]:
    """The names of the overlays that are shown by default."""
    return frozenset(layer.name for layer in layers if layer.name and layer.shown_at_first)


def parse_shown(text: str, layers: Sequence[type[ChartItem]], shown: frozenset[str] | None = None) -> frozenset[str]:
    """Parse a list of overlays: `"vwap-day, -delta"` shows one and hides another.

    Parameters
    ----------
    text : str
        Names separated by commas; a leading minus hides.
    layers : sequence of ChartItem classes
        The layers that define the names.
    shown : frozenset of str, optional
        The overlays shown before; the default ones unless given.

    Raises
    ------
    BadInputError
        If there is no such overlay; the message lists them.
    """
    names = [layer.name for layer in overlays(layers)]
    shown = shown_at_first(layers) if shown is None else shown
    for word in filter(None, (part.strip() for part in text.split(","))):
        name = word.removeprefix("-")
        if name not in names:
            raise BadInputError(f"overlay: found {name!r}, expected one of {', '.join(names)}")
        shown = shown - {name} if word.startswith("-") else shown | {name}
    return shown


def write_shown(shown: frozenset[str], layers: Sequence[type[ChartItem]]) -> str:
    """The differences from the default overlays, as the shortest text that `parse_shown` accepts."""
    first = shown_at_first(layers)
    names = [layer.name for layer in overlays(layers)]
    return ", ".join(name if name in shown else f"-{name}" for name in names if (name in shown) != (name in first))
