"""Whether trades are being recorded, and if not, why."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class RecordingState(Enum):
    """The recording of a market's new trades; the value is the word on screen."""

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
        """The text on screen: `recording`, `not recording: disk is full`; empty if nothing is to be recorded."""
        if self.state is RecordingState.NOT_RECORDING:
            return f"{self.state.value}: {self.reason}"
        return self.reason or self.state.value

    @property
    def trouble(self) -> str:
        """The text on screen if recording stopped, or will soon; else empty."""
        return "" if self.state in {RecordingState.OFF, RecordingState.RECORDING} else self.text

    @property
    def is_warning(self) -> bool:
        """Whether trades are lost, or will be soon, unless the user acts."""
        return self.state in {RecordingState.LOW_DISK, RecordingState.NOT_RECORDING}


OFF = RecordingStatus(RecordingState.OFF)
RECORDING = RecordingStatus(RecordingState.RECORDING)
