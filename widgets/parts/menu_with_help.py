"""A menu in which F1 opens the help for the highlighted entry."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QMenu

from widgets.parts.help_button import open_help_from


class MenuWithHelp(QMenu):
    """A menu in which F1 opens the help page named in the data of the highlighted entry's action, if there is one."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        action = self.activeAction()
        page = action.data() if action is not None and event.key() == Qt.Key.Key_F1 else None  # pyright: ignore[reportUnnecessaryComparison]
        if page:
            self.close()
            open_help_from(self, page)
        else:
            super().keyPressEvent(event)
