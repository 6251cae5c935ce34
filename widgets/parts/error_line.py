"""The line of a dialog that says what cannot be taken, and why."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel


class ErrorLine(QLabel):
    """Empty while all is well; a dialog that is too low for its text grows, so that the text is whole."""

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
        # Qt asks a dialog's layout for its least height before lines are broken
        needed = layout.totalHeightForWidth(dialog.width())
        if needed > dialog.height():
            dialog.resize(dialog.width(), needed)
