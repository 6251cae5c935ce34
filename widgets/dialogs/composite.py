"""The dialog to select profiles from a list and combine them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QLabel, QListWidget, QListWidgetItem, QPushButton, QVBoxLayout, QWidget

from app.profiles.chart_profiles import ChartProfiles
from app.profiles.placed_profile import PlacedProfile
from widgets.parts.close_row import close_row


class CompositeDialog(QDialog):
    """Dialog with a list of profiles to combine; a check mark selects a profile on the chart at once.

    Parameters
    ----------
    anchors : ChartProfiles
        The profiles of the chart.
    periods : sequence of PlacedProfile
        The period profiles in view.
    when : callable
        Returns the time range of a profile as text.
    on_compose : callable
        Combines the selected profiles.
    """

    def __init__(
        self,
        anchors: ChartProfiles,
        periods: Sequence[PlacedProfile],
        when: Callable[[PlacedProfile], str],
        on_compose: Callable[[], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Combine profiles")
        self._anchors, self._on_compose = anchors, on_compose
        self.offered = (*anchors.profiles, *periods)
        self.list = QListWidget()
        self.list.setAccessibleName("Profiles")
        for placed in self.offered:
            item = QListWidgetItem(f"{placed.name} · {when(placed)}", self.list)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Checked if anchors.is_chosen(placed) else Qt.CheckState.Unchecked)
        self.list.itemChanged.connect(self._choose)
        self.compose = QPushButton("Combine")
        self.compose.clicked.connect(self._compose)
        column = QVBoxLayout(self)
        column.addWidget(QLabel("Select two or more profiles (Space toggles):" if self.offered else "No profiles on the chart"))
        column.addWidget(self.list)
        column.addWidget(self.compose)
        column.addWidget(close_row(self, "profiles.md#composite-profiles"))
        self.list.setCurrentRow(0)
        self._enable()

    def _choose(self, item: QListWidgetItem) -> None:
        placed, ticked = self.offered[self.list.row(item)], item.checkState() is Qt.CheckState.Checked
        if ticked != self._anchors.is_chosen(placed):
            self._anchors.choose(placed)
        self._enable()

    def _enable(self) -> None:
        self.compose.setEnabled(len(self._anchors.chosen) > 1)

    def _compose(self) -> None:
        self._on_compose()
        self.close()
