"""The row of choices above the chart: market, bar, row size, colouring, follow, picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox, QLabel, QSpinBox, QToolBar, QWidget

from app.errors import BadInputError
from app.market.bar_rule import BarRule, parse_bar_rule

BAR_CHOICES = ("1s", "5s", "15s", "30s", "1m", "3m", "5m", "15m", "30m", "1h", "4h", "1d")


class Toolbar(QToolBar):
    """Widgets only: what is chosen goes to the callables that the window hands in.

    Parameters
    ----------
    actions : mapping of str to QAction
        The window's commands, see `widgets.actions`.
    on_instrument, on_bar_rule, on_ticks_per_row, on_error : callable
        Called with what the user chose, or with a line that says why it cannot be.
    """

    def __init__(
        self,
        actions: Mapping[str, QAction],
        *,
        on_instrument: Callable[[str], None],
        on_bar_rule: Callable[[BarRule], None],
        on_ticks_per_row: Callable[[int], None],
        on_error: Callable[[str], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("Chart", parent)
        self.setMovable(False)
        self._on_bar_rule, self._on_error = on_bar_rule, on_error
        self.instrument = self._combo("Market", 22)
        self.instrument.activated.connect(lambda _: on_instrument(self.instrument.currentText().strip()))
        self.bar_rule = self._combo("Bar", 6)
        self.bar_rule.addItems(list(BAR_CHOICES))
        self.bar_rule.activated.connect(lambda _: self._choose_bar_rule())
        self.ticks_per_row = QSpinBox(self)
        self.ticks_per_row.setRange(1, 1_000_000)
        self.ticks_per_row.setKeyboardTracking(False)  # a half-typed number is not a choice
        self.ticks_per_row.setSuffix(" ticks")
        self.ticks_per_row.setAccessibleName("Ticks per row")
        self.ticks_per_row.setToolTip("Height of a price row in ticks  ( [ and ] )")
        self.ticks_per_row.valueChanged.connect(on_ticks_per_row)
        self.row_size = QLabel(self)
        self.row_size.setTextFormat(Qt.TextFormat.PlainText)
        for title, widget in (("Market", self.instrument), ("Bar", self.bar_rule), ("Row", self.ticks_per_row)):
            label = QLabel(f" {title} ", self)
            label.setBuddy(widget)
            self.addWidget(label)
            self.addWidget(widget)
        self.addWidget(self.row_size)
        self.addSeparator()
        for name in ("toggle_colouring", "go_to_newest", "reset_view", "save_picture", "open_demo"):
            self.addAction(actions[name])

    def offer_instruments(self, ids: Sequence[str]) -> None:
        """Fill the list of markets; any other may still be typed."""
        with QSignalBlocker(self.instrument):
            text = self.instrument.currentText()
            self.instrument.clear()
            self.instrument.addItems(list(ids))
            self.instrument.setEditText(text)

    def show_choice(self, instrument_id: str, bar_rule: BarRule, ticks_per_row: int, row_size: str) -> None:
        """Show what the chart shows, without calling anybody."""
        with QSignalBlocker(self.instrument), QSignalBlocker(self.bar_rule), QSignalBlocker(self.ticks_per_row):
            self.instrument.setEditText(instrument_id)
            self.bar_rule.setEditText(bar_rule.text)
            self.ticks_per_row.setValue(ticks_per_row)
        self.row_size.setText(f" = {row_size} " if row_size else "")

    def _combo(self, name: str, characters: int) -> QComboBox:
        combo = QComboBox(self)
        combo.setEditable(True)
        combo.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        combo.setMinimumContentsLength(characters)
        combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        combo.setAccessibleName(name)
        edit = combo.lineEdit()
        assert edit is not None
        # Return on a text that is not in the list does not activate an item: hand it on ourselves
        edit.returnPressed.connect(lambda: combo.findText(combo.currentText()) < 0 and combo.activated.emit(-1))
        return combo

    def _choose_bar_rule(self) -> None:
        try:
            rule = parse_bar_rule(self.bar_rule.currentText().strip())
        except BadInputError as error:
            self._on_error(error.user_message)
            return
        self._on_bar_rule(rule)
