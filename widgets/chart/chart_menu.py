"""The chart's context menu, with entries for the point at which it is opened.

Each group of commands can offer entries for that point by a method `menu_entries`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from rendering.scene.chart_point import ChartPoint


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """An entry of the chart's context menu.

    Attributes
    ----------
    text : str
        Label, with the price or bar that it applies to.
    run : callable
        Called when the entry is selected.
    keys : str
        Key or gesture for the same action, if there is one.
    """

    text: str
    run: Callable[[], object]
    keys: str = ""


class MenuProvider(Protocol):
    """The interface of an object that offers context menu entries for a point of the chart."""

    def menu_entries(self, spot: ChartPoint) -> Sequence[MenuEntry]:
        """Context menu entries for a point of the chart; empty if there are none."""
        ...


def build_chart_menu(parent: QWidget, spot: ChartPoint, providers: Iterable[MenuProvider]) -> QMenu:
    """The context menu for a point of the chart, grouped by provider; the menu deletes itself when it closes.

    Empty if no provider has an entry.
    """
    menu = QMenu(parent)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    for provider in providers:
        entries = provider.menu_entries(spot)
        if entries and not menu.isEmpty():
            menu.addSeparator()
        for entry in entries:
            menu.addAction(_action(menu, entry))
    return menu


def open_chart_menu(parent: QWidget, place: QPoint, spot: ChartPoint, providers: Iterable[MenuProvider]) -> None:
    """Show the context menu for a point of the chart at a screen position, without blocking; an empty menu is not shown."""
    menu = build_chart_menu(parent, spot, providers)
    if menu.isEmpty():
        menu.deleteLater()
    else:
        menu.popup(place)


def _action(menu: QMenu, entry: MenuEntry) -> QAction:
    action = QAction(f"{entry.text}\t{entry.keys}" if entry.keys else entry.text, menu)  # displayed as a key, but bound elsewhere
    action.triggered.connect(lambda _checked=False: entry.run())
    return action
