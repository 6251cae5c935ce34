"""The panel of all active levels: a sortable table.

A click scrolls the chart to a level.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, QTimer
from PySide6.QtWidgets import QAbstractItemView, QDialog, QHBoxLayout, QHeaderView, QLabel, QTableView, QVBoxLayout, QWidget

from app.chart.levels import Level
from app.market.price_grid import PriceGrid
from app.market.times import age_text, date_and_clock_text
from rendering.items.as_of import as_of_text
from rendering.items.levels.level_items import NAMES, LevelItem
from rendering.scene.all_layers import LAYERS
from rendering.scene.scene import ChartScene
from widgets.parts.help_button import HelpButton

_EVERY_MS = 500  # often enough to read distances
_HEADERS = ("Level", "Period", "Price", "Since (UTC)", "Age", "Tests", "Distance")
_SORTED_BY: tuple[Callable[[Level], Any], ...] = (
    lambda level: level.kind,
    lambda level: level.period.value if level.period else "",
    lambda level: level.bottom_ticks,
    lambda level: level.born_ns,
    lambda level: -level.born_ns,
    lambda level: level.tests,
    lambda level: abs(level.distance_ticks),
)
_DISTANCE = len(_HEADERS) - 1
_Index = QModelIndex | QPersistentModelIndex
_PLACE = 0.2
"""Distance from the left edge to the first bar of a level, as a share of the pane's width."""


class LevelTableModel(QAbstractTableModel):
    """Table model of active levels, by default sorted by distance from the last price, nearest first."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.levels: list[Level] = []
        self._texts: list[tuple[str, ...]] = []
        self._column, self._order = _DISTANCE, Qt.SortOrder.AscendingOrder

    def show_levels(self, levels: list[Level], grid: PriceGrid, now_ns: int, *, hold: bool = False) -> None:
        """Show levels in the selected sort order; with `hold`, levels already shown keep their order and new ones come last.

        Ages count from `now_ns`.
        """
        levels = sorted(levels, key=_SORTED_BY[self._column], reverse=self._order is Qt.SortOrder.DescendingOrder)
        if hold:
            places = {_identity(level): place for place, level in enumerate(self.levels)}
            levels.sort(key=lambda level: places.get(_identity(level), len(places)))
        texts = [_texts(level, grid, now_ns) for level in levels]
        if texts == self._texts and levels == self.levels:
            return
        if len(levels) != len(self.levels):
            self.beginResetModel()
            self.levels, self._texts = levels, texts
            self.endResetModel()
            return
        self.levels, self._texts = levels, texts
        if levels:
            self.dataChanged.emit(self.index(0, 0), self.index(len(levels) - 1, _DISTANCE))

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.levels)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(_HEADERS)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == Qt.ItemDataRole.DisplayRole:
            return self._texts[index.row()][index.column()]
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() in (2, 4, 5, 6):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        return _HEADERS[section] if role == Qt.ItemDataRole.DisplayRole and orientation is Qt.Orientation.Horizontal else None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort the levels by a column, in ascending or descending order."""
        self._column, self._order = column, order
        both = list(zip(self.levels, self._texts, strict=True))
        both.sort(key=lambda row: _SORTED_BY[column](row[0]), reverse=order is Qt.SortOrder.DescendingOrder)
        self.layoutAboutToBeChanged.emit()
        self.levels, self._texts = [row[0] for row in both], [row[1] for row in both]
        self.layoutChanged.emit()


class LevelPanel(QDialog):
    """Panel of active levels; refreshes twice a second, Esc closes it.

    Parameters
    ----------
    scene : callable
        Returns the chart in view, None if there is none.
    show_overlay : callable
        Called with the name of a hidden overlay when a level of it was clicked.
    """

    def __init__(
        self, scene: Callable[[], ChartScene | None], parent: QWidget | None = None, show_overlay: Callable[[str], None] = lambda name: None
    ) -> None:
        super().__init__(parent)
        self._show_overlay = show_overlay
        self.setWindowTitle("Levels")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(760, 520)
        self._scene = scene
        self.model = LevelTableModel(self)
        self.table = QTableView(self)
        self.table.setAccessibleName("Active levels")
        self.table.setModel(self.model)
        self.table.setWordWrap(False)
        self.table.verticalHeader().hide()
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setSortingEnabled(True)
        self.table.sortByColumn(_DISTANCE, Qt.SortOrder.AscendingOrder)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.table.horizontalHeader().setSectionResizeMode(3, QHeaderView.ResizeMode.Stretch)
        self.table.clicked.connect(self._clicked)
        self.table.activated.connect(self._clicked)  # by Return, without a mouse
        self.count = QLabel(self)
        rows = QVBoxLayout(self)
        rows.addWidget(self.table)
        foot = QHBoxLayout()
        foot.addWidget(self.count, 1)
        foot.addWidget(HelpButton("values.md#levels", self))
        rows.addLayout(foot)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.refresh)
        self._timer.start(_EVERY_MS)
        self.refresh()

    def refresh(self) -> None:
        """Show the active levels or, in an as-of view, those active then; without bars, change nothing."""
        scene = self._scene()
        if scene is None or not scene.chart.series.n_bars:
            return
        chart = scene.chart
        unfinished = chart.levels.refresh()
        series = chart.series
        known_end, moment = (series.n_bars, "") if scene.frame is None else (scene.frame.known_end, as_of_text(scene.frame))
        self.model.show_levels(
            chart.levels.active(known_end), series.grid, series.start_ns(max(0, known_end - 1)), hold=self.table.underMouse()
        )
        parts = (f"{len(self.model.levels):,} levels", moment, "still scanning older bars" if unfinished else "")
        self.count.setText(", ".join(filter(None, parts)))

    def _clicked(self, index: QModelIndex) -> None:
        level, scene = self.model.levels[index.row()], self._scene()
        name = next((layer.name for layer in LAYERS if issubclass(layer, LevelItem) and level.kind in layer.kinds), "")
        if scene is not None and name and name not in scene.shown:
            self._show_overlay(name)
        self.go_to(level)

    def go_to(self, level: Level) -> None:
        """Scroll the chart to a level: its price in the middle, its first bar near the left edge.

        If that would leave empty space at the right, the newest bar is at the right edge instead.
        """
        scene = self._scene()
        if scene is None:
            return
        viewport = scene.viewport
        times = scene.chart.series.times
        there = viewport.with_bar_at(times.position(level.born_ns), _PLACE * viewport.width_px)
        newest = int(scene.chart.series.number[-1]) + 1
        if there.x(newest) < viewport.width_px:  # a recent level: no empty space at the right
            there = viewport.with_bar_at(newest, viewport.width_px)
        scene.set_viewport(there.centred((level.bottom_ticks + level.top_ticks) / 2))


def _identity(level: Level) -> tuple[object, ...]:
    return level.kind, level.period, level.bottom_ticks, level.top_ticks, level.born_ns


def _texts(level: Level, grid: PriceGrid, now_ns: int) -> tuple[str, ...]:
    def price(ticks: int, sign: str = "") -> str:
        return f"{grid.price(ticks):{sign}.{grid.decimals}f}"

    prices = [price(ticks) for ticks in (level.bottom_ticks, level.top_ticks)]
    return (
        NAMES[level.kind],
        level.period.value if level.period else "",
        prices[0] if prices[0] == prices[1] else " – ".join(prices),
        date_and_clock_text(level.born_ns, seconds=False),
        age_text(now_ns - level.born_ns),
        str(level.tests),
        price(level.distance_ticks, "+") if level.distance_ticks else "inside",
    )
