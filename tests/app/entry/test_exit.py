"""D4: the end of a process says how many trades are not recorded."""

from __future__ import annotations

import os

import pytest

from app.entry.exit import report_unrecorded
from app.storage.recording_status import RECORDING, RecordingState, RecordingStatus

FULL = RecordingStatus(RecordingState.NOT_RECORDING, "disk is full", 1200)


def test_unrecorded_trades_are_counted_for_each_market_and_exit_with_1(capfd: pytest.CaptureFixture[str]) -> None:
    assert report_unrecorded([("binance:A", 1200, FULL), ("binance:B", 1, RECORDING)], disk_hangs=False) == 1
    assert capfd.readouterr().err == (
        "tapeprint: binance:A: 1,200 trades were received but not recorded (disk is full)\n"
        "tapeprint: binance:B: 1 trade was received but not recorded\n"
    )


def test_nothing_is_said_if_all_is_recorded(capfd: pytest.CaptureFixture[str]) -> None:
    assert report_unrecorded([], disk_hangs=False) == 0
    assert capfd.readouterr().err == ""


def test_a_disk_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    left: list[int] = []
    monkeypatch.setattr(os, "_exit", left.append)
    report_unrecorded([("binance:A", 1200, FULL)], disk_hangs=True)
    assert left == [1]
    assert capfd.readouterr().err.startswith("tapeprint: binance:A: 1,200 trades")
