"""The Close button of dialogs whose changes apply at once."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QDialogButtonBox


def close_row(dialog: QDialog) -> QDialogButtonBox:
    """A button row with Close, for the foot of a dialog.

    Return in a field does not press it.
    """
    row = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, dialog)
    button = row.button(QDialogButtonBox.StandardButton.Close)
    button.setAutoDefault(False)
    row.rejected.connect(dialog.close)
    return row
