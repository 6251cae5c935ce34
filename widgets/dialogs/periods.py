"""The dialogs of the period profiles and of the visible range profile."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QDialog, QFormLayout, QWidget

from app.errors import BadInputError
from app.profiles.chart_profiles import ChartProfiles
from app.profiles.period_profiles import PeriodKind, PeriodProfiles
from app.profiles.profile_settings import ProfileSettings
from widgets.parts.close_row import close_row
from widgets.parts.error_line import ErrorLine
from widgets.parts.profile_form import ProfileForm, number_field

_NONE = "none"
_MOST_BARS = 100_000


class PeriodDialog(QDialog):
    """Dialog for the kind and the settings of the period profiles; each change applies at once, as one undo step.

    Parameters
    ----------
    anchors : ChartProfiles
        The profiles of the chart.
    inputs : ProfileSettings
        Initial settings while no period profiles are shown.
    bars : int
        Initial number of bars per profile, unless N-bar profiles are shown.
    """

    def __init__(self, anchors: ChartProfiles, inputs: ProfileSettings, bars: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Period profiles")
        self._anchors = anchors
        shown = anchors.periods
        self.each = QComboBox()
        self.each.addItems([_NONE, *(each.value for each in PeriodKind)])
        self.bars = number_field(1, _MOST_BARS, shown.bars if shown is not None and shown.each is PeriodKind.BARS else bars)
        self.bars.setSuffix(" bars")
        if shown is not None:
            self.each.setCurrentText(shown.each.value)
        form = QFormLayout(self)
        form.addRow("&Period", self.each)
        form.addRow("&Bars per profile", self.bars)
        self.fields = ProfileForm(form, inputs if shown is None else shown.inputs, self._take)
        self.trouble = ErrorLine()
        form.addRow(self.trouble)
        form.addRow(close_row(self, "profiles.md#period-profiles"))
        self.bars.setEnabled(self.each.currentText() == PeriodKind.BARS.value)
        self.each.currentIndexChanged.connect(self._take)
        self.bars.valueChanged.connect(self._take)

    def _take(self) -> None:
        self.bars.setEnabled(self.each.currentText() == PeriodKind.BARS.value)
        try:
            inputs = self.fields.inputs()
        except BadInputError as error:
            self.trouble.setText(error.user_message)
            return
        self.trouble.setText("")
        self._anchors.show_periods(self._periods(inputs))

    def _periods(self, inputs: ProfileSettings) -> PeriodProfiles | None:
        each, shown = self.each.currentText(), self._anchors.periods
        if each == _NONE:
            return None
        wanted = PeriodProfiles(PeriodKind(each), self.bars.value(), inputs)
        if shown is not None and shown.has_same_periods(wanted):
            return PeriodProfiles(shown.each, shown.bars, inputs, shown.cuts, shown.joins)
        return wanted


class SideDialog(QDialog):
    """Dialog for the settings of the visible range profile; each change applies at once, as one undo step."""

    def __init__(self, anchors: ChartProfiles, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Visible range profile")
        self._anchors = anchors
        form = QFormLayout(self)
        self.fields = ProfileForm(form, anchors.side, self._take)
        self.trouble = ErrorLine()
        form.addRow(self.trouble)
        form.addRow(close_row(self, "profiles.md#visible-range-profile"))

    def _take(self) -> None:
        try:
            self._anchors.set_side(self.fields.inputs())
            self.trouble.setText("")
        except BadInputError as error:
            self.trouble.setText(error.user_message)
