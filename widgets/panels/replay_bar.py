"""The replay controls under the chart: play or pause, next trade, next bar, speed, time and progress."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, Qt
from PySide6.QtGui import QAction, QColor, QKeyEvent, QPalette
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QLabel, QLineEdit, QToolButton, QWidget

from app.errors import BadInputError
from app.market.bar_rule import BarRule
from app.market.times import timestamp_text
from rendering.style.text import chart_font
from rendering.style.theme import Theme
from widgets.panels.playback import SPEEDS, Playback, next_speed, speed_text
from widgets.parts.seek_slider import TRACK_STEPS, SeekSlider
from widgets.parts.time_input import parse_moment


class ReplayBar(QFrame):
    """The strip of replay controls under the chart, hidden unless the open market is the recording.

    While it is hidden, its commands are disabled. `widgets.commands.table` assigns the methods to menu entries and keys.

    Parameters
    ----------
    playback : Playback or None
        None if there is no recording.
    theme : Theme
    bar_rule : callable
        Returns the bar type of the chart, for the command "next bar".
    open_anew : callable
        Opens the recording again.
    on_error : callable
        Called with an error text for invalid input.
    on_done : callable
        Called after Return or Esc in the time field, to give the focus to the chart.
    """

    def __init__(
        self,
        playback: Playback | None,
        theme: Theme,
        *,
        bar_rule: Callable[[], BarRule],
        open_anew: Callable[[], None],
        on_error: Callable[[str], None],
        on_done: Callable[[], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName("Replay")
        self._playback = playback
        self._bar_rule, self._open_anew, self._on_error, self._on_done = bar_rule, open_anew, on_error, on_done
        self._actions: Mapping[str, QAction] = {}
        self._on: bool | None = None
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(8, 3, 8, 3)
        self._row.setSpacing(6)
        self.state = QLabel(self)
        self.state.setAccessibleName("Replay state")
        self.state.setMinimumWidth(self.fontMetrics().horizontalAdvance("▶ REPLAY ENDED") + 12)
        self.time = QLineEdit(self)
        self.time.setAccessibleName("Recording time, UTC")
        self.time.setToolTip("Recording time, UTC. Type a time and press Return to jump (Alt+G)")
        self.time.setFont(chart_font(12))
        self.time.setFixedWidth(self.time.fontMetrics().horizontalAdvance("0") * len(timestamp_text(0)) + 22)
        self.time.returnPressed.connect(self._jump_to_typed)
        self.time.installEventFilter(self)
        self.speed = QComboBox(self)
        self.speed.addItems([speed_text(speed) for speed in SPEEDS])
        self.speed.setMaxVisibleItems(len(SPEEDS))
        self.speed.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.speed.setAccessibleName("Speed")
        self.speed.setToolTip("Replay speed (Ctrl+Up and Ctrl+Down)")
        self.speed.activated.connect(self._choose_speed)
        self.track = SeekSlider(self)
        self.track.setAccessibleName("Progress")
        self.track.setToolTip("Drag or click to jump to a time")
        self.track.sliderReleased.connect(lambda: self._jump(self._time_at(self.track.value())))
        self.progress = QLabel(self)
        self.progress.setAccessibleName("Replay progress")
        self.progress.setMinimumWidth(self.fontMetrics().horizontalAdvance("100 %"))
        self.progress.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.set_theme(theme)
        self.hide()

    def take_actions(self, actions: Mapping[str, QAction]) -> None:
        """Store those of the window's actions that control a replay, and lay out the controls."""
        self._actions = {
            name: actions[name] for name in ("play_or_pause", "step_trade", "step_bar", "play_slower", "play_faster", "go_to_time")
        }
        self._row.addWidget(self.state)
        for name in ("play_or_pause", "step_trade", "step_bar"):
            self._row.addWidget(self._button(name))
        self._row.addSpacing(8)
        for widget in (self._button("play_slower"), self.speed, self._button("play_faster")):
            self._row.addWidget(widget)
        self._row.addSpacing(8)
        self._row.addWidget(self.time)
        self._row.addWidget(self.track, 1)
        self._row.addWidget(self.progress)
        self.show_for("")

    def set_theme(self, theme: Theme) -> None:
        """Apply the colours of another theme."""
        self.state.setStyleSheet(f"color: {theme.replay.hex}; font-weight: 600;")
        palette = self.track.palette()
        palette.setColor(QPalette.ColorRole.Highlight, QColor(*theme.replay[:3]))
        self.track.setPalette(palette)

    def shows(self, instrument_id: str) -> bool:
        """True if a market is the recording that these controls are for."""
        return self._playback is not None and instrument_id == self._playback.instrument_id

    def show_for(self, instrument_id: str) -> None:
        """Show the controls and enable their commands if the market with this id is the recording, else hide and disable them."""
        on = self.shows(instrument_id)
        if on == self._on:
            return
        self._on = on
        self.setVisible(on)
        for action in self._actions.values():
            action.setEnabled(on)

    def refresh(self) -> None:
        """Show the current state of the replay in the controls, unless they are hidden."""
        playback = self._playback
        if playback is None or self.isHidden():
            return
        ended, paused = playback.ended, playback.paused
        _set_text(self.state, "■ REPLAY ENDED" if ended else "‖ PAUSED" if paused else "▶ REPLAY")
        play = self._actions["play_or_pause"]
        if play.iconText() != (text := "Play again" if ended else "Play" if paused else "Pause"):
            play.setIconText(text)
        for name in ("step_trade", "step_bar"):
            self._actions[name].setEnabled(not ended)
        self._show_speed(playback.speed)
        share = self._share()
        if not self.track.isSliderDown():
            self.track.setValue(round(share * TRACK_STEPS))
        _set_text(self.progress, f"{math.floor(100 * share)} %")
        if not self.time.hasFocus():
            shown_ns = self._time_at(self.track.value()) if self.track.isSliderDown() else playback.now_ns
            _set_text(self.time, timestamp_text(shown_ns))

    # -- commands, see widgets.commands.table -------------------------------------------------------------

    def play_or_pause(self) -> None:
        """Pause or continue the replay; if it has ended, start it again."""
        playback = self._playback
        if playback is None:
            return
        if playback.ended:
            playback.resume()
            self._jump(playback.span.start_ns)
        elif playback.paused:
            playback.resume()
        else:
            playback.pause()
        self.refresh()

    def step_trade(self) -> None:
        """Pause the replay, and play the next trade at once."""
        if self._playback is not None:
            self._playback.pause()
            self._playback.step_trade()
            self.refresh()

    def step_bar(self) -> None:
        """Pause the replay, and play the rest of the bar that contains the next trade at once."""
        if self._playback is not None:
            self._playback.pause()
            self._playback.step_bar(self._bar_rule())
            self.refresh()

    def play_faster(self) -> None:
        """Change to the next higher replay speed; the highest is unlimited."""
        self._step_speed(1)

    def play_slower(self) -> None:
        """Change to the next lower replay speed; the lowest is 0.1x."""
        self._step_speed(-1)

    def go_to_time(self) -> None:
        """Move the focus to the time field, and select its text."""
        self.time.setFocus()
        self.time.selectAll()

    # -- helpers ---------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Let Esc in the time field move the focus to the chart; the field then shows the current time again."""
        if isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            if event.type() is QEvent.Type.KeyPress:
                self._on_done()
            event.accept()
            return True
        return super().eventFilter(watched, event)

    def _jump_to_typed(self) -> None:
        playback = self._playback
        if playback is None:
            return
        span = playback.span
        try:
            time_ns = parse_moment(self.time.text(), playback.now_ns)
            if not span.start_ns // 1_000_000 <= time_ns // 1_000_000 <= span.end_ns // 1_000_000:
                expected = f"{timestamp_text(span.start_ns)} to {timestamp_text(span.end_ns)}"
                raise BadInputError(f"time: found {timestamp_text(time_ns)}, expected a time in the recording, {expected}")
        except BadInputError as error:
            self._on_error(error.user_message)
        else:
            self._jump(time_ns)
        self._on_done()
        self.refresh()

    def _jump(self, time_ns: int) -> None:
        if self._playback is not None and not self._playback.jump(time_ns):
            self._open_anew()

    def _choose_speed(self, place: int) -> None:
        self._set_speed(SPEEDS[place])

    def _set_speed(self, speed: float) -> None:
        if self._playback is not None:
            self._playback.speed = speed
            self.refresh()

    def _step_speed(self, step: int) -> None:
        if self._playback is not None:
            self._set_speed(next_speed(self._playback.speed, step))

    def _show_speed(self, speed: float) -> None:
        with QSignalBlocker(self.speed):
            if speed in SPEEDS:
                self.speed.setCurrentIndex(SPEEDS.index(speed))
            else:  # the command line accepts any speed
                self.speed.setPlaceholderText(speed_text(speed))
                self.speed.setCurrentIndex(-1)

    def _share(self) -> float:
        """Share of the recorded time played so far, 0 to 1."""
        assert self._playback is not None
        span = self._playback.span
        if self._playback.ended:
            return 1.0
        return min(1.0, (self._playback.now_ns - span.start_ns) / max(1, span.length_ns - 1))

    def _time_at(self, value: int) -> int:
        assert self._playback is not None
        span = self._playback.span
        return span.start_ns + max(0, span.length_ns - 1) * value // TRACK_STEPS

    def _button(self, name: str) -> QToolButton:
        button = QToolButton(self)
        button.setDefaultAction(self._actions[name])
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the chart keeps the focus
        if name == "play_or_pause":
            button.setMinimumWidth(self.fontMetrics().horizontalAdvance("Play again") + 20)  # its text changes, its size must not
        return button


def _set_text(label: QLabel | QLineEdit, text: str) -> None:
    if label.text() != text:
        label.setText(text)
