"""The status of recording: its state, the reason for it, and the number of trades that wait to be written."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class RecordingState(Enum):
    """The states of recording a market's new trades; the value is the text on screen."""

    OFF = ""
    """Nothing is to be recorded: a replay, or recording is switched off."""
    RECORDING = "recording"
    LOW_DISK = "low disk space"
    """Recorded, but the disk will soon be full."""
    ELSEWHERE = "recorded by another program"
    RETRYING = "retrying"
    """The last write failed or takes long; the trades wait in memory."""
    NOT_RECORDING = "not recording"
    """Writes keep failing; they are still retried."""


class RecordingStatus(NamedTuple):
    """The state of recording, the reason for it in words, and the number of trades that wait to be written."""

    state: RecordingState
    reason: str = ""
    waiting: int = 0

    @property
    def text(self) -> str:
        """The text on screen, e.g. `recording` or `not recording: disk is full, 12 trades waiting`; empty if recording is off."""
        if self.state in {RecordingState.NOT_RECORDING, RecordingState.RETRYING}:
            waiting = f", {self.waiting:,} {'trade' if self.waiting == 1 else 'trades'} waiting" if self.waiting else ""
            return f"{self.state.value}: {self.reason}{waiting}"
        return self.reason or self.state.value

    @property
    def shape(self) -> str:
        """The symbol of the state, e.g. `●`, as colour alone is not enough; empty if recording is off."""
        return _SHAPES[self.state]

    @property
    def trouble(self) -> str:
        """The text on screen if recording does not work, the disk is nearly full or another program records; else empty."""
        return "" if self.state in {RecordingState.OFF, RecordingState.RECORDING} else self.text

    @property
    def is_warning(self) -> bool:
        """True if trades cannot be written, the last write takes long, or the disk is nearly full, so that trades may be lost."""
        return self.state in {RecordingState.LOW_DISK, RecordingState.RETRYING, RecordingState.NOT_RECORDING}


_SHAPES = {
    RecordingState.OFF: "",
    RecordingState.RECORDING: "●",
    RecordingState.LOW_DISK: "▲",
    RecordingState.ELSEWHERE: "◇",
    RecordingState.RETRYING: "◐",
    RecordingState.NOT_RECORDING: "■",
}

OFF = RecordingStatus(RecordingState.OFF)
RECORDING = RecordingStatus(RecordingState.RECORDING)
