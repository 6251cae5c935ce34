"""The definition of a user command, as listed in the command table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from widgets.commands.help_sections import SECTIONS

if TYPE_CHECKING:
    from widgets.commands.families import Families


class _Picked:
    """A substitute for `Families` that records a method's name: each attribute is another substitute with the attribute's name."""

    def __init__(self, name: str = "") -> None:
        self.name = name

    def __getattr__(self, name: str) -> _Picked:
        return _Picked(name)


@dataclass(frozen=True, slots=True)
class Command:
    """A user command: its method, menu entry, keys, tooltip and help section.

    Attributes
    ----------
    run : callable
        Returns the method that executes the command, out of the window's `Families`.
    menu, text : str
        Menu, and label in it.
    keys : tuple of str
        Shortcuts in Qt's notation; the first is the one shown.
    tooltip : str
        Line for the tooltip and the key list.
    short : str
        Label of the command's button, if it differs from the menu's.
    checkable : bool
        True if the menu entry shows an on or off state.
    argument : str
        Argument of the method, if it has one, as several commands can share a method.
    help_page : str
        Help page or section that explains it, e.g. `profiles.md#undo`; if empty, the section in `help_sections` applies.
    """

    run: Callable[[Families], Callable[..., object]]
    menu: str
    text: str
    keys: tuple[str, ...]
    tooltip: str
    short: str = ""
    checkable: bool = False
    argument: str = ""
    help_page: str = ""

    @property
    def name(self) -> str:
        """Name of the method that executes the command."""
        return self.run(cast("Families", _Picked())).name  # pyright: ignore[reportFunctionMemberAccess] # of the stand-in

    @property
    def explained_in(self) -> str:
        """The help page or section that explains the command, e.g. `profiles.md#undo`."""
        return self.help_page or SECTIONS[self.name]

    @property
    def action(self) -> str:
        """Name of the command's QAction: the name of the method, with the argument if there is one, e.g. `toggle_overlay delta`."""
        return f"{self.name} {self.argument}".strip()
