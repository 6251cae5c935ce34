"""The status of recording says what happens, warns where trades may be lost, and is silent where nothing is recorded."""

from __future__ import annotations

import pytest

from app.storage.recording_status import OFF, RECORDING, RecordingState, RecordingStatus

BY_ANOTHER = RecordingStatus(RecordingState.ELSEWHERE, "X is being recorded by another program")


@pytest.mark.parametrize(
    ("status", "text", "trouble", "warns"),
    [
        (OFF, "", "", False),
        (RECORDING, "recording", "", False),
        (RecordingStatus(RecordingState.LOW_DISK, "only 12 MB free"), "only 12 MB free", "only 12 MB free", True),
        (BY_ANOTHER, BY_ANOTHER.reason, BY_ANOTHER.reason, False),
        (RecordingStatus(RecordingState.RETRYING, "disk is full", 1), *["retrying: disk is full, 1 trade waiting"] * 2, True),
        (RecordingStatus(RecordingState.NOT_RECORDING, "disk is full"), *["not recording: disk is full"] * 2, True),
        (RecordingStatus(RecordingState.NOT_RECORDING, "gone", 1234), *["not recording: gone, 1,234 trades waiting"] * 2, True),
    ],
)
def test_each_state_of_recording_has_its_text_and_warning(status: RecordingStatus, text: str, trouble: str, warns: bool):
    assert (status.text, status.trouble, status.is_warning) == (text, trouble, warns)


def test_each_state_of_recording_has_a_word_and_a_shape_of_its_own():
    """D4: they can be told apart without colour."""
    shown = [state for state in RecordingState if state is not RecordingState.OFF]
    assert len({state.value for state in shown}) == len({RecordingStatus(state).shape for state in shown}) == len(shown)
