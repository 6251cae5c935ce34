"""The dialog of one alert: subject, condition, trigger, sound and note; it is not modal."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QDialog, QFormLayout, QLabel, QLineEdit, QPushButton, QWidget

from app.alerts.actions import AlertActions
from app.alerts.alert import AlertSpec, Condition, Scope, Subject, SubjectKind, Trigger
from app.alerts.subjects import SUBJECTS
from widgets.parts.field_row import field_row
from widgets.parts.help_button import HelpButton
from widgets.parts.sounds import SOUNDS

_BANDS = (0, 1, -1, 2, -2, 3, -3)
_UNITS = {
    "price": "a price",
    "quantity": "a quantity",
    "signed": "a quantity; negative for selling",
    "%": "1 to 100; negative for selling",
}


class AlertDialog(QDialog):
    """Dialog to set a new alert, or to change one.

    Parameters
    ----------
    desk : AlertActions
    wish : AlertSpec
        Initial values.
    number : int or None
        Number of the alert to change; None for a new one.
    say : callable
        Called with the result as text.
    play : callable
        Plays a sound by name.
    """

    def __init__(
        self,
        desk: AlertActions,
        wish: AlertSpec,
        number: int | None,
        say: Callable[[str], None],
        play: Callable[[str], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        instrument = desk.instrument
        self.setWindowTitle(f"{'New alert' if number is None else f'Alert {number}'}{f' — {instrument.id}' if instrument else ''}")
        self._desk, self._number, self._say = desk, number, say
        self.kind, self.of, self.band, self.when, self.often, self.sound = (QComboBox(self) for _ in range(6))
        self.value, self.note = QLineEdit(wish.value, self), QLineEdit(wish.note, self)
        self.trouble = QLabel("", self)
        self.trouble.setWordWrap(True)
        self.done_button = QPushButton("Set" if number is None else "Change", self)
        self._lay_out()
        self._fill(wish)
        self.kind.currentIndexChanged.connect(lambda: self._show_choices(self.spec))
        self.sound.activated.connect(lambda: play(self.sound.currentData()))
        self.done_button.clicked.connect(self._take)

    @property
    def spec(self) -> AlertSpec:
        """The alert as entered in the fields, not checked."""
        of, key = self.of.currentData() or (Scope.NOTHING, 0)
        kind: SubjectKind = self.kind.currentData()
        band = self.band.currentData() if kind is SubjectKind.VWAP else 0
        return AlertSpec(
            subject=Subject(kind=kind, of=of, key=key, band=band),
            when=self.when.currentData(),
            value=self.value.text().strip() if SUBJECTS[kind].unit else "",
            often=self.often.currentData(),
            note=self.note.text().strip(),
            sound=self.sound.currentData(),
        )

    def _fill(self, wish: AlertSpec) -> None:
        _offer(self.kind, [(kind.text, kind) for kind in SUBJECTS], wish.subject.kind)
        _offer(self.often, [(often.text, often) for often in Trigger], wish.often)
        _offer(self.sound, [(name or "none", name) for name in SOUNDS], wish.sound)
        _offer(self.band, [(f"{band:+d} σ".replace("-", "−") if band else "the line", band) for band in _BANDS], wish.subject.band)
        self._show_choices(wish)

    def _show_choices(self, wish: AlertSpec) -> None:
        """Offer the periods, profiles and conditions that the selected subject allows, and select those of an alert where possible."""
        kind: SubjectKind = self.kind.currentData()
        entry = SUBJECTS[kind]
        ofs: list[tuple[str, tuple[Scope, int]]] = [
            (f"the {of.text}", (of, 0)) for of in entry.ofs if of not in (Scope.NOTHING, Scope.PROFILE)
        ]
        if Scope.PROFILE in entry.ofs:
            ofs += [(f"profile {name}", (Scope.PROFILE, key)) for key, name in self._desk.profiles()]
        _offer(self.of, ofs, (wish.subject.of, wish.subject.key))
        _offer(self.when, [(when.text, when) for when in entry.whens], wish.when if wish.when in entry.whens else Condition.TOUCH)
        self.of.setVisible(bool(ofs))
        self.band.setVisible(kind is SubjectKind.VWAP)
        self.value.setEnabled(bool(entry.unit))
        self.value.setPlaceholderText(_UNITS.get(entry.unit, ""))

    def _lay_out(self) -> None:
        form = QFormLayout(self)
        form.addRow("&Subject", field_row(self.kind, self.of, self.band))
        form.addRow("&Condition", self.when)
        form.addRow("&Value", self.value)
        form.addRow("&Trigger", self.often)
        form.addRow("S&ound", self.sound)
        form.addRow("&Note", self.note)
        form.addRow(self.trouble)
        form.addRow(field_row(self.done_button, HelpButton("alerts.md#subjects-and-conditions", self)))

    def _take(self) -> None:
        """Add or change the alert and close the dialog; if that fails, show the error and stay open."""
        outcome = self._desk.add(self.spec) if self._number is None else self._desk.change(self._number, self.spec)
        if outcome.done:
            self._say(outcome.text)
            self.close()
        else:
            self.trouble.setText(outcome.text)


def _offer(box: QComboBox, choices: Sequence[tuple[str, object]], chosen: object) -> None:
    box.blockSignals(True)
    box.clear()
    for text, thing in choices:
        box.addItem(text, thing)
    places = [place for place, (_, thing) in enumerate(choices) if thing == chosen]
    box.setCurrentIndex(places[0] if places else 0 if choices else -1)
    box.blockSignals(False)
