"""A button that opens the help page of a dialog or panel; if that is a window, F1 does the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QPushButton, QWidget


@runtime_checkable
class HelpOpener(Protocol):
    """The interface of a window that can show help pages."""

    def show_help(self, page: str) -> None:
        """Show a page, e.g. `values.md`, or a section of it, e.g. `values.md#levels`."""
        ...


def open_help_from(widget: QWidget, page: str) -> None:
    """Show a help page by the nearest `HelpOpener` among a widget and its parents.

    Raises
    ------
    LookupError
        If none of them is a `HelpOpener`.
    """
    above: QWidget | None = widget
    while above is not None:
        if isinstance(above, HelpOpener):
            above.show_help(page)
            return
        above = above.parentWidget()
    raise LookupError(f"no window above {type(widget).__name__} shows help")


class HelpButton(QPushButton):
    """A button that opens the help page of its parent; if the parent is a window, F1 does the same.

    Parameters
    ----------
    page : str or callable
        The page, or a function that returns it where it depends on what the dialog shows.
    parent : QWidget
        The dialog or panel that the page explains.
    """

    def __init__(self, page: str | Callable[[], str], parent: QWidget) -> None:
        super().__init__("Help", parent)
        self._page = page
        self.setAutoDefault(False)  # Return presses another button
        self.clicked.connect(lambda _checked=False: open_help_from(self, self.page))
        if parent.isWindow():
            self.setToolTip("Explain this (F1)")
            QShortcut(QKeySequence("F1"), parent, self.click)
        else:
            self.setToolTip("Explain this")

    @property
    def page(self) -> str:
        """The help page or section that a click opens now."""
        return self._page if isinstance(self._page, str) else self._page()
