"""Every dialog that takes changes at once has a button that closes it."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QDialogButtonBox

from app.profiles.chart_profiles import Anchors
from app.profiles.profile_settings import ProfileInputs
from app.settings.calculation import ChartRules
from widgets.dialogs.calculation import RulesDialog
from widgets.dialogs.composite import CompositeDialog
from widgets.dialogs.periods import PeriodDialog, SideDialog
from widgets.dialogs.profile import ProfileDialog


@pytest.mark.parametrize(
    "make",
    [
        lambda anchors: ProfileDialog(anchors, anchors.add(0)),
        lambda anchors: PeriodDialog(anchors, ProfileInputs(), 30),
        SideDialog,
        lambda anchors: CompositeDialog(anchors, (), lambda placed: "", lambda: None),
        lambda anchors: RulesDialog(ChartRules, lambda rules: None),
    ],
)
def test_close_closes_and_return_elsewhere_does_not_press_it(qtbot, make):
    dialog = make(Anchors())
    dialog.show()
    (row,) = dialog.findChildren(QDialogButtonBox)
    button = row.button(QDialogButtonBox.StandardButton.Close)
    assert not button.autoDefault() and dialog.isVisible()
    with qtbot.waitSignal(dialog.destroyed):
        button.click()
