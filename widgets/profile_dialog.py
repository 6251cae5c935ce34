"""Name, times and inputs of one profile on the chart; every change is shown at once, and is one step of undo."""

from __future__ import annotations

import enum

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QDialog, QFormLayout, QHBoxLayout, QLabel, QLineEdit, QSpinBox, QWidget

from app.analytics.row_layout import RowLayout, RowsBy
from app.analytics.value_area import ValueAreaMethod
from app.anchors import Anchors
from app.errors import BadInputError
from app.placed_profile import PlacedProfile
from app.profile_inputs import Placement, ProfileInputs, VolumeShown
from widgets.moments import moment_text, parse_moment

_MAX_ROW_SIZE = 1_000_000


class ProfileDialog(QDialog):
    """What can be chosen for a profile. Stays open beside the work, closed by Esc or Return.

    Parameters
    ----------
    anchors : Anchors
        The profiles of the chart.
    key : int
        Which of them.
    """

    def __init__(self, anchors: Anchors, key: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._anchors, self._key = anchors, key
        placed = anchors.get(key)
        assert placed is not None
        inputs = placed.inputs
        self.setWindowTitle(f"Profile {placed.name}")
        self.name = QLineEdit(placed.name)
        self.start = QLineEdit(_time_text(placed.start_ns))
        self.end = QLineEdit("" if placed.end_ns is None else _time_text(placed.end_ns))
        self.end.setPlaceholderText("grows with the market")
        self.rows_by = _choice(RowsBy, inputs.rows.by)
        self.row_size = _number(1, _MAX_ROW_SIZE, inputs.rows.size)
        self.volume = _choice(VolumeShown, inputs.volume)
        self.method = _choice(ValueAreaMethod, inputs.method)
        self.percent = _number(1, 100, inputs.percent, " %")
        self.placement = _choice(Placement, inputs.placement)
        self.width_percent = _number(5, 100, inputs.width_percent, " %")
        self.extend_poc, self.extend_vah, self.extend_val = (
            _box(text, on) for text, on in (("POC", inputs.extend_poc), ("VAH", inputs.extend_vah), ("VAL", inputs.extend_val))
        )
        self.trouble = QLabel("")
        self.trouble.setWordWrap(True)
        self._fill()
        self._listen()

    def _fill(self) -> None:
        form = QFormLayout(self)
        form.addRow("&Name", self.name)
        form.addRow("&From (UTC)", self.start)
        form.addRow("&To (UTC)", self.end)
        form.addRow("&Rows", _beside(self.rows_by, self.row_size))
        form.addRow("&Volume", self.volume)
        form.addRow("Value &area", _beside(self.method, self.percent))
        form.addRow("&Placement", _beside(self.placement, self.width_percent))
        form.addRow("Extend", _beside(self.extend_poc, self.extend_vah, self.extend_val))
        form.addRow(self.trouble)
        self.row_size.setEnabled(self.rows_by.currentData() is not RowsBy.CHART)

    def _listen(self) -> None:
        for edit in (self.name, self.start, self.end):
            edit.editingFinished.connect(self._take)
        for choice in (self.rows_by, self.volume, self.method, self.placement):
            choice.currentIndexChanged.connect(self._take)
        for number in (self.row_size, self.percent, self.width_percent):
            number.valueChanged.connect(self._take)
        for box in (self.extend_poc, self.extend_vah, self.extend_val):
            box.toggled.connect(self._take)

    def _take(self) -> None:
        """Change the profile to what the fields say; what cannot be is told, and left as it was."""
        placed = self._anchors.get(self._key)
        if placed is None:
            self.close()
            return
        self.row_size.setEnabled(self.rows_by.currentData() is not RowsBy.CHART)
        self._anchors.begin_gesture()
        try:
            self._anchors.set_inputs(self._key, self._inputs())
            self._anchors.move(self._key, *self._times(placed))
            self._anchors.rename(self._key, self.name.text())
            self.trouble.setText("")
        except BadInputError as error:
            self.trouble.setText(error.user_message)
        finally:
            self._anchors.end_gesture()

    def _times(self, placed: PlacedProfile) -> tuple[int, int | None]:
        start_ns = placed.start_ns
        if self.start.text().strip() != _time_text(start_ns):
            start_ns = parse_moment(self.start.text(), start_ns)
        typed, end_ns = self.end.text().strip(), placed.end_ns
        if not typed:
            return start_ns, None
        if end_ns is None or typed != _time_text(end_ns):
            end_ns = parse_moment(typed, start_ns)
        return start_ns, end_ns

    def _inputs(self) -> ProfileInputs:
        return ProfileInputs(
            rows=RowLayout(self.rows_by.currentData(), self.row_size.value()),
            volume=self.volume.currentData(),
            percent=self.percent.value(),
            method=self.method.currentData(),
            placement=self.placement.currentData(),
            width_percent=self.width_percent.value(),
            extend_poc=self.extend_poc.isChecked(),
            extend_vah=self.extend_vah.isChecked(),
            extend_val=self.extend_val.isChecked(),
        )


def _time_text(time_ns: int) -> str:
    return moment_text(time_ns).removesuffix(".000").removesuffix(":00")


def _choice(kind: type[enum.Enum], chosen: enum.Enum) -> QComboBox:
    box = QComboBox()
    for member in kind:
        box.addItem(member.value, member)
    box.setCurrentIndex(list(kind).index(chosen))
    return box


def _number(low: int, high: int, value: int, suffix: str = "") -> QSpinBox:
    box = QSpinBox()
    box.setRange(low, high)
    box.setSuffix(suffix)
    box.setValue(value)
    box.setKeyboardTracking(False)
    return box


def _box(text: str, on: bool) -> QCheckBox:
    box = QCheckBox(text)
    box.setChecked(on)
    return box


def _beside(*fields: QWidget) -> QWidget:
    row = QWidget()
    line = QHBoxLayout(row)
    line.setContentsMargins(0, 0, 0, 0)
    for field in fields:
        line.addWidget(field)
    line.addStretch(1)
    return row
