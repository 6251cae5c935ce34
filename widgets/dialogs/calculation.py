"""The dialog of the calculation settings: a page per group, a field per setting."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from msgspec import structs
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QFormLayout, QHBoxLayout, QLabel, QListWidget, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from app.errors import BadInputError
from app.settings.calculation import CalculationSettings
from app.settings.fields import fields_of, to_plain, with_value
from widgets.parts.close_row import close_row
from widgets.parts.error_line import ErrorLine
from widgets.parts.setting_fields import SettingField, field_for

_NAMES = {"cvd": "CVD", "tpo": "TPO"}


class CalculationDialog(QDialog):
    """Dialog of the calculation settings; not modal, changes apply at once.

    Parameters
    ----------
    rules : callable
        Returns the current settings.
    change : callable
        Called with changed settings.
    """

    def __init__(
        self, rules: Callable[[], CalculationSettings], change: Callable[[CalculationSettings], None], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Calculation settings")
        self._rules, self._change = rules, change
        self.fields: dict[str, SettingField] = {}
        """Fields by the path of their setting, e.g. `tpo.bracket`."""
        self.parts, self.pages = QListWidget(), QStackedWidget()
        self.parts.setFixedWidth(150)
        self.parts.setAccessibleName("Pages")
        self.trouble = ErrorLine()
        self.usual = QPushButton("Reset page")
        self.usual.setToolTip("Reset this page to default values")
        self.usual.setAutoDefault(False)
        self.usual.clicked.connect(self._take_usual)
        for part in structs.fields(CalculationSettings):
            self.parts.addItem(_title(part.name))
            self.pages.addWidget(self._page(part.name, type(part.default).__doc__ or ""))
        self.parts.currentRowChanged.connect(self.pages.setCurrentIndex)
        self.parts.setCurrentRow(0)
        self._lay_out()

    def refresh(self) -> None:
        """Show the current settings, which may have changed outside the dialog, e.g. by a key."""
        values = to_plain(self._rules())
        for path, field in self.fields.items():
            part, _, name = path.partition(".")
            field.show_value(values[part][name])

    def _lay_out(self) -> None:
        below = QHBoxLayout()
        below.addWidget(self.trouble, 1)
        below.addWidget(self.usual)
        below.addWidget(close_row(self, self._help_page))
        beside = QHBoxLayout()
        beside.addWidget(self.parts)
        beside.addWidget(self.pages, 1)
        rows = QVBoxLayout(self)
        rows.addLayout(beside, 1)
        rows.addLayout(below)
        self.resize(640, 460)

    def _help_page(self) -> str:
        return f"calculation.md#{structs.fields(CalculationSettings)[self.parts.currentRow()].name}"

    def _page(self, part: str, help_text: str) -> QWidget:
        page = QWidget()
        rows, form = QVBoxLayout(page), QFormLayout()
        rows.addWidget(_small(help_text.partition("\n")[0]))
        rows.addLayout(form)
        rows.addStretch(1)
        values = to_plain(self._rules())[part]
        for one in (one for one in fields_of(CalculationSettings) if one.path.startswith(f"{part}.")):
            name = one.path.partition(".")[2]
            field = self.fields[one.path] = field_for(one, values[name], partial(self._take, one.path))
            field.widget.setAccessibleName(_title(name))
            field.widget.setAccessibleDescription(one.help)
            column = QVBoxLayout()
            column.setSpacing(2)
            column.addWidget(field.widget)
            column.addWidget(_small(one.help))
            form.addRow(_title(name), column)
        return page

    def _take(self, path: str, *_from_qt: object) -> None:
        """Apply the field for a setting's path, e.g. `tpo.bracket`; an invalid value shows an error and changes nothing."""
        try:
            rules = with_value(self._rules(), path, self.fields[path].text())
        except BadInputError as error:
            self.trouble.setText(error.user_message)
            return
        self.trouble.setText("")
        if rules != self._rules():
            self._change(rules)

    def _take_usual(self) -> None:
        part = structs.fields(CalculationSettings)[self.parts.currentRow()]
        self.trouble.setText("")
        self._change(structs.replace(self._rules(), **{part.name: part.default}))
        self.refresh()


def _title(name: str) -> str:
    return _NAMES.get(name, name.replace("_", " ").capitalize())


def _small(text: str) -> QLabel:
    label = QLabel(text)
    label.setWordWrap(True)
    label.setEnabled(False)  # the fainter colour of the palette
    return label
