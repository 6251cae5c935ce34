"""The line of a dialog that shows why a value is invalid."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel


class ErrorLine(QLabel):
    """A line in a dialog for an error text, empty without an error; the dialog grows if the text needs more height."""

    def __init__(self) -> None:
        super().__init__("")
        self.setWordWrap(True)

    def setText(self, text: str) -> None:
        super().setText(text)
        dialog = self.window()
        layout = dialog.layout()
        if dialog is self or layout is None or not text:
            return
        layout.activate()
        # Qt requests a dialog's minimum height before lines are wrapped
        needed = layout.totalHeightForWidth(dialog.width())
        if needed > dialog.height():
            dialog.resize(dialog.width(), needed)
