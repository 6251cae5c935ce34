"""The dialog of the figures' inputs, and the keys that change some of them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit, QListWidget, QSpinBox

from app.errors import SettingsError
from app.market.session import Period
from app.settings.calculation import CalculationSettings, CvdSettings, ValueAreaSettings
from app.settings.fields import fields_of
from tests.widgets.desks import Desk
from widgets.commands.calculation import RuleCommands
from widgets.dialogs.calculation import CalculationDialog
from widgets.parts.setting_fields import ListField

USUAL = CalculationSettings()


class Held:
    """Rules that a dialog changes."""

    def __init__(self) -> None:
        self.rules = USUAL
        self.changes = 0

    def change(self, rules: CalculationSettings) -> None:
        self.rules, self.changes = rules, self.changes + 1


@pytest.fixture
def held() -> Held:
    return Held()


@pytest.fixture
def dialog(qtbot, held: Held) -> CalculationDialog:
    dialog = CalculationDialog(lambda: held.rules, held.change)
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def widget(dialog: CalculationDialog, path: str, kind: type):
    found = dialog.fields[path].widget
    assert isinstance(found, kind)
    return found


def test_every_setting_has_a_field_with_name_and_help(dialog):
    assert list(dialog.fields) == [one.path for one in fields_of(CalculationSettings)]
    for one in fields_of(CalculationSettings):
        shown = dialog.fields[one.path].widget
        assert shown.accessibleName() and shown.accessibleDescription() == one.help
    assert [dialog.parts.item(row).text() for row in range(3)] == ["Time", "Value area", "Imbalance"]


def test_change_applies_at_once_and_to_one_setting(dialog, held):
    widget(dialog, "value_area.percent", QSpinBox).setValue(68)
    assert held.rules == CalculationSettings(value_area=ValueAreaSettings(percent=68))
    widget(dialog, "value_area.percent", QSpinBox).setValue(70)
    widget(dialog, "cells.show_numbers", QCheckBox).setChecked(False)
    widget(dialog, "levels.zones_end", QComboBox).setCurrentText("close")
    assert (held.rules.cells.show_numbers, held.rules.levels.zones_end, held.rules.value_area) == (False, "close", USUAL.value_area)
    assert held.changes == 4


def test_return_applies_typed_text_and_reports_an_error(qtbot, dialog, held):
    dialog.parts.setCurrentRow(2)
    edit = widget(dialog, "imbalance.minimum", QLineEdit)
    edit.setText("lots")
    qtbot.keyClick(edit, Qt.Key.Key_Return)
    assert dialog.trouble.text() == "imbalance.minimum: found 'lots', invalid decimal string"
    assert (held.rules, held.changes) == (USUAL, 0)
    edit.setText("0.5")
    qtbot.keyClick(edit, Qt.Key.Key_Return)
    assert (held.rules.imbalance.minimum, dialog.trouble.text()) == (Decimal("0.5"), "")


def test_session_is_selected_or_typed(qtbot, dialog, held):
    session = widget(dialog, "time.session", QComboBox)
    session.setCurrentText("us-rth")
    session.activated.emit(1)
    assert held.rules.time.session == "us-rth"
    session.lineEdit().setText("25:00-26:00")
    qtbot.keyClick(session.lineEdit(), Qt.Key.Key_Return)
    assert dialog.trouble.text().startswith("time.session: found '25:00-26:00', expected one of day, us-rth, ")
    assert held.rules.time.session == "us-rth"


def test_rows_are_checked_and_ordered_by_keys(qtbot, dialog, held):
    dialog.parts.setCurrentRow(8)
    periods = widget(dialog, "levels.periods", QListWidget)
    periods.setCurrentRow(0)
    qtbot.keyClick(periods, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    assert held.rules.levels.periods == (Period.WEEK, Period.DAY, Period.MONTH)
    periods.item(2).setCheckState(Qt.CheckState.Unchecked)
    assert held.rules.levels.periods == (Period.WEEK, Period.DAY)
    field = dialog.fields["levels.periods"]
    assert isinstance(field, ListField)
    field.show_value(("month",))
    assert (field.text(), periods.count(), held.rules.levels.periods) == ("month", 3, (Period.WEEK, Period.DAY))


def test_reset_page_restores_its_default_values(dialog, held):
    held.rules = CalculationSettings(value_area=ValueAreaSettings(percent=50), cvd=CvdSettings(reset="never"))
    dialog.refresh()
    assert widget(dialog, "value_area.percent", QSpinBox).value() == 50
    assert held.changes == 0
    dialog.parts.setCurrentRow(1)
    dialog.usual.click()
    assert held.rules == CalculationSettings(cvd=CvdSettings(reset="never"))
    assert widget(dialog, "value_area.percent", QSpinBox).value() == 70


def test_keys_and_dialog_change_the_chart_and_save_settings(qtbot):
    desk, remembered, said = Desk(), [], []
    window = QComboBox()
    qtbot.addWidget(window)
    commands = RuleCommands(window, desk, lambda *rules: remembered.append(rules), said.append)  # type: ignore[arg-type]
    commands.edit_rules()
    commands.edit_rules()
    (dialog,) = window.findChildren(CalculationDialog)
    commands.toggle_cvd_reset()
    assert desk.rules == CalculationSettings(cvd=CvdSettings(reset="never"))
    assert remembered == [(USUAL, desk.rules)]
    assert widget(dialog, "cvd.reset", QComboBox).currentText() == "never"
    widget(dialog, "value_area.percent", QSpinBox).setValue(60)
    assert (desk.chart.figures.percent, remembered[-1]) == (60, (remembered[0][1], desk.rules))


def test_setting_that_cannot_be_saved_applies_and_is_reported(qtbot):
    def refuse(*_rules: CalculationSettings) -> None:
        raise SettingsError("cannot write settings.toml")

    desk, said = Desk(), []
    window = QComboBox()
    qtbot.addWidget(window)
    RuleCommands(window, desk, refuse, said.append).next_colouring()  # type: ignore[arg-type]
    assert (desk.rules.cells.colouring, said) == ("delta", ["cannot write settings.toml"])
