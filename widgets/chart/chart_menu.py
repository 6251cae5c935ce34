"""The menu that a right click on the chart opens: what can be done with the bar and the price under the mouse.

Whoever owns commands may offer entries for a spot, by a method `menu_entries`; nothing here knows what they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from rendering.scene.chart_point import ChartPoint


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """A line of the menu.

    Attributes
    ----------
    text : str
        What it says: with the price or the bar that it is about.
    run : callable
        What it does.
    keys : str
        How the same is had by key, if it is.
    """

    text: str
    run: Callable[[], object]
    keys: str = ""


@runtime_checkable
class MenuProvider(Protocol):
    """An owner of commands that has something to offer for a spot."""

    def menu_entries(self, spot: ChartPoint) -> Sequence[MenuEntry]:
        """What can be done there; empty when nothing can."""
        ...


def build_chart_menu(parent: QWidget, spot: ChartPoint, owners: Iterable[object]) -> QMenu:
    """The menu for a spot, the entries of each owner together; it goes away by itself when it closes."""
    menu = QMenu(parent)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    for owner in owners:
        entries = owner.menu_entries(spot) if isinstance(owner, MenuProvider) else ()
        if entries and not menu.isEmpty():
            menu.addSeparator()
        for entry in entries:
            menu.addAction(_action(menu, entry))
    return menu


def open_chart_menu(parent: QWidget, place: QPoint, spot: ChartPoint, owners: Iterable[object]) -> None:
    """Show the menu at a place of the screen, unless there is nothing to offer; the chart goes on meanwhile."""
    menu = build_chart_menu(parent, spot, owners)
    if menu.isEmpty():
        menu.deleteLater()
    else:
        menu.popup(place)


def _action(menu: QMenu, entry: MenuEntry) -> QAction:
    action = QAction(f"{entry.text}\t{entry.keys}" if entry.keys else entry.text, menu)  # shown as a key, but bound elsewhere
    action.triggered.connect(lambda _checked=False: entry.run())
    return action
