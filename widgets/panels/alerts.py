"""The panel of all alerts with their status, and the alert log."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QModelIndex, Qt, QTimer
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.alerts.actions import AlertActions
from app.alerts.alert import Alert, FiredAlert, UnmonitoredSpan
from app.market.times import clock_text, date_and_clock_text
from rendering.scene.scene import ChartScene
from widgets.parts.help_button import HelpButton
from widgets.parts.text_table import TextTable, table_view

_EVERY_MS = 500
_SHOWN = 200  # entries of the log; the file has all
_STATE, _EVENT = "State", "Event"
"""The columns that take the spare width."""
_ALERTS = ("No.", "Market", "Subject", "Value", "Condition", "Trigger", _STATE, "Last fired (UTC)", "Note")
_LOG = ("Time (UTC)", "Alert", _EVENT)


class AlertPanel(QDialog):
    """Panel with all alerts and the alert log; refreshes twice a second, Esc closes it.

    Parameters
    ----------
    desk : AlertActions
    scene : callable
        Returns the chart in view, None if there is none.
    edit : callable
        Opens the dialog of an alert; for None, that of a new one.
    say : callable
        Called with the result as text.
    """

    def __init__(
        self,
        desk: AlertActions,
        scene: Callable[[], ChartScene | None],
        edit: Callable[[Alert | None], None],
        say: Callable[[str], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Alerts")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(1080, 560)
        self._desk, self._scene, self._edit, self._say = desk, scene, edit, say
        self.alerts, self.log = TextTable(_ALERTS, self), TextTable(_LOG, self)
        self.alert_view = table_view(self.alerts, "Alerts", _ALERTS.index(_STATE), self)
        self.log_view = table_view(self.log, "Alert log", _LOG.index(_EVENT), self)
        self.count = QLabel(self)
        rows = QVBoxLayout(self)
        rows.addWidget(self.alert_view, 3)
        rows.addLayout(self._buttons())
        rows.addWidget(self.log_view, 2)
        rows.addWidget(self.count)
        self.alert_view.activated.connect(self._activated)
        self.log_view.clicked.connect(self._clicked)
        self.log_view.activated.connect(self._clicked)  # by Return, without a mouse
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.refresh)
        self._timer.start(_EVERY_MS)
        self.refresh()

    def refresh(self) -> None:
        """Show all alerts, the newest 200 entries of the log, and the number of armed alerts."""
        book = self._desk.book
        self.alerts.show_rows(book.alerts, [self._row(alert) for alert in book.alerts])
        entries = list(book.log)[: -_SHOWN - 1 : -1]
        self.log.show_rows(entries, [_entry(entry) for entry in entries])
        armed = sum(alert.armed for alert in book.alerts)
        parts = [f"{armed:,} of {len(book.alerts):,} armed", self._desk.pending(), book.trouble]
        self.count.setText("   ".join(part for part in parts if part))
        for button in (self.edit_button, self.arm_button, self.delete_button):
            button.setEnabled(bool(book.alerts))

    def chosen(self) -> Alert | None:
        """The alert that the buttons act on: the selected one, or else the first; None if there are no alerts."""
        if not self.alerts.things:
            return None
        row = self.alert_view.currentIndex().row()
        return self.alerts.things[max(0, row)]

    def go_to(self, fired: FiredAlert) -> None:
        """Scroll the chart so that the trade that fired an alert is in the middle; if its market is not open, show a message."""
        scene = self._scene()
        if scene is None or scene.chart.spec.instrument.id != fired.instrument:
            self._say(f"{fired.instrument} is not the open market")
            return
        viewport = scene.viewport
        there = viewport.with_bar_at(scene.chart.series.times.position(fired.time_ns), viewport.width_px / 2)
        scene.set_viewport(there.centred(fired.price_ticks + 0.5))

    def _buttons(self) -> QHBoxLayout:
        line = QHBoxLayout()
        self.new_button, self.edit_button, self.arm_button, self.delete_button = (
            QPushButton(text, self) for text in ("&New…", "&Edit…", "Re-&arm", "&Delete")
        )
        self.new_button.clicked.connect(lambda: self._edit(None))
        self.edit_button.clicked.connect(lambda: self._with_chosen(self._edit))
        self.arm_button.clicked.connect(lambda: self._with_chosen(lambda alert: self._say(self._desk.arm(alert.number))))
        self.delete_button.clicked.connect(lambda: self._with_chosen(lambda alert: self._say(self._desk.delete(alert.number))))
        for button in (self.new_button, self.edit_button, self.arm_button, self.delete_button):
            button.setAutoDefault(False)  # Return belongs to the table
            line.addWidget(button)
        line.addStretch(1)
        line.addWidget(HelpButton("alerts.md#states", self))
        return line

    def _with_chosen(self, do: Callable[[Alert], None]) -> None:
        if (alert := self.chosen()) is not None:
            do(alert)
            self.refresh()

    def _activated(self, index: QModelIndex) -> None:
        self._edit(self.alerts.things[index.row()])

    def _clicked(self, index: QModelIndex) -> None:
        if isinstance(entry := self.log.things[index.row()], FiredAlert):
            self.go_to(entry)

    def _row(self, alert: Alert) -> tuple[str, ...]:
        word, why, since_ns = self._desk.status_of(alert)
        since = f" since {clock_text(since_ns, seconds=True)}" if since_ns else ""
        last = self._desk.book.last_fired(alert.number)
        return (
            str(alert.number),
            alert.instrument,
            self._desk.text_of(alert.subject),
            alert.value,
            alert.when.text,
            alert.often.text,
            f"{word}{since}{f': {why}' if why else ''}",
            date_and_clock_text(last.time_ns, seconds=True) if last else "",
            alert.note,
        )


def _entry(entry: FiredAlert | UnmonitoredSpan) -> tuple[str, ...]:
    if isinstance(entry, FiredAlert):
        return date_and_clock_text(entry.time_ns, seconds=True), str(entry.alert), f"{entry.text}{' (checked late)' if entry.late else ''}"
    start, until = date_and_clock_text(entry.start_ns, seconds=True), clock_text(entry.end_ns, seconds=True)
    return start, "", f"{entry.instrument} not monitored until {until} ({entry.why}): {entry.outcome}"
