"""A table of texts that is cheap to refresh often, as it updates only on changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

_Index = QModelIndex | QPersistentModelIndex


class TextTable(QAbstractTableModel):
    """A table model with rows of texts; `things` has the object that each row represents.

    Parameters
    ----------
    headers : sequence of str
    """

    def __init__(self, headers: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._headers = tuple(headers)
        self._texts: list[tuple[str, ...]] = []
        self.things: list[Any] = []

    def show_rows(self, things: Sequence[Any], texts: Sequence[tuple[str, ...]]) -> None:
        """Replace the rows by `texts`, one row for each of `things`; views are notified only if something has changed."""
        things, texts = list(things), list(texts)
        if len(texts) != len(self._texts):
            self.beginResetModel()
            self.things, self._texts = things, texts
            self.endResetModel()
        elif texts != self._texts or things != self.things:
            self.things, self._texts = things, texts
            self.dataChanged.emit(self.index(0, 0), self.index(len(texts) - 1, len(self._headers) - 1))

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._texts)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._headers)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return self._texts[index.row()][index.column()]
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        return self._headers[section] if role == Qt.ItemDataRole.DisplayRole and orientation is Qt.Orientation.Horizontal else None


def table_view(model: TextTable, name: str, stretched: int, parent: QWidget) -> QTableView:
    """A view of a table model; the column with index `stretched` takes the spare width."""
    view = QTableView(parent)
    view.setAccessibleName(name)
    view.setModel(model)
    view.setWordWrap(False)
    view.verticalHeader().hide()
    view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    view.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    view.horizontalHeader().setSectionResizeMode(stretched, QHeaderView.ResizeMode.Stretch)
    view.setTabKeyNavigation(False)  # Tab continues to the buttons
    return view
