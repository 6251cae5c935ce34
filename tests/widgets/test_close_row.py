"""Every dialog that takes changes at once has a button that closes it."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QDialogButtonBox

from app.anchors import Anchors
from app.chart_rules import ChartRules
from app.profile_inputs import ProfileInputs
from widgets.composite_dialog import CompositeDialog
from widgets.period_dialog import PeriodDialog, SideDialog
from widgets.profile_dialog import ProfileDialog
from widgets.rules_dialog import RulesDialog


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
