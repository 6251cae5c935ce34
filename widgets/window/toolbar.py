"""The toolbar: market, bar type and row size, and buttons, e.g. for colouring, follow and image."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, Qt
from PySide6.QtGui import QAction, QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QSpinBox, QToolBar, QWidget

from app.errors import BadInputError
from app.market.bar_rule import BarRule, parse_bar_rule
from app.market.instrument import parse_instrument_id
from widgets.commands.size_steps import BAR_CHOICES

_FIELD_KEYS = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)
"""Keys that move the chart, and that a field with the focus needs itself."""
_STILL_TYPING = (Qt.FocusReason.PopupFocusReason, Qt.FocusReason.ActiveWindowFocusReason, Qt.FocusReason.MenuBarFocusReason)
"""Reasons for losing the focus while the user is still typing."""


class Toolbar(QToolBar):
    """The toolbar, which passes the selected market, bar type and row size to callbacks.

    A field applies its text on Return; Esc, or invalid text, restores the old value.

    Parameters
    ----------
    actions : mapping of str to QAction
        The window's commands, see `widgets.commands.actions`.
    on_instrument, on_bar_rule, on_ticks_per_row, on_error : callable
        Called with the user's choice, or with an error text for invalid input.
    on_done : callable
        Called after Return or Esc in a field, to give the focus to the chart.
    """

    def __init__(
        self,
        actions: Mapping[str, QAction],
        *,
        on_instrument: Callable[[str], None],
        on_bar_rule: Callable[[BarRule], None],
        on_ticks_per_row: Callable[[int], None],
        on_error: Callable[[str], None],
        on_done: Callable[[], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("Chart", parent)
        self.setMovable(False)
        self.toggleViewAction().setEnabled(False)  # once hidden it could not be shown again
        self._actions = actions
        self._on_instrument, self._on_bar_rule, self._on_ticks_per_row = on_instrument, on_bar_rule, on_ticks_per_row
        self._on_error, self._on_done = on_error, on_done
        self._shown: tuple[str, str, int] = ("", "", 1)
        self._typed_in: QLineEdit | None = None
        """The field with typed text that is not applied yet."""
        self.instrument = self._combo("Market", "Market; type any symbol of a supported venue  (Ctrl+P)", 22)
        self.instrument.activated.connect(lambda: self._choose_instrument())
        self.bar_rule = self._combo("Bar", "Bar type; pick one or type your own  (PgUp and PgDown)", 6)
        self.bar_rule.addItems(list(BAR_CHOICES))
        self.bar_rule.setMaxVisibleItems(len(BAR_CHOICES))
        self.bar_rule.activated.connect(lambda: self._choose_bar_rule())
        self.ticks_per_row = QSpinBox(self)
        self.ticks_per_row.setRange(1, 1_000_000)
        self.ticks_per_row.setKeyboardTracking(False)  # a half-typed number is not applied
        self.ticks_per_row.setSuffix(" ticks")
        self.ticks_per_row.setAccessibleName("Ticks per row")
        self.ticks_per_row.setToolTip("Row height in ticks  ( [ and ] )")
        self.ticks_per_row.valueChanged.connect(self._choose_ticks_per_row)
        self.ticks_per_row.lineEdit().returnPressed.connect(self._on_done)
        self._filter_events(self.ticks_per_row, self.ticks_per_row.lineEdit())
        self.row_size = QLabel(self)
        self.row_size.setTextFormat(Qt.TextFormat.PlainText)
        self.row_size.setAccessibleName("Row height as a price")
        for title, widget in (("Market", self.instrument), ("Bar", self.bar_rule), ("Row", self.ticks_per_row)):
            label = QLabel(f" {title} ", self)
            label.setBuddy(widget)
            self.addWidget(label)
            self.addWidget(widget)
        self.addWidget(self.row_size)
        self.addSeparator()
        for name in ("next_cells", "next_colouring", "go_to_newest", "reset_view", "save_picture", "open_demo"):
            self.addAction(actions[name])

    def offer_instruments(self, ids: Sequence[str]) -> None:
        """Fill the list of markets to select from; the user can still type any other market."""
        with QSignalBlocker(self.instrument):
            text = self.instrument.currentText()
            self.instrument.clear()
            self.instrument.addItems(list(ids))
            self.instrument.setEditText(text)

    def show_choice(self, instrument_id: str, bar_rule: BarRule, ticks_per_row: int, row_size: str) -> None:
        """Show the chart's market, bar type and row size without reporting them as choices.

        A field keeps text that the user has typed and not applied yet.
        """
        self._shown = (instrument_id, bar_rule.text, ticks_per_row)
        for combo, text in ((self.instrument, instrument_id), (self.bar_rule, bar_rule.text)):
            if self._typed_in is not _edit_of(combo):
                _show(combo, text)
        if self._typed_in is not self.ticks_per_row.lineEdit():
            with QSignalBlocker(self.ticks_per_row):
                self.ticks_per_row.setValue(ticks_per_row)
        self.row_size.setText(f" = {row_size} " if row_size else "")

    def show_style(self, *, following: bool, cells: str, colouring: str) -> None:
        """Show on the buttons, in words and signs, whether the view follows the latest bar, and the cells' content and colouring."""
        follow = self._actions["go_to_newest"]
        follow.setChecked(following)
        follow.setIconText("● Follow" if following else "○ Follow")
        self._actions["next_colouring"].setIconText(f"Colour: {colouring}")
        self._actions["next_cells"].setIconText(f"Cells: {cells}")

    def type_bar(self, text: str) -> None:
        """Move the focus to the bar field and start it with `text`, e.g. after a digit was pressed on the chart."""
        self.bar_rule.setFocus()
        edit = _edit_of(self.bar_rule)
        edit.clear()
        edit.insert(text)
        self._typed_in = edit

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Give a field's own keys precedence over shortcuts; restore the old value on Esc, or when the market or bar field loses the focus.

        The row size field applies a typed number then. A list or menu that opens, or another window, does not end the typing.
        """
        if isinstance(event, QKeyEvent):
            if event.type() is QEvent.Type.ShortcutOverride and event.key() in (*_FIELD_KEYS, Qt.Key.Key_Escape):
                event.accept()
                return True
            if event.type() is QEvent.Type.KeyPress and event.key() == Qt.Key.Key_Escape:
                self._restore()
                self._on_done()
                return True
        elif isinstance(event, QFocusEvent) and event.lostFocus() and event.reason() not in _STILL_TYPING:
            self._leave_field()
        return super().eventFilter(watched, event)

    # -- choosing --------------------------------------------------------------------------------

    def _choose_instrument(self) -> None:
        text = self.instrument.currentText().strip()
        try:
            parse_instrument_id(text)
        except BadInputError as error:
            self._refuse(error)
            return
        self._typed_in = None
        self._on_instrument(text)
        self._on_done()

    def _choose_bar_rule(self) -> None:
        try:
            rule = parse_bar_rule(self.bar_rule.currentText().strip())
        except BadInputError as error:
            self._refuse(error)
            return
        self._typed_in = None
        self._on_bar_rule(rule)
        self._on_done()

    def _choose_ticks_per_row(self, ticks: int) -> None:
        self._typed_in = None
        self._on_ticks_per_row(ticks)

    def _refuse(self, error: BadInputError) -> None:
        self._restore()
        self._on_error(error.user_message)

    def _returned(self, combo: QComboBox) -> None:
        """On Return, apply typed text that is not in the list; Qt itself applies texts in the list.

        Qt may report one Return twice; the text is applied once.
        """
        if self._typed_in is not _edit_of(combo):
            self._on_done()
        elif combo.findText(combo.currentText()) < 0:
            combo.activated.emit(-1)

    def _leave_field(self) -> None:
        if self._typed_in is not None and self._typed_in is not self.ticks_per_row.lineEdit():  # a number box applies its text itself
            self._restore()

    def _restore(self) -> None:
        self._typed_in = None
        instrument_id, bar, ticks = self._shown
        _show(self.instrument, instrument_id)
        _show(self.bar_rule, bar)
        with QSignalBlocker(self.ticks_per_row):
            self.ticks_per_row.setValue(ticks)
            self.ticks_per_row.lineEdit().setText(self.ticks_per_row.textFromValue(ticks) + self.ticks_per_row.suffix())

    # -- building --------------------------------------------------------------------------------

    def _combo(self, name: str, tool_tip: str, characters: int) -> QComboBox:
        combo = QComboBox(self)
        combo.setEditable(True)
        combo.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        combo.setMinimumContentsLength(characters)
        combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        combo.setAccessibleName(name)
        combo.setToolTip(tool_tip)
        edit = _edit_of(combo)
        edit.returnPressed.connect(lambda: self._returned(combo))
        self._filter_events(combo, edit)
        return combo

    def _filter_events(self, *widgets: QWidget) -> None:
        for widget in widgets:
            widget.installEventFilter(self)
            if isinstance(widget, QLineEdit):
                self._listen_to_typing(widget)

    def _listen_to_typing(self, edit: QLineEdit) -> None:
        edit.textEdited.connect(lambda: self._type(edit))

    def _type(self, edit: QLineEdit) -> None:
        self._typed_in = edit


def _edit_of(combo: QComboBox) -> QLineEdit:
    edit = combo.lineEdit()
    assert edit is not None
    return edit


def _show(combo: QComboBox, text: str) -> None:
    with QSignalBlocker(combo):
        index = combo.findText(text)
        if index >= 0:
            combo.setCurrentIndex(index)  # so that the arrow keys continue from there
        combo.setEditText(text)
        _edit_of(combo).setCursorPosition(0)  # so that the beginning of a long name is visible
