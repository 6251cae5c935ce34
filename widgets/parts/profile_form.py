"""The form fields of profile settings, the same for every kind of profile."""

from __future__ import annotations

import enum
from collections.abc import Callable

from PySide6.QtGui import QColor, QIcon, QPixmap
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QSpinBox

from app.analytics.row_layout import RowLayout, RowMode
from app.analytics.value_area import ValueAreaMethod
from app.profiles.profile_settings import SAFE_COLOURS, Placement, ProfileColours, ProfileSettings, VolumeDisplay, parse_colour_name
from widgets.parts.field_row import field_row

_MAX_ROW_SIZE = 1_000_000
_SWATCH_PX = 14
_THEME = "theme"


class ProfileForm:
    """Form rows with a field for each setting of a profile, see `ProfileSettings`.

    Parameters
    ----------
    form : QFormLayout
        Receives the rows.
    inputs : ProfileSettings
        Initial values.
    on_change : callable
        Called after every change, also to an invalid colour, for which `inputs` raises.
    """

    def __init__(self, form: QFormLayout, inputs: ProfileSettings, on_change: Callable[[], None]) -> None:
        self.rows_by = choice_of(RowMode, inputs.rows.by)
        self.row_size = number_field(1, _MAX_ROW_SIZE, inputs.rows.size)
        self.volume = choice_of(VolumeDisplay, inputs.volume)
        self.method = choice_of(ValueAreaMethod, inputs.method)
        self.percent = number_field(1, 100, inputs.percent, " %")
        self.placement = choice_of(Placement, inputs.placement)
        self.width_percent = number_field(5, 100, inputs.width_percent, " %")
        self.extend_poc, self.extend_vah, self.extend_val = (
            _box(text, on) for text, on in (("POC", inputs.extend_poc), ("VAH", inputs.extend_vah), ("VAL", inputs.extend_val))
        )
        self.buy = _colour_field("Buying", inputs.colours.buy)
        self.sell = _colour_field("Selling", inputs.colours.sell)
        self.value_area = _colour_field("Value area", inputs.colours.value_area)
        self._fill(form)
        self._listen(on_change)

    def inputs(self) -> ProfileSettings:
        """The profile settings as entered in the fields.

        Raises
        ------
        BadInputError
            If a colour is invalid.
        """
        return ProfileSettings(
            rows=RowLayout(self.rows_by.currentData(), self.row_size.value()),
            volume=self.volume.currentData(),
            percent=self.percent.value(),
            method=self.method.currentData(),
            placement=self.placement.currentData(),
            width_percent=self.width_percent.value(),
            extend_poc=self.extend_poc.isChecked(),
            extend_vah=self.extend_vah.isChecked(),
            extend_val=self.extend_val.isChecked(),
            colours=ProfileColours(*(parse_colour_name(field.currentText()) for field in (self.buy, self.sell, self.value_area))),
        )

    def _fill(self, form: QFormLayout) -> None:
        form.addRow("&Rows", field_row(self.rows_by, self.row_size))
        form.addRow("&Volume", self.volume)
        form.addRow("Value &area", field_row(self.method, self.percent))
        form.addRow("&Placement", field_row(self.placement, self.width_percent))
        form.addRow("Extend lines", field_row(self.extend_poc, self.extend_vah, self.extend_val))
        for text, field in (("&Buying", self.buy), ("&Selling", self.sell), ("VAH, VAL, t&otal", self.value_area)):
            form.addRow(text, field)
        self._enable()

    def _listen(self, on_change: Callable[[], None]) -> None:
        self.rows_by.currentIndexChanged.connect(self._enable)
        for choice in (self.rows_by, self.volume, self.method, self.placement):
            choice.currentIndexChanged.connect(on_change)
        for number in (self.row_size, self.percent, self.width_percent):
            number.valueChanged.connect(on_change)
        for box in (self.extend_poc, self.extend_vah, self.extend_val):
            box.toggled.connect(on_change)
        for colour in (self.buy, self.sell, self.value_area):
            colour.activated.connect(on_change)
            edit = colour.lineEdit()
            assert edit is not None
            edit.editingFinished.connect(on_change)

    def _enable(self) -> None:
        self.row_size.setEnabled(self.rows_by.currentData() is not RowMode.CHART)


def choice_of(kind: type[enum.Enum], chosen: enum.Enum) -> QComboBox:
    """A drop-down list of an enumeration's members, labelled with their values; the member `chosen` is selected."""
    box = QComboBox()
    for member in kind:
        box.addItem(member.value, member)
    box.setCurrentIndex(list(kind).index(chosen))
    return box


def number_field(low: int, high: int, value: int, suffix: str = "") -> QSpinBox:
    """A field for a whole number from `low` to `high`; a typed number takes effect on Return or when the field loses the focus."""
    box = QSpinBox()
    box.setRange(low, high)
    box.setSuffix(suffix)
    box.setValue(value)
    box.setKeyboardTracking(False)
    return box


def _colour_field(name: str, colour: str) -> QComboBox:
    """A field for a colour: the theme's, a named one that is safe for colour-blind users, or a typed one."""
    box = QComboBox()
    box.setEditable(True)
    box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
    box.setAccessibleName(f"{name}: colour")
    box.setToolTip("Theme colour, a colour-blind-safe colour, or a custom one such as #0072b2")
    box.addItem(_THEME)
    for known, value in SAFE_COLOURS.items():
        swatch = QPixmap(_SWATCH_PX, _SWATCH_PX)
        swatch.fill(QColor(value))
        box.addItem(QIcon(swatch), known)
    box.setCurrentText(next((known for known, value in SAFE_COLOURS.items() if value == colour), colour or _THEME))
    return box


def _box(text: str, on: bool) -> QCheckBox:
    box = QCheckBox(text)
    box.setChecked(on)
    return box
