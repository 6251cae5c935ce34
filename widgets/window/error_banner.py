"""A strip above the chart for internal errors, with details to copy."""

from __future__ import annotations

import traceback

import structlog
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

_log = structlog.get_logger(__name__)

_MEANING = "Trades are still being received, but the chart may be incomplete."


class FaultBanner(QFrame):
    """A banner for internal errors, hidden until the first; each error is logged and shown once."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.setAccessibleName("Internal error")
        self._seen: set[str] = set()
        self._details = ""
        self.text = QLabel(self)
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        self.text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)  # never widens the window
        self.copy = QPushButton("Copy details", self)
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self._details))
        self.dismiss = QPushButton("Dismiss", self)
        self.dismiss.clicked.connect(lambda: self.hide())
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 3, 8, 3)
        row.addWidget(self.text, 1)
        row.addWidget(self.copy)
        row.addWidget(self.dismiss)
        self.hide()

    def report(self, what: str, error: BaseException) -> None:
        """Log and show an internal error unless it was reported before; `what` is the activity, e.g. "drawing a frame"."""
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else ""
        key = f"{what} {type(error).__name__} {place}"
        if key in self._seen:
            return
        self._seen.add(key)
        _log.error(f"internal error while {what}", error=repr(error), exc_info=error)
        self._details = "".join(traceback.format_exception(error))
        self.show_text(f"Internal error while {what}: {type(error).__name__}. {_MEANING}")

    def report_layers(self, names: list[str]) -> None:
        """Show that these layers of the chart were disabled, once for the same names; an empty list shows nothing.

        The scene has logged the reason.
        """
        if not names or (key := f"layers {names}") in self._seen:
            return
        self._seen.add(key)
        self._details = f"disabled layers: {', '.join(names)}"
        self.show_text(f"Part of the chart could not be drawn and is hidden: {', '.join(names)}. All other values are correct.")

    def show_text(self, text: str) -> None:
        """Show the banner with a text, followed by a reference to the log."""
        self.text.setText(f"⚠ {text} See the log for details.")
        self.text.setToolTip(self._details)
        self.show()
