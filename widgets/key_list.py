"""The list of all keys, made from the command table."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QDialog, QHeaderView, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from widgets.actions import key_list

_MOUSE = (
    ("1 to 9", "Begin to type a bar, as in 15m; Return takes it, Esc leaves the old one"),
    ("Wheel", "Zoom time at the cursor"),
    ("Ctrl+wheel", "Zoom price at the cursor"),
    ("Shift+wheel", "Move in time"),
    ("Drag", "Move"),
    ("Drag a flag", "Move the start of a profile, or the end of a range; double-click for its inputs"),
    ("Left, Right", "While a profile is selected: move its start by a bar; with Alt a range's end"),
    ("Drag an axis", "Scale it"),
    ("Double-click the price axis", "Fit the prices in sight"),
    ("Double-click the time axis", "Newest bars, legible"),
)


class KeyList(QDialog):
    """Keys and mouse gestures; stays open beside the work, closed by Esc."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(620, 640)
        lines = [*key_list(), *_MOUSE]
        table = QTableWidget(len(lines), 2, self)
        table.setHorizontalHeaderLabels(["Key", "What it does"])
        table.verticalHeader().hide()
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.horizontalHeader().setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        for row, line in enumerate(lines):
            for column, text in enumerate(line):
                table.setItem(row, column, QTableWidgetItem(text))
        table.resizeColumnToContents(0)
        QVBoxLayout(self).addWidget(table)
