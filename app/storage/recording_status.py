"""The recording status of a market: recording, or the reason why new trades are not stored."""

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
    NOT_RECORDING = "not recording"


class RecordingStatus(NamedTuple):
    """The state of recording, and the reason for it in words."""

    state: RecordingState
    reason: str = ""

    @property
    def text(self) -> str:
        """The status as shown on screen: `recording`, `not recording: disk is full`; empty if nothing is to be recorded."""
        if self.state is RecordingState.NOT_RECORDING:
            return f"{self.state.value}: {self.reason}"
        return self.reason or self.state.value

    @property
    def trouble(self) -> str:
        """The text on screen if there is a problem with recording; empty while it works or is switched off."""
        return "" if self.state in {RecordingState.OFF, RecordingState.RECORDING} else self.text

    @property
    def is_warning(self) -> bool:
        """True if new trades are not being stored, or the disk will soon be full."""
        return self.state in {RecordingState.LOW_DISK, RecordingState.NOT_RECORDING}


OFF = RecordingStatus(RecordingState.OFF)
RECORDING = RecordingStatus(RecordingState.RECORDING)
