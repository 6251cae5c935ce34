"""The line of a dialog that says what cannot be taken: it is whole, however full the dialog is."""

from __future__ import annotations

import pytest

from app.profiles.chart_profiles import ChartProfiles
from app.profiles.profile_settings import ProfileSettings
from widgets.dialogs.periods import PeriodDialog, SideDialog
from widgets.dialogs.profile import ProfileDialog


def profile_dialog(anchors: ChartProfiles) -> ProfileDialog:
    return ProfileDialog(anchors, anchors.add(0))


@pytest.mark.parametrize("make", [profile_dialog, SideDialog, lambda anchors: PeriodDialog(anchors, ProfileSettings(), 30)])
def test_long_error_makes_the_dialog_higher_and_is_fully_shown(qtbot, make):
    dialog = make(ChartProfiles())
    assert isinstance(dialog, ProfileDialog | PeriodDialog | SideDialog)
    qtbot.addWidget(dialog)
    dialog.show()
    low = dialog.height()
    dialog.trouble.setText("time: found 'banana', expected e.g. 15:30 or 2026-11-21 15:30:12, and more words than one line can hold")
    qtbot.waitUntil(lambda: dialog.trouble.height() >= dialog.trouble.heightForWidth(dialog.trouble.width()) > 20, timeout=2000)
    assert dialog.height() > low and dialog.rect().contains(dialog.trouble.geometry())
