"""Several fields side by side, as one row of a form."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QWidget


def field_row(*fields: QWidget) -> QWidget:
    """A widget that shows fields side by side, from left to right, each no wider than it needs."""
    row = QWidget()
    line = QHBoxLayout(row)
    line.setContentsMargins(0, 0, 0, 0)
    for field in fields:
        line.addWidget(field)
    line.addStretch(1)
    return row
