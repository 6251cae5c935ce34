"""The overlays by name, and texts that list which of them are shown and hidden."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.errors import BadInputError
from rendering.items.chart_item import ChartItem


def overlays(layers: Iterable[type[ChartItem]]) -> list[type[ChartItem]]:
    """The first layer class with each overlay name, in the order of `layers`; layers without a name are left out."""
    found: dict[str, type[ChartItem]] = {}
    for layer in layers:
        if layer.name:
            found.setdefault(layer.name, layer)
    return list(found.values())


def shown_at_first(layers: Iterable[type[ChartItem] | ChartItem]) -> frozenset[str]:
    """The names of the overlays that are shown by default."""
    return frozenset(layer.name for layer in layers if layer.name and layer.shown_at_first)


def parse_shown(text: str, layers: Sequence[type[ChartItem]], shown: frozenset[str] | None = None) -> frozenset[str]:
    """Return the overlays shown after applying a text such as `"vwap-day, -delta"`, which shows one overlay and hides another.

    Parameters
    ----------
    text : str
        Names separated by commas; a leading minus hides.
    layers : sequence of ChartItem classes
        The layers that define the names.
    shown : frozenset of str, optional
        The overlays shown before; by default, those shown by default.

    Raises
    ------
    BadInputError
        If a name is not that of an overlay; the message lists all names.
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
