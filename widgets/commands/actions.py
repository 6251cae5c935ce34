"""The actions and menus of a window, and the list of keys, made from the command table."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from widgets.commands.families import Families
from widgets.commands.table import COMMANDS
from widgets.parts.menu_with_help import MenuWithHelp


def build_actions(window: QWidget, families: Families) -> Mapping[str, QAction]:
    """Add a QAction for each command to the window, and return them by `Command.action`; each calls the method of its command."""
    actions: dict[str, QAction] = {}
    for command in COMMANDS:
        action = QAction(command.text, window)
        action.setShortcuts([QKeySequence(keys) for keys in command.keys])
        action.setIconText(command.short or command.text)
        action.setCheckable(command.checkable)
        action.setToolTip(f"{command.tooltip} ({command.keys[0]})" if command.keys else command.tooltip)
        action.setData(command.explained_in)
        action.triggered.connect(_run(command.run(families), command.argument))
        window.addAction(action)
        actions[command.action] = action
    return actions


def _run(method: Callable[..., object], argument: str) -> Callable[[], object]:
    return (lambda: method(argument)) if argument else (lambda: method())


def fill_menu_bar(menu_bar: QMenuBar, actions: Mapping[str, QAction]) -> None:
    """Add all menus of the command table to a menu bar, in the table's order; F1 in a menu explains the highlighted entry."""
    menus: dict[str, QMenu] = {}
    for command in COMMANDS:
        if command.menu not in menus:
            menus[command.menu] = MenuWithHelp(command.menu, menu_bar)
            menu_bar.addMenu(menus[command.menu])
        menus[command.menu].addAction(actions[command.action])


def key_list() -> list[tuple[str, str]]:
    """Two texts for each command: the keys, or the menu if the command has no key, and the tooltip; for the dialog of all keys."""
    return [(" or ".join(command.keys) or f"menu {command.menu}", command.tooltip) for command in COMMANDS]
