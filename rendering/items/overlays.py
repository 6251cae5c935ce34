"""The layers that can be shown and hidden: their names, and how a choice of them is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.errors import BadInputError
from rendering.items.chart_item import ChartItem


def overlays(layers: Iterable[type[ChartItem]]) -> list[type[ChartItem]]:
    """The first layer of each name, in the order of the table."""
    found: dict[str, type[ChartItem]] = {}
    for layer in layers:
        if layer.name:
            found.setdefault(layer.name, layer)
    return list(found.values())


def shown_at_first(layers: Iterable[type[ChartItem] | ChartItem]) -> frozenset[str]:
    """The names that are shown until the user says otherwise."""
    return frozenset(layer.name for layer in layers if layer.name and layer.shown_at_first)


def parse_shown(text: str, layers: Sequence[type[ChartItem]], shown: frozenset[str] | None = None) -> frozenset[str]:
    """The names that a text shows: `"vwap-day, -delta"` adds one to those shown otherwise, and takes one away.

    Parameters
    ----------
    text : str
        Names with commas between them; a minus in front hides.
    layers : sequence of ChartItem classes
        Where the names are known from.
    shown : frozenset of str, optional
        What is shown otherwise; what is shown at first unless given.

    Raises
    ------
    BadInputError
        If there is no such overlay; the line lists them.
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
    """The shortest text that `parse_shown` reads as this choice: only what differs from what is shown at first."""
    first = shown_at_first(layers)
    names = [layer.name for layer in overlays(layers)]
    return ", ".join(name if name in shown else f"-{name}" for name in names if (name in shown) != (name in first))
