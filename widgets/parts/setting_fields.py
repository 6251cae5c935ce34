"""Form fields for settings, one class per type of value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QCheckBox, QComboBox, QLineEdit, QListWidget, QListWidgetItem, QSpinBox, QWidget

from app.settings.fields import FieldInfo

_MOST = 1_000_000


class SettingField(Protocol):
    """The interface of a form field for one setting."""

    @property
    def widget(self) -> QWidget:
        """The widget in which the user enters the value."""
        ...

    def text(self) -> str:
        """The entered value as text, in the format that `app.settings.fields.with_value` accepts."""
        ...

    def show_value(self, value: Any) -> None:
        """Show a value, given as written in a settings file, without reporting a change."""
        ...


def field_for(one: FieldInfo, value: Any, taken: Callable[[], None]) -> SettingField:
    """A field that suits the type of a setting; it shows `value`, and calls `taken` when the user has entered a value."""
    if one.kind is tuple:
        return ListField(one, value, taken)
    if one.kind is bool:
        return CheckField(value, taken)
    if one.choices:
        return ChoiceField(one.choices, value, taken)
    if one.kind is int:
        return NumberField(one, value, taken)
    return ExampleField(one.examples, value, taken) if one.examples else TextField(value, taken)


class CheckField:
    """A check box, for a setting that is true or false."""

    def __init__(self, value: bool, taken: Callable[[], None]) -> None:
        self.widget = QCheckBox()
        self.widget.setChecked(value)
        self.widget.toggled.connect(taken)

    def text(self) -> str:
        return "true" if self.widget.isChecked() else "false"

    def show_value(self, value: bool) -> None:
        _quietly(self.widget, lambda: self.widget.setChecked(value))


class ChoiceField:
    """A drop-down list, for a setting that is one of several words."""

    def __init__(self, choices: tuple[str, ...], value: str, taken: Callable[[], None]) -> None:
        self.widget = QComboBox()
        self.widget.addItems(choices)
        self.widget.setCurrentText(value)
        self.widget.currentIndexChanged.connect(taken)

    def text(self) -> str:
        return self.widget.currentText()

    def show_value(self, value: str) -> None:
        _quietly(self.widget, lambda: self.widget.setCurrentText(value))


class NumberField:
    """A field for a whole number within the bounds of the setting, or ±1,000,000 where it has none."""

    def __init__(self, one: FieldInfo, value: int, taken: Callable[[], None]) -> None:
        self.widget = QSpinBox()
        self.widget.setRange(-_MOST if one.least is None else one.least, _MOST if one.most is None else one.most)
        self.widget.setKeyboardTracking(False)
        self.widget.setValue(value)
        self.widget.valueChanged.connect(taken)

    def text(self) -> str:
        return str(self.widget.value())

    def show_value(self, value: int) -> None:
        _quietly(self.widget, lambda: self.widget.setValue(value))


class TextField:
    """A text field; its text takes effect on Return or when the field loses the focus."""

    def __init__(self, value: object, taken: Callable[[], None]) -> None:
        self.widget = QLineEdit(str(value))
        self.widget.editingFinished.connect(taken)

    def text(self) -> str:
        return self.widget.text()

    def show_value(self, value: object) -> None:
        _quietly(self.widget, lambda: self.widget.setText(str(value)))


class ExampleField:
    """A text field with a drop-down list of examples."""

    def __init__(self, examples: tuple[str, ...], value: object, taken: Callable[[], None]) -> None:
        self.widget = QComboBox()
        self.widget.setEditable(True)
        self.widget.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.widget.addItems(examples)
        self.widget.setCurrentText(str(value))
        self.widget.activated.connect(taken)
        edit = self.widget.lineEdit()
        assert edit is not None
        edit.editingFinished.connect(taken)

    def text(self) -> str:
        return self.widget.currentText()

    def show_value(self, value: object) -> None:
        _quietly(self.widget, lambda: self.widget.setCurrentText(str(value)))


class ListField:
    """A list of words that the user can check, and reorder by dragging or with Alt+Up and Alt+Down."""

    def __init__(self, one: FieldInfo, value: tuple[str, ...], taken: Callable[[], None]) -> None:
        self._choices = one.choices
        self.widget = _OrderedList()
        self.show_value(value)
        self.widget.setFixedHeight(self.widget.sizeHintForRow(0) * len(one.choices) + 2 * self.widget.frameWidth())
        self.widget.itemChanged.connect(taken)
        self.widget.model().rowsMoved.connect(taken)

    def text(self) -> str:
        items = (self.widget.item(row) for row in range(self.widget.count()))
        return ",".join(item.text() for item in items if item.checkState() is Qt.CheckState.Checked)

    def show_value(self, value: tuple[str, ...]) -> None:
        if self.text() != ",".join(value):
            _quietly(self.widget, lambda: self._fill(value))

    def _fill(self, value: tuple[str, ...]) -> None:
        self.widget.clear()
        for word in (*value, *(word for word in self._choices if word not in value)):
            item = QListWidgetItem(word, self.widget)
            item.setCheckState(Qt.CheckState.Checked if word in value else Qt.CheckState.Unchecked)


class _OrderedList(QListWidget):
    def __init__(self) -> None:
        super().__init__()
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setAccessibleDescription("Space toggles a row, Alt+Up and Alt+Down move it")
        self.setToolTip("Tick rows to show them. Drag, or press Alt+Up and Alt+Down, to reorder.")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()), 0)
        row = self.currentRow()
        if not step or event.modifiers() != Qt.KeyboardModifier.AltModifier or not 0 <= row + step < self.count():
            super().keyPressEvent(event)
            return
        to = row + step + (step > 0)  # Qt takes the row before which it is inserted
        self.model().moveRow(QModelIndex(), row, QModelIndex(), to)


def _quietly(widget: QWidget, change: Callable[[], None]) -> None:
    """Call a function that changes a widget, while the widget's signals are blocked."""
    before = widget.blockSignals(True)
    change()
    widget.blockSignals(before)
