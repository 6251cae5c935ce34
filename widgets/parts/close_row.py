"""The row of Help and Close buttons at the foot of a dialog."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QDialog, QDialogButtonBox

from widgets.parts.help_button import HelpButton


def close_row(dialog: QDialog, help_page: str | Callable[[], str]) -> QDialogButtonBox:
    """A row with a Help and a Close button for the foot of a dialog; Return in a field presses neither.

    Parameters
    ----------
    dialog : QDialog
    help_page : str or callable
        The page that explains the dialog, see `HelpButton`.
    """
    row = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, dialog)
    button = row.button(QDialogButtonBox.StandardButton.Close)
    button.setAutoDefault(False)
    row.addButton(HelpButton(help_page, dialog), QDialogButtonBox.ButtonRole.HelpRole)
    row.rejected.connect(dialog.close)
    return row
