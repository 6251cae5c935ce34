"""The status bar: feed state, age of the last trade, rates, lag, notice, recording and painter."""

from __future__ import annotations

import time

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QSizePolicy, QStatusBar, QToolButton, QWidget

from app.ingest.lag import LagMeter
from app.market.feed import FeedState, FeedStatus
from app.storage.recording_status import RecordingState, RecordingStatus
from rendering.items.guides.badge_item import mode_colour
from rendering.style.theme import Theme
from rendering.view.frame import Mode
from widgets.window.feed_state_style import FEED_STATE_STYLES, word_of
from widgets.window.lag_texts import lag_tooltip
from widgets.window.status_texts import FeedRateMeter, detail_text, rates_text

_RECORDING_MODES: dict[RecordingState, Mode] = {
    RecordingState.LOW_DISK: "stale",
    RecordingState.RETRYING: "stale",
    RecordingState.NOT_RECORDING: "offline",
}
"""The colours of the states of recording that warn, named by the chart's display modes."""


class StatusBar(QStatusBar):
    """The status bar: feed state, age of the last trade, rates, lag, notice, recording and painter.

    The texts are refreshed a few times a second.
    """

    def __init__(self, theme: Theme, painter_reason: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self.state = self._label("Connection state")
        self.detail = self._label("Why")
        self.try_now = QPushButton("Try now", self)
        self.try_now.setToolTip("Try at once to reach the venue  (F5)")
        self.try_now.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.try_now.setVisible(False)
        self.figures = self._label("Time since last trade and message rate")
        self.lag = QToolButton(self)
        self.lag.setAutoRaise(True)
        self.lag.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.lag.setAccessibleName("Lag")
        self.notice = self._label("Notice")
        self.notice.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.recording = self._label("Recording status")
        self.painter = self._label("Painter")
        self._painter_reason = painter_reason
        self.addWidget(self.state)
        self.addWidget(self.detail)
        self.addWidget(self.try_now)
        self.addWidget(self.figures)
        self.addWidget(self.lag)
        self.addWidget(self.notice, 1)
        self.addPermanentWidget(self.recording)
        self.addPermanentWidget(self.painter)
        self._meter = FeedRateMeter()
        self._lag_shown: tuple[object, ...] = ()
        self._theme = theme
        self._shown_state: FeedState | None = None

    def set_theme(self, theme: Theme) -> None:
        """Use the colours of another theme from the next refresh on."""
        self._theme = theme
        self._shown_state = None

    def sample(self, status: FeedStatus) -> None:
        """Record the feed's counters for the rates; called in every screen frame, it changes no text."""
        self._meter.sample(status)

    def refresh(self, status: FeedStatus, notice: str, recording: RecordingStatus, painter: str, lag: LagMeter | None = None) -> None:
        """Update the texts that have changed, the colours of the feed state, and whether the button Try now is visible."""
        self._show_lag(status, lag)
        now_ns = time.time_ns()
        _set_text(self.state, word_of(status.state))
        _set_text(self.detail, detail_text(status, now_ns / 1e9))
        self.detail.setVisible(bool(self.detail.text()))
        _set_text(self.figures, rates_text(self._meter.rates(), status, now_ns))
        _set_text(self.notice, notice)
        self._show_recording(recording)
        if self.painter.text() != painter:
            self.painter.setText(painter)
            self.painter.setToolTip(f"{painter}: {self._painter_reason}" if self._painter_reason else painter)
            self._painter_reason = ""  # it explains the painter at the start, not a later choice of the user
        if status.state is not self._shown_state:
            self._shown_state = status.state
            self.try_now.setVisible(status.state in {FeedState.DISCONNECTED, FeedState.STOPPED})
            ground = mode_colour(self._theme, FEED_STATE_STYLES[status.state].mode)  # as the badge on the chart
            ink = self._theme.ink_on(ground)
            self.state.setStyleSheet(f"background: {ground.hex}; color: {ink.hex}; font-weight: 600; padding: 1px 6px;")

    def _show_lag(self, status: FeedStatus, lag: LagMeter | None) -> None:
        """Show the lag of the session, in the tooltip its parts; a replay has none, as its trades are old."""
        self.lag.setVisible(lag is not None and status.state is not FeedState.REPLAY)
        shown = (lag, lag.n if lag is not None else 0, status.clock_error_ns)
        if lag is None or shown == self._lag_shown:
            return
        self._lag_shown = shown
        self.lag.setText(f"lag {lag.session.text}")
        self.lag.setToolTip(lag_tooltip(lag, status))

    def _show_recording(self, recording: RecordingStatus) -> None:
        """Show the recording status by word, shape and colour."""
        text = f"{recording.shape} {recording.text}" if recording.text else ""
        if text == self.recording.text():
            return
        _set_text(self.recording, text)
        self.recording.setVisible(bool(text))
        mode = _RECORDING_MODES.get(recording.state)
        ground = None if mode is None else mode_colour(self._theme, mode)
        self.recording.setStyleSheet("" if ground is None else f"background: {ground.hex}; color: {self._theme.ink_on(ground).hex};")

    def _label(self, name: str) -> QLabel:
        label = QLabel(self)
        label.setTextFormat(Qt.TextFormat.PlainText)  # texts of a venue are never markup
        label.setAccessibleName(name)
        label.setContentsMargins(6, 0, 6, 0)
        return label


def _set_text(label: QLabel, text: str) -> None:
    if label.text() != text:
        label.setText(text)
        label.setToolTip(text)
