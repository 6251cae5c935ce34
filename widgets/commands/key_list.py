"""The dialog that lists the keys in the command table, and mouse gestures."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QDialog, QHeaderView, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from widgets.commands.actions import key_list
from widgets.parts.close_row import close_row

MOUSE = (
    ("1 to 9", "Type a bar type, e.g. 15m; Return applies it, Esc cancels"),
    ("Wheel", "Zoom time at the cursor"),
    ("Ctrl+wheel", "Zoom price at the cursor"),
    ("Shift+wheel", "Scroll in time"),
    ("Drag", "Move"),
    ("Drag a flag", "Move the start of a profile or the end of a range; double-click for settings"),
    ("Left, Right", "With a profile selected: move its start by one bar (with Alt: the end of a range)"),
    ("Drag an axis", "Scale that axis"),
    ("Double-click the price axis", "Fit visible prices"),
    ("Double-click the time axis", "Latest bars at readable size"),
)
"""Mouse gestures and their effect, for the list of keys and its help page."""


class KeyList(QDialog):
    """Dialog that lists the keys of all commands, and mouse gestures; not modal, Esc closes it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(620, 640)
        lines = [*key_list(), *MOUSE]
        table = QTableWidget(len(lines), 2, self)
        table.setHorizontalHeaderLabels(["Key", "Action"])
        table.verticalHeader().hide()
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.horizontalHeader().setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        for row, line in enumerate(lines):
            for column, text in enumerate(line):
                table.setItem(row, column, QTableWidgetItem(text))
        table.resizeColumnToContents(0)
        rows = QVBoxLayout(self)
        rows.addWidget(table)
        rows.addWidget(close_row(self, "keys.md"))
