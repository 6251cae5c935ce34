"""Several fields side by side, as one row of a form."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QWidget


def field_row(*fields: QWidget) -> QWidget:
    """A widget with a row of fields from left to right, with the spare width at the right."""
    row = QWidget()
    line = QHBoxLayout(row)
    line.setContentsMargins(0, 0, 0, 0)
    for field in fields:
        line.addWidget(field)
    line.addStretch(1)
    return row
