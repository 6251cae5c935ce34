"""The page that the window shows while there is no chart, with the reason."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from app.market.feed import FeedState, FeedStatus
from widgets.window.status_texts import state_text

_TITLES = {
    FeedState.DISCONNECTED: "Cannot reach the venue",
    FeedState.STOPPED: "This market is not available from the venue",
    FeedState.SYNCING: "Waiting for the first trade",
    FeedState.LIVE: "Waiting for the first trade",
    FeedState.STALE: "Waiting for the first trade",
}


class WaitingPage(QWidget):
    """The page shown while there is no chart: the feed's state, and buttons to try again at once or open the simulated market.

    Parameters
    ----------
    open_demo, try_now : callables
        Called by the buttons.
    """

    def __init__(self, open_demo: Callable[[], None], try_now: Callable[[], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = self._label(18)
        self.reason = self._label(0)
        self.demo = QPushButton("Open the simulated market", self)
        self.demo.setToolTip("Built-in, no network needed  (Ctrl+D)")
        self.demo.clicked.connect(lambda: open_demo())
        self.try_now = QPushButton("Try now", self)
        self.try_now.setToolTip("Try at once to reach the venue  (F5)")
        self.try_now.clicked.connect(lambda: try_now())
        self.try_now.setVisible(False)
        rows = QVBoxLayout(self)
        rows.setSpacing(14)
        rows.addStretch(2)
        rows.addWidget(self.title)
        rows.addWidget(self.reason)
        rows.addWidget(self.try_now, 0, Qt.AlignmentFlag.AlignHCenter)
        rows.addWidget(self.demo, 0, Qt.AlignmentFlag.AlignHCenter)
        rows.addStretch(3)

    def show_status(self, instrument_id: str, status: FeedStatus) -> None:
        """Show the state of a market's feed and, if it is disconnected or stopped, the button to try again."""
        title = _TITLES.get(status.state, f"Opening {instrument_id} …")
        if self.title.text() != title:
            self.title.setText(title)
        self.try_now.setVisible(status.state in {FeedState.DISCONNECTED, FeedState.STOPPED})
        reason = state_text(status, time.time())
        if self.reason.text() != reason:
            self.reason.setText(reason)

    def _label(self, point_size: int) -> QLabel:
        label = QLabel(self)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        label.setWordWrap(True)
        if point_size:
            font = label.font()
            font.setPointSize(point_size)
            label.setFont(font)
        return label
