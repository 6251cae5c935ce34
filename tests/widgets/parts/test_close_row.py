"""Every dialog that takes changes at once has a button that closes it."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QDialogButtonBox

from app.profiles.chart_profiles import ChartProfiles
from app.profiles.profile_settings import ProfileSettings
from app.settings.calculation import CalculationSettings
from widgets.dialogs.calculation import CalculationDialog
from widgets.dialogs.composite import CompositeDialog
from widgets.dialogs.periods import PeriodDialog, SideDialog
from widgets.dialogs.profile import ProfileDialog


@pytest.mark.parametrize(
    "make",
    [
        lambda anchors: ProfileDialog(anchors, anchors.add(0)),
        lambda anchors: PeriodDialog(anchors, ProfileSettings(), 30),
        SideDialog,
        lambda anchors: CompositeDialog(anchors, (), lambda placed: "", lambda: None),
        lambda anchors: CalculationDialog(CalculationSettings, lambda rules: None),
    ],
)
def test_close_button_closes_and_return_in_a_field_does_not(qtbot, make):
    dialog = make(ChartProfiles())
    dialog.show()
    (row,) = dialog.findChildren(QDialogButtonBox)
    button = row.button(QDialogButtonBox.StandardButton.Close)
    assert not button.autoDefault() and dialog.isVisible()
    with qtbot.waitSignal(dialog.destroyed):
        button.click()
