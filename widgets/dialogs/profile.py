"""The dialog of one placed profile: name, times and settings.

Each change applies at once, as one undo step.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QFormLayout, QLabel, QLineEdit, QWidget

from app.errors import BadInputError
from app.market.times import timestamp_text
from app.profiles.chart_profiles import ChartProfiles
from app.profiles.placed_profile import PlacedProfile
from widgets.parts.close_row import close_row
from widgets.parts.error_line import ErrorLine
from widgets.parts.profile_form import ProfileForm
from widgets.parts.time_input import parse_moment


class ProfileDialog(QDialog):
    """Dialog of one placed profile: name, times and settings; not modal, Esc closes it.

    Parameters
    ----------
    anchors : ChartProfiles
        The profiles of the chart.
    key : int
        Key of the profile.
    """

    def __init__(self, anchors: ChartProfiles, key: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._anchors, self._key = anchors, key
        placed = anchors.get(key)
        assert placed is not None
        self.setWindowTitle(f"Profile {placed.name}")
        self.name = QLineEdit(placed.name)
        self.start = QLineEdit(_time_text(placed.start_ns))
        self.end = QLineEdit("" if placed.end_ns is None else _time_text(placed.end_ns))
        self.end.setPlaceholderText("open (runs to the latest trade)")
        self.trouble = ErrorLine()
        form = QFormLayout(self)
        form.addRow("&Name", self.name)
        form.addRow("&From (UTC)", self.start)
        form.addRow("&To (UTC)", self.end)
        if placed.is_composite:
            form.addRow("Combines", QLabel(", ".join(placed.parts)))
        self.fields = ProfileForm(form, placed.inputs, self._take)
        form.addRow(self.trouble)
        form.addRow(close_row(self, "profiles.md#settings-of-a-profile"))
        for edit in (self.name, self.start, self.end):
            edit.editingFinished.connect(self._take)

    def _take(self) -> None:
        """Apply settings, times and name, in this order, up to the first invalid value, for which an error is shown.

        If the profile was deleted, close the dialog.
        """
        placed = self._anchors.get(self._key)
        if placed is None:
            self.close()
            return
        self._anchors.begin_gesture()
        try:
            self._anchors.set_inputs(self._key, self.fields.inputs())
            start_ns, end_ns = self._times(placed)
            if (start_ns, end_ns) != (placed.start_ns, placed.end_ns):
                self._anchors.move(self._key, start_ns, end_ns)
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


def _time_text(time_ns: int) -> str:
    return timestamp_text(time_ns).removesuffix(".000").removesuffix(":00")
